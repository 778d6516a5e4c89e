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
from ...approximations.limits import FEWEST_WEIGHTED
from ...approximations.meter import Meter
from ...approximations.nested.latent_field import latent_field
from ...approximations.result import Record
from ...approximations.trust import Broken, chain_signs
from ...approximations.trust_words import said
from ..verdict import verdict
from ..verdict.contrasts import (
    Contrast,
    contrasts_of_pairs,
    contrasts_of_samples,
    log_skewed_density,
)
from ..verdict.discrepancy import measured
from ..verdict.exact_answers import (
    OwnError,
    errors_of,
    is_exact,
    judge_exact,
    judged_by_errors,
    own_errors,
)
from ..verdict.reference import Reference
from ..verdict.weighing import judged_by_reference
from .chains import sampled_to_target
from .record import Attempt, no_attempt
from .shared import Request, Shared, with_reference

Outcome = tuple[Attempt, Shared]

# Most pairs of weighted draws for judging approximations, and as an answer of their own: they cost
# less than chains of some thousand steps.
_MOST_TO_JUDGE, _MOST_PAIRS = 16_000, 64_000
_TOO = "It stands on the joint mode, too, or on weighted draws about it, and there are none."
# What more draws do not mend.
_NO_LACK = ("divergences", "BFMI", "not finite")


def by_laplace(request: Request, shared: Shared) -> Outcome:
    """The normal approximation, by weights of the common draws."""

    def contrasts(reference: Reference) -> dict[str, Contrast]:
        return contrasts_of_pairs(reference.samples, reference.pairs)

    return _by_distance("laplace", contrasts, request, shared)


def by_skew_laplace(request: Request, shared: Shared) -> Outcome:
    """The reflected normal approximation, by weights of the common draws."""

    def contrasts(reference: Reference) -> dict[str, Contrast]:
        log_density = log_skewed_density(request.density, reference.pairs)
        return contrasts_of_pairs(reference.samples, reference.pairs, log_density)

    return _by_distance("skew_laplace", contrasts, request, shared)


def by_importance(request: Request, shared: Shared) -> Outcome:
    """The weighted draws themselves, and more of them where their number is all that is lacking."""
    shared = with_reference(request, shared)
    reference = shared.reference
    if reference is None:
        return _without_mode(shared)
    while True:
        errors = {label: errors_of(reference.samples[label]) for label in request.quantities}
        broken = dict.fromkeys(request.quantities, reference.broken)
        table = judged_by_errors(errors, broken, request.tolerance)
        attempt = Attempt(table, partial(_tree_of_weights, request, reference))
        is_decided = attempt.accepted or "failed" in set(table["judgement"])
        if is_decided or _wanted_pairs(request, reference, errors) > _MOST_PAIRS:
            return attempt, replace(shared, reference=reference)
        reference = reference.doubled(request.rng)


def _wanted_pairs(
    request: Request, reference: Reference, errors: Mapping[str, tuple[OwnError, ...]]
) -> float:
    """Estimate how many pairs would be enough; infinite, where more are no remedy."""
    if not {reason.what for reason in reference.broken} <= {"size"}:
        return np.inf
    worst = max(error.value for found in errors.values() for error in found)
    of_error = (worst / request.tolerance.monte_carlo) ** 2
    of_size = FEWEST_WEIGHTED / reference.pairs.effective_sample_size
    return reference.size * max(of_error, of_size, 2.0)


def by_nested_laplace(request: Request, shared: Shared) -> Outcome:
    """Draws of the nested approximation, weighted: exact, if their weights can be trusted."""
    try:
        latent_field(request.density)
    except LatentFieldError as failure:
        return no_attempt(f"It was skipped: {failure}"), shared
    return by_method("nested_laplace", request, shared, weights=True)


def by_nuts(request: Request, shared: Shared) -> Outcome:
    """Chains, until what is asked is known well enough; they start at all modes."""
    reference, starts = shared.reference, None
    if reference is not None and reference.others and "initvals" not in request.nuts:
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
    attempt = _judged_tree(request, shared, found.tree)
    if found.why_stopped == "interrupted":
        said = "It was interrupted; these are the draws so far."
        attempt = replace(attempt, why_not=said, is_interrupted=True)
    return replace(attempt, evaluations=int(found.tree.attrs["evaluations_gradient"])), shared


def by_method(name: str, request: Request, shared: Shared, **options: object) -> Outcome:
    """Any registered method, by its tree and a verdict on it."""
    method = METHODS[name]
    if "mode" in method.needs:
        shared = with_reference(request, shared)
        if shared.reference is None:
            return _without_mode(shared)
        options["start"] = shared.reference.mode
    options["random_seed"] = request.rng
    if method.draws != "chains":
        options["draws"] = request.draws
    return _judged_tree(request, shared, method(request.density, **options)), shared


RUNGS: Mapping[str, Callable[[Request, Shared], Outcome]] = {
    "laplace": by_laplace,
    "skew_laplace": by_skew_laplace,
    "importance": by_importance,
    "nested_laplace": by_nested_laplace,
    "nuts": by_nuts,
}
"""The rungs that stand on what others have found; the rest are `by_method`."""


def _without_mode(shared: Shared) -> Outcome:
    """Say why there are no weighted draws; once, for all rungs that stand on them."""
    return no_attempt(shared.why_not), replace(shared, why_not=_TOO)


def _by_distance(
    name: str,
    contrasts: Callable[[Reference], dict[str, Contrast]],
    request: Request,
    shared: Shared,
) -> Outcome:
    """Judge an approximation at the mode by its distance from the posterior."""
    shared = with_reference(request, shared)
    if shared.reference is None:
        return _without_mode(shared)
    names = list(request.quantities)
    found, reference = judged_by_reference(
        contrasts,
        shared.reference,
        request.tolerance,
        names,
        request.rng,
        most=_MOST_TO_JUDGE,
        whole=True,
    )
    make = partial(
        METHODS[name],
        request.density,
        draws=request.draws,
        start=reference.mode,
        random_seed=request.rng,
    )
    return Attempt(found.table, make), replace(shared, reference=reference)


def _tree_of_weights(request: Request, reference: Reference) -> xr.DataTree:
    """Make the tree of `importance` from the common draws."""
    meter = Meter(request.density)
    meter.spent(value=reference.pairs.evaluations)
    meter.fitted()
    settings = {"draws": request.draws, "pairs": reference.size, "start": reference.mode.theta}
    record = Record("importance", settings, request.random_seed)
    tree = tree_of_pairs(
        request.density, reference.mode, reference.pairs, request.draws, request.rng, record
    )
    return meter.written_into(tree)


def _judged_tree(request: Request, shared: Shared, tree: xr.DataTree) -> Attempt:
    """Judge a tree; an exact one by its own error, and by the weighted draws that there are."""
    names, reference = list(request.quantities), shared.reference
    if not is_exact(tree):
        found = verdict(
            tree,
            request.density,
            tolerance=request.tolerance,
            var_names=names,
            random_seed=request.rng,
        )
        return Attempt(found.table, lambda: tree)
    rows, missed = None, tuple[Broken, ...]()
    if reference is not None:
        missed = reference.missed
        if not reference.broken:
            rows = measured(contrasts_of_samples(tree, reference.samples), names)
    return Attempt(judge_exact(tree, request.tolerance, names, rows, missed), lambda: tree)


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
