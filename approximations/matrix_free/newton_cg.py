"""Find a mode without a Hessian: Newton's method in a trust region, by conjugate gradients.

Steihaug (1983), "The conjugate gradient method and trust regions in large scale optimization",
SIAM J. Numer. Anal. 20; preconditioned as in Conn, Gould and Toint (2000), section 7.5.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr

from ..density import LogDensity
from ..density.derivatives.checking import hessian_error
from ..errors import ModeNotFoundError, StartingPointError
from ..linear_algebra.gaussian import Gaussian
from ..mode.given_start import Start, starting_point
from .prior_curvature import prior_precision

# Squared Newton decrement below which the mode is closer than 1e-5 standard deviations.
_CLOSE = 1e-10
_MOST_PRODUCTS = 1000


@dataclass(frozen=True)
class MatrixFreeMode:
    """A maximum that was found without a Hessian.

    Attributes
    ----------
    theta : (P,) array
    logp : float
    prior : (P,) array
        The prior's precisions at the mode.
    hessian_error : float
        As in `Mode`, of Hessian-vector products.
    """

    theta: np.ndarray
    logp: float
    prior: np.ndarray
    hessian_error: float


@dataclass(frozen=True)
class Step:
    """A step of conjugate gradients.

    Attributes
    ----------
    step : (P,) array
    expected : float
        Gain in log density predicted by the quadratic model.
    ends_inside : bool
        Whether the step maximises the quadratic model, cut off by no boundary or upward curvature:
        then twice the gain is the squared Newton decrement.
    """

    step: np.ndarray
    expected: float
    ends_inside: bool


def find_mode_by_products(
    density: LogDensity, start: Start, *, max_iterations: int
) -> MatrixFreeMode:
    """Find the mode by gradients and Hessian-vector products, and check the latter there.

    Steps are measured in the prior's sds.

    Parameters
    ----------
    density : LogDensity
    start : mapping, (P,) array, "find_MAP" or None
    max_iterations : int

    Raises
    ------
    StartingPointError
        When the log density or its gradient is not finite at the start.
    ModeNotFoundError
        When ``max_iterations`` did not suffice.
    CurvatureError, DerivativeError
    """
    theta = starting_point(density, start)
    logp, gradient = density.value_and_gradient(theta)
    if not (np.isfinite(logp) and np.all(np.isfinite(gradient))):
        raise StartingPointError(
            f"The log density ({logp}) or its gradient is not finite at the starting point. Pass "
            "start={...} with another point."
        )
    precision_at = prior_precision(density)
    precision = precision_at(theta)
    radius = 10 * np.sqrt(density.size)
    for iterations in range(max_iterations + 1):
        product = partial(_curvature_product, density, theta)
        found = conjugate_gradients(product, gradient, precision, radius)
        is_close = found.ends_inside and 2 * found.expected <= _CLOSE
        if iterations == max_iterations and not is_close:
            break
        there = theta + found.step
        there_logp, there_gradient = density.value_and_gradient(there)
        gained = _gain_ratio(logp, there_logp, there_gradient, found.expected)
        if gained > 1e-4 or (is_close and gained >= 0):
            theta, logp, gradient = there, there_logp, there_gradient
        if is_close:
            return _checked(density, theta, logp, precision_at(theta))
        length = float(np.linalg.norm(np.sqrt(precision) * found.step))
        if gained < 0.25:
            radius = min(radius, length) / 4
        elif gained > 0.75 and length > 0.9 * radius:
            radius *= 2.5
        if radius < 1e-12:
            break
    raise ModeNotFoundError(_sentence(density, gradient, precision, iterations))


def _checked(
    density: LogDensity, theta: np.ndarray, logp: float, prior: np.ndarray
) -> MatrixFreeMode:
    product = partial(density.hessian_vector_product, theta)
    return MatrixFreeMode(
        theta, logp, prior, hessian_error(density, theta, product, np.sqrt(prior))
    )


def fit_without_matrix(density: LogDensity, mode: MatrixFreeMode, gaussian: Gaussian) -> xr.Dataset:
    """Describe a mode and the normal distribution there, as group ``fit``."""
    return xr.Dataset(
        {
            "mode": ("parameter", mode.theta),
            "sd": ("parameter", gaussian.sd),
            "logp_mode": mode.logp,
            "hessian_error": mode.hessian_error,
        },
        coords={"parameter": list(density.parameters)},
    )


def conjugate_gradients(
    product: Callable[[np.ndarray], np.ndarray],
    gradient: np.ndarray,
    precision: np.ndarray,
    radius: float,
) -> Step:
    """Maximise g's - s'As / 2 within a ball in the metric of ``precision``, approximately.

    Parameters
    ----------
    product : callable
        A times a vector (P,), A the negative Hessian.
    gradient, precision : (P,) array
    radius : float
    """
    step, image = np.zeros_like(gradient), np.zeros_like(gradient)
    residual = gradient.copy()
    towards = residual / precision
    slope = first = float(residual @ towards)
    # More digits closer to the mode, for superlinear convergence.
    enough = first * min(0.1, np.sqrt(first)) ** 2
    inside = True
    for _ in range(_MOST_PRODUCTS):
        if slope <= enough:
            break
        curved = product(towards)
        along = float(towards @ curved)
        stride = slope / along if along > 0 else np.inf
        to_edge = _to_edge(step, towards, precision, radius)
        if stride >= to_edge:
            step, image = step + to_edge * towards, image + to_edge * curved
            inside = False
            break
        step, image = step + stride * towards, image + stride * curved
        residual = residual - stride * curved
        preconditioned = residual / precision
        before, slope = slope, float(residual @ preconditioned)
        towards = preconditioned + slope / before * towards
    return Step(step, float(gradient @ step - 0.5 * step @ image), inside)


def _to_edge(step: np.ndarray, towards: np.ndarray, precision: np.ndarray, radius: float) -> float:
    """Distance from a step along a direction to the trust-region boundary."""
    square = float(towards @ (precision * towards))
    along = float(step @ (precision * towards))
    room = max(radius**2 - float(step @ (precision * step)), 0.0)
    return room / (along + np.sqrt(along**2 + square * room)) if room else 0.0


def _curvature_product(density: LogDensity, theta: np.ndarray, vector: np.ndarray) -> np.ndarray:
    return -density.hessian_vector_product(theta, vector)


def _gain_ratio(here: float, there: float, gradient: np.ndarray, expected: float) -> float:
    if not (np.isfinite(there) and np.all(np.isfinite(gradient))):
        return -np.inf
    rounding = 1e-13 * (abs(here) + 1)
    if expected < rounding and abs(there - here) < 10 * rounding:
        return 1.0
    return (there - here) / expected if expected > 0 else -np.inf


def _sentence(
    density: LogDensity, gradient: np.ndarray, precision: np.ndarray, iterations: int
) -> str:
    slopes = np.abs(gradient) / np.sqrt(precision)
    steepest = int(np.argmax(slopes))
    return (
        f"No mode was found in {iterations} steps: the gradient is still {slopes[steepest]:.2g} "
        f"(in units of one over the prior's sd), largest in {density.parameters[steepest]}. The "
        "log density may be unbounded, or the path long: raise max_iterations, pass "
        "start={...} closer to the mode, or use laplace, whose errors say more."
    )
