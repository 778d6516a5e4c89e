"""A log density tilted by a quantity: log p + strength h."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .scalar_function import ScalarFunction


@dataclass(frozen=True)
class Tilted:
    """The log density log p + strength h, for a function h of ``theta`` (P,).

    It has the methods of a `LogDensity` that a step of a search needs.

    Attributes
    ----------
    logp, function : ScalarFunction
        Log p and h.
    strength : float
    parameters : tuple of str
        Labels of the entries of ``theta``.
    """

    logp: ScalarFunction
    function: ScalarFunction
    strength: float
    parameters: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of parameters, P."""
        return self.logp.size

    @property
    def has_exact_hessian(self) -> bool:
        """Whether both Hessians are exact."""
        return self.logp.has_exact_hessian and self.function.has_exact_hessian

    def nearby(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and gradient (P,) at ``theta`` (P,)."""
        value, gradient = self.logp.nearby(theta)
        h, slope = self.function.nearby(theta)
        return value + self.strength * h, gradient + self.strength * slope

    def derivatives(self, theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Value, gradient (P,) and Hessian (P, P) at ``theta`` (P,)."""
        value, gradient, hessian = self.logp.derivatives(theta)
        h, slope, curve = self.function.derivatives(theta)
        s = self.strength
        return value + s * h, gradient + s * slope, hessian + s * curve
