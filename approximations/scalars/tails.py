"""How heavy the tails of a quantity are: whether it has a mean that draws can estimate.

The tail index k of a generalised Pareto distribution: moments above 1 / k do not exist, and a mean
of draws converges usefully only while k is below `HEAVY_TAIL` (Vehtari et al. 2024, arXiv
1507.02646, section 3).
"""

from __future__ import annotations

import numpy as np

from .. import array_stats
from .distribution import FAR, Distribution

# Fewest distinct values that have a tail: fewer are bounded, however rare one of them.
_FEWEST_VALUES = 50
_FEWEST_CELLS = 20


def tail_index(draws: np.ndarray, *, independent: bool = False) -> float:
    """Index of the heavier tail of draws.

    Parameters
    ----------
    draws : (C, S) array
        Draws of one quantity.
    independent : bool, default False
        Whether draws are known to be independent; estimating their efficiency takes longest.

    Returns
    -------
    float
        NaN where the draws take too few values to have tails, or are not finite.
    """
    if not np.all(np.isfinite(draws)) or len(np.unique(draws)) < _FEWEST_VALUES:
        return np.nan
    efficiency = 1.0 if independent else _tail_efficiency(draws)
    return max(_right_tail(sign * draws.ravel(), efficiency) for sign in (-1, 1))


def moment_tail_index(values: np.ndarray, weights: np.ndarray, power: int) -> float:
    """Tail index of the terms of a central moment of weighted draws (n,).

    Parameters
    ----------
    values, weights : (n,) array
        The weights sum to 1; a value may be anything where its weight is 0.
    power : int
        Order of the moment.

    Returns
    -------
    float
        Minus infinity where there are too few values for a tail.
    """
    used = np.where(weights > 0, values, 0.0)
    if len(np.unique(used)) < _FEWEST_VALUES:
        return -np.inf
    terms = weights * np.abs(used - weights @ used) ** power
    return _right_tail(terms, _tail_efficiency(terms[None]))


def tail_index_of_distribution(distribution: Distribution, cells: float = 1.0) -> float:
    """Index of the far tails of a distribution that is known point by point.

    By Hill (1975), Annals of Statistics 3, from the tails that hold a thousandth of the mass:
    further out than draws reach, and without their noise.

    Parameters
    ----------
    distribution : Distribution
    cells : float, default 1
        Number of cells of a grid that a point stands for.

    Returns
    -------
    float
        Infinity where a value is not finite.
    """
    if not distribution.is_finite:
        return np.inf
    away = distribution.away
    for low, high in (distribution.tails_start, (0.0, np.inf)):
        # Only the points around the start of the tails have to be in order.
        further, between = away > high, np.flatnonzero((away >= low) & (away <= high))
        between = between[np.argsort(-away[between])]
        mass = distribution.mass[between]
        held = np.sum(distribution.mass, where=further) + np.cumsum(mass)
        if len(held) and held[0] < FAR < held[-1]:
            break
    if not len(held) or held[-1] < FAR:
        return -np.inf
    # Where a point stands for much mass, the tails start between two of them.
    start = np.interp(FAR, held - mass / 2, away[between])
    far = np.flatnonzero(away > start)
    if len(far) * cells < _FEWEST_CELLS or start == 0:
        return -np.inf
    return float(distribution.mass[far] @ np.log(away[far] / start) / FAR)


def _tail_efficiency(draws: np.ndarray) -> float:
    """Effective sample size of the tails of draws (C, S), over their number."""
    found = float(array_stats.ess(draws, method="tail", prob=0.05, relative=True))
    # Below this, the tails would include more than half of the draws.
    return max(found, 36 / draws.size) if np.isfinite(found) else 1.0


def _right_tail(values: np.ndarray, efficiency: float) -> float:
    """Pareto index of the right tail of values (n,); minus infinity where it ends in a tie."""
    size = len(values)
    enough = size * efficiency > 225
    count = int(3 * np.sqrt(size / efficiency)) if enough else size // 5  # as ArviZ has it
    top = np.partition(values, size - count)[size - count :]
    if np.min(top) == np.max(top):
        return -np.inf
    with np.errstate(all="ignore"):  # values that are tied with the first of the tail
        return float(
            array_stats.pareto_khat(
                values[None], chain_axis=0, draw_axis=1, r_eff=efficiency, tail="right"
            )
        )
