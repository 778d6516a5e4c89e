"""Two distributions of one quantity, and the Monte Carlo error of any contrast between them.

A contrast T(exact) - T(approximation) of smooth functionals is, near the truth, a difference of two
sample means of influence functions (Hampel 1974). Its error then needs no bootstrap, and where both
samples are made of the same draws, what is common to them cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from arviz_stats.base import array_stats

from ...approximations.density import LogDensity
from ...approximations.result import posterior_dataset
from ...approximations.scalars.quantities import flatten
from ...approximations.weights.pairs import WeightedPairs


@dataclass(frozen=True)
class Sample:
    """Values of one quantity, and weights that add up to 1.

    Attributes
    ----------
    values, weights : (n,) array
    mean, sd : float, optional
        Where they are known better than the draws tell: of a grid, say.
    """

    values: np.ndarray
    weights: np.ndarray
    mean: float | None = None
    sd: float | None = None

    @cached_property
    def order(self) -> np.ndarray:
        """Indices (n,) that sort the values."""
        return np.argsort(self.values)

    @cached_property
    def sorted_values(self) -> np.ndarray:
        """Values (n,) in rising order."""
        return self.values[self.order]

    @cached_property
    def cumulated(self) -> np.ndarray:
        """Weight (n,) up to each of the sorted values, itself included."""
        return np.cumsum(self.weights[self.order])

    def quantiles(self, probabilities: Sequence[float]) -> np.ndarray:
        """Quantiles: where the middle of a value's weight is its probability."""
        middles = self.cumulated - self.weights[self.order] / 2
        return np.interp(probabilities, middles, self.sorted_values)

    def probability_below(self, at: np.ndarray) -> np.ndarray:
        """Distribution function."""
        below = np.concatenate([[0.0], self.cumulated])
        return below[np.searchsorted(self.sorted_values, at, side="right")]


@dataclass(frozen=True)
class Sides:
    """One quantity under an approximation, and under what it is judged by.

    Attributes
    ----------
    approximation, exact : Sample
    error : callable
        Takes the influences (n,) of both and gives the standard error of the contrast.
    """

    approximation: Sample
    exact: Sample
    error: Callable[[np.ndarray, np.ndarray], float]


def sides_of_trees(one: xr.DataTree, other: xr.DataTree) -> dict[str, Sides]:
    """Set the quantities that two trees share side by side.

    The error is that of the tree that is trusted. The other is taken as it is: its user will use
    these draws, so their noise is a part of what is measured.

    Parameters
    ----------
    one, other : DataTree
        The approximation, and the tree that is trusted.
    """
    first, second = _draws(one), _weighted_draws(other)
    weights = _weights_of(other)
    return {
        label: Sides(
            _sample(one, label, first[label]),
            _sample(other, label, second[label], weights),
            _error_of_tree(other, label, second[label]),
        )
        for label in first
        if label in second
    }


def is_normal_at_mode(tree: xr.DataTree, mode: np.ndarray | None = None) -> bool:
    """Whether a tree stands for the normal distribution at a mode, with the exact curvature.

    Parameters
    ----------
    tree : DataTree
    mode : (P,) array, optional
        Any mode, if None.
    """
    if tree.attrs.get("method") != "laplace":
        return False
    if {"precision", "precision_value"}.isdisjoint(tree["fit"].data_vars):
        return False
    return mode is None or np.array_equal(tree["fit"]["mode"].values, mode)


def sides_of_pairs(density: LogDensity, pairs: WeightedPairs) -> dict[str, Sides]:
    """Set the normal approximation beside the posterior, both from the same draws.

    With equal weights for both there is no noise at all: it comes from where they differ.
    """
    exact = np.exp(pairs.log_point_weights)
    normal = np.exp(pairs.log_laplace - pairs.log_proposal)
    normal /= normal.sum()

    def error(influence: np.ndarray, exact_influence: np.ndarray) -> float:
        both = exact * exact_influence.reshape(exact.shape)
        both -= normal * influence.reshape(exact.shape)
        return float(np.linalg.norm(both.sum(axis=0)))

    return {
        label: Sides(Sample(x, normal.ravel()), Sample(x, exact.ravel()), error)
        for label, x in _values_of_pairs(density, pairs).items()
    }


def sides_of_tree_and_pairs(
    tree: xr.DataTree, density: LogDensity, pairs: WeightedPairs
) -> dict[str, Sides]:
    """Set the draws of a tree, as they are, beside the posterior as weighted draws give it."""
    exact = np.exp(pairs.log_point_weights)

    def error(_: np.ndarray, influence: np.ndarray) -> float:
        return float(np.linalg.norm((exact * influence.reshape(exact.shape)).sum(axis=0)))

    values, draws = _values_of_pairs(density, pairs), _draws(tree)
    return {
        label: Sides(
            _sample(tree, label, draws[label]), Sample(values[label], exact.ravel()), error
        )
        for label in draws
        if label in values
    }


def sides_of_weights(tree: xr.DataTree, weights: np.ndarray) -> dict[str, Sides]:
    """Set the draws of a tree, as they are, beside the same draws with weights (S,)."""
    equal = np.full(len(weights), 1 / len(weights))

    def error(influence: np.ndarray, exact_influence: np.ndarray) -> float:
        return float(np.linalg.norm(weights * exact_influence - equal * influence))

    return {
        label: Sides(Sample(x.ravel(), equal), Sample(x.ravel(), weights), error)
        for label, x in _draws(tree).items()
    }


def _draws(tree: xr.DataTree) -> dict[str, np.ndarray]:
    return flatten(tree["posterior"].to_dataset())


def _weighted_draws(tree: xr.DataTree) -> dict[str, np.ndarray]:
    """Take the weighted points that a tree keeps, which say more than those resampled from them."""
    return flatten(tree["weighted_posterior"].to_dataset()) if _is_weighted(tree) else _draws(tree)


def _is_weighted(tree: xr.DataTree) -> bool:
    return "weighted_posterior" in tree.children


def _weights_of(tree: xr.DataTree) -> np.ndarray | None:
    if not _is_weighted(tree):
        return None
    stats = tree["weighted_sample_stats"].to_dataset()
    weights = np.exp(stats["log_weight"].values.ravel())
    return weights / weights.sum()


def _sample(
    tree: xr.DataTree, label: str, draws: np.ndarray, weights: np.ndarray | None = None
) -> Sample:
    if not _is_known(tree, label):
        equal = np.full(draws.size, 1 / draws.size)
        return Sample(draws.ravel(), equal if weights is None else weights)
    known = tree["fit"].to_dataset().sel(quantity=label)
    quantiles = known["quantiles"].values
    weights = np.full(quantiles.size, 1 / quantiles.size)
    return Sample(quantiles, weights, float(known["mean"]), float(known["sd"]))


def _is_known(tree: xr.DataTree, label: str) -> bool:
    """Whether a tree holds the quantity's distribution itself: a grid does."""
    if tree.attrs.get("method") != "grid":
        return False
    return label in tree["fit"].to_dataset()["quantity"].values


def _values_of_pairs(density: LogDensity, pairs: WeightedPairs) -> Mapping[str, np.ndarray]:
    thetas = pairs.thetas.reshape(-1, density.size)
    scalars = flatten(posterior_dataset(density, density.unravel(thetas)))
    return {label: draws.ravel() for label, draws in scalars.items()}


def _error_of_tree(
    tree: xr.DataTree, label: str, draws: np.ndarray
) -> Callable[[np.ndarray, np.ndarray], float]:
    """Standard error of the mean of the influences of a tree's draws (C, S)."""
    if _is_known(tree, label):
        return lambda _, influence: 0.0
    if (weights := _weights_of(tree)) is not None:
        # Both points of a pair come from one draw.
        pair = tree["weighted_sample_stats"].to_dataset()["pair"].values.ravel()
        return lambda _, influence: float(np.linalg.norm(np.bincount(pair, weights * influence)))
    if tree.attrs.get("independent_draws", 0):
        return lambda _, influence: float(np.std(influence) / np.sqrt(influence.size))

    def error(_: np.ndarray, influence: np.ndarray) -> float:
        if not np.any(influence):
            return 0.0
        return float(array_stats.mcse(influence.reshape(draws.shape), chain_axis=0, draw_axis=1))

    return error
