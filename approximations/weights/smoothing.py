"""Pareto-smoothed importance weights, and draws chosen by weights.

Vehtari, Simpson, Gelman, Yao and Gabry (2024), Pareto smoothed importance sampling,
arXiv 1507.02646; the fit itself is ArviZ's.
"""

from __future__ import annotations

import numpy as np

from .. import array_stats
from ..errors import WeightsError

_EQUAL = 1e-6  # range of log weights that rounding explains


def smoothed_weights(log_ratios: np.ndarray) -> tuple[np.ndarray, float]:
    """Smooth the upper tail of importance weights.

    Parameters
    ----------
    log_ratios : (S,) array
        Log weights; minus infinity for weight 0.

    Returns
    -------
    (S,) array
        Smoothed log weights, on the scale of the given ones (not normalised).
    float
        Pareto k-hat. Minus infinity when the largest weights are equal to rounding, so that there
        is no tail; infinity when too few draws for a tail have a positive weight.

    Raises
    ------
    WeightsError
        When all weights are 0, or one is not a number.
    """
    size = len(log_ratios)
    if wrong := int(np.sum(~(log_ratios < np.inf))):
        raise WeightsError(
            f"{wrong} of {size} importance weights are NaN or infinite: the log density, or that "
            "of the proposal, is not a finite number there. No weights can be computed."
        )
    # The tail's length as in ArviZ.
    tail = int(3 * np.sqrt(size)) if size > 225 else size // 5
    ordered = np.sort(log_ratios)
    if ordered[-1] == -np.inf:
        raise WeightsError(
            f"The posterior density is zero at all {size} pairs of draws: no proposal built on the "
            "mode overlaps the posterior. Check the model's support, or use nuts."
        )
    if ordered[-tail - 1] == -np.inf:
        return log_ratios, np.inf
    if ordered[-1] - ordered[-tail] < _EQUAL:
        return log_ratios, -np.inf
    # ArviZ takes negative log weights.
    normalised, pareto_khat = array_stats.psislw(-log_ratios)
    if not np.isfinite(pareto_khat):
        return log_ratios, np.inf
    untouched = np.argsort(log_ratios)[-tail - 1]
    scale = log_ratios[untouched] - normalised[untouched]
    return normalised + scale, float(pareto_khat)


def systematic(weights: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Systematic resampling: each point its weight's share of ``draws`` times, up or down.

    No unbiased scheme has fewer repeats (Kitagawa 1996).

    Parameters
    ----------
    weights : (S,) array
        They need not sum to 1.
    draws : int
    rng : Generator

    Returns
    -------
    (draws,) array of int
        Indices in increasing order.

    Raises
    ------
    WeightsError
        When they are not finite numbers with a positive sum.
    """
    if not (np.all(np.isfinite(weights)) and np.sum(weights) > 0):
        raise WeightsError(
            "Draws can be chosen only by weights that are finite numbers with a positive sum; "
            f"{int(np.sum(~np.isfinite(weights)))} of {len(weights)} are not finite, and the sum "
            f"is {np.sum(weights):.3g}."
        )
    edges = np.cumsum(weights)
    places = (np.arange(draws) + rng.random()) / draws
    order = np.searchsorted(edges / edges[-1], places, side="right")
    return np.minimum(order, len(edges) - 1)
