"""Sums of terms over the cells of a grid, and their errors: from every other cell, and the edge."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..rules.box import Box, edge_cells, sums_of_every_other
from ..rules.cells import Cells

# Cells with less than this mass in total are omitted from sums over quantities.
_NEGLIGIBLE = 1e-9
# Largest ratio of what lies beyond the box to what is in its outermost fortieth, for the heaviest
# tails with a mean.
_BEYOND = 10.0
_FEWEST_CELLS = 4


@dataclass(frozen=True)
class AxisSums:
    """Sums of terms that depend on one parameter: over the mass along its axis.

    Attributes
    ----------
    kept : (n,) array of int
        Cells along the axis whose mass is not negligible.
    parts : (n, 2^P) array
        Mass at each of them in each of the grids of every other cell.
    edge : (n,) array
        That in the outermost fortieth of some axis.
    can_tell : bool
        Whether there are enough cells for an error.
    """

    kept: np.ndarray
    parts: np.ndarray
    edge: np.ndarray
    can_tell: bool

    @classmethod
    def of(cls, weights: np.ndarray, axis: int) -> AxisSums:
        """Sum the mass of a grid's cells, in the shape of the grid, over all axes but one."""
        along = weights
        for other in reversed(range(weights.ndim)):
            if other != axis:
                # The new axis goes last, so that those before it keep their places.
                along = np.tensordot(along, _indicators(weights.shape[other]), axes=(other, 0))
        size, others = weights.shape[axis], weights.ndim - 1
        every_other: tuple[Any, ...] = (slice(None), *[slice(2)] * others)
        halves = along[every_other].reshape(size, -1)
        own = _indicators(size)
        parts = np.hstack([halves * own[:, :1], halves * own[:, 1:2]])
        inner = along.reshape(size, -1)[:, -1] * own[:, 2]
        mass = parts.sum(axis=1)
        edge = np.maximum(mass - inner, 0.0)
        kept = np.flatnonzero(mass > _NEGLIGIBLE / size)
        return cls(kept, parts[kept], edge[kept], min(weights.shape) >= _FEWEST_CELLS)

    @cached_property
    def mass(self) -> np.ndarray:
        """Share of the mass (n,)."""
        mass = self.parts.sum(axis=1)
        return mass / mass.sum()

    def error(self, terms: np.ndarray) -> float:
        """Error of a mean that is 0, of terms (n,)."""
        sums, masses = terms @ self.parts, self.parts.sum(axis=0)
        return _error(sums, masses, np.abs(terms) @ self.edge) if self.can_tell else np.nan


@dataclass(frozen=True)
class CellSums:
    """Sums of terms that depend on several parameters: over the cells.

    Attributes
    ----------
    box : Box
    shape : tuple of int
        Cells along each axis of it.
    kept : (n,) array of int
        Cells whose mass is not negligible, in the flattened grid, in increasing order.
    mass : (n,) array
        Their share of the mass.
    """

    box: Box
    shape: tuple[int, ...]
    kept: np.ndarray
    mass: np.ndarray

    @classmethod
    def of(cls, cells: Cells) -> CellSums:
        """Keep those of a grid's cells that are not negligible."""
        flat = cells.weights.ravel()
        kept = np.flatnonzero(flat > _NEGLIGIBLE / flat.size)
        mass = flat[kept]
        mass /= mass.sum()
        return cls(cells.box, cells.points, kept, mass)

    def centres(self, which: slice | np.ndarray) -> np.ndarray:
        """Centres (m, P) of some of the cells kept."""
        along, left = self.box.centres(self.shape), self.kept[which]
        thetas = np.empty((len(left), len(along)))
        for k in reversed(range(1, len(along))):
            outer = left // self.shape[k]
            thetas[:, k] = along[k][left - outer * self.shape[k]]
            left = outer
        thetas[:, 0] = along[0][left]
        return thetas

    @cached_property
    def _masses(self) -> np.ndarray:
        return sums_of_every_other(self._spread(self.mass))

    def _spread(self, terms: np.ndarray) -> np.ndarray:
        """Lay terms (n,) out on the grid."""
        whole = np.zeros(self.shape)
        whole.ravel()[self.kept] = terms
        return whole

    def error(self, terms: np.ndarray) -> float:
        """Error of a mean that is 0, of terms (n,)."""
        if min(self.shape) < _FEWEST_CELLS:
            return np.nan
        whole = self._spread(self.mass * terms)
        sums = sums_of_every_other(whole)
        layers = [edge_cells(size) for size in self.shape]
        inner = tuple(slice(n, size - n) for n, size in zip(layers, self.shape, strict=True))
        np.abs(whole, out=whole)
        return _error(sums, self._masses, max(float(whole.sum() - whole[inner].sum()), 0.0))


def _indicators(size: int) -> np.ndarray:
    """Columns (size, 3) that sum over an axis' even cells, odd ones, and those not at its edge."""
    place, layer = np.arange(size), edge_cells(size)
    is_inner = (place >= layer) & (place < size - layer)
    return np.column_stack([place % 2 == 0, place % 2 == 1, is_inner]).astype(float)


def _error(sums: np.ndarray, masses: np.ndarray, at_edge: float) -> float:
    apart = np.max(np.abs(sums / masses)) if np.all(masses > 0) else np.inf
    return float(apart + _BEYOND * at_edge)
