"""Simultaneous bands for the ECDF of uniform numbers: exact levels, p-values and power.

Säilynoja, Bürkner and Vehtari (2022), "Graphical test for discrete uniformity and its applications
in goodness-of-fit evaluation and multiple sample comparison", section 2: pointwise binomial bands
with one tail probability, chosen such that the whole ECDF stays inside with a given probability.
That probability is computed and not simulated, because a level divided among a hundred quantities
lies far in the tail: as a Poisson process between two boundaries (Moscovich and Nadler, 2017, "Fast
calculation of boundary crossing probabilities for Poisson processes", section 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binom, norm, poisson

_MOST_POINTS = 250
# A tail computed from a count lies on the boundary: rounding must not decide.
_SLACK = 1e-9
_BISECTIONS = 40
_LARGEST_SHIFT, _LARGEST_FACTOR = 10.0, 100.0


@dataclass(frozen=True)
class Band:
    """Counts at or below each point for which an ECDF of N numbers passes as uniform.

    Attributes
    ----------
    size : int
        N.
    points : (K,) array
        Where the ECDF is evaluated, inside (0, 1).
    least, most : (K,) array of int
    """

    size: int
    points: np.ndarray
    least: np.ndarray
    most: np.ndarray


@dataclass(frozen=True)
class Visible:
    """The smallest errors that a test detects with a given power, if nothing else is wrong.

    Attributes
    ----------
    power : float
        Probability of detection.
    shift : float
        A bias, in sds.
    too_small, too_large : float
        Factors on the sd, below and above 1.
    """

    power: float
    shift: float
    too_small: float
    too_large: float


def points_of(size: int) -> np.ndarray:
    """Evenly spaced points (K,) at which an ECDF of N numbers is evaluated."""
    intervals = min(size, _MOST_POINTS)
    return np.arange(1, intervals) / intervals


def p_value(pits: np.ndarray) -> float:
    """Probability that N uniform numbers have an ECDF at least as extreme at its furthest point.

    Parameters
    ----------
    pits : (N,) array
        Between 0 and 1. The p-value is exact when they are independent.
    """
    size, points = len(pits), points_of(len(pits))
    counts = np.searchsorted(np.sort(pits), points, side="right")
    below, above = binom.cdf(counts, size, points), binom.sf(counts - 1, size, points)
    tail = float(min(below.min(), above.min()))
    # Rounding may leave a probability a little above 1.
    return max(0.0, 1.0 - inside(_band_beyond(size, tail))) if tail > 0 else 0.0


@cache
def band_at(size: int, level: float) -> Band:
    """Make the band that an ECDF of N uniform numbers leaves with probability ``level`` at most."""
    points = points_of(size)
    # All points together leave it at most twice K times as often as one of them on one side.
    low, high = np.log(level / (2 * len(points))), np.log(level)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if 1.0 - inside(_band_beyond(size, float(np.exp(middle)))) <= level:
            low = middle
        else:
            high = middle
    return _band_beyond(size, float(np.exp(low)))


def inside(band: Band, shift: float = 0.0, factor: float = 1.0) -> float:
    """Probability that an ECDF stays inside a band.

    Parameters
    ----------
    band : Band
    shift, factor : float
        The miscalibration: the posterior is N(0, 1), but draws come from N(shift, factor). The PIT
        value is then Phi((x - shift) / factor), with x from N(0, 1).
    """
    edges = norm.cdf(shift + factor * norm.ppf([0.0, *band.points, 1.0]))
    rates = band.size * np.diff(edges)
    widest = int(np.max(band.most - np.concatenate([[0], band.least[:-1]]))) + 1
    steps = poisson.pmf(np.arange(widest), rates[:, None])
    lowest, state = 0, np.ones(1)
    for step, least, most in zip(steps[:-1], band.least, band.most, strict=True):
        reached = np.convolve(state, step[: most - lowest + 1])
        state = reached[least - lowest : most - lowest + 1]
        lowest = least
    # The process is conditioned on its number of points.
    left = poisson.pmf(band.size - lowest - np.arange(len(state)), rates[-1])
    return float(state @ left / poisson.pmf(band.size, band.size))


@cache
def visible(size: int, level: float, power: float = 0.9) -> Visible:
    """Smallest bias and factors on the sd that a test of N numbers detects."""
    band = band_at(size, level)

    def missed(shift: float = 0.0, log_factor: float = 0.0) -> float:
        return inside(band, shift, float(np.exp(log_factor))) - (1 - power)

    least = np.log(_LARGEST_FACTOR)
    return Visible(
        power,
        shift=brentq(missed, 0.0, _LARGEST_SHIFT, xtol=1e-3),
        too_small=float(np.exp(brentq(lambda x: missed(0.0, x), -least, 0.0, xtol=1e-3))),
        too_large=float(np.exp(brentq(lambda x: missed(0.0, x), 0.0, least, xtol=1e-3))),
    )


def _band_beyond(size: int, tail: float) -> Band:
    """Make the band of all counts whose pointwise tails, on both sides, exceed ``tail``."""
    points = points_of(size)
    least = binom.ppf(tail, size, points)
    least += binom.cdf(least, size, points) <= tail * (1 + _SLACK)
    least = least.astype(int)
    # The points are symmetric about 1/2.
    return Band(size, points, least, size - least[::-1])
