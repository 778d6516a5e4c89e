"""The negative Hessian of a search as a dense matrix, by its eigenvectors.

Moré and Sorensen (1983), "Computing a trust region step".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy

from ..linear_algebra.gaussian import curvature_scale, smallest_curvature, triangular_inverse


@dataclass(frozen=True, eq=False)
class DenseCurvature:
    """A dense negative Hessian as a search uses it; `SparseCurvature` has the same methods.

    Attributes
    ----------
    matrix : (P, P) array
    ordering : None
        A dense matrix needs none.
    """

    matrix: np.ndarray
    ordering: None = None

    @cached_property
    def scale(self) -> np.ndarray:
        """Reciprocal conditional sds (P,), which scale the matrix to a unit diagonal."""
        return curvature_scale(self.matrix)

    @property
    def is_finite(self) -> bool:
        """Whether all entries are numbers."""
        return bool(np.all(np.isfinite(self.matrix)))

    @property
    def finite_rows(self) -> np.ndarray:
        """Whether all entries of each row (P,) are numbers."""
        return np.all(np.isfinite(self.matrix), axis=1)

    @property
    def is_flat(self) -> bool:
        """Whether the log density is flat to rounding along a direction, and convex along none."""
        return bool(self._flat[0])

    @property
    def lowest(self) -> float:
        """Least curvature, after scaling to a unit diagonal."""
        return float(self._eigenvectors[0][0])

    @property
    def flattest(self) -> np.ndarray:
        """Direction (P,) of least curvature, in the parameters' units."""
        return self._eigenvectors[1][:, 0] / self.scale

    def decrement(self, gradient: np.ndarray) -> float:
        """Squared Newton decrement g' H^-1 g; flat directions contribute by their slope alone.

        Infinite where a direction curves upward.
        """
        eigenvalues, vectors = self._eigenvectors
        if eigenvalues[0] > smallest_curvature(len(eigenvalues)):
            slope = vectors.T @ (gradient / self.scale)
            return float(slope @ (slope / eigenvalues))
        flat = self._flat
        if np.any(eigenvalues[~flat] < 0):
            return np.inf
        slope = vectors.T @ (gradient / self.scale)
        return float(np.sum(slope[~flat] ** 2 / eigenvalues[~flat]) + np.sum(slope[flat] ** 2))

    def step(
        self, gradient: np.ndarray, scale: np.ndarray, radius: float
    ) -> tuple[np.ndarray, float]:
        """Maximise the quadratic model within ``|scale * step| <= radius``: step (P,) and gain."""
        own = np.array_equal(scale, self.scale)
        eigenvalues, vectors = (
            self._eigenvectors if own else _scaled_eigenvectors(self.matrix, scale)
        )
        slope = vectors.T @ (gradient / scale)
        coordinates = _step_in_eigenbasis(slope, eigenvalues, radius)
        expected = slope @ coordinates - 0.5 * coordinates @ (eigenvalues * coordinates)
        return (vectors @ coordinates) / scale, float(expected)

    def newton(self, gradient: np.ndarray) -> np.ndarray:
        """Newton step (P,) to the top of the quadratic model."""
        return np.linalg.solve(self.matrix, gradient)

    def spread(self, whitened: np.ndarray) -> np.ndarray:
        """Map whitened z (P,), whose length is in sds, to the parameters' units."""
        return self._root @ whitened

    def is_similar(self, other: np.ndarray, most: float) -> bool:
        """Whether another matrix curves as much, within a factor ``most``, in every direction."""
        relative = np.linalg.eigvalsh(self._root.T @ other @ self._root)
        return bool(relative[0] > 1 / most and relative[-1] < most)

    @cached_property
    def _root(self) -> np.ndarray:
        return triangular_inverse(np.linalg.cholesky(self.matrix)).T

    @property
    def _flat(self) -> np.ndarray:
        return np.abs(self._eigenvectors[0]) <= smallest_curvature(len(self.scale))

    @cached_property
    def _eigenvectors(self) -> tuple[np.ndarray, np.ndarray]:
        return _scaled_eigenvectors(self.matrix, self.scale)


def _scaled_eigenvectors(matrix: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    eigenvalues, vectors = np.linalg.eigh(matrix / (scale[:, None] * scale))
    return eigenvalues, vectors


def _step_in_eigenbasis(slope: np.ndarray, eigenvalues: np.ndarray, radius: float) -> np.ndarray:
    """Solve (eigenvalues + shift) * step = slope, for the least shift that fits the radius."""
    floor = np.finfo(float).eps * np.max(np.abs(eigenvalues))
    if eigenvalues[0] > floor:
        newton = slope / eigenvalues
        if np.linalg.norm(newton) <= radius:
            return newton
    steepness = float(np.linalg.norm(slope)) / radius
    least = max(0.0, -eigenvalues[0]) + max(floor, 1e-12 * steepness, 1e-300)

    def excess(shift: float) -> float:
        return float(np.linalg.norm(slope / (eigenvalues + shift)) - radius)

    if excess(least) <= 0:
        # Moré and Sorensen's hard case: no slope along the lowest eigenvector, so add a part of it.
        step = slope / (eigenvalues + least)
        step[0] += np.copysign(np.sqrt(max(radius**2 - step @ step, 0.0)), slope[0])
        return step
    most = least + 2 * (steepness + np.abs(eigenvalues[0]))
    shift = scipy.optimize.brentq(excess, least, most, xtol=1e-12 * most, rtol=1e-10)
    return slope / (eigenvalues + shift)
