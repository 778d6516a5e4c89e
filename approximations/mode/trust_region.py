"""A point of a search for the mode, the step from it, and its convergence criteria.

Newton's method in a trust region: Moré and Sorensen (1983), "Computing a trust region step".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from ..density import LogDensity
from ..linear_algebra.gaussian import curvature_scale
from ..linear_algebra.sparse_cholesky import Ordering
from .dense_curvature import DenseCurvature
from .sparse_curvature import SparseCurvature

# Squared Newton decrement below which the mode is closer than 1e-6 standard deviations.
CLOSE = 1e-12
# The same where values or gradients are noisy: closer than 1e-4 sds.
_NEAR = 1e-8
# The same below which a step would only change the last digits.
_NOTHING_LEFT = 1e-24
# Largest factor by which the curvature may change within a tenth of an sd of a mode.
_SIMILAR = 10.0


@dataclass(frozen=True)
class Iterate:
    """A point of the search.

    Attributes
    ----------
    theta, gradient : (P,) array
    logp : float
    curvature : (P, P) array or csc_array
        Negative Hessian of the log density.
    ordering : Ordering, optional
        Ordering for a sparse Hessian, found at an earlier point of the search.
    """

    theta: np.ndarray
    logp: float
    gradient: np.ndarray
    curvature: np.ndarray | sparse.csc_array
    ordering: Ordering | None = None

    @classmethod
    def at(cls, density: LogDensity, theta: np.ndarray, like: Iterate | None = None) -> Iterate:
        """Evaluate a point, reusing the ordering of the sparse Hessian of ``like``."""
        logp, gradient, hessian = density.derivatives(theta)
        known = None if like is None else like.curved.ordering
        return cls(theta, logp, gradient, -hessian, known)

    def product(self, vector: np.ndarray) -> np.ndarray:
        """Multiply the Hessian by a vector (P,)."""
        return -(self.curvature @ vector)

    def left_behind(self) -> Iterate:
        """The same point without its Hessian, since a long path would fill the memory."""
        return replace(self, curvature=np.empty((0, 0)), ordering=None)

    @cached_property
    def curved(self) -> DenseCurvature | SparseCurvature:
        """The curvature in the form that a search uses."""
        if sparse.issparse(self.curvature):
            return SparseCurvature.of(self.curvature, self.ordering)
        return DenseCurvature(self.curvature)

    @cached_property
    def is_finite(self) -> bool:
        """Whether value, gradient and curvature are numbers."""
        numbers = bool(np.isfinite(self.logp) and np.all(np.isfinite(self.gradient)))
        return numbers and self.curved.is_finite

    @cached_property
    def decrement(self) -> float:
        """Squared Newton decrement g' H^-1 g: the squared distance to the mode, in sds.

        Flat directions contribute by their slope alone; one that curves upward makes it infinite.
        """
        return self.curved.decrement(self.gradient)

    @property
    def is_close(self) -> bool:
        """Whether the gradient has vanished, in units of the curvature."""
        return self.decrement <= CLOSE

    @property
    def is_near(self) -> bool:
        """Whether the mode is near enough for a density whose values are noisy."""
        return self.decrement <= _NEAR

    @property
    def is_flat(self) -> bool:
        """Whether the log density is flat to rounding along a direction, and convex along none."""
        return self.curved.is_flat

    @property
    def flattest(self) -> np.ndarray:
        """Direction (P,) of least curvature, in the parameters' units."""
        return self.curved.flattest

    @property
    def scaled_slopes(self) -> np.ndarray:
        """Absolute gradient (P,) times the conditional sds."""
        return np.abs(self.gradient / self.curved.scale)


def ascent(density: LogDensity, here: Iterate, radius: float) -> Iterator[tuple[Iterate, float]]:
    """Generate trust-region steps, with a radius that adapts to their success.

    Parameters
    ----------
    density : LogDensity
    here : Iterate
        Starting point.
    radius : float
        Longest first step, in conditional sds.

    Yields
    ------
    Iterate
        Current point, from the start on: repeated where a step was rejected.
    float
        The radius there.
    """
    scale = np.zeros(len(here.theta))
    while True:
        yield here, radius
        scale = np.maximum(curvature_scale(here.curvature), scale / 10)
        step, expected = trust_region_step(here, scale, radius)
        there = Iterate.at(density, here.theta + step, here)
        gained = gain_ratio(here, there, expected)
        length = float(np.linalg.norm(scale * step))
        if gained < 0.25:
            radius = min(radius, length) / 4
        elif gained > 0.75 and length > 0.9 * radius:
            radius *= 2.5
        if gained > 1e-4:
            here = there


def trust_region_step(here: Iterate, scale: np.ndarray, radius: float) -> tuple[np.ndarray, float]:
    """Maximise the quadratic model of the log density within ``|scale * step| <= radius``.

    Returns
    -------
    (P,) array
        The step.
    float
        The gain in log density that the quadratic model expects.
    """
    return here.curved.step(here.gradient, scale, radius)


def gain_ratio(here: Iterate, there: Iterate, expected: float) -> float:
    """Gain in log density over the gain expected; minus infinity where a trial is not finite."""
    if not there.is_finite:
        return -np.inf
    gain = there.logp - here.logp
    rounding = 1e-13 * (abs(here.logp) + 1)
    if expected < rounding and abs(gain) < 10 * rounding:
        # Both gains are below rounding: compare by the gradient.
        return 1.0 if there.decrement <= max(here.decrement, CLOSE) else 0.0
    return gain / expected if expected > 0 else -np.inf


def is_peak(density: LogDensity, here: Iterate) -> bool:
    """Whether the curvature a tenth of an sd away is still about the same, in every direction.

    Along a slope that flattens for ever, like exp(-x), gradient and Newton decrement vanish as at a
    mode; only this check shows that there is none.
    """
    offset = here.curved.spread(np.full(density.size, 0.1))
    nearby = Iterate.at(density, here.theta + offset / np.sqrt(density.size))
    return nearby.is_finite and here.curved.is_similar(nearby.curvature, _SIMILAR)


def polished(density: LogDensity, here: Iterate) -> Iterate:
    """Take one more Newton step, which squares the remaining error, if it is above rounding."""
    if here.decrement <= _NOTHING_LEFT:
        return here
    there = Iterate.at(density, here.theta + here.curved.newton(here.gradient), here)
    better = there.is_finite and there.decrement <= here.decrement
    return there if better else here
