"""Judge answers that are exact up to Monte Carlo or quadrature error: is that error small enough.

Weighted draws, chains, grids and quadratures are not judged by their distance from a reference, for
that is the noise of both. They are accepted when their own diagnostics hold, the error of what was
asked is small, and no trusted reference contradicts them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from ...approximations.limits import HEAVY_TAIL, HEAVY_TERMS
from ...approximations.method import method_of
from ...approximations.result import group_of
from ...approximations.trust import Broken, broken_by_quantity
from ...approximations.trust_words import said
from ..monte_carlo import Sample, samples_of_posterior
from .judging import (
    MONTE_CARLO,
    QUARTILES,
    Criterion,
    Judgement,
    Tolerances,
    criteria_of,
    judged_distance,
    judged_not_finite,
)
from .quantities import chosen_labels

# Standard error of a quartile of independent normal draws over that of their mean.
_OF_QUARTILES = 1.3626
# Standard errors beyond which an intolerable discrepancy from a reference is not taken for noise.
_DOUBT = 2.5


@dataclass(frozen=True)
class OwnError:
    """Largest error of one quantity that an exact answer has, in relation to the limit.

    Attributes
    ----------
    of : "mean", "sd" or "quartiles"
        What it is the error of; the quartiles where the tails are too heavy for moments.
    value : float
        Standard error: of the mean in sds, of the sd relative to it, of the quartiles in units of
        those that as good draws of a normal have; NaN where the quantity is not finite.
    """

    of: str
    value: float

    def __str__(self) -> str:
        """The error with its unit."""
        if self.of == "sd":
            return f"{100 * self.value:.2g} %"
        return f"{self.value:.2g} sd"


NOT_FINITE = OwnError("mean", np.nan)
"""Of a quantity that is not finite in some draws."""


def is_exact(tree: xr.DataTree) -> bool:
    """Whether a tree claims to be the posterior, up to Monte Carlo or quadrature error.

    A tree from elsewhere does if it records divergences, as samplers do.
    """
    method = method_of(tree)
    if method is not None and method.is_exact:
        return True
    return "weighted_posterior" in tree.children or "diverging" in group_of(tree, "sample_stats")


def own_errors(
    tree: xr.DataTree, var_names: Sequence[str] | None = None
) -> dict[str, tuple[OwnError, ...]]:
    """Estimate the Monte Carlo or quadrature errors of the quantities of a tree.

    Parameters
    ----------
    tree : DataTree
    var_names : sequence of str, optional
        Variables; all, if None.

    Raises
    ------
    ArgumentError
        When a variable has no quantity.
    """
    samples, fit = samples_of_posterior(tree), group_of(tree, "fit")
    by_rule = {}
    if "mean_error" in fit:
        by_rule = {str(q): fit.sel(quantity=q) for q in fit["quantity"].values}
    draws = tree["posterior"].sizes["chain"] * tree["posterior"].sizes["draw"]
    found = {}
    for label in chosen_labels(samples, var_names):
        errors = _by_rule(by_rule[label]) if label in by_rule else errors_of(samples[label])
        is_resampled = label in by_rule or "weighted_posterior" in tree.children
        found[label] = _of_draws(errors, draws) if is_resampled else errors
    return found


def errors_of(sample: Sample) -> tuple[OwnError, ...]:
    """Monte Carlo errors of mean and sd; of the quartiles, where moments do not exist."""
    used = sample.values[sample.weights > 0]
    if not np.all(np.isfinite(used)):
        return (NOT_FINITE,)
    if np.ptp(used) == 0:
        return (OwnError("mean", 0.0),)
    _, sd, of_mean, of_sd = sample.moments
    if sample.tail_index(2) < HEAVY_TAIL and np.isfinite(of_mean) and np.isfinite(of_sd):
        # Weights whose terms have no variance do not tell the sd, though it may exist.
        is_known = sample.pair is None or sample.tail_index(2) < HEAVY_TERMS
        return OwnError("mean", of_mean / sd), OwnError("sd", of_sd / sd if is_known else np.inf)
    errors = [sample.error(sample.quantile_influence(p)) / sample.spread for p in QUARTILES]
    worst = float(np.max(errors)) / _OF_QUARTILES
    # Of too few draws there is no error to be had.
    return (OwnError("quartiles", worst if np.isfinite(worst) else np.inf),)


def _by_rule(known: xr.Dataset) -> tuple[OwnError, ...]:
    """Errors of a grid; none is known of its quantiles, where moments do not exist."""
    sd, quantiles = float(known["sd"]), known["quantiles"].values
    if not np.all(np.isfinite(quantiles)):
        return (NOT_FINITE,)
    if not np.isfinite(sd) or sd == 0:
        return (OwnError("quartiles", 0.0),)
    errors = float(known["mean_error"]) / sd, float(known["sd_error"]) / sd
    return OwnError("mean", errors[0]), OwnError("sd", errors[1])


def _of_draws(errors: tuple[OwnError, ...], draws: int) -> tuple[OwnError, ...]:
    """Add the noise of draws of equal weight that stand for something more accurate."""
    noise = {
        "mean": 1 / np.sqrt(draws),
        "sd": 1 / np.sqrt(2 * draws),
        "quartiles": 1 / np.sqrt(draws),
    }
    return tuple(replace(e, value=float(np.hypot(e.value, noise[e.of]))) for e in errors)


def judge_exact(
    tree: xr.DataTree,
    tolerance: Tolerances | None = None,
    var_names: Sequence[str] | None = None,
    rows: pd.DataFrame | None = None,
    missed: tuple[Broken, ...] = (),
) -> pd.DataFrame:
    """Judge each quantity of an answer that is exact up to Monte Carlo or quadrature error.

    Parameters
    ----------
    tree : DataTree
    tolerance : Tolerances, optional
    var_names : sequence of str, optional
        Variables; all, if None.
    rows : DataFrame, optional
        Discrepancies from a trusted reference, with the noise of both in their errors.
    missed : tuple of Broken
        What is known of the posterior that the tree may have missed.

    Returns
    -------
    DataFrame
        As `tripos.comparisons.verdict.judging.judge` returns it, for the question of the "Monte
        Carlo error". A quantity that a reference contradicts is judged by its distance.
    """
    errors = own_errors(tree, var_names)
    broken = {q: (*found, *missed) for q, found in broken_by_quantity(tree, errors).items()}
    return judged_by_errors(errors, broken, tolerance, rows)


def judged_by_errors(
    errors: Mapping[str, tuple[OwnError, ...]],
    broken: Mapping[str, tuple[Broken, ...]],
    tolerance: Tolerances | None = None,
    rows: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Judge quantities by their own errors, and by reasons not to trust them; see `judge_exact`."""
    limits = tolerance or Tolerances()
    judged = {}
    for label, found in errors.items():
        row = None if rows is None or label not in rows.index else rows.loc[label]
        if row is not None and _contradicts(row, limits):
            judged[label] = judged_distance(label, row, limits)
        else:
            judged[label] = _judged(label, found, said(broken[label]), limits)
    return pd.DataFrame.from_dict(judged, orient="index").rename_axis("quantity")


def _contradicts(row: pd.Series, limits: Tolerances) -> bool:
    """Whether a discrepancy is more than the noise of both sides.

    Where it is inside its tolerance for sure that does not matter; where it looks intolerable, less
    is enough to doubt.
    """
    if not row["finite"]:
        return False
    count = limits.standard_errors
    return any(
        criterion.distance > (_DOUBT if _is_doubtful(criterion) else count) * criterion.error
        and not criterion.is_inside(count)
        for criterion in criteria_of(row, limits)
    )


def _is_doubtful(criterion: Criterion) -> bool:
    """Whether a moment or a quartile looks intolerable; masses do by the noise of exact draws."""
    return criterion.excess > 1 and not criterion.name.startswith("mass")


def _judged(
    label: str, errors: tuple[OwnError, ...], distrust: str | None, limits: Tolerances
) -> dict[str, Any]:
    worst = max(errors, key=lambda error: error.value)
    if np.isnan(worst.value):
        return judged_not_finite(label, MONTE_CARLO)
    if distrust is not None:
        return _row("inconclusive", worst, f"{label}: {distrust}")
    if np.isinf(worst.value):
        why = f"the {worst.of} of {label} cannot be told from draws with so heavy a tail; use NUTS."
        return _row("inconclusive", worst, why)
    if not worst.value <= limits.monte_carlo:
        most = OwnError(worst.of, limits.monte_carlo)
        why = f"the {worst.of} of {label} is known to {worst} only, to be at most {most}; "
        return _row("inconclusive", worst, f"{why}take more draws.")
    known = " and ".join(f"the {error.of} to {error}" for error in errors)
    note = ", and its tails are too heavy for moments" if worst.of == "quartiles" else ""
    return _row("agrees", worst, f"{label} is known up to Monte Carlo error: {known}{note}.")


def _row(judgement: Judgement, error: OwnError, sentence: str) -> dict[str, Any]:
    return {
        "question": MONTE_CARLO,
        "judgement": judgement,
        "criterion": f"error_of_{error.of}",
        "discrepancy": 0.0,
        "error": error.value,
        "sentence": sentence,
    }
