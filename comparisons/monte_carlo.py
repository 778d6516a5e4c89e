"""What the draws of a tree are worth: independent ones, resampled by weights, or Markov chains.

Standard errors and effective sample sizes are computed here, for tables, verdicts and reports.
The error of a smooth functional is that of the mean of its influence function (Hampel 1974).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import xarray as xr

from ..approximations import array_stats
from ..approximations.limits import HEAVY_TAIL
from ..approximations.scalars.quantities import flatten
from ..approximations.scalars.tails import moment_tail_index
from ..approximations.weights.kept import KeptWeights, weights_of_draws, weights_of_points

# Half the central 50 % interval of a normal distribution, in sds.
_QUARTILE = 0.6744897501960817
# Probability on each side of a quantile, to estimate its density by a difference.
_WINDOW = 0.02


@dataclass(frozen=True)
class Sample:
    """Values of one quantity, their weights, and how they depend on each other.

    Attributes
    ----------
    values, weights : (n,) array
        The weights sum to 1.
    pair : (n,) array of int, optional
        Number of the independent draw that each value belongs to; each its own, if None.
    chains : int, default 0
        Number of Markov chains of equal length, concatenated; 0 where draws are independent.
    mean, sd : float, optional
        Where known more accurately than from the values: of a grid, say, whose values are then
        quantiles without error.
    """

    values: np.ndarray
    weights: np.ndarray
    pair: np.ndarray | None = None
    chains: int = 0
    mean: float | None = None
    sd: float | None = None
    _tails: dict[int, float] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def order(self) -> np.ndarray:
        """Indices (n,) that sort the values."""
        return np.argsort(self.values)

    @cached_property
    def sorted_values(self) -> np.ndarray:
        """Values (n,) in increasing order."""
        return self.values[self.order]

    @cached_property
    def cumulated(self) -> np.ndarray:
        """Cumulative weight (n,) up to and including each of the sorted values."""
        return np.cumsum(self.weights[self.order])

    def quantiles(self, probabilities: Sequence[float]) -> np.ndarray:
        """Quantiles; a value's probability is the midpoint of its weight."""
        middles = self.cumulated - self.weights[self.order] / 2
        return np.interp(probabilities, middles, self.sorted_values)

    def probability_below(self, at: np.ndarray) -> np.ndarray:
        """Distribution function."""
        below = np.concatenate([[0.0], self.cumulated])
        return below[np.searchsorted(self.sorted_values, at, side="right")]

    def slope_at(self, probability: float) -> float:
        """Slope of the quantile function: one over the density."""
        below, above = around(probability)
        low, high = self.quantiles((below, above))
        return float((high - low) / (above - below))

    def quantile_influence(self, probability: float) -> np.ndarray:
        """Influence function (n,) of a quantile (Hampel 1974)."""
        (at,) = self.quantiles((probability,))
        return np.asarray((probability - (self.values <= at)) * self.slope_at(probability))

    @cached_property
    def spread(self) -> float:
        """Sd by half the central 50 % interval; itself, where half of the values are tied."""
        low, high = self.quantiles((0.25, 0.75))
        return float(high - low) / (2 * _QUARTILE) if high > low else self.moments[1]

    def error(self, influence: np.ndarray) -> float:
        """Standard error of the mean of an influence function, whose values (n,) are given."""
        if self.mean is not None or not np.any(influence):
            return 0.0
        if self.chains:
            chains = influence.reshape(self.chains, -1)
            return float(array_stats.mcse(chains, chain_axis=0, draw_axis=1))
        return self._norm(self.weights * (influence - self.weights @ influence))

    def error_beside(self, influence: np.ndarray, other: Sample, its: np.ndarray) -> float:
        """Standard error of the difference from other weights of the same draws, by influences."""
        return self._norm(self.weights * influence - other.weights * its)

    def _norm(self, terms: np.ndarray) -> float:
        """Norm of the independent draws' contributions to a sum of terms (n,)."""
        return float(np.linalg.norm(terms if self.pair is None else np.bincount(self.pair, terms)))

    @property
    def moments(self) -> tuple[float, float, float, float]:
        """Mean and sd, and the standard error of each.

        The error of a weighted moment is infinite where the terms of its sum have too heavy a tail
        (Vehtari et al. 2024, arXiv 1507.02646, section 3): the largest were not sampled.
        """
        used = np.where(self.weights > 0, self.values, 0.0)
        mean = float(self.weights @ used)
        away = used - mean
        variance = float(self.weights @ away**2)
        if variance == 0:
            return mean, 0.0, 0.0, 0.0
        sd = np.sqrt(variance)
        # Effective sample size, less one degree of freedom for the mean.
        size = 1 / float(np.sum(self.weights**2))
        spread = float(sd * np.sqrt(size / (size - 1))) if size > 1 else np.nan
        squares = (away**2 - variance) / (2 * sd)
        weighted = self.pair is not None
        heavy = [weighted and self.tail_index(power) >= HEAVY_TAIL for power in (1, 2)]
        of_mean = np.inf if heavy[0] else self.error(away)
        return mean, spread, of_mean, np.inf if heavy[1] else self.error(squares)

    def tail_index(self, power: int) -> float:
        """Tail index of a moment's terms; infinite where a grid omitted the moment."""
        if self.mean is None:
            if power not in self._tails:
                self._tails[power] = moment_tail_index(self.values, self.weights, power)
            return self._tails[power]
        has_both = np.isfinite(self.mean) and self.sd is not None and np.isfinite(self.sd)
        return -np.inf if has_both else np.inf

    @property
    def bulk_size(self) -> float:
        """Bulk ESS of chains, which may exceed the number of draws; NaN for fewer than four."""
        chains = self.values.reshape(self.chains, -1)
        return float(array_stats.ess(chains, chain_axis=0, draw_axis=1))

    @property
    def r_hat(self) -> float:
        """R-hat of chains."""
        chains = self.values.reshape(self.chains, -1)
        return float(array_stats.rhat(chains, chain_axis=0, draw_axis=1))

    @property
    def effective_size(self) -> float:
        """Effective sample size for the mean, at most the number of values."""
        if self.chains:
            found = self.bulk_size
        else:
            away = self.values - self.weights @ self.values
            error = self.error(away)
            found = (self.weights @ away**2) / error**2 if error > 0 else np.inf
        return float(np.minimum(found, len(self.values)))


def around(probability: float) -> tuple[float, float]:
    """Probabilities on both sides of one, between which a density is estimated."""
    width = min(_WINDOW, probability / 2, (1 - probability) / 2)
    return probability - width, probability + width


def samples_of(tree: xr.DataTree) -> dict[str, Sample]:
    """Take the quantities of a tree: from its weighted points if it has them, or its draws.

    Weighted points are more accurate than the draws resampled from them, and give their error.
    """
    kept = weights_of_points(tree)
    if kept is not None:
        return _weighted(tree["weighted_posterior"].to_dataset(), kept)
    draws = flatten(tree["posterior"].to_dataset())
    independent = bool(tree.attrs.get("independent_draws", 0))
    return {label: sample_of(x, independent=independent) for label, x in draws.items()}


def samples_of_posterior(tree: xr.DataTree) -> dict[str, Sample]:
    """Take the quantities of a tree as estimates of the exact posterior.

    As `samples_of` does, but a grid by its cells, and a quadrature by its draws with their
    importance weights.
    """
    if tree.attrs.get("method") == "quadrature":
        carried = weights_of_draws(tree)
        if carried is not None:
            return _weighted(tree["posterior"].to_dataset(), carried)
    return samples_of(tree) | cells_of(tree)


def cells_of(tree: xr.DataTree) -> dict[str, Sample]:
    """Take the quantities of a grid by its cells: quantiles, mean and sd; empty for other trees."""
    if tree.attrs.get("method") != "grid":
        return {}
    fit = tree["fit"].to_dataset()
    return {str(q): _of_cells(fit.sel(quantity=q)) for q in fit["quantity"].values}


def sample_of(draws: np.ndarray, *, independent: bool) -> Sample:
    """Make a sample of draws (C, S) of equal weight."""
    equal = np.full(draws.size, 1 / draws.size)
    return Sample(draws.ravel(), equal, chains=0 if independent else len(draws))


def effective_draws(samples: Iterable[Sample]) -> int:
    """Smallest effective sample size of several samples.

    Samples that do not vary, or are not finite, are left out.
    """
    samples = list(samples)
    everything = max(len(sample.values) for sample in samples)
    sizes = [
        sample.effective_size
        for sample in samples
        if np.all(np.isfinite(sample.values)) and np.ptp(sample.values) > 0
    ]
    known = [size for size in sizes if np.isfinite(size)]
    least = min(known, default=1.0 if sizes else everything)
    return int(np.clip(np.round(least), 1, everything))


def _weighted(posterior: xr.Dataset, kept: KeptWeights) -> dict[str, Sample]:
    points = flatten(posterior)
    return {label: Sample(x.ravel(), kept.weights, kept.pair) for label, x in points.items()}


def _of_cells(known: xr.Dataset) -> Sample:
    quantiles = known["quantiles"].values
    weights = np.full(quantiles.size, 1 / quantiles.size)
    return Sample(quantiles, weights, mean=float(known["mean"]), sd=float(known["sd"]))
