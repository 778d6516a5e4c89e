"""Check that a Hessian is the second derivative, by differences of gradients.

PyTensor's rules can lose a second derivative exactly at a density's mode (of |x|^2 at 0, or where a
branch of a switch holds a limit), and a user's operation may omit a term. Differences of the exact
gradient around the mode do not depend on these rules.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Protocol

import numpy as np

from ...errors import CurvatureError, DerivativeError
from .differences import central_difference

Product = Callable[[np.ndarray], np.ndarray]

_DIRECTIONS, _SEED = 2, 20260102
# Steps in sds. The first suits nearly all densities; shorter ones suit sharp bends next to the mode
# (kinks, edges of a support), longer ones suit gradients with large rounding errors.
_STEPS, _LONG_STEPS = (3e-4, 3e-5, 3e-6), (1e-2, 1e-1)
# Steps to both sides of a kink, in sds, and the least jump of the slope, in reciprocal sds. Across
# so short a step a smooth slope changes by a thousandth of that.
_BESIDE, _JUMP = 1e-6, 1e-3
# Ratio by which converged differences agree better with each other than with the Hessian.
_SETTLED = 0.1
# Largest relative difference in an entry of a product that counts as rounding error.
_EXPLAINED = 1e-4


class Slope(Protocol):
    """The part of a log density that the checks use."""

    @property
    def size(self) -> int:
        """Number of entries of ``theta``, P."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Labels of the entries of ``theta``."""

    @property
    def has_exact_hessian(self) -> bool:
        """Whether Hessians are PyTensor's second derivatives."""

    def nearby(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Log density and gradient (P,) at ``theta`` (P,)."""


def hessian_error(density: Slope, theta: np.ndarray, product: Product, scale: np.ndarray) -> float:
    """Compare a Hessian's products along random directions with differences of the gradient.

    A direction moves every parameter by about a step times its conditional sd, so that a wrong
    entry shows for any parameter. The directions are the same in every call. It costs 4 gradients
    and 2 products, and more only where an exact Hessian disagrees.

    Parameters
    ----------
    density : LogDensity
    theta : (P,) array
    product : callable
        Maps a vector (P,) to the Hessian times it.
    scale : (P,) array
        Square roots of the Hessian's absolute diagonal, approximately.

    Returns
    -------
    float
        Largest relative disagreement in an entry of a product, where the Hessian itself is by
        differences; 0 where it is exact.

    Raises
    ------
    DerivativeError
        When an exact Hessian disagrees beyond rounding, or the gradient is not finite nearby.
    """
    errors = []
    for direction in _directions(len(theta)):
        vector = direction / scale
        claimed = product(vector)
        # Where the scale is not this Hessian's, but a prior's, say.
        length = max(1.0, math.sqrt(abs(float(vector @ claimed)) / len(theta)))
        errors.append(_error_along(density, theta, vector / length, claimed / length, scale))
    return max(errors)


def check_flatness(density: Slope, theta: np.ndarray, product: Product) -> None:
    """Check whether a maximum is flat, or only appears so because its Hessian is wrong.

    The scale is then unknown, so that differences are used where two steps, in unconstrained units,
    agree with each other but not with the Hessian, beyond rounding.

    Raises
    ------
    DerivativeError
    """
    vector = _directions(len(theta))[0]
    claimed = product(vector)
    long, short = (_difference(density, theta, vector, step) for step in _STEPS[:2])
    apart = np.abs(short - claimed)
    if not np.all(np.isfinite(apart)):
        return
    worst = int(np.argmax(apart))
    is_rounding = apart[worst] < _EXPLAINED * abs(short[worst])
    if not is_rounding and np.abs(long - short)[worst] < _SETTLED * apart[worst]:
        raise _refusal(density, worst, claimed, short)


def check_kink(density: Slope, theta: np.ndarray, entry: int, scale: float) -> None:
    """Reject a point where the slope in one parameter jumps, or the density ends.

    Parameters
    ----------
    density : LogDensity
    theta : (P,) array
        Where a search stopped.
    entry : int
        The parameter.
    scale : float
        Reciprocal of its sd.

    Raises
    ------
    CurvatureError
    """
    unit = np.zeros(density.size)
    unit[entry] = _BESIDE / scale
    (low, left), (high, right) = (density.nearby(theta + side * unit) for side in (-1, 1))
    place = f"{density.parameters[entry]} = {theta[entry]:.4g} (unconstrained scale)"
    if not math.isfinite(low) or not math.isfinite(high):
        raise CurvatureError(
            f"The search for the mode ended at an edge of the support: to one side of {place} the "
            f"density is {'0' if -np.inf in (low, high) else 'no number'}, and no normal "
            "distribution fits an edge. Use smc or nuts."
        )
    below, above = left[entry], right[entry]
    if below - above > _JUMP * scale:
        raise CurvatureError(
            f"The search for the mode ended at a kink of the log density: at {place} its slope "
            f"jumps from {below:.3g} to {above:.3g}, as that of a Laplace density does at its "
            "centre, and no normal distribution fits that. Use smc or nuts."
        )


def _error_along(
    density: Slope, theta: np.ndarray, vector: np.ndarray, claimed: np.ndarray, scale: np.ndarray
) -> float:
    """Error of a product by differences: at the first finite step, or 0 if exact."""
    size, seen = scale + np.abs(claimed), claimed
    for found in _differences(density, theta, vector):
        error = float((np.abs(found - claimed) / size).max())  # NaN where one of them is
        if error <= _EXPLAINED and density.has_exact_hessian:
            return 0.0
        if not density.has_exact_hessian and math.isfinite(error):
            return error
        seen = found if seen is claimed else seen
    raise _refusal(density, int(np.argmax(np.abs(seen - claimed) / size)), claimed, seen)


@lru_cache(maxsize=4)
def _directions(size: int) -> np.ndarray:
    """Random signs times random lengths (K, P), none close to 0."""
    rng, shape = np.random.default_rng(_SEED), (_DIRECTIONS, size)
    return rng.choice((-1.0, 1.0), size=shape) * rng.uniform(0.5, 1.5, size=shape)


def _refusal(density: Slope, worst: int, claimed: np.ndarray, found: np.ndarray) -> DerivativeError:
    return DerivativeError(
        "The Hessian at the mode is not the second derivative of the log density: along a "
        f"direction it gives {claimed[worst]:.5g} for {density.parameters[worst]}, and differences "
        f"of the gradient give {found[worst]:.5g}. Either a rule of differentiation omits a term "
        "out there, as of a switch with a branch for one point, or of an operation of one's own; "
        "or the slope jumps, as of |x| at 0. Rewrite that part of the model, or use "
        "smc or nuts."
    )


def _differences(density: Slope, theta: np.ndarray, vector: np.ndarray) -> Iterator[np.ndarray]:
    """Differences of the gradient along a vector, by steps of several lengths."""
    for step in _STEPS:
        yield _difference(density, theta, vector, step)
    for step in _LONG_STEPS:
        one, twice = (_difference(density, theta, vector, k * step) for k in (1, 2))
        with np.errstate(invalid="ignore"):
            yield (4 * one - twice) / 3


def _difference(density: Slope, theta: np.ndarray, vector: np.ndarray, step: float) -> np.ndarray:
    return central_difference(lambda place: density.nearby(place)[1], theta, vector, step)
