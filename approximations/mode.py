"""Find the mode of a log density: Newton's method in a trust region, with the exact Hessian.

Moré and Sorensen (1983), "Computing a trust region step": the quadratic model of the log density is
maximised exactly within an ellipsoid, whose axes follow the curvature, so that badly scaled
parameters need no care. An own search, and not SciPy's ``trust-exact``, because that one takes its
radius in raw units, loops on NaN, and cannot tell a maximum from a slope that flattens for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pymc as pm
from scipy.linalg import solve_triangular
from scipy.optimize import brentq

from .density import LogDensity, as_density
from .errors import (
    ArgumentError,
    CurvatureError,
    ModeAtInfinityError,
    ModeNotFoundError,
    StartingPointError,
)
from .gaussian import curvature_scale, lowest_curvature, smallest_curvature
from .parameters import describe_direction

# Squared Newton decrement: the mode is closer than 1e-6 standard deviations.
_CLOSE = 1e-12
# By how much the curvature may change within a tenth of an sd of a mode.
_SIMILAR = 10.0


@dataclass(frozen=True)
class Mode:
    """A maximum of the log density in unconstrained space.

    Attributes
    ----------
    theta : (P,) array
    logp : float
        Log density at the mode, Jacobian terms included.
    gradient : (P,) array
        What is left of the gradient.
    hessian : (P, P) array
        Exact Hessian of the log density; its negative is the precision of the normal
        approximation.
    parameters : tuple of str
        Labels of the P entries.
    iterations : int
        Newton steps tried.
    """

    theta: np.ndarray
    logp: float
    gradient: np.ndarray
    hessian: np.ndarray
    parameters: tuple[str, ...]
    iterations: int


@dataclass(frozen=True)
class _Iterate:
    """A point of the search; ``curvature`` is the negative Hessian."""

    theta: np.ndarray
    logp: float
    gradient: np.ndarray
    curvature: np.ndarray

    def is_finite(self) -> bool:
        return bool(
            np.isfinite(self.logp)
            and np.all(np.isfinite(self.gradient))
            and np.all(np.isfinite(self.curvature))
        )


def find_mode(
    model: pm.Model | LogDensity | None = None,
    start: Mapping[str, Any] | np.ndarray | Literal["find_MAP"] | None = None,
    *,
    max_iterations: int = 200,
) -> Mode:
    """Find the posterior mode in unconstrained space, Jacobian terms included.

    The mode depends on the coordinates: this one is the maximum of the density that the normal
    approximation expands, and so differs from `pymc.find_MAP`, which leaves the Jacobian out.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None.
    start : mapping, (P,) array or "find_MAP", optional
        Where to begin: values on the variables' own scale, a point in unconstrained space, or the
        result of `pymc.find_MAP`. Default: the model's initial point.
    max_iterations : int, default 200

    Returns
    -------
    Mode

    Raises
    ------
    StartingPointError
        When the log density, its gradient or its Hessian is not finite at the start.
    ModeAtInfinityError
        When the log density is flat along a direction, or grows without end.
    CurvatureError
        When the curvature vanishes at the maximum.
    ModeNotFoundError
        When ``max_iterations`` were not enough.
    """
    if max_iterations < 1:
        raise ArgumentError(f"max_iterations must be at least 1, but {max_iterations} was given.")
    density = as_density(model)
    theta = _map_point(density) if isinstance(start, str) else density.initial_point(start)
    if isinstance(start, str) and start != "find_MAP":
        raise ArgumentError(f"start must be a point or 'find_MAP', but {start!r} was given.")
    here = _first_iterate(density, theta)
    path = [here]
    radius, scale = 10 * np.sqrt(density.size), np.zeros(density.size)
    for iterations in range(max_iterations + 1):
        if _is_close(here):
            if _is_flat(here):
                break
            if _is_peak(density, here):
                return _mode(_polished(density, here), density.parameters, iterations)
        if radius < 1e-12:
            break
        scale = np.maximum(curvature_scale(here.curvature), scale / 10)
        step, expected = _trust_region_step(here, scale, radius)
        there = _evaluate(density, here.theta + step)
        gained = _gain_ratio(here, there, expected)
        if gained < 0.25:
            radius = min(radius, float(np.linalg.norm(scale * step))) / 4
        elif gained > 0.75 and np.linalg.norm(scale * step) > 0.9 * radius:
            radius *= 2.5
        if gained > 1e-4:
            here = there
            path.append(here)
    raise _why_no_mode(density, path, max_iterations)


def _first_iterate(density: LogDensity, theta: np.ndarray) -> _Iterate:
    first = _evaluate(density, theta)
    if first.is_finite():
        return first
    if not np.isfinite(first.logp):
        raise StartingPointError(
            f"The log density is {first.logp} at the starting point, where "
            f"{_terms_that_fail(density, theta)}. Check the data for values that the likelihood "
            "cannot take, or pass start={...} with values that it can."
        )
    slopes = np.isfinite(first.gradient) & np.all(np.isfinite(first.curvature), axis=0)
    where = [density.parameters[k] for k in np.flatnonzero(~slopes)]
    raise StartingPointError(
        f"The gradient or Hessian of the log density is not finite in {', '.join(where[:5])} at "
        "the starting point. Pass start={...} with another point."
    )


def _terms_that_fail(density: LogDensity, theta: np.ndarray) -> str:
    """Name the variables whose log density is not finite, by PyMC's own account of each term."""
    point = {block.value_name: block.take(theta) for block in density.blocks}
    terms = density.model.point_logps(point)
    failing = [f"{name!r} gives {v}" for name, v in terms.items() if not np.all(np.isfinite(v))]
    return " and ".join(failing) if failing else "no single variable is at fault"


def _map_point(density: LogDensity) -> np.ndarray:
    """PyMC's own optimum, in the signature that PyMC 6.0 and 6.4 share."""
    import inspect
    import warnings

    options: dict[str, Any] = {"progressbar": False, "model": density.model}
    if "jitter" in inspect.signature(pm.find_MAP).parameters:
        options["jitter"] = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        point = pm.find_MAP(**options)
    names = {block.value_name for block in density.blocks}
    return density.initial_point({name: v for name, v in point.items() if name in names})


def _evaluate(density: LogDensity, theta: np.ndarray) -> _Iterate:
    """Evaluate a trial point; where the density is not finite no derivative is asked for."""
    logp, gradient = density.value_and_gradient(theta)
    if not (np.isfinite(logp) and np.all(np.isfinite(gradient))):
        return _Iterate(theta, logp, gradient, np.full((density.size, density.size), np.nan))
    return _Iterate(theta, logp, gradient, -density.hessian(theta))


def _trust_region_step(
    here: _Iterate, scale: np.ndarray, radius: float
) -> tuple[np.ndarray, float]:
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
    least = max(0.0, -eigenvalues[0]) + max(floor, 1e-300)

    def excess(shift: float) -> float:
        return float(np.linalg.norm(slope / (eigenvalues + shift)) - radius)

    if excess(least) <= 0:
        # Moré and Sorensen's hard case: no slope along the lowest eigenvector, so add a part of it.
        step = slope / (eigenvalues + least)
        step[0] += np.copysign(np.sqrt(max(radius**2 - step @ step, 0.0)), slope[0])
        return step
    most = least + 2 * (np.linalg.norm(slope) / radius + np.abs(eigenvalues[0]))
    return slope / (eigenvalues + brentq(excess, least, most, xtol=1e-12 * most, rtol=1e-10))


def _gain_ratio(here: _Iterate, there: _Iterate, expected: float) -> float:
    """Gain in log density over the gain expected; minus infinity where a trial is not finite."""
    if not there.is_finite():
        return -np.inf
    gain = there.logp - here.logp
    rounding = 1e-13 * (abs(here.logp) + 1)
    if expected < rounding and abs(gain) < 10 * rounding:
        # Both gains drown in rounding: let the gradient judge.
        return 1.0 if _decrement(there) <= max(_decrement(here), _CLOSE) else 0.0
    return gain / expected if expected > 0 else -np.inf


def _decrement(here: _Iterate) -> float:
    """Squared Newton decrement g' H^-1 g: the squared distance to the mode, in sds.

    Flat directions count by their slope alone; a direction that curves upward makes it infinite.
    """
    scale = curvature_scale(here.curvature)
    eigenvalues, vectors = np.linalg.eigh(here.curvature / np.outer(scale, scale))
    flat = np.abs(eigenvalues) <= smallest_curvature(len(scale))
    if np.any(eigenvalues[~flat] < 0):
        return np.inf
    slope = vectors.T @ (here.gradient / scale)
    return float(np.sum(slope[~flat] ** 2 / eigenvalues[~flat]) + np.sum(slope[flat] ** 2))


def _is_close(here: _Iterate) -> bool:
    return _decrement(here) <= _CLOSE


def _is_flat(here: _Iterate) -> bool:
    return bool(abs(lowest_curvature(here.curvature)[0]) <= smallest_curvature(len(here.theta)))


def _is_peak(density: LogDensity, here: _Iterate) -> bool:
    """Whether the curvature a tenth of an sd away is still about the same, in every direction.

    Along a slope that flattens for ever, like exp(-x), gradient and Newton decrement vanish as at
    a mode; only this tells that there is none.
    """
    root = np.linalg.cholesky(here.curvature)
    offset = solve_triangular(root, np.full(density.size, 0.1), lower=True, trans="T")
    nearby = _evaluate(density, here.theta + offset / np.sqrt(density.size))
    if not nearby.is_finite():
        return False
    half = solve_triangular(root, nearby.curvature, lower=True)
    relative = np.linalg.eigvalsh(solve_triangular(root, half.T, lower=True))
    return bool(relative[0] > 1 / _SIMILAR and relative[-1] < _SIMILAR)


def _polished(density: LogDensity, here: _Iterate) -> _Iterate:
    """Take one more Newton step, which squares what is left of the error."""
    there = _evaluate(density, here.theta + np.linalg.solve(here.curvature, here.gradient))
    better = there.is_finite() and _decrement(there) <= _decrement(here)
    return there if better else here


def _mode(here: _Iterate, parameters: tuple[str, ...], iterations: int) -> Mode:
    return Mode(here.theta, here.logp, here.gradient, -here.curvature, parameters, iterations)


def _why_no_mode(
    density: LogDensity, path: list[_Iterate], max_iterations: int
) -> ModeAtInfinityError | CurvatureError | ModeNotFoundError:
    """Say why a search ended without a mode."""
    here, labels = path[-1], density.parameters
    _, direction = lowest_curvature(here.curvature)
    scale = curvature_scale(here.curvature)
    slopes = np.abs(here.gradient / scale)
    moved = here.theta - path[min(10, len(path) // 2)].theta
    if _is_close(here) and _is_flat(here):
        return ModeAtInfinityError(
            f"The log density is flat along {describe_direction(labels, direction)}: the data and "
            "the priors leave that combination free, so there is no single mode. Give one of the "
            "variables in it a proper prior, or remove it."
        )
    if _runs_away(path):
        worst = int(np.argmax(np.abs(moved)))
        return ModeAtInfinityError(
            f"There is no finite mode within reach: after {len(path)} steps the log density still "
            f"grows (to {here.logp:.6g}) along {describe_direction(labels, moved)}, with "
            f"{labels[worst]} at {here.theta[worst]:.4g}. The posterior may be improper, or pile "
            "up at a boundary (a scale going to 0, data that are perfectly separated). Use a "
            "proper or stronger prior, a non-centred parametrisation, or nuts."
        )
    if _is_close(here):
        return CurvatureError(
            f"The curvature vanishes along {describe_direction(labels, direction)} as the search "
            f"closes in on its maximum (at {here.logp:.6g}): no normal distribution fits so flat a "
            "top. Use grid or nuts."
        )
    return ModeNotFoundError(
        f"No mode was found in {len(path) - 1} steps of at most {max_iterations}: the gradient is "
        f"still {np.max(slopes):.2g} (in units of one over sd), largest in "
        f"{labels[int(np.argmax(slopes))]}. Raise max_iterations, or pass start={{...}} closer to "
        "the mode."
    )


def _runs_away(path: list[_Iterate]) -> bool:
    """Whether a search goes on for ever: by equal steps in one direction, or by rising in value."""
    if len(path) >= 30 and path[-1].logp - path[10].logp > 1:
        return True
    steps = np.diff([iterate.theta for iterate in path[-11:]], axis=0)
    if len(steps) < 3:
        return False
    lengths = np.linalg.norm(steps, axis=1)
    along = np.linalg.norm(steps.sum(axis=0)) / lengths.sum()
    return bool(along > 0.5 and lengths[-1] > 0.5 * lengths.max())
