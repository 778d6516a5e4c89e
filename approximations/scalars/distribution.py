"""A distribution known point by point, and its quantiles, without sorting all of its points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

FINE_PROBABILITIES = tuple(k / 400 for k in range(1, 400))
"""Probabilities of the quantiles that are kept: enough for the mass of any interval."""
FAR = 1e-3
"""Mass of the tails, on both sides together, from which their index is estimated."""
# Probabilities between which the tails start, on either side, and that of the median.
_OF_TAILS = (0.4 * FAR, 1.2 * FAR, 0.5, 1 - 1.2 * FAR, 1 - 0.4 * FAR)
# Bins that sort the points roughly, and the fewest points for which this is faster than to sort.
_BINS, _MANY, _SAMPLE = 2**15, 2**14, 2**12
# Digits of a value, relative to the range of all, that are more than rounding.
_DIGITS = 12


@dataclass(frozen=True)
class Distribution:
    """A discrete distribution.

    Attributes
    ----------
    values, mass : (n,) array
        Points, in any order, and the mass at each, which sums to 1.
    """

    values: np.ndarray
    mass: np.ndarray

    @cached_property
    def is_finite(self) -> bool:
        """Whether all values are."""
        return bool(np.all(np.isfinite(self.values)))

    @cached_property
    def quantiles(self) -> np.ndarray:
        """Quantiles at `FINE_PROBABILITIES`, interpolated between the midpoints of the steps.

        Values that differ by rounding only are one step. NaN where a value is.
        """
        return np.interp(FINE_PROBABILITIES, *self._steps)

    @property
    def median(self) -> float:
        """The middle one of the quantiles."""
        return float(self.quantiles[len(FINE_PROBABILITIES) // 2])

    @cached_property
    def away(self) -> np.ndarray:
        """Distances (n,) from the median."""
        distances = self.values - self.median
        return np.abs(distances, out=distances)

    @cached_property
    def tails_start(self) -> tuple[float, float]:
        """Distances from the median between which the tails start, where no step is large."""
        lowest, low, middle, high, highest = np.interp(_OF_TAILS, *self._steps)
        return max(high - middle, middle - low), max(highest - middle, middle - lowest)

    @cached_property
    def _steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Mass up to the middle of each step, and its value: of all that a quantile needs."""
        if np.any(np.isnan(self.values)):
            return np.array([0.5]), np.array([np.nan])
        if len(self.values) < _MANY or not self.is_finite:
            near, start = np.arange(len(self.values)), np.zeros(1)
            places = np.zeros(len(near), dtype=np.intp)
        else:
            near, start = self._near
            places = self._places[near]
        rounded, mass = self._rounded[near], self.mass[near]
        order = np.argsort(rounded)
        rounded, mass, places = rounded[order], mass[order], places[order]
        before = np.cumsum(mass) - mass
        before += start[places] - before[np.searchsorted(places, places)]
        first = np.concatenate([[True], rounded[1:] > rounded[:-1]])
        heights = np.bincount(np.cumsum(first) - 1, weights=mass)
        return before[first] + heights / 2, rounded[first] / self._scale

    @cached_property
    def _near(self) -> tuple[np.ndarray, np.ndarray]:
        """Points in the bins of the quantiles and those beside them; mass before each bin."""
        heights = np.bincount(self._places, weights=self.mass, minlength=_BINS + 1)
        start = np.cumsum(heights) - heights
        used = np.flatnonzero(heights)
        at = np.searchsorted(start[used], (*FINE_PROBABILITIES, *_OF_TAILS)) - 1
        is_near = np.zeros(len(heights), dtype=bool)
        for beside in (-1, 0, 1):
            is_near[used[np.clip(at + beside, 0, len(used) - 1)]] = True
        return np.flatnonzero(is_near[self._places]), start

    @cached_property
    def _scale(self) -> float:
        finite = self.values if self.is_finite else self.values[np.isfinite(self.values)]
        spread = float(np.ptp(finite)) if len(finite) else 0.0
        return 10.0 ** (_DIGITS - int(np.ceil(np.log10(spread))) if spread > 0 else _DIGITS)

    @cached_property
    def _rounded(self) -> np.ndarray:
        scaled = self.values * self._scale
        return np.rint(scaled, out=scaled)

    @cached_property
    def _places(self) -> np.ndarray:
        """Bin of each point: no value in a bin is above any in the next.

        The whole line is squeezed into an interval, so that a few values far out spoil nothing.
        """
        some = slice(None, None, len(self.values) // _SAMPLE | 1)
        sample = Distribution(self._rounded[some], self.mass[some] / np.sum(self.mass[some]))
        low, middle, high = np.interp((0.1, 0.5, 0.9), *sample._steps)
        # In place: new arrays of this length take longer than the arithmetic.
        away = self._rounded - middle
        away /= max(high - low, 1.0)
        beyond = np.abs(away)
        beyond += 1
        away /= beyond
        away += 1
        away *= _BINS / 2
        return away.astype(np.intp)
