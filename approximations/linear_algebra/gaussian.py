"""The multivariate normal, held as a mean and a factored precision, dense or sparse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy import sparse
from scipy.linalg.lapack import dtrtri

from ..density.graphs.parameters import describe_direction
from ..errors import CurvatureError, IndefiniteMatrixError
from ..memory import check_memory
from .flattest import lowest_direction, most_upward
from .sparse_cholesky import SparseFactor, sparse_cholesky, unit_scale


class PrecisionFactor(Protocol):
    """A factored precision matrix A (P, P), as a normal distribution needs it."""

    @property
    def log_determinant(self) -> float:
        """Log determinant of A."""

    @property
    def triangle(self) -> np.ndarray:
        """Dense lower Cholesky factor (P, P) of A."""

    def solve(self, right: np.ndarray) -> np.ndarray:
        """A^-1 times ``right`` (P,) or (P, K)."""

    def unwhiten(self, whitened: np.ndarray) -> np.ndarray:
        """Turn rows (S, P) of standard normals into normal ones with covariance A^-1."""

    def whiten(self, rows: np.ndarray) -> np.ndarray:
        """Rows (S, P) whose squares sum to x' A x, for rows x (S, P)."""

    def variances(self) -> np.ndarray:
        """Diagonal (P,) of A^-1."""


@dataclass(frozen=True)
class DenseFactor:
    """A dense precision matrix, by its Cholesky factor.

    Attributes
    ----------
    triangle : (P, P) array
        Lower Cholesky factor L, L L' = A.
    """

    triangle: np.ndarray

    @property
    def log_determinant(self) -> float:
        """Log determinant of A."""
        return float(2 * np.sum(np.log(np.diag(self.triangle))))

    def solve(self, right: np.ndarray) -> np.ndarray:
        """A^-1 times ``right`` (P,) or (P, K)."""
        root = self._root()
        return root @ (root.T @ right)

    def unwhiten(self, whitened: np.ndarray) -> np.ndarray:
        """Turn rows (S, P) of standard normals into normal ones with covariance A^-1."""
        return whitened @ self._root().T

    def whiten(self, rows: np.ndarray) -> np.ndarray:
        """Undo `unwhiten`, for rows (S, P): their squares add up to x' A x."""
        return rows @ self.triangle

    def variances(self) -> np.ndarray:
        """Diagonal (P,) of A^-1."""
        return np.sum(self._root() ** 2, axis=1)

    def _root(self) -> np.ndarray:
        return triangular_inverse(self.triangle).T


@dataclass(frozen=True)
class Gaussian:
    """Normal distribution over P parameters.

    Attributes
    ----------
    mean : (P,) array
    factored : PrecisionFactor or (P, P) array
        The precision matrix, factored: a `DenseFactor`, `SparseFactor` or `LowRankFactor`, or an
        array that is its lower Cholesky factor.
    """

    mean: np.ndarray
    factored: PrecisionFactor | np.ndarray

    @classmethod
    def from_precision(
        cls,
        mean: np.ndarray,
        precision: np.ndarray | sparse.csc_array,
        labels: Sequence[str] | None = None,
    ) -> Gaussian:
        """Factor a precision matrix.

        Parameters
        ----------
        mean : (P,) array
        precision : (P, P) array or csc_array
            Inverse covariance: the negative Hessian of a log density at its mode. A sparse one
            gets a sparse factor.
        labels : sequence of str, optional
            Names of the parameters, for the error.

        Raises
        ------
        CurvatureError
            When the matrix is not positive definite; the message names the direction.
        """
        mean = np.asarray(mean, dtype=float)
        if sparse.issparse(precision):
            return cls(mean, _checked_sparse_factor(precision, labels))
        lowest, direction = lowest_curvature(precision)
        if not lowest > smallest_curvature(len(mean)):
            raise _no_peak(lowest, direction, smallest_curvature(len(mean)), labels)
        # Cholesky factorisation is scale-invariant: entries of 1e8 and 1e-8 do no harm.
        return cls(mean, DenseFactor(np.linalg.cholesky(precision)))

    @property
    def size(self) -> int:
        """Number of parameters, P."""
        return len(self.mean)

    @cached_property
    def precision(self) -> PrecisionFactor:
        """The precision matrix, factored."""
        given = self.factored
        return DenseFactor(given) if isinstance(given, np.ndarray) else given

    @property
    def factor(self) -> np.ndarray:
        """Lower Cholesky factor L (P, P) of the precision matrix, as a dense array.

        Raises
        ------
        MemoryLimitError
            When the precision is sparse or of low rank, and a dense factor would not fit.
        """
        return self.precision.triangle

    @property
    def log_determinant(self) -> float:
        """Log determinant of the covariance matrix."""
        return -self.precision.log_determinant

    @property
    def covariance(self) -> np.ndarray:
        """Covariance matrix (P, P).

        Raises
        ------
        MemoryLimitError
            When it would not fit in memory. `sd` needs no covariance matrix.
        """
        check_memory(
            f"The covariance matrix of {self.size:,} parameters",
            3 * self.size**2,
            "Ask for the standard deviations (sd), or for covariances of draws.",
        )
        return self.precision.solve(np.eye(self.size))

    @property
    def sd(self) -> np.ndarray:
        """Marginal standard deviations (P,)."""
        return np.sqrt(self.precision.variances())

    def draws(self, draws: int, rng: np.random.Generator) -> np.ndarray:
        """Draw (S, P) independent points.

        Raises
        ------
        MemoryLimitError
            When the draws would not fit in memory.
        """
        check_memory(
            f"An array of {draws:,} draws of {self.size:,} parameters",
            2 * draws * self.size,
            "Ask for fewer draws.",
        )
        thetas = self.precision.unwhiten(rng.standard_normal((draws, self.size)))
        thetas += self.mean
        return thetas

    def place(self, whitened: np.ndarray) -> np.ndarray:
        """Map whitened points z (S, P) to mean + L'^-1 z, with L the dense `factor`."""
        return self.mean + DenseFactor(self.factor).unwhiten(whitened)

    def log_density(self, thetas: np.ndarray) -> np.ndarray:
        """Log density (S,) at points ``thetas`` (S, P)."""
        whitened = self.precision.whiten(np.atleast_2d(thetas) - self.mean)
        constant = self.size * np.log(2 * np.pi) + self.log_determinant
        return -0.5 * (constant + np.sum(whitened**2, axis=1))


def triangular_inverse(factor: np.ndarray) -> np.ndarray:
    """Invert a lower triangular matrix.

    `scipy.linalg.solve_triangular` would do, but OpenBLAS starts threads for it at any size, which
    costs 6 ms where the work takes 0.02 ms.
    """
    inverse, _ = dtrtri(factor, lower=1)
    return inverse


def lowest_curvature(precision: np.ndarray) -> tuple[float, np.ndarray]:
    """Find the direction of least curvature of a symmetric matrix.

    Returns
    -------
    float
        Lowest eigenvalue after scaling to a unit diagonal, hence free of units.
    (P,) array
        Its direction, in the parameters' own units.
    """
    scale = curvature_scale(precision)
    eigenvalues, vectors = np.linalg.eigh(precision / np.outer(scale, scale))
    return float(eigenvalues[0]), vectors[:, 0] / scale


def curvature_scale(precision: np.ndarray | sparse.csc_array) -> np.ndarray:
    """Square roots (P,) of the absolute diagonal: at a mode, reciprocal conditional sds."""
    return unit_scale(precision.diagonal())


def smallest_curvature(size: int) -> float:
    """Scaled eigenvalue below which a direction is flat to rounding."""
    return 1e-13 * size


# The same where the matrix is sparse: an entry of its factor is a sum of few terms, however large
# the matrix, and long smooth trends do curve as little as 1e-9.
FLAT_IF_SPARSE = 1e-11


def _checked_sparse_factor(
    precision: sparse.csc_array, labels: Sequence[str] | None
) -> SparseFactor:
    try:
        factor = sparse_cholesky(precision)
    except IndefiniteMatrixError as error:
        worst = most_upward(precision, error)
        raise _no_peak(worst.lowest, worst.direction, FLAT_IF_SPARSE, labels) from None
    lowest, direction = lowest_direction(factor)
    if not lowest > FLAT_IF_SPARSE:
        raise _no_peak(lowest, direction, FLAT_IF_SPARSE, labels)
    return factor


def _no_peak(
    lowest: float, direction: np.ndarray, flat: float, labels: Sequence[str] | None
) -> CurvatureError:
    labels = labels or [f"theta[{k}]" for k in range(len(direction))]
    shape = "is flat" if abs(lowest) <= flat else f"curves upward (scaled eigenvalue {lowest:.2g})"
    return CurvatureError(
        "The negative Hessian is not positive definite, so the point is no peak and no "
        f"normal distribution fits it: the log density {shape} "
        f"along {describe_direction(labels, direction)}. "
        "Start from another point, reparametrise, or give that direction a prior."
    )
