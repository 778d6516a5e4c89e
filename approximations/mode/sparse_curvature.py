"""The negative Hessian of a search as a sparse matrix, by shifted Cholesky factors.

Moré and Sorensen (1983), "Computing a trust region step", algorithm 3.14; Conn, Gould and Toint
(2000), Trust-Region Methods, SIAM, section 7.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from ..errors import IndefiniteMatrixError
from ..linear_algebra.flattest import lowest_direction
from ..linear_algebra.gaussian import FLAT_IF_SPARSE, curvature_scale
from ..linear_algebra.sparse_cholesky import Ordering, SparseFactor

# Tolerance on the length of a step relative to the radius, which is only a guess.
_NEARLY = 0.2
# Share of the best gain that may be lost where a step is completed along an eigenvector.
_GIVEN_UP = 0.1
_MOST_SHIFTS = 60


@dataclass(frozen=True, eq=False)
class SparseCurvature:
    """A sparse negative Hessian as a search uses it; `DenseCurvature` has the same methods.

    Attributes
    ----------
    matrix : (P, P) csc_array
    ordering : Ordering
    """

    matrix: sparse.csc_array
    ordering: Ordering

    @classmethod
    def of(cls, matrix: sparse.csc_array, ordering: Ordering | None = None) -> SparseCurvature:
        """Reuse a known ordering where it fits the matrix, or find one."""
        if ordering is None or not ordering.fits(matrix):
            ordering = Ordering.of(matrix)
        return cls(ordering.shared(matrix), ordering)

    @cached_property
    def scale(self) -> np.ndarray:
        """Reciprocal conditional sds (P,), which scale the matrix to a unit diagonal."""
        return curvature_scale(self.matrix)

    @property
    def is_finite(self) -> bool:
        """Whether all entries are numbers."""
        return bool(np.all(np.isfinite(self.matrix.data)))

    @property
    def finite_rows(self) -> np.ndarray:
        """Whether all entries of each row (P,) are numbers."""
        broken = np.bincount(self.matrix.indices, ~np.isfinite(self.matrix.data), len(self.scale))
        return broken == 0

    @property
    def is_flat(self) -> bool:
        """Whether the log density is flat to rounding along a direction, and convex along none."""
        return abs(self._lowest[0]) <= FLAT_IF_SPARSE

    @property
    def lowest(self) -> float:
        """Least curvature, after scaling to a unit diagonal."""
        return self._lowest[0]

    @property
    def flattest(self) -> np.ndarray:
        """Direction (P,) of least curvature, in the parameters' units."""
        return self._lowest[1]

    def decrement(self, gradient: np.ndarray) -> float:
        """Squared Newton decrement g' H^-1 g; a flat direction contributes by its slope alone.

        Infinite where a direction curves upward.
        """
        # A flat direction leaves a pivot close to zero: at most P times its curvature.
        if self._factor is not None and self._factor.pivots.min() > FLAT_IF_SPARSE * len(gradient):
            return float(gradient @ self._factor.solve(gradient))
        lowest, direction = self._lowest
        if lowest < -FLAT_IF_SPARSE:
            return np.inf
        if lowest > FLAT_IF_SPARSE and self._factor is not None:
            return float(gradient @ self._factor.solve(gradient))
        vector = self.scale * direction
        vector /= np.linalg.norm(vector)
        slope = vector @ (gradient / self.scale)
        rest = gradient - slope * vector * self.scale
        shifted = self.ordering.factor(self.matrix, self.scale, 2 * FLAT_IF_SPARSE)
        return float(rest @ shifted.solve(rest) + slope**2)

    def step(
        self, gradient: np.ndarray, scale: np.ndarray, radius: float
    ) -> tuple[np.ndarray, float]:
        """Maximise the quadratic model within ``|scale * step| <= radius``: step (P,) and gain."""
        if self._factor is not None:
            newton = self._factor.solve(gradient)
            if np.linalg.norm(scale * newton) <= radius:
                return newton, float(0.5 * gradient @ newton)
        step = _bounded_step(Ball(self, gradient, scale, radius))
        return step, float(gradient @ step - 0.5 * step @ (self.matrix @ step))

    def newton(self, gradient: np.ndarray) -> np.ndarray:
        """Newton step (P,) to the top of the quadratic model."""
        return self.ordering.factor(self.matrix).solve(gradient)

    def spread(self, whitened: np.ndarray) -> np.ndarray:
        """Map whitened z (P,), whose length is in sds, to the parameters' units."""
        return self.ordering.factor(self.matrix).unwhiten(whitened[None])[0]

    def is_similar(self, other: sparse.csc_array, most: float) -> bool:
        """Whether another matrix curves as much, within a factor ``most``, in every direction."""
        try:
            for difference in (other - self.matrix / most, most * self.matrix - other):
                Ordering.of(difference).factor(difference)
        except IndefiniteMatrixError:
            return False
        return True

    @cached_property
    def _factor(self) -> SparseFactor | None:
        """The factor, where the matrix is positive definite."""
        outcome = self._outcome
        return None if isinstance(outcome, IndefiniteMatrixError) else outcome

    @cached_property
    def _outcome(self) -> SparseFactor | IndefiniteMatrixError:
        try:
            return self.ordering.factor(self.matrix, self.scale)
        except IndefiniteMatrixError as error:
            return error.with_traceback(None)  # which would keep the arrays of the attempt

    @cached_property
    def _lowest(self) -> tuple[float, np.ndarray]:
        """Least curvature in scaled units, and its direction in the parameters' own."""
        outcome = self._outcome
        if not isinstance(outcome, IndefiniteMatrixError):
            return lowest_direction(outcome)
        if outcome.lowest < -FLAT_IF_SPARSE:
            return outcome.lowest, outcome.direction
        # It seems flat; shifting the matrix a little shows whether it also curves upward.
        shift = 10 * FLAT_IF_SPARSE
        try:
            shifted = self.ordering.factor(self.matrix, self.scale, shift)
        except IndefiniteMatrixError as error:
            return error.lowest - shift, error.direction
        lowest, direction = lowest_direction(shifted)
        return lowest - shift, direction


@dataclass(frozen=True)
class Ball:
    """The trust-region subproblem: maximise g's - s'As / 2 within ``|scale * step| <= radius``."""

    curved: SparseCurvature
    gradient: np.ndarray
    scale: np.ndarray
    radius: float

    def shifted(self, shift: float) -> SparseFactor:
        """Factor A + shift scale^2; raises `IndefiniteMatrixError` if the shift is too small."""
        return self.curved.ordering.factor(self.curved.matrix, self.scale, shift)

    @property
    def steepness(self) -> float:
        """Length of the gradient over the radius: the shift if there were no curvature."""
        return float(np.linalg.norm(self.gradient / self.scale)) / self.radius

    @property
    def norm(self) -> float:
        """A bound on the size of the scaled matrix's eigenvalues, by Gershgorin."""
        rows = (abs(self.curved.matrix) @ (1 / self.scale)) / self.scale
        return float(np.max(rows))


def _bounded_step(ball: Ball) -> np.ndarray:
    """Solve (A + shift scale^2) step = g for the shift at which the step reaches the radius."""
    low, high = 0.0, ball.steepness + ball.norm
    shift, best = min(ball.steepness, high), None
    for _ in range(_MOST_SHIFTS):
        try:
            factor = ball.shifted(shift)
        except IndefiniteMatrixError as error:
            # The shift must grow by the known negative curvature along the direction.
            low = max(low, shift - error.lowest)
            shift = _between(low, high)
            continue
        step = factor.solve(ball.gradient)
        length = float(np.linalg.norm(ball.scale * step))
        if abs(length - ball.radius) <= _NEARLY * ball.radius:
            return step
        if length > ball.radius:
            low = shift
        else:
            best, is_good = _completed(ball, factor, step, shift)
            high = shift
            if is_good or high - low <= 1e-12 * high:
                return best
        shift = _newton_for_shift(ball, factor, step, length, shift)
        if not low < shift < high:
            shift = _between(low, high)
    return ball.shifted(2 * high).solve(ball.gradient) if best is None else best


def _newton_for_shift(
    ball: Ball, factor: SparseFactor, step: np.ndarray, length: float, shift: float
) -> float:
    """Newton's method for 1 / length = 1 / radius, nearly linear in the shift."""
    if length == 0:
        return np.nan
    scaled = ball.scale**2 * step
    slope = float(scaled @ factor.solve(scaled))
    return shift + length**2 / slope * (length - ball.radius) / ball.radius


def _between(low: float, high: float) -> float:
    """Choose a shift between two bounds that may be orders of magnitude apart."""
    return max(np.sqrt(low * high), low + 0.01 * (high - low))


def _completed(
    ball: Ball, factor: SparseFactor, step: np.ndarray, shift: float
) -> tuple[np.ndarray, bool]:
    """Extend a step to the radius along the flattest direction; tell if that is good enough.

    Moré and Sorensen's hard case: no slope along the lowest eigenvector, so that no shift will do.
    """
    _, direction = lowest_direction(factor, most=3)
    u, s = ball.scale * direction, ball.scale * step
    u /= np.linalg.norm(u)
    along, room = float(u @ s), ball.radius**2 - float(s @ s)
    sign = 1.0 if along >= 0 else -1.0
    part = sign * room / (abs(along) + np.sqrt(along**2 + room))
    extra = part * u / ball.scale
    shifted_curvature = float(extra @ (ball.curved.matrix @ extra)) + shift * part**2
    gain = float(ball.gradient @ step) + shift * ball.radius**2
    return step + extra, shifted_curvature <= _GIVEN_UP * gain
