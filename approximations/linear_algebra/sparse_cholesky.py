"""Cholesky factors of sparse precision matrices: ordering, scaling, solves, and selected inverse.

QDLDL orders the rows by approximate minimum degree, which puts hubs (parameters that all others
depend on) last, and factors A = L D L'. ``benchmarks/factorisations.py`` compares it with SciPy's
SuperLU. Davis (2006), Direct Methods for Sparse Linear Systems, SIAM, chapters 4 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import qdldl  # type: ignore[import-not-found]  # it is compiled, without types
from scipy import sparse

from ..errors import IndefiniteMatrixError
from ..memory import check_memory

# Draws per triangular solve: their columns stay in the cache.
_ROWS = 8


@dataclass(frozen=True, eq=False)
class SparseFactor:
    """The factor of a sparse precision matrix A = S Q L D L' Q' S.

    S is a diagonal matrix that gives A a unit diagonal, so that scales of 1e-4 and 1e4 can be
    mixed; Q is a permutation that keeps L sparse; D holds the pivots.

    Attributes
    ----------
    ordering : Ordering
        Ordering, with which other matrices of the same pattern can be factored.
    scale : (P,) array
        The diagonal of S, in A's order.
    lower : (P, P) csc_array
        L below its unit diagonal, in the factor's order.
    pivots : (P,) array
        The diagonal of D, all positive, in the factor's order.
    order : (P,) array of int
        The row of A that each row of L corresponds to.
    """

    ordering: Ordering = field(repr=False)
    scale: np.ndarray
    lower: sparse.csc_array
    pivots: np.ndarray
    order: np.ndarray

    @property
    def size(self) -> int:
        """Number of parameters, P."""
        return len(self.scale)

    @property
    def log_determinant(self) -> float:
        """Log determinant of A."""
        return float(np.sum(np.log(self.pivots)) + 2 * np.sum(np.log(self.scale)))

    def solve(self, right: np.ndarray) -> np.ndarray:
        """A^-1 times ``right`` (P,) or (P, K)."""
        from .kernels import solve_lower, solve_upper

        columns = right.reshape(self.size, -1) / self.scale[:, None]
        x = columns[self.order]
        solve_lower(*self._entries, x)
        x /= self.pivots[:, None]
        solve_upper(*self._entries, x)
        columns[self.order] = x
        return (columns / self.scale[:, None]).reshape(right.shape)

    def unwhiten(self, whitened: np.ndarray) -> np.ndarray:
        """Turn rows (S, P) of standard normals into normal ones with covariance A^-1."""
        from .kernels import solve_upper

        root, placed = np.sqrt(self.pivots)[:, None], np.empty(whitened.shape)
        for first in range(0, len(whitened), _ROWS):
            x = np.array(whitened[first : first + _ROWS].T, order="C")
            x /= root
            solve_upper(*self._entries, x)
            columns = np.empty_like(x)
            columns[self.order] = x
            columns /= self.scale[:, None]
            placed[first : first + _ROWS] = columns.T
        return placed

    def whiten(self, rows: np.ndarray) -> np.ndarray:
        """Undo `unwhiten`, for rows (S, P): their squares sum to x' A x."""
        root, upper = np.sqrt(self.pivots)[:, None], self.lower.T
        whitened = np.empty(rows.shape)
        for first in range(0, len(rows), _ROWS):
            columns = np.array(rows[first : first + _ROWS].T, order="C")
            columns *= self.scale[:, None]
            x = columns[self.order]
            whitened[first : first + _ROWS] = ((x + upper @ x) * root).T
        return whitened

    def variances(self) -> np.ndarray:
        """Diagonal (P,) of A^-1."""
        variances = np.empty(self.size)
        variances[self.order] = self._inverse_parts[1]
        return variances / self.scale**2

    def selected_inverse(self) -> sparse.csc_array:
        """Entries of A^-1 in the pattern of L + L', which includes A's own.

        Takahashi, Fagan and Chin (1973), Formation of a sparse bus impedance matrix; Rue and
        Martino (2007), Approximate Bayesian inference for hierarchical Gaussian Markov random field
        models, J. Stat. Plan. Inference 137, section 2.1.
        """
        below, diagonal = self._inverse_parts
        columns = np.repeat(np.arange(self.size), np.diff(self.lower.indptr))
        rows, columns = self.order[self.lower.indices], self.order[columns]
        values = np.concatenate([below, below, diagonal])
        where = (
            np.concatenate([rows, columns, self.order]),
            np.concatenate([columns, rows, self.order]),
        )
        values /= self.scale[where[0]] * self.scale[where[1]]
        return sparse.csc_array((values, where), shape=(self.size, self.size))

    @property
    def triangle(self) -> np.ndarray:
        """Dense lower Cholesky factor (P, P) of A, in A's order.

        Raises
        ------
        MemoryLimitError
            When it would not fit in memory.
        """
        check_memory(
            f"A dense factor for {self.size:,} parameters",
            3 * self.size**2,
            "This method was made for fewer parameters: use laplace or nested_laplace.",
        )
        root = np.zeros((self.size, self.size))
        root[self.order] = (self.lower + sparse.eye_array(self.size)).toarray()
        root *= np.sqrt(self.pivots) * self.scale[:, None]
        return np.linalg.cholesky(root @ root.T)

    @cached_property
    def _inverse_parts(self) -> tuple[np.ndarray, np.ndarray]:
        from .kernels import selected_inverse

        return selected_inverse(*self._entries, self.pivots)

    @property
    def _entries(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.lower.indptr, self.lower.indices, self.lower.data


@dataclass(frozen=True, eq=False)
class Ordering:
    """A fill-reducing order for the matrices of one sparsity pattern.

    Attributes
    ----------
    pattern : (P, P) csc_array
        Its values have no meaning.
    upper : (P, P) csc_matrix
        The pattern's upper triangle, with the whole diagonal; the values are a workspace.
    columns : (U,) array of int
        The column of each of its values.
    take : (U,) array of int
        Positions of the values of ``upper`` among those of a matrix; -1 where they are zero.
    solver : qdldl.Solver
        Holds the order, and serves as a workspace.
    """

    pattern: sparse.csc_array
    upper: sparse.csc_matrix
    columns: np.ndarray
    take: np.ndarray
    solver: qdldl.Solver

    @classmethod
    def of(cls, matrix: sparse.csc_array) -> Ordering:
        """Order the rows of a symmetric matrix (P, P); only its pattern matters."""
        matrix = _canonical(matrix)
        size = matrix.shape[0]
        columns = np.repeat(np.arange(size), np.diff(matrix.indptr))
        take = np.flatnonzero(matrix.indices < columns)
        on_diagonal = np.flatnonzero(matrix.indices == columns)
        diagonal = np.full(size, -1)
        diagonal[columns[on_diagonal]] = on_diagonal
        # The diagonal comes last in each column, as its largest row.
        columns = np.concatenate([columns[take], np.arange(size)])
        rows = np.concatenate([matrix.indices[take], np.arange(size)])
        sort = np.argsort(columns, kind="stable")
        indptr = np.concatenate([[0], np.cumsum(np.bincount(columns, minlength=size))])
        # An identity matrix initially, since QDLDL orders only what it can factor.
        values = (rows == columns)[sort].astype(float)
        upper = sparse.csc_matrix((values, rows[sort], indptr), shape=(size, size))
        taken = np.concatenate([take, diagonal])[sort]
        return cls(matrix, upper, columns[sort], taken, qdldl.Solver(upper, upper=True))

    def fits(self, matrix: sparse.csc_array) -> bool:
        """Whether a matrix has the pattern that was ordered."""
        known = self.pattern
        if matrix.indices is known.indices and matrix.indptr is known.indptr:
            return True
        return np.array_equal(known.indptr, matrix.indptr) and np.array_equal(
            known.indices, matrix.indices
        )

    def shared(self, matrix: sparse.csc_array) -> sparse.csc_array:
        """Give a matrix that `fits` the pattern's own index arrays, for a faster check."""
        known = self.pattern
        held = sparse.csc_array((matrix.data, known.indices, known.indptr), shape=known.shape)
        held.indices, held.indptr = known.indices, known.indptr  # the arrays themselves
        return held

    def factor(
        self, matrix: sparse.csc_array, scale: np.ndarray | None = None, shift: float = 0.0
    ) -> SparseFactor:
        """Factor A + shift S^2, for a matrix A (P, P) of this pattern and a diagonal matrix S.

        Parameters
        ----------
        matrix : csc_array
        scale : (P,) array, optional
            The diagonal of S. Default: scales A to a unit diagonal.
        shift : float, default 0

        Raises
        ------
        IndefiniteMatrixError
            When the matrix is not positive definite; the error has a direction.
        """
        matrix = _canonical(matrix)
        if not self.fits(matrix):
            raise ValueError("The matrix has another sparsity pattern than the one ordered.")
        if not np.all(np.isfinite(matrix.data)):
            raise ValueError("The matrix holds NaN or infinity.")
        scale = unit_scale(matrix.diagonal()) if scale is None else scale
        values = np.append(matrix.data, 0.0)[self.take]
        values /= scale[self.upper.indices] * scale[self.columns]
        values[self.upper.indptr[1:] - 1] += shift
        self.upper.data = values
        self.solver.update(self.upper, upper=True)
        lower, pivots, order = self.solver.factors()
        factor = SparseFactor(self, scale, sparse.csc_array(lower), pivots, order)
        if not pivots.min() > 0:
            raise _indefinite(factor)
        return factor


def sparse_cholesky(matrix: sparse.csc_array) -> SparseFactor:
    """Factor a sparse symmetric positive definite matrix (P, P), given both triangles.

    Raises
    ------
    IndefiniteMatrixError
        When it is not positive definite; the error has a direction of curvature 0 or below.
    """
    return Ordering.of(matrix).factor(matrix)


def unit_scale(diagonal: np.ndarray) -> np.ndarray:
    """Square roots (P,) of an absolute diagonal, and 1 where it is zero."""
    scale = np.sqrt(np.abs(diagonal))
    return np.where(scale > 0, scale, 1.0)


def _indefinite(factor: SparseFactor) -> IndefiniteMatrixError:
    """Error from the lowest pivot, or from the first that is zero or NaN, where QDLDL stops."""
    broken = ~(np.abs(factor.pivots) > 0)
    column = int(np.argmax(broken)) if np.any(broken) else int(np.argmin(factor.pivots))
    lowest, direction = along_pivot(factor, column)
    return IndefiniteMatrixError(lowest, direction / factor.scale)


def along_pivot(factor: SparseFactor, column: int) -> tuple[float, np.ndarray]:
    """Curvature along x = L'^-1 e, for which x' L D L' x is a pivot, and x / |x| in A's order.

    It uses the rows of L up to the pivot's, which are valid even where QDLDL stopped there.
    """
    from .kernels import solve_upper

    x = np.zeros((factor.size, 1))
    x[column] = 1.0
    solve_upper(*factor._entries, x)
    length = float(np.linalg.norm(x))
    vector = np.empty(factor.size)
    vector[factor.order] = x[:, 0] / length
    return float(factor.pivots[column]) / length**2, vector


def _canonical(matrix: sparse.csc_array) -> sparse.csc_array:
    """Sort each column's rows, and sum duplicates."""
    if not isinstance(matrix, sparse.csc_array):
        matrix = sparse.csc_array(matrix)
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    return matrix
