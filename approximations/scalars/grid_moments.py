"""Means, standard deviations and quantiles of named quantities, from the cells of a grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy

from ..density import LogDensity
from ..density.graphs.parameters import stands_alone
from ..limits import HEAVY_SQUARE, HEAVY_TAIL
from ..result import posterior_dataset
from ..rules.box import Box, edge_cells
from .poles import Cells, tail_inside_cells
from .quantities import flatten, scalar_at, scalars_at
from .tails import tail_index_of_distribution

PROBABILITIES = (0.025, 0.25, 0.5, 0.75, 0.975)
# Probabilities of the quantiles that a grid keeps: enough for the mass of any interval.
FINE_PROBABILITIES = tuple(k / 400 for k in range(1, 400))
# Largest ratio of what lies beyond the box to what is in its outermost fortieth, for the heaviest
# tails with a mean.
_BEYOND = 10.0
_MIDDLE = FINE_PROBABILITIES.index(0.5)
# Cells with less than this mass in total are omitted from sums over quantities.
_NEGLIGIBLE = 1e-9


@dataclass(frozen=True)
class Moments:
    """Moments of Q quantities.

    Attributes
    ----------
    quantities : tuple of str
        Labels, ``"theta[Choate]"``.
    mean, sd : (Q,) array
        NaN where the tails are too heavy for them.
    quantiles : (Q, 399) array
        At `FINE_PROBABILITIES`.
    mean_error, sd_error : (Q,) array
        Difference between sums over every other cell and over all, plus a bound on what lies beyond
        the box, from its outermost cells.
    tail_k : (Q,) array
        Index of the heavier tail.
    """

    quantities: tuple[str, ...]
    mean: np.ndarray
    sd: np.ndarray
    quantiles: np.ndarray
    mean_error: np.ndarray
    sd_error: np.ndarray
    tail_k: np.ndarray


def moments_of_grid(density: LogDensity, box: Box, weights: np.ndarray) -> Moments:
    """Compute moments of all free variables and deterministics.

    Sums over cell centres converge faster than any power of the cell width for a smooth density
    that vanishes at the edges. Quantiles of a variable that is a function of one parameter come
    from that parameter's distribution function, interpolated; the others from sorted cells, whose
    error is of the order of a cell.

    A quantity whose tail index is above `HEAVY_TAIL`, far out or inside a cell, has no mean, and
    one whose square has too heavy a tail has no sd.
    """
    flat = weights.ravel()
    kept = np.flatnonzero(flat > _NEGLIGIBLE / flat.size)
    index = np.unravel_index(kept, weights.shape)
    centres = box.centres(weights.shape)
    thetas = np.column_stack([c[i] for c, i in zip(centres, index, strict=True)])
    cells = Cells(box, weights.shape, kept, thetas)
    mass = flat[kept] / flat[kept].sum()
    values = scalars_at(density, thetas)
    exact = _quantiles_of_single_parameters(density, box, weights)
    parts = _Parts.of(index, weights.shape)
    rows, quantiles = [], []
    for label, value in values.items():
        quantiles.append(exact[label] if label in exact else _weighted_quantiles(value, mass))
        tail = tail_index_of_distribution(value, mass)
        if label not in exact:
            evaluate = partial(scalar_at, density, label)
            tail = max(tail, tail_inside_cells(cells, value, quantiles[-1][_MIDDLE], evaluate))
        rows.append((*_moments(value, mass, parts, tail), tail))
    mean, sd, mean_error, sd_error, tail_k = np.array(rows).T
    return Moments(tuple(values), mean, sd, np.array(quantiles), mean_error, sd_error, tail_k)


@dataclass(frozen=True)
class _Parts:
    """Subsets of a grid's cells, for error estimates of its sums.

    Attributes
    ----------
    grid : (n,) array of int
        Which of the 2^P grids of every other cell a cell belongs to.
    is_edge : (n,) array of bool
        Whether a cell is in the outermost fortieth of some axis.
    can_tell : bool
        Whether there are enough cells for an estimate.
    """

    grid: np.ndarray
    is_edge: np.ndarray
    can_tell: bool

    @classmethod
    def of(cls, index: tuple[np.ndarray, ...], shape: tuple[int, ...]) -> _Parts:
        grid, is_edge = np.zeros(len(index[0]), dtype=int), np.zeros(len(index[0]), dtype=bool)
        for axis, (place, size) in enumerate(zip(index, shape, strict=True)):
            grid += (place % 2) << axis
            layer = edge_cells(size)
            is_edge |= (place < layer) | (place >= size - layer)
        return cls(grid, is_edge, min(shape) >= 4)

    def error(self, terms: np.ndarray, mass: np.ndarray) -> float:
        """Error of a mean that is 0, of terms (n,) with masses (n,)."""
        if not self.can_tell:
            return np.nan
        sums, masses = (np.bincount(self.grid, weights=w) for w in (mass * terms, mass))
        apart = np.max(np.abs(sums / masses)) if np.all(masses > 0) else np.inf
        return float(apart + _BEYOND * (np.abs(terms[self.is_edge]) @ mass[self.is_edge]))


def _moments(
    value: np.ndarray, mass: np.ndarray, parts: _Parts, tail: float
) -> tuple[float, float, float, float]:
    """Mean and sd of a quantity with their errors; NaN where there are none."""
    if not tail <= HEAVY_TAIL:
        return np.nan, np.nan, np.nan, np.nan
    mean = float(mass @ value)
    away = value - mean
    sd = float(np.sqrt(mass @ away**2))
    error = parts.error(away, mass)
    if tail >= HEAVY_SQUARE:
        return mean, np.nan, error, np.nan
    return mean, sd, error, parts.error(away**2 - sd**2, mass) / (2 * sd) if sd > 0 else 0.0


def _quantiles_of_single_parameters(
    density: LogDensity, box: Box, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Quantiles of variables that are monotone functions of one parameter each, by label."""
    axes = range(weights.ndim)
    thetas = np.empty((len(FINE_PROBABILITIES), weights.ndim))
    for k in axes:
        marginal = weights.sum(axis=tuple(a for a in axes if a != k))
        thetas[:, k] = _axis_quantiles(marginal, box.low[k], box.high[k])
    values = density.unravel(thetas)
    elementwise = {
        block.name: values[block.name]
        for block in density.blocks
        if stands_alone(density.model, block)
    }
    flat = flatten(posterior_dataset(density, elementwise)) if elementwise else {}
    # A transform may be decreasing.
    return {label: np.sort(value[0]) for label, value in flat.items()}


def _axis_quantiles(marginal: np.ndarray, low: float, high: float) -> np.ndarray:
    edges = np.linspace(low, high, len(marginal) + 1)
    # A cell's mass is its centre's density and a 24th of the curvature: an error of h^4, not h^2.
    padded = np.pad(marginal, 1)
    marginal = np.maximum(marginal + np.diff(padded, n=2) / 24, 0.0)
    below = np.concatenate([[0.0], np.cumsum(marginal)]) / marginal.sum()
    rising = np.concatenate([[True], np.diff(below) > 0])
    return scipy.interpolate.PchipInterpolator(below[rising], edges[rising])(FINE_PROBABILITIES)


def _weighted_quantiles(value: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """Quantiles of a discrete distribution, interpolated between the midpoints of its steps."""
    if np.any(np.isnan(value)):
        return np.full(len(FINE_PROBABILITIES), np.nan)
    # Equal values that differ by rounding only are one step.
    finite = value[np.isfinite(value)]
    spread = np.ptp(finite) if len(finite) else 0.0
    digits = 12 - int(np.ceil(np.log10(spread))) if spread > 0 else 12
    steps, where = np.unique(np.round(value, digits), return_inverse=True)
    heights = np.bincount(where, weights=mass)
    return np.interp(FINE_PROBABILITIES, np.cumsum(heights) - heights / 2, steps)
