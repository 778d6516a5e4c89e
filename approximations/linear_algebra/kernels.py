"""Loops over the columns of a sparse unit lower triangular matrix, compiled by Numba.

Numba takes a second to import, so this module is imported only when needed.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def solve_lower(indptr: np.ndarray, indices: np.ndarray, values: np.ndarray, x: np.ndarray) -> None:
    """Replace x (P, K) by L^-1 x, with L - I (P, P) in compressed columns."""
    for j in range(len(indptr) - 1):
        for e in range(indptr[j], indptr[j + 1]):
            i, value = indices[e], values[e]
            for k in range(x.shape[1]):
                x[i, k] -= value * x[j, k]


@njit(cache=True, nogil=True)
def solve_upper(indptr: np.ndarray, indices: np.ndarray, values: np.ndarray, x: np.ndarray) -> None:
    """Replace x (P, K) by L'^-1 x, with L - I (P, P) in compressed columns."""
    for j in range(len(indptr) - 2, -1, -1):
        for e in range(indptr[j], indptr[j + 1]):
            i, value = indices[e], values[e]
            for k in range(x.shape[1]):
                x[j, k] -= value * x[i, k]


@njit(cache=True, nogil=True)
def selected_inverse(
    indptr: np.ndarray, indices: np.ndarray, values: np.ndarray, pivots: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Entries of (L D L')^-1 where L has entries, by the equations of Takahashi et al. (1973).

    From the last column j to the first, with k over the entries of L below (j, j):
    Z_ij = - sum_k Z_ik L_kj and Z_jj = 1 / D_j - sum_k Z_kj L_kj. Every Z_ik needed lies in the
    pattern: two entries in a column of L cause fill-in at (i, k).

    Returns
    -------
    (E,) array
        Z below the diagonal, in the order of ``indices``, whose columns must be sorted.
    (P,) array
        The diagonal of Z.
    """
    below, diagonal = np.zeros(len(indices)), np.empty(len(pivots))
    for j in range(len(pivots) - 1, -1, -1):
        first, last = indptr[j], indptr[j + 1]
        for a in range(first, last):
            k = indices[a]
            below[a] -= diagonal[k] * values[a]
            place = indptr[k]
            for b in range(a + 1, last):
                i = indices[b]
                if indices[place] != i:
                    place += 1 + np.searchsorted(indices[place + 1 : indptr[k + 1]], i)
                below[a] -= below[place] * values[b]
                below[b] -= below[place] * values[a]
                place += 1
        diagonal[j] = 1 / pivots[j]
        for a in range(first, last):
            diagonal[j] -= below[a] * values[a]
    return below, diagonal
