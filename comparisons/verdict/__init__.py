"""Can this posterior be trusted, quantity by quantity? A verdict without MCMC.

An approximation is judged by its distance from the posterior: the approximation itself, not its
reweighted draws. k-hat says whether the weights used as judge can be trusted, the discrepancies
whether the approximation can. An answer that is exact up to Monte Carlo error is judged by its own
diagnostics and by that error.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr

from ...approximations.arguments import checked_arguments
from ...approximations.density import LogDensity, as_density
from ...approximations.errors import (
    NO_MODE,
    ArgumentError,
    NonFiniteDensityError,
    WeightsError,
)
from ...approximations.laplace import precision_of
from ...approximations.mode import Mode, find_mode
from ...approximations.mode.given_start import is_same_value
from ...approximations.mode.masses import mass_ratio, most_different, place_of
from ...approximations.result import generator, group_of
from ...approximations.trust_words import distrust_of
from .contrasts import (
    Contrast,
    contrasts_of_tree_and_pairs,
    draws_of,
    is_exact_in_draws,
    is_normal_at_mode,
)
from .discrepancy import discrepancies, measured
from .exact_answers import judge_exact
from .judging import DISTANCE, Tolerances, judge
from .quantities import chosen_labels, quantities_asked
from .reference import Reference, reference_sample
from .result import Verdict
from .weighing import checked_rows, judged_by_own_weights, judged_by_reference

_MOST_PAIRS = 32_000


@checked_arguments
def verdict(
    tree: xr.DataTree,
    model: pm.Model | LogDensity | None = None,
    against: xr.DataTree | None = None,
    *,
    tolerance: Tolerances | None = None,
    var_names: Sequence[str] | None = None,
    random_seed: int | np.random.Generator | None = None,
) -> Verdict:
    """Judge an approximation, quantity by quantity.

    With ``model`` the reference is a weighted sample of the posterior, drawn here without MCMC:
    antithetic pairs of draws about the mode, with importance weights (see `importance`); for a tree
    of `nested_laplace`, whose model may have no joint mode, its own draws, weighted. With
    ``against`` it is another tree: a grid, a NUTS run, weighted draws.

    An approximation is asked for its distance from the posterior. *agrees*: every discrepancy is
    inside its tolerance by several standard errors. *differs*: one is outside by as many.
    *inconclusive*: too close or too noisy to tell, or the reference cannot be trusted. *failed*:
    nothing could be measured.

    An answer that is exact up to Monte Carlo or quadrature error (a grid, weighted draws, chains)
    is asked for that error, since its distance from a reference is the noise of both. *agrees*: its
    own diagnostics hold, and the errors are small. *inconclusive*: they do not, or are not. Where a
    trusted reference contradicts it beyond the noise of both, it is asked for its distance, too.

    Column ``question`` of the table says which of the two was asked. A verdict cannot detect a mode
    that no search found, or mass where no draw fell.

    Parameters
    ----------
    tree : DataTree
    model : pymc.Model or LogDensity, optional
        The model that the tree approximates.
    against : DataTree, optional
        A tree that is trusted.
    tolerance : Tolerances, optional
    var_names : sequence of str, optional
        Variables to judge; all that both have, if None.
    random_seed : int or Generator, optional

    Returns
    -------
    Verdict
        ``str()`` of it prints the judgements and sentences.

    Raises
    ------
    ArgumentError
        When neither or both of ``model`` and ``against`` are given, the tree is not one of that
        model, or ``var_names`` hold a name without quantities to judge.
    ModeAtInfinityError, ModeNotFoundError, CurvatureError
        When the model has no mode to draw around, for an approximation. A tree of `laplace`
        supplies its own.
    NoSharedVariableError
        When there is no quantity to judge.
    """
    if (model is None) == (against is None):
        raise ArgumentError(
            "A verdict needs a judge: pass model= (the model that the tree approximates) or "
            "against= (a tree that is trusted), and not both."
        )
    started = time.perf_counter()
    if against is not None:
        found = _judged_by_tree(tree, against, tolerance, var_names)
        return replace(found, seconds=time.perf_counter() - started)
    density = as_density(model)
    before = sum(density.evaluations.values())
    if is_exact_in_draws(tree):
        found = _judged_by_own_errors(tree, density, tolerance, var_names, generator(random_seed))
    elif _has_own_weights(tree):
        found = judged_by_own_weights(tree, tolerance, var_names)
    else:
        found = _judged_by_weights(tree, density, tolerance, var_names, generator(random_seed))
    evaluations = sum(density.evaluations.values()) - before
    return replace(found, evaluations=evaluations, seconds=time.perf_counter() - started)


def _has_own_weights(tree: xr.DataTree) -> bool:
    """Whether a tree's draws can be weighted by the proposal density that it stores."""
    stores = "log_proposal" in group_of(tree, "sample_stats")
    return stores and tree.attrs.get("method") == "nested_laplace"


def _judged_by_tree(
    tree: xr.DataTree,
    against: xr.DataTree,
    tolerance: Tolerances | None,
    var_names: Sequence[str] | None,
) -> Verdict:
    rows = checked_rows(discrepancies(tree, against, var_names=var_names))
    # A quantity that is not a number fails alone.
    finite = rows.index[rows["finite"].to_numpy(dtype=bool)]
    distrust = distrust_of(against, [str(label) for label in finite])
    if is_exact_in_draws(tree):
        trusted = rows if distrust is None else None
        table = judge_exact(tree, tolerance, [str(label) for label in rows.index], trusted)
    else:
        table = judge(rows, tolerance, distrust)
    return Verdict(table, rows, np.nan, 0, 0.0)


def _judged_by_own_errors(
    tree: xr.DataTree,
    density: LogDensity,
    tolerance: Tolerances | None,
    var_names: Sequence[str] | None,
    rng: np.random.Generator,
) -> Verdict:
    """Judge an exact answer, by weighted draws of the model too, where these can be trusted."""
    known = set(quantities_asked(density, None))
    names = [label for label in chosen_labels(draws_of(tree), var_names) if label in known]
    if not names:
        checked_rows(pd.DataFrame())
    try:
        reference = reference_sample(density, _mode_of(tree, density), rng, names)
    except (*NO_MODE, WeightsError, NonFiniteDensityError):
        # Nothing to compare with: its own diagnostics remain.
        return Verdict(judge_exact(tree, tolerance, names), pd.DataFrame(), np.nan, 0, 0.0)
    pairs = reference.pairs
    rows = measured(contrasts_of_tree_and_pairs(tree, density, pairs, reference.samples), names)
    trusted = None if reference.broken else rows
    table = judge_exact(tree, tolerance, names, trusted, reference.missed)
    return Verdict(table, rows, pairs.pareto_khat, 0, 0.0, **_places(reference, reference.mode))


def _judged_by_weights(
    tree: xr.DataTree,
    density: LogDensity,
    tolerance: Tolerances | None,
    var_names: Sequence[str] | None,
    rng: np.random.Generator,
) -> Verdict:
    """Judge an approximation by weighted draws, and more of them while it is inconclusive."""
    own = _mode_of(tree, density)
    try:
        reference = reference_sample(density, own, rng, var_names)
    except (WeightsError, NonFiniteDensityError) as failure:
        table = _all_failed(tree, var_names, str(failure))
        return Verdict(table, pd.DataFrame(), np.inf, 0, 0.0)
    begin = ""
    if own is not reference.mode and "fit" in tree.children:
        begin = _of_light_mode(own, reference.mode)

    def contrasts(of: Reference) -> dict[str, Contrast]:
        return contrasts_of_tree_and_pairs(tree, density, of.pairs, of.samples)

    found, reference = judged_by_reference(contrasts, reference, tolerance, var_names, rng, begin)
    return replace(found, **_places(reference, own))


def _places(reference: Reference, own: Mode) -> dict[str, Any]:
    """What a verdict records of the modes that were found."""
    places: dict[str, Any] = {}
    if reference.others:
        second = reference.others[0].mode
        places["second_mode"] = place_of(second, most_different([reference.mode, second]))
    if own is not reference.mode:
        places["heavier_mode"] = reference.mode.theta
    return places


def _mode_of(tree: xr.DataTree, density: LogDensity) -> Mode:
    """Take the mode that a Laplace tree holds, or find it."""
    if not is_normal_at_mode(tree):
        return find_mode(density)
    fit = tree["fit"].to_dataset()
    labels = tuple(str(label) for label in fit["parameter"].values)
    theta = fit["mode"].values
    if labels != density.parameters or not is_same_value(
        density.value(theta), float(fit["logp_mode"])
    ):
        raise ArgumentError(
            f"The tree is an approximation of another model, or of other data: it has "
            f"{', '.join(labels[:6])} with log density {float(fit['logp_mode']):.6g} at its mode, "
            f"and the model has {', '.join(density.parameters[:6])}. Pass the model that it is of."
        )
    flat = np.zeros_like(theta)
    return Mode(theta, float(fit["logp_mode"]), flat, -precision_of(fit), labels, 0)


def _of_light_mode(own: Mode, mode: Mode) -> str:
    entries = most_different([own, mode])
    return (
        f"a search from the start ends at a mode with {mass_ratio(own, mode):.2g} times the mass "
        f"of that at {place_of(mode, entries)}: begin there (start=), or "
    )


def _all_failed(tree: xr.DataTree, var_names: Sequence[str] | None, why: str) -> pd.DataFrame:
    """Judge every quantity as failed, for one reason."""
    draws = draws_of(tree)
    names = chosen_labels(draws, var_names)
    row = {
        "question": DISTANCE,
        "judgement": "failed",
        "criterion": "",
        "discrepancy": np.nan,
        "error": np.nan,
    }
    table = pd.DataFrame([row | {"sentence": f"{q}: {why}"} for q in names], index=names)
    return table.rename_axis("quantity")
