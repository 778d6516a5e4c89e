"""The box that a grid covers: given on the variables' own scale, or found from the posterior."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from ..density import LogDensity
from ..density.graphs.parameters import Block, stands_alone
from ..errors import BoundsError
from ..limits import MOST_CELL_ERROR
from ..linear_algebra.gaussian import Gaussian
from ..mode import Mode
from ..weights.support import is_negligible

# Largest share of the mass in the outermost fortieth of a side, for a box that is found.
EDGE_MASS = 1e-6
_EDGE_SHARE = 40
_SEARCH_POINTS = {1: 1601, 2: 161, 3: 61, 4: 31}
_MOST_WIDENINGS = 60
_CELLS_PER_BLOCK = 2**16

Bounds = Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True)
class Box:
    """Axis-aligned box in unconstrained space: ``low`` (P,) and ``high`` (P,)."""

    low: np.ndarray
    high: np.ndarray

    def centres(self, points: tuple[int, ...]) -> list[np.ndarray]:
        """Cell centres along each axis, for the given numbers of cells."""
        return [
            low + (high - low) * (np.arange(n) + 0.5) / n
            for low, high, n in zip(self.low, self.high, points, strict=True)
        ]

    def steps(self, points: tuple[int, ...]) -> np.ndarray:
        """Cell widths (P,)."""
        return (self.high - self.low) / np.asarray(points)


def given_box(density: LogDensity, bounds: Bounds) -> Box:
    """Transform bounds on the variables' own scale to unconstrained space.

    Raises
    ------
    BoundsError
        When a variable is missing or unknown, or a bound is reversed or outside the support.
    """
    names = [block.name for block in density.blocks]
    known = set(names) | {block.value_name for block in density.blocks}
    if unknown := [name for name in bounds if name not in known]:
        raise BoundsError(f"bounds name {unknown}, but the model's free variables are {names}.")
    missing = [b.name for b in density.blocks if not {b.name, b.value_name} & bounds.keys()]
    if missing:
        raise BoundsError(
            f"bounds are missing for {missing}: give (low, high) for each of {names}, or no bounds "
            "at all to have the box found."
        )
    ends = [_ends_of(density, block, bounds) for block in density.blocks]
    return Box(
        np.concatenate([low for low, _ in ends]),
        np.concatenate([high for _, high in ends]),
    )


def check_holds_mode(density: LogDensity, box: Box, mode: Mode) -> None:
    """Check that the mode lies inside the box.

    Raises
    ------
    BoundsError
        When it does not; the message names the variable and both numbers.
    """
    outside = np.flatnonzero((mode.theta < box.low) | (mode.theta > box.high))
    if outside.size:
        k = outside[0]
        raise BoundsError(
            f"The bounds exclude the posterior's mode: {density.parameters[k]} has its mode at "
            f"{mode.theta[k]:.5g}, outside [{box.low[k]:.5g}, {box.high[k]:.5g}] (unconstrained "
            "scale). Widen the box, or leave bounds out to have it found."
        )


def found_box(density: LogDensity, mode: Mode, gaussian: Gaussian) -> Box:
    """Start from the normal approximation and widen until the edges hold less than 1e-6.

    Raises
    ------
    BoundsError
        When the mass at an edge does not vanish, as with an improper posterior.
    """
    box = Box(mode.theta - 5 * gaussian.sd, mode.theta + 5 * gaussian.sd)
    points = (_SEARCH_POINTS[density.size],) * density.size
    for _ in range(_MOST_WIDENINGS):
        weights, _ = masses(evaluate_cells(density, box, points))
        marginals = marginals_of(weights)
        edges = edge_masses(marginals)
        if resolution_error(weights) > MOST_CELL_ERROR:
            raise _no_box(density, box, edges, "the cells are wider than its peak")
        if np.all(edges < EDGE_MASS):
            return _trimmed(box, marginals, points)
        box = _widened(box, edges, marginals, points)
    raise _no_box(density, box, edges, "it still holds too much")


def _no_box(density: LogDensity, box: Box, edges: np.ndarray, why: str) -> BoundsError:
    k, side = np.unravel_index(int(np.argmax(edges)), edges.shape)
    return BoundsError(
        f"No box holds the posterior: at {density.parameters[k]} = "
        f"{(box.low, box.high)[side][k]:.4g} the edge holds {edges[k, side]:.2g} of the mass, and "
        f"{why}. The posterior may be improper, have very heavy tails, or lie along a line (centre "
        "the predictors of a regression). Give bounds=, or use laplace or nuts."
    )


def masses(log_density: np.ndarray) -> tuple[np.ndarray, float]:
    """Share of the mass in each cell, and the log of the sum of the density over them."""
    top = np.max(log_density)
    shares = log_density - top
    total = np.sum(np.exp(shares, out=shares))
    shares /= total
    return shares, float(top + np.log(total))


def resolution_error(weights: np.ndarray) -> float:
    """Error of the log evidence, estimated by the grids of every other cell along all axes.

    Sums over cells converge faster than any power of their width, so where these 2^P grids disagree
    at all the cells are about as wide as what they should resolve, a ridge along a diagonal
    included. NaN with fewer than 4 cells a side.
    """
    if min(weights.shape) < 4:
        return float("nan")
    even = weights[tuple(slice(size - size % 2) for size in weights.shape)]
    parts = sums_of_every_other(even)
    # If one is zero, the error is unbounded; if all are, there is no evidence.
    if not np.min(parts) > 0:
        return float("inf") if np.max(parts) > 0 else float("nan")
    return float(np.log(np.max(parts) / np.min(parts)))


def sums_of_every_other(array: np.ndarray) -> np.ndarray:
    """Sums (2^P,) over the grids of every other cell along all axes."""
    starts = itertools.product((0, 1), repeat=array.ndim)
    return np.array([array[tuple(slice(i, None, 2) for i in start)].sum() for start in starts])


def evaluate_cells(
    density: LogDensity,
    box: Box,
    points: tuple[int, ...],
    advance: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Log density at all cell centres, as an array with one axis per parameter.

    Where it is NaN or plus infinity (terms of a sum that overflow), and negligible in all
    neighbouring cells, it is set to minus infinity: the density is zero there.

    Raises
    ------
    BoundsError
        When the log density is NaN or plus infinity next to cells where it is not negligible.
    """
    centres = box.centres(points)
    values = np.empty(points)
    # Points are generated in blocks: a mesh of them all would need P times the memory.
    for block in _blocks(points):
        piece = values[block]
        thetas = np.empty((len(points), *piece.shape))
        axes = (centre[part] for centre, part in zip(centres, block, strict=True))
        for k, along in enumerate(np.meshgrid(*axes, indexing="ij", copy=False)):
            thetas[k] = along
        flat = thetas.reshape(len(points), -1).T
        piece[...] = density.batched_value(flat, progress=advance).reshape(piece.shape)
    is_number = values < np.inf
    if not np.all(is_number):
        _check_neighbours(density, centres, values, is_number)
        values[~is_number] = -np.inf
    return values


def _blocks(points: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Cut a box into blocks of at most some 65,000 cells, to fit a cache."""
    inner = [int(np.prod(points[axis + 1 :])) for axis in range(len(points))]
    cut = next(axis for axis, cells in enumerate(inner) if cells <= _CELLS_PER_BLOCK)
    step = max(1, _CELLS_PER_BLOCK // inner[cut])
    whole = (slice(None),) * (len(points) - cut - 1)
    for outer in np.ndindex(*points[:cut]):
        for first in range(0, points[cut], step):
            yield (*(slice(i, i + 1) for i in outer), slice(first, first + step), *whole)


def _check_neighbours(
    density: LogDensity, centres: list[np.ndarray], values: np.ndarray, is_number: np.ndarray
) -> None:
    beside = scipy.ndimage.binary_dilation(~is_number) & is_number
    top = np.max(values, where=is_number, initial=-np.inf)
    highest = np.max(values, where=beside, initial=-np.inf)
    if np.isfinite(top) and is_negligible(top - highest, density.size):
        return
    # Next to the highest of these, or anywhere if there are no others.
    here = (
        scipy.ndimage.binary_dilation(beside & (values == highest))
        if np.any(beside)
        else ~is_number
    )
    index = np.argwhere(here & ~is_number)[0]
    theta = [centre[k].round(5) for centre, k in zip(centres, index, strict=True)]
    raise BoundsError(
        f"The log density is {values[tuple(index)]} at "
        f"{dict(zip(density.parameters, map(float, theta), strict=True))} (unconstrained scale), "
        "beside points where the density is high: choose bounds that exclude this point, or fix "
        "the model there."
    )


def edge_cells(size: int) -> int:
    """Number of cells along an axis in the outermost fortieth of a side."""
    return max(1, size // _EDGE_SHARE)


def edge_masses(marginals: list[np.ndarray]) -> np.ndarray:
    """Mass (P, 2) in the outermost fortieth at the low and high side of each axis."""
    layers = [edge_cells(len(marginal)) for marginal in marginals]
    return np.array([(m[:n].sum(), m[-n:].sum()) for m, n in zip(marginals, layers, strict=True)])


def marginals_of(weights: np.ndarray) -> list[np.ndarray]:
    """Mass along each axis."""
    axes = range(weights.ndim)
    return [weights.sum(axis=tuple(a for a in axes if a != k)) for k in axes]


def _trimmed(box: Box, marginals: list[np.ndarray], points: tuple[int, ...]) -> Box:
    """Trim margins of negligible mass, so that the cells cover the mass."""
    low, high, steps = box.low.copy(), box.high.copy(), box.steps(points)
    for k, marginal in enumerate(marginals):
        below, above = np.cumsum(marginal), np.cumsum(marginal[::-1])[::-1]
        inside = np.flatnonzero((below > EDGE_MASS / 10) & (above > EDGE_MASS / 10))
        low[k] = box.low[k] + max(inside[0] - 2, 0) * steps[k]
        high[k] = box.low[k] + min(inside[-1] + 3, points[k]) * steps[k]
    return Box(low, high)


def _widened(
    box: Box, edges: np.ndarray, marginals: list[np.ndarray], points: tuple[int, ...]
) -> Box:
    trimmed = _trimmed(box, marginals, points)
    width = trimmed.high - trimmed.low
    return Box(
        np.where(edges[:, 0] >= EDGE_MASS, box.low - 0.5 * width, trimmed.low),
        np.where(edges[:, 1] >= EDGE_MASS, box.high + 0.5 * width, trimmed.high),
    )


def _ends_of(density: LogDensity, block: Block, bounds: Bounds) -> tuple[np.ndarray, np.ndarray]:
    """Unconstrained ends of one variable's bounds, as flat arrays."""
    by_value = block.value_name in bounds and block.value_name != block.name
    name = block.value_name if by_value else block.name
    try:
        low, high = (np.asarray(end, dtype=float) for end in bounds[name])
    except (TypeError, ValueError) as error:
        raise BoundsError(
            f"bounds[{name!r}] must be a pair (low, high) of numbers, but {bounds[name]!r} was "
            "given."
        ) from error
    if np.any(low >= high) or np.any(np.isnan(low)) or np.any(np.isnan(high)):
        raise BoundsError(f"bounds[{name!r}] must have low < high, but ({low}, {high}) was given.")
    ends = [_unconstrained(density, block, name, end) for end in (low, high)]
    return np.minimum(*ends), np.maximum(*ends)


def _unconstrained(density: LogDensity, block: Block, name: str, end: np.ndarray) -> np.ndarray:
    if name != block.value_name and not stands_alone(density.model, block):
        raise BoundsError(
            f"{name!r} is not free entry by entry (a simplex, an ordered vector, a support that "
            f"another variable sets, ...): bound its unconstrained value {block.value_name!r} "
            "instead, or leave bounds out."
        )
    try:
        full = np.broadcast_to(end, block.shape).copy()
    except ValueError as error:
        raise BoundsError(
            f"bounds[{name!r}] do not fit the variable: an end is a number or has shape "
            f"{block.shape}, but one of shape {end.shape} was given."
        ) from error
    is_unconstrained = name == block.value_name
    ends = full.ravel() if is_unconstrained else density.initial_point({name: full})[block.slice]
    if not np.all(np.isfinite(ends)):
        raise BoundsError(
            f"bounds[{name!r}] must lie inside the variable's support and be finite, but {end} "
            "was given: it maps to infinity or nowhere."
        )
    return ends.copy()
