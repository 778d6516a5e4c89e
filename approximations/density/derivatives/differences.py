"""Hessians as differences of the gradient, where PyTensor has no second derivative."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Gradient = Callable[[np.ndarray], np.ndarray]

# Length of a step in sds: the error of a central difference is a sixth of its
# square, times the third derivative of the gradient, and the gradient's own noise over it.
_STEP = 1e-3
# Factors by which a step may be off, be lengthened at once, and be shortened at once.
_NEARLY, _LONGER, _SHORTER = 4.0, 30.0, 1e-3
# The longest step, in unconstrained units: in a flat direction it would grow without limit.
_LONGEST = 1e3
_MOST_TRIALS = 8


def product_by_differences(gradient: Gradient, theta: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Multiply a Hessian by a vector: a central difference of gradients along it.

    The step moves the most affected parameter by a thousandth of its sd, estimated from the
    curvature that the differences find. That takes 2 gradients where this sd is about 1 for the
    largest entry of the vector, usually 4, and 16 at most.

    Parameters
    ----------
    gradient : callable
        ``theta`` (P,) to the gradient (P,) of a log density.
    theta, vector : (P,) array

    Returns
    -------
    (P,) array
        Not finite where no step is short enough for finite gradients.
    """
    size = np.max(np.abs(vector))
    if size == 0:
        return np.zeros_like(theta)
    step, found = _STEP / size, np.full_like(theta, np.nan)
    for _ in range(_MOST_TRIALS):
        product = central_difference(gradient, theta, vector, step)
        if not np.all(np.isfinite(product)):
            if np.all(np.isfinite(found)):
                return found  # a longer step left the support
            step /= 10
            continue
        found = product
        sds = step * np.sqrt(np.max(np.abs(vector * product)))
        is_longest = step * size >= _LONGEST and sds < _STEP
        if is_longest or _STEP / _NEARLY <= sds <= _STEP * _NEARLY:
            return found
        factor = np.clip(_STEP / sds if sds > 0 else np.inf, _SHORTER, _LONGER)
        step = min(step * factor, _LONGEST / size)
    return found


def central_difference(
    gradient: Gradient, theta: np.ndarray, vector: np.ndarray, step: float
) -> np.ndarray:
    """Difference quotient (P,) of the gradient along a vector (P,), from both sides."""
    above, below = theta + step * vector, theta - step * vector
    # Limited by the rounding of theta.
    length = (above - below) @ vector / (vector @ vector)
    with np.errstate(all="ignore"):  # beyond the support: who asked looks at what is not finite
        return (gradient(above) - gradient(below)) / length
