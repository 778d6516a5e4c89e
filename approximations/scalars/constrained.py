"""The marginal density of a scalar, by Laplace's method given each of its values.

Tierney, Kass and Kadane (1989), "Approximate marginal densities of nonlinear functions",
Biometrika 76, equation 2; for a parameter, Tierney and Kadane (1986), equation 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..density import LogDensity
from ..errors import MarginalError
from ..mode import Mode
from .tilted import Quantity

# Steps along the quantity in its sds, and their growth factor, for heavy tails.
_FIRST_STEP = 0.15
_GROWTH = 1.05
_MOST_STEPS = 400
_MOST_ITERATIONS = 30
# Longest Newton step, in standard deviations, accepted as a correction.
_FARTHEST = 3.0
# Log density, below its maximum, at which a path ends: less than 1e-7 of the mass lies beyond.
_DEEP_ENOUGH = 20.0


@dataclass(frozen=True)
class Constrained:
    """The maximum of the log density among all points with one value of the quantity.

    Attributes
    ----------
    theta : (P,) array
    strength : float
        Lagrange's multiplier: theta is also stationary for log p + strength h.
    value : float
        The quantity h.
    reach : float
        Change of h over one standard deviation of the normal approximation.
    log_density : float
        Laplace's approximation of the log density of h, not normalised.
    """

    theta: np.ndarray
    strength: float
    value: float
    reach: float
    log_density: float


@dataclass(frozen=True)
class Problem:
    """A log density, a quantity, and the root (P, P) of a covariance, in whose units it is solved.

    Attributes
    ----------
    density : LogDensity
    quantity : Quantity
    root : (P, P) array
    """

    density: LogDensity
    quantity: Quantity
    root: np.ndarray


def marginal_path(problem: Problem, mode: Mode) -> list[Constrained]:
    """Follow the constrained maximum from the mode both ways, until the density has vanished.

    Returns
    -------
    list of Constrained
        In increasing order of the quantity.

    Raises
    ------
    MarginalError
        When the quantity does not change at the mode, or a path breaks off.
    """
    value, slope, _ = problem.quantity.function.derivatives(mode.theta)
    if not np.linalg.norm(problem.root.T @ slope) > 1e-8 * max(1.0, abs(value)):
        raise MarginalError(
            f"{problem.quantity.label!r} does not change with the parameters at the posterior's "
            "mode, so its density is not regular there. Use draws of importance or nuts."
        )
    first = _solved(problem, value, mode.theta, 0.0)
    if first is None:
        raise MarginalError(_broken(problem.quantity.label, value))
    below, above = (_one_way(problem, first, side) for side in (-1, 1))
    return [*reversed(below), first, *above]


def _one_way(problem: Problem, first: Constrained, side: int) -> list[Constrained]:
    path, here, highest, step = [], first, first.log_density, _FIRST_STEP
    for _ in range(_MOST_STEPS):
        there = _solved(problem, here.value + side * step * here.reach, here.theta, here.strength)
        if there is None:
            step /= 2
            if step < 1e-4 * _FIRST_STEP:
                raise MarginalError(_broken(problem.quantity.label, here.value))
            continue
        here = there
        path.append(here)
        highest = max(highest, here.log_density)
        if here.log_density < highest - _DEEP_ENOUGH:
            return path
        step *= _GROWTH
    raise MarginalError(_broken(problem.quantity.label, here.value))


def _solved(
    problem: Problem, target: float, theta: np.ndarray, strength: float
) -> Constrained | None:
    """Solve for the maximum with h = ``target`` by Newton's method; None where it fails."""
    root = problem.root
    for _ in range(_MOST_ITERATIONS):
        logp, gradient, hessian = problem.density.derivatives(theta)
        value, slope, curve = problem.quantity.function.derivatives(theta)
        residual = root.T @ (gradient + strength * slope)
        # In units of the root the curvature is well conditioned, whatever the parameters' units.
        curvature = -root.T @ ((hessian + strength * curve) @ root)
        slope = root.T @ slope
        reach = float(np.linalg.norm(slope))
        missing = target - value
        if not np.all(np.isfinite([logp, value, *residual, *slope, *curvature.ravel()])):
            return None
        bordered = np.block([[curvature, slope[:, None]], [slope[None], np.zeros((1, 1))]])
        small = 1e-9 * (1 + abs(strength) * reach)
        # Rounding error of h: the constraint can hold no better.
        digits = 1e-14 * max(abs(target), abs(value))
        if np.linalg.norm(residual) < small and abs(missing) < 1e-10 * reach + digits:
            return _peak(bordered, Constrained(theta, strength, value, reach, logp))
        try:
            step = np.linalg.solve(bordered, np.append(residual, missing))
        except np.linalg.LinAlgError:
            return None
        if np.linalg.norm(step[:-1]) > _FARTHEST + 2 * abs(missing) / reach:
            return None
        theta, strength = theta + root @ step[:-1], strength - float(step[-1])
    return None


def _peak(bordered: np.ndarray, point: Constrained) -> Constrained | None:
    """Add the curvature's term to the log density, if the point is a constrained maximum."""
    eigenvalues = np.linalg.eigvalsh(bordered)
    if not (eigenvalues[0] < 0 < eigenvalues[1]):
        return None
    # Determinant on the tangent plane, times the squared slope across it.
    log_determinant = float(np.sum(np.log(np.abs(eigenvalues))))
    return Constrained(
        point.theta,
        point.strength,
        point.value,
        point.reach,
        point.log_density - 0.5 * log_determinant,
    )


def _broken(label: str, value: float) -> str:
    return (
        f"The marginal density of {label!r} cannot be followed beyond {value:.5g} (on the log "
        "scale, if it is positive): the posterior has no single peak given that value, or does "
        "not vanish. Use grid, importance or nuts."
    )
