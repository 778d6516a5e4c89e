"""Whether a Hessian is the second derivative: products with it against differences of gradients.

PyTensor's rules can lose a second derivative at the very point where a density has its mode (of
|x|^2 at 0, or where a branch of a switch holds a limit), and an operation's author may forget a
part. The exact gradient, a little above and below the mode, knows nothing of the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from ..errors import CurvatureError, DerivativeError
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

    def nearby_gradient(self, theta: np.ndarray) -> np.ndarray:
        """Gradient (P,) at ``theta`` (P,)."""


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
    rng, errors = np.random.default_rng(_SEED), []
    for _ in range(_DIRECTIONS):
        vector = _direction(rng, density.size) / scale
        told = product(vector)
        # Where the scale is another's than this Hessian's, such as a prior's.
        length = max(1.0, float(np.sqrt(np.abs(vector @ told) / len(theta))))
        errors.append(_error_along(density, theta, vector / length, told / length, scale))
    return max(errors)


def check_flatness(density: Slope, theta: np.ndarray, product: Product) -> None:
    """Tell a top that looks flat because its Hessian is wrong from one that is flat.

    Its scale is not known then, so differences count where two steps, in unconstrained units, agree
    with each other and not with the Hessian.

    Raises
    ------
    DerivativeError
    """
    vector = _direction(np.random.default_rng(_SEED), density.size)
    told = product(vector)
    long, short = (
        central_difference(density.nearby_gradient, theta, vector, step) for step in _STEPS[:2]
    )
    apart = np.abs(short - told)
    if not np.all(np.isfinite(apart)):
        return
    worst = int(np.argmax(apart))
    if np.abs(long - short)[worst] < _SETTLED * apart[worst]:
        raise _refusal(density, worst, told, short)


def check_kink(density: Slope, theta: np.ndarray, entry: int, scale: float) -> None:
    """Refuse a point where the slope in one parameter jumps.

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
    below, above = (density.nearby_gradient(theta + side * unit)[entry] for side in (-1, 1))
    if below - above > _JUMP * scale:
        raise CurvatureError(
            f"The search for the mode ended at a kink of the log density: at "
            f"{density.parameters[entry]} = {theta[entry]:.4g} (unconstrained scale) its slope "
            f"jumps from {below:.3g} to {above:.3g}, as that of a Laplace density does at its "
            "centre, and no normal distribution fits that. Use smc or nuts."
        )


def _error_along(
    density: Slope, theta: np.ndarray, vector: np.ndarray, told: np.ndarray, scale: np.ndarray
) -> float:
    """Error of a product, at the step that shows the least."""
    size, least = scale + np.abs(told), np.inf
    for found in _differences(density, theta, vector):
        shares = np.abs(found - told) / size
        if not least < np.inf:
            shown, worst = found, int(np.argmax(shares))
        least = min(least, float(np.max(shares)) if np.all(np.isfinite(shares)) else np.inf)
        if not density.has_exact_hessian and least < np.inf:
            return least
        if least <= _EXPLAINED:
            return 0.0
    raise _refusal(density, worst, told, shown)


def _direction(rng: np.random.Generator, size: int) -> np.ndarray:
    """Random signs times random lengths (P,), none of them close to 0."""
    return rng.choice((-1.0, 1.0), size=size) * rng.uniform(0.5, 1.5, size=size)


def _refusal(density: Slope, worst: int, told: np.ndarray, found: np.ndarray) -> DerivativeError:
    return DerivativeError(
        "The Hessian at the mode is not the second derivative of the log density: along a "
        f"direction it gives {told[worst]:.5g} for {density.parameters[worst]}, and differences of "
        f"the gradient give {found[worst]:.5g}. Either a rule of differentiation leaves a part out "
        "there, as of a switch with a branch for one point, or of an operation of one's own; or "
        "the slope jumps, as of |x| at 0. Write that part of the model in another way, or use smc "
        "or nuts."
    )


def _differences(density: Slope, theta: np.ndarray, vector: np.ndarray) -> Iterator[np.ndarray]:
    """Differences of the gradient along a vector, by steps of several lengths."""

    def along(step: float) -> np.ndarray:
        return central_difference(density.nearby_gradient, theta, vector, step)

    yield from map(along, _STEPS)
    for step in _LONG_STEPS:
        yield (4 * along(step) - along(2 * step)) / 3
