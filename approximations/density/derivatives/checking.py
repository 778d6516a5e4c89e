"""Whether a Hessian is the second derivative: products with it against differences of gradients.

PyTensor's rules can lose a second derivative at the very point where a density has its mode (of
|x|^2 at 0, or where a branch of a switch holds a limit), and an operation's author may forget a
part. The exact gradient, a little above and below the mode, knows nothing of the rule.
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
# Steps in sds. The first serves nearly all densities; shorter ones those that bend sharply next to
# the mode (kinks, edges of a support), longer ones gradients that have lost digits.
_STEPS, _LONG_STEPS = (3e-4, 3e-5, 3e-6), (1e-2, 1e-1)
# Steps to both sides of a kink, and the least jump of its slope, in sds and one over sd. Across so
# few sds a smooth slope changes by a thousandth of that.
_BESIDE, _JUMP = 1e-6, 1e-3
# How much closer to each other than to the Hessian differences are that have settled.
_SETTLED = 0.1
# Difference that rounding and the steps explain, as a share of a product's entry.
_EXPLAINED = 1e-4


class Slope(Protocol):
    """What is asked of a log density."""

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

    A direction moves every parameter by about its own conditional sd, times a step, so that a wrong
    entry shows whichever parameter it belongs to. The directions are the same in every call. Costs
    4 gradients and 2 products, and more only where an exact Hessian disagrees.

    Parameters
    ----------
    density : LogDensity
    theta : (P,) array
    product : callable
        Vector (P,) to the Hessian times it.
    scale : (P,) array
        Roots of the size of the Hessian's diagonal, or about.

    Returns
    -------
    float
        Largest disagreement in an entry of a product, as a share of its size, where the Hessian is
        made of differences itself; 0 where it is exact.

    Raises
    ------
    DerivativeError
        When an exact Hessian disagrees beyond rounding, or the gradient is not finite nearby.
    """
    errors = []
    for direction in _directions(len(theta)):
        vector = direction / scale
        claimed = product(vector)
        # Where the scale is another's than this Hessian's, such as a prior's.
        length = max(1.0, math.sqrt(abs(float(vector @ claimed)) / len(theta)))
        errors.append(_error_along(density, theta, vector / length, claimed / length, scale))
    return max(errors)


def check_flatness(density: Slope, theta: np.ndarray, product: Product) -> None:
    """Tell a top that looks flat because its Hessian is wrong from one that is flat.

    Its scale is not known then, so differences count where two steps, in unconstrained units, agree
    with each other and not with the Hessian, by more than rounding.

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
    """Refuse a point where the slope in one parameter jumps, or the density ends.

    Parameters
    ----------
    density : LogDensity
    theta : (P,) array
        Where a search came to a halt.
    entry : int
        The parameter.
    scale : float
        One over its sd.

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
    """Error of a product: of differences at the first step that is finite, else 0 at the least."""
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
    """Random signs times random lengths (K, P), none of them close to 0."""
    rng, shape = np.random.default_rng(_SEED), (_DIRECTIONS, size)
    return rng.choice((-1.0, 1.0), size=shape) * rng.uniform(0.5, 1.5, size=shape)


def _refusal(density: Slope, worst: int, claimed: np.ndarray, found: np.ndarray) -> DerivativeError:
    return DerivativeError(
        "The Hessian at the mode is not the second derivative of the log density: along a "
        f"direction it gives {claimed[worst]:.5g} for {density.parameters[worst]}, and differences "
        f"of the gradient give {found[worst]:.5g}. Either a rule of differentiation leaves a part "
        "out there, as of a switch with a branch for one point, or of an operation of one's own; "
        "or the slope jumps, as of |x| at 0. Write that part of the model in another way, or use "
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
