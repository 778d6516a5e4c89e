"""Which parameters each entry of an array depends on, as arrays are rearranged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from scipy.sparse import csr_array

# Pairs of entry and parameter (5 bytes each) beyond which one set serves all entries.
_MOST_PAIRS = 2**24


@dataclass(frozen=True)
class Dependence:
    """What the entries of an array may depend on: a superset.

    Attributes
    ----------
    shape : tuple of int
        Shape of the array.
    rows : (size, P) csr_array of bool
        A row for each entry, in C order: the parameters that this entry depends on.
    common : (P,) array of bool
        Parameters that all entries may depend on, such as the variance of all group effects. They
        are not repeated in the rows.
    """

    shape: tuple[int, ...]
    rows: csr_array
    common: np.ndarray

    @property
    def size(self) -> int:
        """Number of entries of the array."""
        return self.rows.shape[0]

    @property
    def parameters(self) -> int:
        """Number of parameters, P."""
        return self.rows.shape[1]

    def reshaped(self, shape: tuple[int, ...]) -> Dependence:
        """Return the same entries, in the same order, in another shape."""
        return Dependence(shape, self.rows, self.common)

    def pattern(self) -> csr_array:
        """Return all that each entry depends on, as rows (size, P), including ``common``."""
        return _lowered(self, np.zeros_like(self.common)).rows

    def any_entry(self) -> np.ndarray:
        """Parameters (P,) that at least one entry depends on, as a mask."""
        mask = self.common.copy()
        mask[self.rows.indices] = True
        return mask


def none(shape: tuple[int, ...], parameters: int) -> Dependence:
    """Describe an array that depends on no parameter."""
    rows = csr_array((prod(shape), parameters), dtype=bool)
    return Dependence(shape, rows, np.zeros(parameters, dtype=bool))


def alike(shape: tuple[int, ...], common: np.ndarray) -> Dependence:
    """Describe an array whose entries all depend on the same parameters, a mask (P,)."""
    return Dependence(shape, none(shape, len(common)).rows, common)


def of_theta(parameters: int) -> Dependence:
    """Describe ``theta`` (P,) itself: each entry depends on itself."""
    rows = _csr(np.arange(parameters + 1), np.arange(parameters), parameters)
    return Dependence((parameters,), rows, np.zeros(parameters, dtype=bool))


def taken(source: Dependence, positions: np.ndarray) -> Dependence:
    """Describe an array whose entries are entries of another.

    Parameters
    ----------
    source : Dependence
    positions : array of int
        In the new array's shape: the flat position of each entry in the source, or -1 for one
        that depends on nothing.
    """
    flat = positions.ravel()
    if flat.size and flat.min() == flat.max():
        common = source.common.copy()
        if flat[0] >= 0:
            common[source.rows.indices[slice(*source.rows.indptr[flat[0] : flat[0] + 2])]] = True
        return alike(positions.shape, common)
    counts = np.append(np.diff(source.rows.indptr), 0)[flat]
    if counts.sum() > _MOST_PAIRS:
        return alike(positions.shape, source.any_entry())
    starts = np.append(source.rows.indptr[:-1], 0)[flat]
    ends = np.cumsum(counts)
    where = np.repeat(starts - (ends - counts), counts) + np.arange(counts.sum())
    indptr = np.concatenate([[0], ends])
    rows = _csr(indptr, source.rows.indices[where], source.parameters)
    return Dependence(positions.shape, rows, source.common)


def broadcast(source: Dependence, shape: tuple[int, ...]) -> Dependence:
    """Repeat an array's entries along the axes of length 1 that ``shape`` makes longer."""
    if source.shape == shape:
        return source
    if source.size == prod(shape):
        return source.reshaped(shape)
    positions = np.arange(source.size).reshape(source.shape)
    return taken(source, np.broadcast_to(positions, shape))


def union(parts: Sequence[Dependence], shape: tuple[int, ...]) -> Dependence:
    """Describe an array whose entries are computed elementwise from those of the parts."""
    parts = [broadcast(part, shape) for part in parts]
    common = np.logical_or.reduce([part.common for part in parts])
    different = {id(part.rows): part.rows for part in parts if part.rows.nnz}
    if not different:
        return alike(shape, common)
    if sum(rows.nnz for rows in different.values()) > _MOST_PAIRS:
        return alike(shape, np.logical_or.reduce([part.any_entry() for part in parts]))
    joined, *others = sorted(different.values(), key=lambda rows: -rows.nnz)
    for rows in others:
        more = joined + rows
        # A union that adds nothing returns the same object, which the next one detects quickly.
        joined = more if more.nnz > joined.nnz else joined
    return Dependence(shape, joined, common)


def merged(source: Dependence, targets: np.ndarray, shape: tuple[int, ...]) -> Dependence:
    """Describe sums of an array's entries: entry k goes into the flat place ``targets[k]``.

    Places that get no entry depend on nothing.
    """
    size = prod(shape)
    if size == 1:
        return alike(shape, source.any_entry()) if source.size else none(shape, source.parameters)
    into = csr_array(
        (np.ones(source.size, dtype=bool), (targets.ravel(), np.arange(source.size))),
        shape=(size, source.size),
    )
    met = np.diff(into.indptr) > 0
    if not met.all():
        nothing = np.zeros_like(source.common)
        if not _fits_in_rows(source, nothing):
            return alike(shape, source.any_entry())
        source = _lowered(source, nothing)
    return Dependence(shape, product(into, source.rows), source.common)


def product(zeros: csr_array, rows: csr_array) -> csr_array:
    """Multiply patterns: which parameters the entries of ``matrix @ array`` depend on."""
    multiplied = zeros @ rows
    multiplied.sort_indices()
    return multiplied


def stacked(parts: Sequence[Dependence]) -> Dependence:
    """Concatenate the entries of several arrays."""
    if len(parts) == 1:
        return parts[0]
    size = sum(part.size for part in parts)
    kept, everywhere = parts[0].common.copy(), parts[0].common.copy()
    for part in parts:
        kept &= part.common
        everywhere |= part.common
    if not all(_fits_in_rows(part, kept) for part in parts):
        for part in parts:
            everywhere[part.rows.indices] = True
        return alike((size,), everywhere)
    parts = [_lowered(part, kept) for part in parts]
    indices = np.concatenate([part.rows.indices for part in parts])
    counts = np.concatenate([np.diff(part.rows.indptr) for part in parts])
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return Dependence((size,), _csr(indptr, indices, len(kept)), kept)


def _fits_in_rows(source: Dependence, kept: np.ndarray) -> bool:
    return source.size * int(np.sum(source.common & ~kept)) <= _MOST_PAIRS


def _lowered(source: Dependence, kept: np.ndarray) -> Dependence:
    """Move common parameters, except those in the mask ``kept`` (P,), into each row."""
    extra = np.flatnonzero(source.common & ~kept)
    if not extra.size:
        return source
    everywhere = _csr(
        np.arange(source.size + 1) * extra.size, np.tile(extra, source.size), source.parameters
    )
    rows = source.rows + everywhere if source.rows.nnz else everywhere
    return Dependence(source.shape, rows, source.common & kept)


def _csr(indptr: np.ndarray, indices: np.ndarray, parameters: int) -> csr_array:
    data = np.ones(len(indices), dtype=bool)
    return csr_array((data, indices, indptr), shape=(len(indptr) - 1, parameters))
