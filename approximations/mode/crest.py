"""The crest of a log density: its maximum given one parameter, and the marginal density there.

The other parameters are integrated out by a normal approximation: Tierney and Kadane (1986), JASA
81, equation 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import cast

import numpy as np
from scipy import sparse

from ..density import LogDensity
from ..errors import CurvatureError
from ..linear_algebra.gaussian import Gaussian, curvature_scale
from .trust_region import Iterate, ascent

# Squared distance to the crest, in sds, at which a search ends; the height's error is half that.
_NEAR = 1e-4
_MOST_STEPS = 40
# Largest number of times that a step along the crest is halved.
_MOST_HALVINGS = 4
# Scaled eigenvalue below which a log determinant is too inaccurate to be used.
_DETERMINED = 1e-10


@dataclass(frozen=True)
class Crest:
    """A point of the crest.

    Attributes
    ----------
    theta : (P,) array
    logp : float
        Log density there.
    log_marginal : float
        Log density of the one parameter, the others integrated out; not normalised.
    """

    theta: np.ndarray
    logp: float
    log_marginal: float


@dataclass(frozen=True)
class Pinned:
    """The log density as a function of all parameters but one, which is held fixed.

    It has the methods of a `LogDensity` that a step of a search needs.
    """

    density: LogDensity
    theta: np.ndarray
    entry: int

    @property
    def size(self) -> int:
        """How many parameters are free."""
        return len(self.theta) - 1

    def placed(self, others: np.ndarray) -> np.ndarray:
        """Combine the free parameters (P - 1,) with the fixed one: (P,)."""
        return np.insert(others, self.entry, self.theta[self.entry])

    def derivatives(
        self, others: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray | sparse.csc_array]:
        """Value, gradient and Hessian in the free parameters (P - 1,)."""
        value, gradient, hessian = self.density.derivatives(self.placed(others))
        free = np.arange(len(self.theta)) != self.entry
        return value, gradient[free], hessian[free][:, free]


def crest_at(density: LogDensity, near: np.ndarray, entry: int, place: float) -> Crest | None:
    """Maximise over the others given the value of one parameter.

    Parameters
    ----------
    density : LogDensity
    near : (P,) array
        Starting point of the search, except for that parameter.
    entry : int
        Position of the parameter in ``theta``.
    place : float
        Its value.

    Returns
    -------
    Crest or None
        None where there is no maximum, or a normal distribution does not fit it.
    """
    theta = near.copy()
    theta[entry] = place
    if density.size == 1:
        value = density.value(theta)
        return Crest(theta, value, value) if np.isfinite(value) else None
    pinned = Pinned(density, theta, entry)
    # Far out, slopes overflow; a step that is not finite is rejected.
    with np.errstate(over="ignore", invalid="ignore"):
        return _climbed(pinned)


def _climbed(pinned: Pinned) -> Crest | None:
    stands_for = cast(LogDensity, pinned)
    first = Iterate.at(stands_for, np.delete(pinned.theta, pinned.entry))
    if not first.is_finite:
        return None
    for here, radius in islice(ascent(stands_for, first, np.sqrt(pinned.size)), _MOST_STEPS):
        if here.decrement < _NEAR:
            log_determinant = _log_determinant(here.curvature)
            if log_determinant is None:
                return None
            return Crest(pinned.placed(here.theta), here.logp, here.logp - 0.5 * log_determinant)
        if radius < 1e-10:
            break
    return None


def followed(density: LogDensity, near: Crest, entry: int, place: float) -> Crest | None:
    """Follow the crest from one point to another, in as many steps as needed.

    Parameters
    ----------
    density : LogDensity
    near : Crest
    entry : int
    place : float
        Value of the parameter at the target.

    Returns
    -------
    Crest or None
        None where the crest ends on the way.
    """
    ahead, behind = [place], near
    while ahead:
        start = _predicted(density, behind.theta, entry, ahead[-1])
        there = crest_at(density, start, entry, ahead[-1])
        if there is not None:
            behind = there
            ahead.pop()
        elif len(ahead) > _MOST_HALVINGS:
            return None
        else:
            ahead.append((behind.theta[entry] + ahead[-1]) / 2)
    return behind


def _predicted(density: LogDensity, theta: np.ndarray, entry: int, place: float) -> np.ndarray:
    """Extrapolate the crest linearly, by the implicit function theorem."""
    if density.size == 1:
        return theta
    hessian = density.hessian(theta)
    free = np.arange(len(theta)) != entry
    precision, mixed = -hessian[free][:, free], hessian[free][:, [entry]]
    mixed = mixed.toarray().ravel() if sparse.issparse(mixed) else mixed.ravel()
    try:
        slope = Gaussian.from_precision(theta[free], precision).precision.solve(mixed)
    except CurvatureError:
        return theta
    predicted = theta.copy()
    predicted[free] += slope * (place - theta[entry])
    return predicted


def _log_determinant(precision: np.ndarray | sparse.csc_array) -> float | None:
    """Log determinant, or None where it is too inaccurate."""
    if sparse.issparse(precision):
        try:
            return -Gaussian.from_precision(np.zeros(precision.shape[0]), precision).log_determinant
        except CurvatureError:
            return None
    scale = curvature_scale(precision)
    eigenvalues = np.linalg.eigvalsh(precision / np.outer(scale, scale))
    if eigenvalues[0] < _DETERMINED:
        return None
    return float(np.sum(np.log(eigenvalues)) + 2 * np.sum(np.log(scale)))
