"""The rungs of the ladder: each method with its judgement, on what the rungs below have found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import xarray as xr

from ...approximations import METHODS
from ...approximations.errors import LatentFieldError
from ...approximations.importance import tree_of_pairs
from ...approximations.meter import Meter
from ...approximations.nested.latent_field import latent_field
from ...approximations.result import Record
from ...approximations.trust import chain_signs
from ...approximations.trust_words import said
from ..verdict import verdict
from ..verdict.contrasts import Contrast, contrasts_of_pairs, log_skewed_density
from ..verdict.exact_answers import errors_of, is_exact, judge_exact, judged_by_errors, own_errors
from ..verdict.reference import Reference
from ..verdict.weighing import judged_by_reference
from .chains import sampled_to_target
from .ground import Ground, Request, with_reference
from .record import Attempt, no_attempt

Climbed = tuple[Attempt, Ground]

# Most pairs of weighted draws before a rung above is tried.
_MOST_PAIRS = 16_000
_SAID = "It stands on the joint mode, too, or on weighted draws about it, and there are none."
# What more draws do not mend.
_NO_LACK = ("divergences", "BFMI", "not finite")


def by_laplace(request: Request, ground: Ground) -> Climbed:
    """The normal approximation, by weights of the common draws."""

    def contrasts(reference: Reference) -> dict[str, Contrast]:
        return contrasts_of_pairs(reference.samples, reference.pairs)

    return _by_distance("laplace", contrasts, request, ground)


def by_skew_laplace(request: Request, ground: Ground) -> Climbed:
    """The reflected normal approximation, by weights of the common draws."""

    def contrasts(reference: Reference) -> dict[str, Contrast]:
        log_density = log_skewed_density(request.density, reference.pairs)
        return contrasts_of_pairs(reference.samples, reference.pairs, log_density)

    return _by_distance("skew_laplace", contrasts, request, ground)


def by_importance(request: Request, ground: Ground) -> Climbed:
    """The weighted draws themselves, and more of them while only their number is lacking."""
    ground = with_reference(request, ground)
    reference = ground.reference
    if reference is None:
        return _without_mode(ground)
    while True:
        errors = {label: errors_of(reference.samples[label]) for label in request.quantities}
        broken = dict.fromkeys(request.quantities, reference.broken)
        table = judged_by_errors(errors, broken, request.tolerance)
        attempt = Attempt(table, partial(_tree_of_weights, request, reference))
        lacks_draws = {reason.what for reason in reference.broken} <= {"size"}
        if attempt.accepted or not lacks_draws or reference.size >= _MOST_PAIRS:
            return attempt, replace(ground, reference=reference)
        reference = reference.doubled(request.rng)


def by_nested_laplace(request: Request, ground: Ground) -> Climbed:
    """Draws of the nested approximation, weighted: exact, if their weights can be trusted."""
    try:
        latent_field(request.density)
    except LatentFieldError as failure:
        return no_attempt(f"It was skipped: {failure}"), ground
    return by_method("nested_laplace", request, ground, weights=True)


def by_nuts(request: Request, ground: Ground) -> Climbed:
    """Chains, until what is asked is known well enough; they start at all modes."""
    reference, starts = ground.reference, None
    if reference is not None and reference.others:
        modes = [reference.mode, *(other.mode for other in reference.others)]
        starts = np.array([mode.theta for mode in modes])
    found = sampled_to_target(
        request.density,
        partial(_lacking, request),
        options=request.nuts,
        starts=starts,
        rng=request.rng,
        progressbar=request.progressbar,
    )
    attempt = _judged_tree(request, found.tree)
    if found.why_stopped == "interrupted":
        attempt = replace(attempt, why_not="It was interrupted; these are the draws so far.")
    return replace(attempt, evaluations=int(found.tree.attrs["evaluations_gradient"])), ground


def by_method(name: str, request: Request, ground: Ground, **options: object) -> Climbed:
    """Any registered method, by its tree and a verdict on it."""
    method = METHODS[name]
    if "mode" in method.needs:
        ground = with_reference(request, ground)
        if ground.reference is None:
            return no_attempt(
                f"It needs the joint mode, and there is none: {ground.why_none}"
            ), ground
        options["start"] = ground.reference.mode
    options["random_seed"] = request.rng
    if method.draws != "chains":
        options["draws"] = request.draws
    return _judged_tree(request, method(request.density, **options)), ground


RUNGS: Mapping[str, Callable[[Request, Ground], Climbed]] = {
    "laplace": by_laplace,
    "skew_laplace": by_skew_laplace,
    "importance": by_importance,
    "nested_laplace": by_nested_laplace,
    "nuts": by_nuts,
}
"""The rungs that stand on what others have found; the rest are `by_method`."""


def _without_mode(ground: Ground) -> Climbed:
    """Say why there are no weighted draws; once, for all rungs that stand on them."""
    return no_attempt(ground.why_none), replace(ground, why_none=_SAID)


def _by_distance(
    name: str,
    contrasts: Callable[[Reference], dict[str, Contrast]],
    request: Request,
    ground: Ground,
) -> Climbed:
    """Judge an approximation at the mode by its distance from the posterior."""
    ground = with_reference(request, ground)
    if ground.reference is None:
        return _without_mode(ground)
    names = list(request.quantities)
    found, reference = judged_by_reference(
        contrasts,
        ground.reference,
        request.tolerance,
        names,
        request.rng,
        most=_MOST_PAIRS,
        whole=True,
    )
    make = partial(
        METHODS[name],
        request.density,
        draws=request.draws,
        start=reference.mode,
        random_seed=request.rng,
    )
    return Attempt(found.table, make), replace(ground, reference=reference)


def _tree_of_weights(request: Request, reference: Reference) -> xr.DataTree:
    """Make the tree of `importance` from the common draws."""
    meter = Meter(request.density)
    meter.fitted()
    settings = {"draws": request.draws, "pairs": reference.size, "start": reference.mode.theta}
    record = Record("importance", settings, request.random_seed)
    tree = tree_of_pairs(
        request.density, reference.mode, reference.pairs, request.draws, request.rng, record
    )
    return meter.written_into(tree)


def _judged_tree(request: Request, tree: xr.DataTree) -> Attempt:
    names = list(request.quantities)
    if is_exact(tree):
        table = judge_exact(tree, request.tolerance, names)
    else:
        found = verdict(
            tree,
            request.density,
            tolerance=request.tolerance,
            var_names=names,
            random_seed=request.rng,
        )
        table = found.table
    return Attempt(table, lambda: tree)


def _lacking(request: Request, tree: xr.DataTree) -> str | None:
    """Say what chains lack for the quantities asked about; divergences are not meant."""
    signs = chain_signs(tree, request.quantities)
    if broken := [reason for reason in signs.broken if reason.what not in _NO_LACK]:
        return said(broken)
    errors = own_errors(tree, request.quantities)
    most = request.tolerance.monte_carlo
    for label, found in errors.items():
        for error in found:
            if error.value > most:
                return f"the {error.of} of {label} is known to {error} only"
    return None
