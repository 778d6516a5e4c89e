"""Means, standard deviations and quantiles of named quantities, from the cells of a grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy

from ..density import LogDensity
from ..density.graphs.parameters import Block, stands_alone
from ..limits import HEAVY_SQUARE, HEAVY_TAIL
from ..result import posterior_dataset
from ..rules.cells import Cells
from .cell_sums import AxisSums, CellSums
from .distribution import FINE_PROBABILITIES, Distribution
from .poles import tail_inside_cells
from .quantities import flatten, scalar_at, scalars_at
from .tails import tail_index_of_distribution

PROBABILITIES = (0.025, 0.25, 0.5, 0.75, 0.975)
# Cells at a time, to fit a cache.
_CELLS = 2**15
_Row = tuple[tuple[float, float, float, float, float], np.ndarray]
"""Mean, sd, their errors and the tail index of a quantity; and its quantiles."""


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


def moments_of_grid(density: LogDensity, cells: Cells) -> Moments:
    """Compute moments of all free variables and deterministics.

    Sums over cell centres converge faster than any power of the cell width for a smooth density
    that vanishes at the edges. Variables that are a function of one parameter need the mass along
    its axis only, and their quantiles come from its distribution function, interpolated; those of
    the others come from sorted cells, whose error is of the order of a cell.

    A quantity whose tail index is above `HEAVY_TAIL`, far out or inside a cell, has no mean, and
    one whose square has too heavy a tail has no sd.
    """
    alone = [block for block in density.blocks if stands_alone(density.model, block)]
    labels, rows = _of_single_parameters(density, cells, alone)
    if others := set(density.variables) - {block.name for block in alone}:
        rows |= _of_several_parameters(density, cells, others)
    mean, sd, mean_error, sd_error, tail_k = np.array([rows[label][0] for label in labels]).T
    quantiles = np.array([rows[label][1] for label in labels])
    return Moments(labels, mean, sd, quantiles, mean_error, sd_error, tail_k)


def _of_single_parameters(
    density: LogDensity, cells: Cells, alone: list[Block]
) -> tuple[tuple[str, ...], dict[str, _Row]]:
    """Labels of all quantities; rows of variables whose entries are functions of their own only."""
    along, number = cells.box.centres(cells.points), len(FINE_PROBABILITIES)
    thetas = np.empty((number + max(cells.points), density.size))
    for k, (marginal, centres) in enumerate(zip(cells.marginals, along, strict=True)):
        thetas[:number, k] = _axis_quantiles(marginal, cells.box.low[k], cells.box.high[k])
        thetas[number:, k] = np.resize(centres, max(cells.points))
    values = scalars_at(density, thetas)
    rows: dict[str, _Row] = {}
    for label, k in _places_of(density, alone).items():
        sums = AxisSums.of(cells.weights, k)
        at_centres = Distribution(values[label][number:][sums.kept], sums.mass)
        tail = tail_index_of_distribution(at_centres, cells.weights.size / cells.points[k])
        # A transform may be decreasing.
        rows[label] = _moments(at_centres, sums, tail), np.sort(values[label][:number])
    return tuple(values), rows


def _of_several_parameters(density: LogDensity, cells: Cells, names: set[str]) -> dict[str, _Row]:
    """Rows of the entries of some variables."""
    sums = CellSums.of(cells)
    rows: dict[str, _Row] = {}
    for label, value in _values_at(density, sums, names).items():
        distribution = Distribution(value, sums.mass)
        tail = tail_index_of_distribution(distribution)
        evaluate = partial(scalar_at, density, label)
        tail = max(tail, tail_inside_cells(sums, distribution, evaluate))
        rows[label] = _moments(distribution, sums, tail), distribution.quantiles
    return rows


def _values_at(density: LogDensity, sums: CellSums, names: set[str]) -> dict[str, np.ndarray]:
    """Values (n,) of the entries of some variables at the centres of cells, by label."""
    values: dict[str, np.ndarray] = {}
    for first in range(0, len(sums.kept), _CELLS):
        part = slice(first, first + _CELLS)
        # All variables: a function of some would have to be compiled.
        pieces = density.unravel(sums.centres(part))
        for name in names:
            if first == 0:
                shape = (len(sums.kept), *pieces[name].shape[1:])
                values[name] = np.empty(shape, pieces[name].dtype)
            values[name][part] = pieces[name]
    scalars = flatten(posterior_dataset(density, values))
    return {label: value[0] for label, value in scalars.items()}


def _moments(
    distribution: Distribution, sums: AxisSums | CellSums, tail: float
) -> tuple[float, float, float, float, float]:
    """Mean and sd of a quantity with their errors, NaN where there are none; and its tail index."""
    if not tail <= HEAVY_TAIL:
        return np.nan, np.nan, np.nan, np.nan, tail
    mean = float(distribution.mass @ distribution.values)
    away = distribution.values - mean
    variance = float(distribution.mass @ away**2)
    sd, error = float(np.sqrt(variance)), sums.error(away)
    if tail >= HEAVY_SQUARE:
        return mean, np.nan, error, np.nan, tail
    sd_error = sums.error(away**2 - variance) / (2 * sd) if sd > 0 else 0.0
    return mean, sd, error, sd_error, tail


def _places_of(density: LogDensity, blocks: list[Block]) -> dict[str, int]:
    """Position in ``theta`` of each entry of some free variables, by label."""
    point = density.unravel(density.initial_point()[None])
    named = {block.name: point[block.name] for block in blocks}
    labels = flatten(posterior_dataset(density, named)) if named else {}
    places = [k for block in blocks for k in range(block.slice.start, block.slice.stop)]
    return dict(zip(labels, places, strict=True))


def _axis_quantiles(marginal: np.ndarray, low: float, high: float) -> np.ndarray:
    edges = np.linspace(low, high, len(marginal) + 1)
    # A cell's mass is its centre's density and a 24th of the curvature: an error of h^4, not h^2.
    padded = np.pad(marginal, 1)
    marginal = np.maximum(marginal + np.diff(padded, n=2) / 24, 0.0)
    below = np.concatenate([[0.0], np.cumsum(marginal)]) / marginal.sum()
    rising = np.concatenate([[True], np.diff(below) > 0])
    return scipy.interpolate.PchipInterpolator(below[rising], edges[rising])(FINE_PROBABILITIES)
