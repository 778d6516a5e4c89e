"""A distribution known point by point, and its quantiles, without sorting all of its points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

# Bins that sort the points roughly, and the fewest points for which this is faster than to sort.
_BINS, _MANY = 2**15, 2**14
_SAMPLE = 2**12
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

    def quantiles(self, probabilities: Sequence[float]) -> np.ndarray:
        """Quantiles, interpolated between the midpoints of the distribution's steps.

        Values that differ by rounding only are one step. NaN where a value is.
        """
        if not self.is_finite:
            return _quantiles_of_infinite(self.values, self.mass, probabilities)
        rounded, heights, below = self._steps_around(np.asarray(probabilities))
        first = np.concatenate([[True], np.diff(rounded) > 0])
        step = np.cumsum(first) - 1
        heights, below = np.bincount(step, weights=heights), below[first]
        return np.interp(probabilities, below + heights / 2, rounded[first] / self._scale)

    def _steps_around(self, wanted: np.ndarray) -> tuple[np.ndarray, ...]:
        """Points around some probabilities: rounded values in order, their masses, that below."""
        if len(self.values) < _MANY:
            near, start = np.arange(len(self.values)), np.zeros(1)
            place = np.zeros(len(self.values), dtype=np.intp)
        else:
            heights = np.bincount(self._places, weights=self.mass, minlength=_BINS + 1)
            start = np.cumsum(heights) - heights
            is_near = _with_neighbours(heights > 0, np.searchsorted(start, wanted) - 1)
            near = np.flatnonzero(is_near[self._places])
            place = self._places[near]
        rounded = self._rounded[near]
        order = np.argsort(rounded)
        rounded, mass, place = rounded[order], self.mass[near][order], place[order]
        before = np.cumsum(mass) - mass
        first = np.searchsorted(place, place)
        return rounded, mass, start[place] + before - before[first]

    @cached_property
    def _scale(self) -> float:
        spread = float(np.ptp(self.values))
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
        sample = Distribution(self.values[some], self.mass[some] / np.sum(self.mass[some]))
        low, middle, high = sample.quantiles((0.1, 0.5, 0.9)) * self._scale
        away = self._rounded - middle
        away /= max(high - low, 1.0)
        # In place: new arrays of this length take longer than the arithmetic.
        beyond = np.abs(away)
        beyond += 1
        away /= beyond
        away += 1
        away *= _BINS / 2
        return away.astype(np.intp)


def _with_neighbours(is_used: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Mark bins (n,) at some places, and the nearest used ones below and above each."""
    used = np.flatnonzero(is_used)
    at = np.searchsorted(used, places)
    marked = np.zeros(len(is_used), dtype=bool)
    for beside in (-1, 0, 1):
        marked[used[np.clip(at + beside, 0, len(used) - 1)]] = True
    return marked


def _quantiles_of_infinite(
    values: np.ndarray, mass: np.ndarray, probabilities: Sequence[float]
) -> np.ndarray:
    if np.any(np.isnan(values)):
        return np.full(len(probabilities), np.nan)
    steps, where = np.unique(values, return_inverse=True)
    heights = np.bincount(where, weights=mass)
    return np.interp(probabilities, np.cumsum(heights) - heights / 2, steps)
