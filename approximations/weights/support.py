"""Log densities for importance weights: minus infinity outside the support and on overflow."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import scipy

from ..density import LogDensity
from ..errors import NonFiniteDensityError

# Mass of a normal distribution outside the region at whose edge a density counts as negligible.
_BEYOND = 1e-3
_MOST_SHARE = 0.5
# Points near which the density is checked, the nearest first, and bisections towards each.
_MOST_POINTS, _HALVINGS = 50, 20


class Located(Protocol):
    """Location and scale of a distribution: a `Gaussian`, say."""

    @property
    def mean(self) -> np.ndarray:
        """Mean (P,)."""

    @property
    def sd(self) -> np.ndarray:
        """Standard deviations (P,)."""


class Place(NamedTuple):
    """Location and scale of draws: their mean (P,) and standard deviations (P,)."""

    mean: np.ndarray
    sd: np.ndarray


def checked_logp(density: LogDensity, near: Located, thetas: np.ndarray) -> np.ndarray:
    """Log density (n,) at points (n, P), minus infinity where it is zero.

    A sum of terms that overflow is NaN, or plus infinity, at points so far out that the density is
    zero. They count as zero where the density right beside them, towards the centre, is negligible:
    below that at the edge of the region that holds 99.9 % of a normal distribution.

    Parameters
    ----------
    density : LogDensity
    near : Located
        Distribution of the points, or their approximate location and scale.
    thetas : (n, P) array

    Raises
    ------
    NonFiniteDensityError
        When the log density is NaN or plus infinity where it matters: next to points where the
        density is high, at the centre, or at half of all points.
    """
    logp = density.batched_value(thetas)
    wrong = np.flatnonzero(~(logp < np.inf))
    if len(wrong) == 0:
        return logp
    away = np.max(np.abs(thetas[wrong] - near.mean) / near.sd, axis=1)
    nearest = wrong[np.argsort(away)[:_MOST_POINTS]]
    beside = _beside(density, near.mean, thetas[nearest])
    top = max(
        np.max(logp, where=logp < np.inf, initial=-np.inf),
        density.batched_value(near.mean[None])[0],
    )
    drops = top - beside
    k = int(np.argmin(drops))
    if not is_negligible(drops[k], density.size) or len(wrong) > _MOST_SHARE * len(thetas):
        raise _not_finite(density, near, thetas, logp, nearest[k], float(drops[k]))
    return np.where(logp < np.inf, logp, -np.inf)


def is_negligible(drop: float, size: int) -> bool:
    """Whether a log density that far below its maximum is negligible, with P parameters.

    True at and beyond the edge of the region that holds 99.9 % of a normal distribution.
    """
    return bool(drop > 0.5 * scipy.stats.chi2.isf(_BEYOND, size))


def _beside(density: LogDensity, centre: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Last finite log density (n,) on the way from a centre to points."""
    inside, outside = np.zeros(len(points)), np.ones(len(points))
    found = np.full(len(points), density.batched_value(centre[None])[0])
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        values = density.batched_value(centre + middle[:, None] * (points - centre))
        is_number = values < np.inf
        inside, outside = np.where(is_number, (middle, outside), (inside, middle))
        found = np.where(is_number, values, found)
    return found


def _not_finite(
    density: LogDensity,
    near: Located,
    thetas: np.ndarray,
    logp: np.ndarray,
    worst: int,
    drop: float,
) -> NonFiniteDensityError:
    theta, count = thetas[worst], int(np.sum(~(logp < np.inf)))
    k = int(np.argmax(np.abs(theta - near.mean) / near.sd))
    depth = f"only {drop:.3g} below its highest" if np.isfinite(drop) else "no number either"
    return NonFiniteDensityError(
        f"The log density is {logp[worst]} at {count} of {len(thetas)} draws, such as one with "
        f"{density.parameters[k]} = {theta[k]:.6g} (unconstrained scale), and right beside it is "
        f"{depth}, so these draws cannot be weighted. Far out they would count as density 0. Look "
        "for an overflow or a logarithm of a negative number in the model, or bound that variable "
        "by a prior."
    )
