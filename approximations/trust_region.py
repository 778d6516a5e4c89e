"""One step of Newton's method in a trust region, and how far it is from a mode.

Moré and Sorensen (1983), "Computing a trust region step".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import brentq

from .density import LogDensity
from .gaussian import curvature_scale, smallest_curvature, triangular_inverse

# Squared Newton decrement below which the mode is closer than 1e-6 standard deviations.
CLOSE = 1e-12
# By how much the curvature may change within a tenth of an sd of a mode.
_SIMILAR = 10.0


@dataclass(frozen=True)
class Iterate:
    """A point of the search.

    Attributes
    ----------
    theta, gradient : (P,) array
    logp : float
    curvature : (P, P) array
        Negative Hessian of the log density.
    """

    theta: np.ndarray
    logp: float
    gradient: np.ndarray
    curvature: np.ndarray

    @classmethod
    def at(cls, density: LogDensity, theta: np.ndarray) -> Iterate:
        """Evaluate a point."""
        logp, gradient, hessian = density.derivatives(theta)
        return cls(theta, logp, gradient, -hessian)

    @cached_property
    def is_finite(self) -> bool:
        """Whether value, gradient and curvature are numbers."""
        parts = (self.logp, self.gradient, self.curvature)
        return all(bool(np.all(np.isfinite(part))) for part in parts)

    @cached_property
    def decrement(self) -> float:
        """Squared Newton decrement g' H^-1 g: the squared distance to the mode, in sds.

        Flat directions count by their slope alone; one that curves upward makes it infinite.
        """
        scale, eigenvalues, vectors = self._scaled_eigenvectors
        flat = self._flat
        if np.any(eigenvalues[~flat] < 0):
            return np.inf
        slope = vectors.T @ (self.gradient / scale)
        return float(np.sum(slope[~flat] ** 2 / eigenvalues[~flat]) + np.sum(slope[flat] ** 2))

    @property
    def is_close(self) -> bool:
        """Whether the gradient has vanished, in units of the curvature."""
        return self.decrement <= CLOSE

    @property
    def is_flat(self) -> bool:
        """Whether the log density is flat to rounding along some direction."""
        return bool(np.any(self._flat))

    @property
    def flattest(self) -> np.ndarray:
        """Direction (P,) of least curvature, in the parameters' units."""
        scale, _, vectors = self._scaled_eigenvectors
        return vectors[:, 0] / scale

    @property
    def scaled_slopes(self) -> np.ndarray:
        """Size (P,) of the gradient's entries, in units of one over a conditional sd."""
        return np.abs(self.gradient / self._scaled_eigenvectors[0])

    @property
    def _flat(self) -> np.ndarray:
        scale, eigenvalues, _ = self._scaled_eigenvectors
        return np.abs(eigenvalues) <= smallest_curvature(len(scale))

    @cached_property
    def _scaled_eigenvectors(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        scale = curvature_scale(self.curvature)
        return scale, *np.linalg.eigh(self.curvature / np.outer(scale, scale))


def trust_region_step(here: Iterate, scale: np.ndarray, radius: float) -> tuple[np.ndarray, float]:
    """Maximise the quadratic model of the log density within ``|scale * step| <= radius``.

    Returns
    -------
    (P,) array
        The step.
    float
        The gain in log density that the quadratic model expects.
    """
    gradient = here.gradient / scale
    eigenvalues, vectors = np.linalg.eigh(here.curvature / np.outer(scale, scale))
    slope = vectors.T @ gradient
    coordinates = _step_in_eigenbasis(slope, eigenvalues, radius)
    expected = slope @ coordinates - 0.5 * coordinates @ (eigenvalues * coordinates)
    return (vectors @ coordinates) / scale, float(expected)


def _step_in_eigenbasis(slope: np.ndarray, eigenvalues: np.ndarray, radius: float) -> np.ndarray:
    """Solve (eigenvalues + shift) * step = slope, for the least shift that keeps in the ball."""
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
    return slope / (eigenvalues + brentq(excess, least, most, xtol=1e-12 * most, rtol=1e-10))


def gain_ratio(here: Iterate, there: Iterate, expected: float) -> float:
    """Gain in log density over the gain expected; minus infinity where a trial is not finite."""
    if not there.is_finite:
        return -np.inf
    gain = there.logp - here.logp
    rounding = 1e-13 * (abs(here.logp) + 1)
    if expected < rounding and abs(gain) < 10 * rounding:
        # Both gains drown in rounding: let the gradient judge.
        return 1.0 if there.decrement <= max(here.decrement, CLOSE) else 0.0
    return gain / expected if expected > 0 else -np.inf


def is_peak(density: LogDensity, here: Iterate) -> bool:
    """Whether the curvature a tenth of an sd away is still about the same, in every direction.

    Along a slope that flattens for ever, like exp(-x), gradient and Newton decrement vanish as at
    a mode; only this tells that there is none.
    """
    inverse = triangular_inverse(np.linalg.cholesky(here.curvature))
    offset = inverse.T @ np.full(density.size, 0.1)
    nearby = Iterate.at(density, here.theta + offset / np.sqrt(density.size))
    if not nearby.is_finite:
        return False
    relative = np.linalg.eigvalsh(inverse @ nearby.curvature @ inverse.T)
    return bool(relative[0] > 1 / _SIMILAR and relative[-1] < _SIMILAR)


def polished(density: LogDensity, here: Iterate) -> Iterate:
    """Take one more Newton step, which squares what is left of the error."""
    there = Iterate.at(density, here.theta + np.linalg.solve(here.curvature, here.gradient))
    better = there.is_finite and there.decrement <= here.decrement
    return there if better else here
