"""Can this posterior be trusted, quantity by quantity? A verdict without MCMC.

The approximation itself is judged, not its reweighted draws: k-hat says whether the weights used as
judge can be trusted, and the discrepancies whether the approximation can.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr

from ...approximations.arguments import checked_arguments
from ...approximations.density import LogDensity, as_density
from ...approximations.errors import (
    ArgumentError,
    NonFiniteDensityError,
    NoSharedVariableError,
    WeightsError,
)
from ...approximations.laplace import precision_of
from ...approximations.mode import Mode, find_mode
from ...approximations.mode.masses import mass_ratio, most_different, place_of
from ...approximations.mode.several import heaviest_mode
from ...approximations.result import generator
from ...approximations.scalars.quantities import flatten
from ...approximations.trust import broken_by_weights
from ...approximations.trust_words import distrust_of, said
from ...approximations.weights.kept import KeptWeights, weights_of_ratios
from ...approximations.weights.pairs import WeightedPairs
from ...approximations.weights.unseen import unseen_share
from ...approximations.weights.weighting import more_pairs, weighted_pairs
from .contrasts import contrasts_of_weights, is_normal_at_mode
from .discrepancy import chosen_labels, discrepancies, measured
from .judging import Tolerances, judge
from .result import Verdict

_PAIRS, _MOST_PAIRS = 4000, 32_000


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

    *agrees*: every discrepancy is inside its tolerance by several standard errors. *differs*: one
    is outside by as many. *inconclusive*: too close or too noisy to tell, or the reference cannot
    be trusted. *failed*: nothing could be measured, or the posterior has a second mode. A verdict
    cannot detect a mode that no search found, or mass where no draw fell.

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
        When the model has no mode to draw around. A tree of `laplace` supplies its own.
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
        rows = _checked(discrepancies(tree, against, var_names=var_names))
        # A quantity that is not a number fails alone.
        finite = rows.index[rows["finite"].to_numpy(dtype=bool)]
        table = judge(rows, tolerance, distrust_of(against, [str(label) for label in finite]))
        return Verdict(table, rows, np.nan, 0, time.perf_counter() - started)
    density = as_density(model)
    before = sum(density.evaluations.values())
    if tree.attrs.get("method") == "nested_laplace":
        found = _judged_by_own_weights(tree, tolerance, var_names)
    else:
        found = _judged_by_weights(tree, density, tolerance, var_names, generator(random_seed))
    evaluations = sum(density.evaluations.values()) - before
    return replace(found, evaluations=evaluations, seconds=time.perf_counter() - started)


def _judged_by_weights(
    tree: xr.DataTree,
    density: LogDensity,
    tolerance: Tolerances | None,
    var_names: Sequence[str] | None,
    rng: np.random.Generator,
) -> Verdict:
    own = _mode_of(tree, density)
    mode, others = heaviest_mode(density, own, rng)
    if others:
        second = others[0].mode if mode is own else mode
        place = place_of(second, most_different([own, second]))
        table = _all_failed(tree, var_names, _of_second_mode(place, mass_ratio(second, own)))
        return Verdict(table, pd.DataFrame(), np.nan, 0, 0.0, place)
    remedy = _of_light_mode(own, mode) if mode is not own and "fit" in tree.children else ""
    try:
        found = _judged_by_pairs(tree, density, mode, remedy, tolerance, var_names, rng)
        return found if mode is own else replace(found, heavier_mode=mode.theta)
    except (WeightsError, NonFiniteDensityError) as failure:
        table = _all_failed(tree, var_names, str(failure))
        return Verdict(table, pd.DataFrame(), np.inf, 0, 0.0)


def _judged_by_own_weights(
    tree: xr.DataTree, tolerance: Tolerances | None, var_names: Sequence[str] | None
) -> Verdict:
    """Weight a tree's draws to the posterior, by the proposal density that it stores."""
    stats = tree["sample_stats"].to_dataset()
    if "log_proposal" not in stats:
        raise ArgumentError(
            "The draws of this tree are resampled by their weights already, and nothing is left to "
            "judge them by: its pareto_khat says whether they can be trusted. Pass against= (a "
            "tree that is trusted), or a tree of nested_laplace with weights=False."
        )
    kept = weights_of_ratios((stats["lp"] - stats["log_proposal"]).values.ravel())
    rows = _checked(measured(contrasts_of_weights(tree, kept.weights), var_names))
    table = judge(rows, tolerance, _distrust_of(kept))
    return Verdict(table, rows, kept.pareto_khat, 0, 0.0)


def _judged_by_pairs(
    tree: xr.DataTree,
    density: LogDensity,
    mode: Mode,
    remedy: str,
    tolerance: Tolerances | None,
    var_names: Sequence[str] | None,
    rng: np.random.Generator,
) -> Verdict:
    """Draw weighted pairs, and more of them while quantities are inconclusive."""
    gaussian = mode.gaussian
    pairs = weighted_pairs(density, mode, gaussian, pairs=_PAIRS, rng=rng)
    unseen = unseen_share(density, gaussian, pairs, rng)
    rows = _checked(discrepancies(tree, pairs, density, var_names))
    while True:
        distrust = _distrust_of(pairs, unseen)
        table = judge(rows, tolerance, distrust, remedy + _remedy(pairs))
        undecided = list(table.index[table["judgement"] == "inconclusive"])
        size = len(pairs.log_weights)
        if size >= _MOST_PAIRS or distrust is not None or not undecided:
            return Verdict(table, rows, pairs.pareto_khat, 0, 0.0)
        pairs = more_pairs(density, gaussian, pairs, size, rng)
        again = discrepancies(tree, pairs, density, undecided)
        rows = pd.concat([rows.drop(index=undecided), again]).loc[rows.index]


def _distrust_of(weights: KeptWeights | WeightedPairs, unseen: float = 0.0) -> str | None:
    """Say why the weights cannot be trusted, given the mass they missed, and what to use."""
    size = weights.effective_sample_size
    why = said(broken_by_weights(weights.pareto_khat, size, unseen=unseen))
    return None if why is None else f"{why}; use NUTS"


def _mode_of(tree: xr.DataTree, density: LogDensity) -> Mode:
    """Take the mode that a Laplace tree holds, or find it."""
    if not is_normal_at_mode(tree):
        return find_mode(density)
    fit = tree["fit"].to_dataset()
    labels = tuple(str(label) for label in fit["parameter"].values)
    theta = fit["mode"].values
    if labels != density.parameters or not np.isclose(density.value(theta), fit["logp_mode"]):
        raise ArgumentError(
            f"The tree is an approximation of another model, or of other data: it has "
            f"{', '.join(labels[:6])} with log density {float(fit['logp_mode']):.6g} at its mode, "
            f"and the model has {', '.join(density.parameters[:6])}. Pass the model that it is of."
        )
    flat = np.zeros_like(theta)
    return Mode(theta, float(fit["logp_mode"]), flat, -precision_of(fit), labels, 0)


def _remedy(pairs: WeightedPairs) -> str:
    return f"use the reweighted draws of importance (k-hat {pairs.pareto_khat:.1f}) or NUTS"


def _of_light_mode(own: Mode, mode: Mode) -> str:
    entries = most_different([own, mode])
    return (
        f"a search from the start ends at a mode with {mass_ratio(own, mode):.2g} times the mass "
        f"of that at {place_of(mode, entries)}: begin there (start=), or "
    )


def _of_second_mode(place: str, relative_mass: float) -> str:
    return (
        f"the posterior has another mode, at {place}, with {relative_mass:.2g} times the "
        "mass of this one by its own normal approximation, so a single normal cannot hold it; see "
        "find_modes, and use NUTS with several chains, or a model that separates the modes"
    )


def _all_failed(tree: xr.DataTree, var_names: Sequence[str] | None, why: str) -> pd.DataFrame:
    """Judge every quantity as failed, for one reason."""
    draws = flatten(tree["posterior"].to_dataset())
    names = chosen_labels(draws, var_names)
    row = {"judgement": "failed", "criterion": "", "discrepancy": np.nan, "error": np.nan}
    table = pd.DataFrame([row | {"sentence": f"{q}: {why}"} for q in names], index=names)
    return table.rename_axis("quantity")


def _checked(rows: pd.DataFrame) -> pd.DataFrame:
    if rows.empty:
        raise NoSharedVariableError(
            "There is no quantity to judge: the tree and what it is judged by share no posterior "
            "variable, or var_names leaves none."
        )
    return rows
