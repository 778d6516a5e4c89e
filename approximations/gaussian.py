"""The multivariate normal, held as a mean and a Cholesky-factored precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dtrtri

from .errors import CurvatureError
from .parameters import describe_direction


@dataclass(frozen=True)
class Gaussian:
    """Normal distribution over P parameters.

    Attributes
    ----------
    mean : (P,) array
    factor : (P, P) array
        Lower Cholesky factor L of the precision matrix, L L' = precision.
    """

    mean: np.ndarray
    factor: np.ndarray

    @classmethod
    def from_precision(
        cls, mean: np.ndarray, precision: np.ndarray, labels: Sequence[str] | None = None
    ) -> Gaussian:
        """Factor a precision matrix.

        Parameters
        ----------
        mean : (P,) array
        precision : (P, P) array
            Inverse covariance: the negative Hessian of a log density at its mode.
        labels : sequence of str, optional
            Names of the parameters, for the error.

        Raises
        ------
        CurvatureError
            When the matrix is not positive definite; the sentence names the direction.
        """
        labels = labels or [f"theta[{k}]" for k in range(len(mean))]
        lowest, direction = lowest_curvature(precision)
        if not lowest > smallest_curvature(len(mean)):
            raise CurvatureError(
                "The negative Hessian is not positive definite, so the point is no peak and no "
                f"normal distribution fits it: the log density {_shape_along(lowest, len(mean))} "
                f"along {describe_direction(labels, direction)}. "
                "Start from another point, reparametrise, or give that direction a prior."
            )
        # The Cholesky factor has the matrix's own scaling: entries of 1e8 and 1e-8 do not mix.
        return cls(np.asarray(mean, dtype=float), np.linalg.cholesky(precision))

    @property
    def size(self) -> int:
        """Number of parameters, P."""
        return len(self.mean)

    @property
    def log_determinant(self) -> float:
        """Log determinant of the covariance matrix."""
        return float(-2 * np.sum(np.log(np.diag(self.factor))))

    @property
    def covariance(self) -> np.ndarray:
        """Covariance matrix (P, P)."""
        root = self._covariance_root()
        return root @ root.T

    @property
    def sd(self) -> np.ndarray:
        """Marginal standard deviations (P,)."""
        return np.linalg.norm(self._covariance_root(), axis=1)

    def draws(self, draws: int, rng: np.random.Generator) -> np.ndarray:
        """Draw (S, P) independent points, as mean + L'^-1 z with z standard normal."""
        return self.place(rng.standard_normal((draws, self.size)))

    def place(self, whitened: np.ndarray) -> np.ndarray:
        """Map whitened points z (S, P) to mean + L'^-1 z."""
        return self.mean + whitened @ self._covariance_root().T

    def log_density(self, thetas: np.ndarray) -> np.ndarray:
        """Log density (S,) at points ``thetas`` (S, P)."""
        whitened = (np.atleast_2d(thetas) - self.mean) @ self.factor
        constant = self.size * np.log(2 * np.pi) + self.log_determinant
        return -0.5 * (constant + np.sum(whitened**2, axis=1))

    def _covariance_root(self) -> np.ndarray:
        return triangular_inverse(self.factor).T


def triangular_inverse(factor: np.ndarray) -> np.ndarray:
    """Invert a lower triangular matrix.

    `scipy.linalg.solve_triangular` would do, but OpenBLAS starts threads for it at any size, which
    costs 6 ms where the work takes 0.02 ms.
    """
    inverse, _ = dtrtri(factor, lower=1)
    return inverse


def lowest_curvature(precision: np.ndarray) -> tuple[float, np.ndarray]:
    """Find the direction in which a symmetric matrix curves least.

    Returns
    -------
    float
        Lowest eigenvalue after scaling to a unit diagonal, which makes it free of units.
    (P,) array
        Its direction, in the parameters' own units.
    """
    scale = curvature_scale(precision)
    eigenvalues, vectors = np.linalg.eigh(precision / np.outer(scale, scale))
    return float(eigenvalues[0]), vectors[:, 0] / scale


def curvature_scale(precision: np.ndarray) -> np.ndarray:
    """Square roots (P,) of the diagonal's size: one over a conditional sd, at a mode."""
    scale = np.sqrt(np.abs(np.diag(precision)))
    return np.where(scale > 0, scale, 1.0)


def smallest_curvature(size: int) -> float:
    """Scaled eigenvalue below which a direction is flat to rounding."""
    return 1e-13 * size


def _shape_along(lowest: float, size: int) -> str:
    if abs(lowest) <= smallest_curvature(size):
        return "is flat"
    return f"curves upward (scaled eigenvalue {lowest:.2g})"
