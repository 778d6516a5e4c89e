"""The Cholesky factor of a diagonal precision matrix: a latent field of independent scalars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import IndefiniteMatrixError
from .sparse_cholesky import unit_scale


@dataclass(frozen=True, eq=False)
class DiagonalFactor:
    """The factor of a diagonal precision matrix A, with the methods of a `SparseFactor`.

    Attributes
    ----------
    precisions : (P,) array
        The diagonal of A, all positive.
    """

    precisions: np.ndarray

    @classmethod
    def of(cls, diagonal: np.ndarray, shift: float = 0.0) -> DiagonalFactor:
        """Factor A + shift |A|, with 1 where A is zero.

        Raises
        ------
        IndefiniteMatrixError
            When the matrix is not positive definite; the error has a direction.
        """
        if not np.all(np.isfinite(diagonal)):
            raise ValueError("The matrix holds NaN or infinity.")
        precisions = diagonal + shift * unit_scale(diagonal) ** 2 if shift else diagonal
        lowest = int(np.argmin(precisions))
        if not precisions[lowest] > 0:
            direction = np.zeros(len(precisions))
            direction[lowest] = 1.0
            scaled = precisions[lowest] / unit_scale(diagonal)[lowest] ** 2
            raise IndefiniteMatrixError(float(scaled), direction)
        return cls(precisions)

    @property
    def log_determinant(self) -> float:
        """Log determinant of A."""
        return float(np.sum(np.log(self.precisions)))

    def solve(self, right: np.ndarray) -> np.ndarray:
        """A^-1 times ``right`` (P,) or (P, K)."""
        return (right.T / self.precisions).T

    def unwhiten(self, whitened: np.ndarray) -> np.ndarray:
        """Transform rows (S, P) of standard normals to covariance A^-1."""
        return whitened / np.sqrt(self.precisions)

    def variances(self) -> np.ndarray:
        """Diagonal (P,) of A^-1."""
        return 1 / self.precisions
