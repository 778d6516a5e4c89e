"""Two distributions of one quantity, and the Monte Carlo error of any contrast between them.

A contrast T(exact) - T(approximation) of smooth functionals is, near the truth, a difference of two
sample means of influence functions (Hampel 1974). Its error then needs no bootstrap, and where both
samples are made of the same draws, what is common to them cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from arviz_stats.base import array_stats

from ..approximations.density import LogDensity
from ..approximations.pairs import WeightedPairs
from ..approximations.quantities import flatten
from ..approximations.result import posterior_dataset


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

    Parameters
    ----------
    one, other : DataTree
        The approximation, and the tree that is trusted.
    """
    first, second = _draws(one), _draws(other)
    errors = [_error_of_draws(tree) for tree in (one, other)]
    return {
        label: Sides(
            _sample(one, label, first[label]),
            _sample(other, label, second[label]),
            _independent(*(_shaped(e, x) for e, x in zip(errors, both, strict=True))),
        )
        for label in first
        if label in second
        for both in [(first[label], second[label])]
    }


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
    """Set the draws of a tree beside the posterior as weighted draws give it."""
    exact = np.exp(pairs.log_point_weights)

    def error_of_pairs(influence: np.ndarray) -> float:
        return float(np.linalg.norm((exact * influence.reshape(exact.shape)).sum(axis=0)))

    values, draws = _values_of_pairs(density, pairs), _draws(tree)
    return {
        label: Sides(
            _sample(tree, label, draws[label]),
            Sample(values[label], exact.ravel()),
            _independent(_shaped(_error_of_draws(tree), draws[label]), error_of_pairs),
        )
        for label in draws
        if label in values
    }


def _draws(tree: xr.DataTree) -> dict[str, np.ndarray]:
    return flatten(tree["posterior"].to_dataset())


def _sample(tree: xr.DataTree, label: str, draws: np.ndarray) -> Sample:
    weights = np.full(draws.size, 1 / draws.size)
    if tree.attrs.get("method") != "grid" or label not in tree["fit"]["quantity"]:
        return Sample(draws.ravel(), weights)
    known = tree["fit"].to_dataset().sel(quantity=label)
    return Sample(draws.ravel(), weights, float(known["mean"]), float(known["sd"]))


def _values_of_pairs(density: LogDensity, pairs: WeightedPairs) -> Mapping[str, np.ndarray]:
    thetas = pairs.thetas.reshape(-1, density.size)
    scalars = flatten(posterior_dataset(density, density.unravel(thetas)))
    return {label: draws.ravel() for label, draws in scalars.items()}


def _error_of_draws(tree: xr.DataTree) -> Callable[[np.ndarray], float]:
    """Standard error of the mean of influences (C, S)."""
    if tree.attrs.get("independent_draws", 0):
        return lambda influence: float(np.std(influence) / np.sqrt(influence.size))
    return lambda influence: float(array_stats.mcse(influence, chain_axis=0, draw_axis=1))


def _shaped(error: Callable[[np.ndarray], float], draws: np.ndarray) -> Any:
    return lambda influence: error(influence.reshape(draws.shape)) if np.any(influence) else 0.0


def _independent(
    one: Callable[[np.ndarray], float], other: Callable[[np.ndarray], float]
) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda influence, exact: float(np.hypot(one(influence), other(exact)))
