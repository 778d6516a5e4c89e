"""Colouring: columns of a sparse symmetric matrix that one product recovers together.

Curtis, Powell and Reid (1974), On the estimation of sparse Jacobian matrices; Coleman and Moré
(1984), Estimation of sparse Hessian matrices and graph coloring problems.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csc_array

# Largest number of full columns (hubs): with more, nothing would be gained.
_MOST_HUBS = 1000


@dataclass(frozen=True)
class Colouring:
    """Groups of columns whose nonzeros share no row, so that their sum determines each of them.

    Attributes
    ----------
    structure : (P, P) csc_array of bool
        The symmetric pattern.
    hubs : (H,) array of int
        Columns with so many nonzeros that each is its own group, and by symmetry a row, too.
    colours : (P,) array of int
        Group of each other column, from 0 on; -1 for hubs.
    """

    structure: csc_array
    hubs: np.ndarray
    colours: np.ndarray

    @property
    def count(self) -> int:
        """Number of products that determine the matrix: colours and hubs."""
        return len(self.hubs) + int(self.colours.max(initial=-1)) + 1

    @cached_property
    def groups(self) -> np.ndarray:
        """Group (P,) of each column: hubs first, then colours."""
        groups = self.colours + len(self.hubs)
        groups[self.hubs] = np.arange(len(self.hubs))
        return groups

    def seed(self, group: int) -> np.ndarray:
        """Sum of the unit vectors (P,) of a group's columns."""
        return (self.groups == group).astype(float)

    @cached_property
    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """Where each nonzero is read from the products: the group and the entry.

        An entry and its mirror image are read at the same place, so the matrix is symmetric.
        """
        columns = np.repeat(np.arange(len(self.groups)), np.diff(self.structure.indptr))
        low = np.minimum(self.structure.indices, columns)
        high = np.maximum(self.structure.indices, columns)
        # A hub's product is its whole column; in a colour's, the rows of hubs are sums.
        column = np.where(self.colours[low] < 0, low, high)
        return self.groups[column], low + high - column

    @cached_property
    def order(self) -> tuple[np.ndarray, np.ndarray]:
        """Nonzeros sorted by group, and the start of each group, and the end of the last."""
        groups = self.places[0]
        order = np.argsort(groups, kind="stable")
        return order, np.searchsorted(groups[order], np.arange(self.count + 1))


def coloured(structure: csc_array, most: int) -> Colouring | None:
    """Group the columns of a sparse symmetric matrix.

    Parameters
    ----------
    structure : (P, P) csc_array of bool
    most : int
        Largest number of products worth taking.

    Returns
    -------
    Colouring or None
        The one with the fewest products among those tried: without hubs, with as many as the
        degrees suggest, and with so many that no two other columns share a row. None when it needs
        more than ``most``.
    """
    tried = [_with_hubs(structure, hubs) for hubs in _candidates(structure, most)]
    best = min(tried, key=lambda colouring: colouring.count, default=None)
    return best if best is not None and best.count <= most else None


def _candidates(structure: csc_array, most: int) -> Iterator[np.ndarray]:
    """Sets of hubs worth trying: a column with d nonzeros needs d groups, unless it is a hub."""
    degrees = np.diff(structure.indptr).astype(np.int64)
    hubs: list[int] = []
    # Least number of groups given the first hubs, from none on.
    least = [int(degrees.max(initial=0))]
    while least[-1] > len(hubs) + 1 and len(hubs) < min(*least, most, _MOST_HUBS):
        hub = int(np.argmax(degrees))
        hubs.append(hub)
        degrees[structure.indices[structure.indptr[hub] : structure.indptr[hub + 1]]] -= 1
        degrees[hub] = 0
        least.append(len(hubs) + int(degrees.max(initial=0)))
    for count in sorted({0, int(np.argmin(least)), len(hubs)}):
        if least[count] <= most:
            yield np.sort(np.array(hubs[:count], dtype=np.int64))


def _with_hubs(structure: csc_array, hubs: np.ndarray) -> Colouring:
    others = np.ones(structure.shape[0], dtype=bool)
    others[hubs] = False
    rest = structure[others][:, others]
    colours = np.full(structure.shape[0], -1)
    colours[others] = _first_fit(rest.indptr.tolist(), rest.indices.tolist())
    return Colouring(structure, hubs, colours)


def _first_fit(starts: list[int], rows: list[int]) -> list[int]:
    """Give each column in turn the first colour that no other column in its rows has.

    The colours used in a row are the bits of an integer, so that a row is checked at once.
    """
    met = [0] * (len(starts) - 1)
    colours = []
    for column in range(len(met)):
        mine = rows[starts[column] : starts[column + 1]]
        taken = 0
        for row in mine:
            taken |= met[row]
        free = ~taken & (taken + 1)
        for row in mine:
            met[row] |= free
        colours.append(free.bit_length() - 1)
    return colours
