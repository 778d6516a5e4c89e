"""Two distributions of one quantity, and the Monte Carlo error of any contrast between them.

A contrast T(exact) - T(approximation) of smooth functionals is, near the truth, a difference of two
sample means of influence functions (Hampel 1974). Its error then needs no bootstrap, and where both
samples are made of the same draws, what is common to them cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr

from ...approximations.density import LogDensity
from ...approximations.result import posterior_dataset
from ...approximations.scalars.quantities import flatten
from ...approximations.weights.pairs import WeightedPairs
from ..monte_carlo import Sample, cells_of, sample_of, samples_of_posterior


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
    first = {label: sample_of(x, independent=True) for label, x in _draws(one).items()}
    first |= {label: sample for label, sample in cells_of(one).items() if label in first}
    second = samples_of_posterior(other)
    return {
        label: Sides(sample, second[label], partial(_error_of_exact, second[label]))
        for label, sample in first.items()
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
    return mode is None or np.array_equal(tree["fit"].to_dataset()["mode"].values, mode)


def sides_of_pairs(
    density: LogDensity, pairs: WeightedPairs, var_names: Sequence[str] | None = None
) -> dict[str, Sides]:
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
        for label, x in _values_of_pairs(density, pairs, var_names).items()
    }


def sides_of_tree_and_pairs(
    tree: xr.DataTree,
    density: LogDensity,
    pairs: WeightedPairs,
    var_names: Sequence[str] | None = None,
) -> dict[str, Sides]:
    """Set the draws of a tree, as they are, beside the posterior as weighted draws give it."""
    exact = np.exp(pairs.log_point_weights)

    def error(_: np.ndarray, influence: np.ndarray) -> float:
        return float(np.linalg.norm((exact * influence.reshape(exact.shape)).sum(axis=0)))

    values, draws = _values_of_pairs(density, pairs, var_names), _draws(tree)
    own = {label: sample_of(x, independent=True) for label, x in draws.items()} | cells_of(tree)
    return {
        label: Sides(own[label], Sample(values[label], exact.ravel()), error)
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


def _values_of_pairs(
    density: LogDensity, pairs: WeightedPairs, var_names: Sequence[str] | None
) -> Mapping[str, np.ndarray]:
    """Compute the variables that some names, or labels of their entries, belong to."""
    thetas = pairs.thetas.reshape(-1, density.size)
    if var_names is not None:
        asked = [var_names] if isinstance(var_names, str) else var_names
        var_names = [
            name
            for name in density.variables
            if any(label == name or label.startswith(f"{name}[") for label in asked)
        ]
    values = density.unravel(thetas, var_names)
    scalars = flatten(posterior_dataset(density, values))
    return {label: draws.ravel() for label, draws in scalars.items()}


def _error_of_exact(exact: Sample, _: np.ndarray, influence: np.ndarray) -> float:
    return exact.error(influence)
