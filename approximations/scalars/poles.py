"""Whether a quantity is unbounded somewhere in a posterior, as a ratio is at a zero denominator.

Where the density is positive near such a pole the quantity has no mean, however little mass is
there: draws may never show it, and sums depend on the nearest point. So the quantity is evaluated
closely around the points where it is largest.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy

from ..limits import HEAVY_TAIL
from .cell_sums import CellSums
from .distribution import Distribution
from .tails import tail_index

Evaluate = Callable[[np.ndarray], np.ndarray]
"""Takes points (m, P) and gives a quantity (m,)."""

_POINTS, _PLACES = 100, 100
# Change from the largest values to those of neighbouring cells, over their size, below which the
# quantity is smooth there. Next to a pole of any kind that matters it is more than half.
_SMOOTH = 0.3
# Tail indices below which the largest of widely spread points need no check, and below which a
# check finds no pole.
_LIGHT, _LIGHT_CLOSER = 0.3, 0.5
# Mass of a normal distribution beyond the region that is checked, and the spacing of the first
# check, in sds.
_BEYOND, _CLOSE = 1e-6, 0.05
# Factor by which the second check is closer.
_CLOSER = 0.03


def tail_inside_cells(cells: CellSums, distribution: Distribution, evaluate: Evaluate) -> float:
    """Tail index of a quantity within the cells where it is furthest from its median.

    Parameters
    ----------
    cells : CellSums
    distribution : Distribution
        Values at the centres of n cells, and their masses.
    evaluate : callable

    Returns
    -------
    float
        Minus infinity where it is smooth, infinity where it is not finite at some point.
    """
    if not distribution.is_finite:
        return np.inf
    values, away = distribution.values, distribution.away
    count = min(_POINTS, len(away))
    top = np.argpartition(away, -count)[-count:]
    top = top[np.argsort(-away[top])]
    if away[top[0]] == 0 or not _is_rough(cells, values, away, top):
        return -np.inf
    places = np.random.default_rng(0).random((len(top), _PLACES, len(cells.shape))) - 0.5
    offsets = places * cells.box.steps(cells.shape)
    return _tail_around(cells.centres(top), away[top], offsets, distribution.median, evaluate)


def tail_far_out(
    thetas: np.ndarray,
    log_density: np.ndarray,
    values: np.ndarray,
    root: np.ndarray,
    evaluate: Evaluate,
) -> float:
    """Tail index of a quantity around its largest values among widely spread points.

    Parameters
    ----------
    thetas : (m, P) array
        Points spread wider than the posterior; those of negligible density are left out.
    log_density : (m,) array
        Log density of the posterior, approximately.
    values : (m,) array
        Values of the quantity.
    root : (P, P) array
        Root of the posterior's covariance.
    evaluate : callable

    Returns
    -------
    float
        Minus infinity where the values have light tails, infinity where one is not finite.
    """
    size = thetas.shape[1]
    near = log_density > np.max(log_density) - 0.5 * scipy.stats.chi2.isf(_BEYOND, size)
    if not np.all(np.isfinite(values[near])):
        return np.inf
    if not tail_index(values[None, near], independent=True) > _LIGHT:
        return -np.inf
    middle = float(np.median(values[near]))
    away = np.where(near, np.abs(np.where(near, values, middle) - middle), 0.0)
    top = np.argsort(-away)[:_POINTS]
    normals = np.random.default_rng(0).standard_normal((len(top), _PLACES, size))
    return _tail_around(thetas[top], away[top], _CLOSE * normals @ root.T, middle, evaluate)


def _tail_around(
    points: np.ndarray, away: np.ndarray, offsets: np.ndarray, middle: float, evaluate: Evaluate
) -> float:
    """Tail index of a quantity around points (m, P), at offsets (m, places, P) from them.

    Towards a pole it grows without bound, so that a closer check around the largest values finds
    heavy tails again; next to a jump it does not.
    """
    index, around, found = _look(points, away, offsets, middle, evaluate)
    if not HEAVY_TAIL < index < np.inf:
        return index
    top = np.argsort(-found)[: len(points)]
    closer, *_ = _look(around[top], found[top], _CLOSER * offsets, middle, evaluate)
    return index if closer > _LIGHT_CLOSER else closer


def _look(
    points: np.ndarray, away: np.ndarray, offsets: np.ndarray, middle: float, evaluate: Evaluate
) -> tuple[float, np.ndarray, np.ndarray]:
    """Tail index around points, with the places (m places, P) and how far the values there are."""
    around = (points[:, None, :] + offsets).reshape(-1, points.shape[1])
    found = np.abs(evaluate(around) - middle)
    if not np.all(np.isfinite(found)):
        return np.inf, around, found
    ratios = found.reshape(len(points), -1) / away[:, None]
    index = tail_index(ratios.reshape(1, -1), independent=True)
    # A few values have no tail.
    return (-np.inf if np.isnan(index) else index), around, found


def _is_rough(cells: CellSums, values: np.ndarray, away: np.ndarray, top: np.ndarray) -> bool:
    """Whether the largest values differ much from those of neighbouring cells."""
    index = np.unravel_index(cells.kept[top], cells.shape)
    for axis, size in enumerate(cells.shape):
        stride = int(np.prod(cells.shape[axis + 1 :]))
        for step in (-1, 1):
            inside = (index[axis] + step >= 0) & (index[axis] + step < size)
            wanted = cells.kept[top[inside]] + step * stride
            place = np.minimum(np.searchsorted(cells.kept, wanted), len(cells.kept) - 1)
            found = cells.kept[place] == wanted
            here = top[inside][found]
            change = np.abs(values[place[found]] - values[here])
            if np.any(change > _SMOOTH * away[here]):
                return True
    return False
