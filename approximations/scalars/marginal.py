"""A density in one dimension from log values at some points: normalised, with moments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy

# Panels between two places, each with a Gauss-Legendre rule.
_PANELS = 8
_RULE = np.polynomial.legendre.leggauss(4)
# Margin by which a power-law tail must fall faster than a moment requires. With less, much of the
# moment lies beyond the outermost point.
_CLEARLY = 0.5


@dataclass(frozen=True)
class Marginal:
    """A density whose log is a spline of degree 5 between M places.

    Attributes
    ----------
    places : (M,) array
        Increasing, with negligible mass beyond the outermost.
    log_heights : (M,) array
        Log density, not normalised.
    is_log : bool
        Whether the places are logs of the quantity; the density then is that of the log.
    """

    places: np.ndarray
    log_heights: np.ndarray
    is_log: bool

    @property
    def values(self) -> np.ndarray:
        """Values (M,) of the quantity at the places."""
        return self._value(self.places)

    @property
    def log_total(self) -> float:
        """Log of the integral of the density as it was given."""
        return float(np.log(self._masses.sum()) + self._highest)

    @property
    def log_density(self) -> np.ndarray:
        """Normalised log density (M,) of the quantity, at `values`."""
        return self.log_heights - self.log_total - (self.places if self.is_log else 0.0)

    @property
    def mean(self) -> float:
        """Mean; NaN where a tail falls too slowly for it to exist or be integrated."""
        if not self._has_moment(1):
            return float("nan")
        return float(np.sum(self._masses * self._value(self._inner)) / self._masses.sum())

    @property
    def sd(self) -> float:
        """Standard deviation; NaN as `mean`."""
        if not self._has_moment(2):
            return float("nan")
        squares = (self._value(self._inner) - self.mean) ** 2
        return float(np.sqrt(np.sum(self._masses * squares) / self._masses.sum()))

    def quantiles(self, probabilities: tuple[float, ...]) -> np.ndarray:
        """Quantiles of the quantity."""
        below = np.concatenate([[0.0], np.cumsum(self._masses.sum(axis=1))]) / self._masses.sum()
        rising = np.concatenate([[True], np.diff(below) > 0])
        return self._value(
            scipy.interpolate.PchipInterpolator(below[rising], self._edges[rising])(probabilities)
        )

    def _has_moment(self, order: int) -> bool:
        """Whether the tails, at their ends, fall clearly faster than |x|^-(order + 1)."""
        low, high = self._spline(self.places[[0, -1]], 1)
        if self.is_log:
            return bool(high < -order - _CLEARLY)
        centre = self.places[np.argmax(self.log_heights)]
        exponents = ((self.places[0] - centre) * low, (self.places[-1] - centre) * high)
        return bool(max(exponents) < -(order + 1) - _CLEARLY)

    def _value(self, places: np.ndarray) -> np.ndarray:
        return np.exp(places) if self.is_log else places

    @property
    def _highest(self) -> float:
        return float(self.log_heights.max())

    @cached_property
    def _spline(self) -> scipy.interpolate.BSpline:
        return scipy.interpolate.make_interp_spline(self.places, self.log_heights, k=5)

    @cached_property
    def _edges(self) -> np.ndarray:
        shares = np.arange(_PANELS) / _PANELS
        inside = self.places[:-1, None] + np.diff(self.places)[:, None] * shares
        return np.append(inside.ravel(), self.places[-1])

    @cached_property
    def _inner(self) -> np.ndarray:
        widths = np.diff(self._edges)[:, None]
        return self._edges[:-1, None] + widths * (1 + _RULE[0]) / 2

    @cached_property
    def _masses(self) -> np.ndarray:
        widths = np.diff(self._edges)[:, None]
        return widths * _RULE[1] / 2 * np.exp(self._spline(self._inner) - self._highest)
