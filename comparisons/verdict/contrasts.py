"""Two distributions of one quantity, and the Monte Carlo error of any contrast between them.

A contrast T(exact) - T(approximation) of smooth functionals is, near the truth, a difference of two
sample means of influence functions (Hampel 1974). Its error then needs no bootstrap, and where both
samples use the same draws, their common noise cancels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ...approximations.density import LogDensity
from ...approximations.result import posterior_dataset
from ...approximations.scalars.quantities import flatten
from ...approximations.weights.pairs import WeightedPairs
from ..monte_carlo import Sample, cells_of, sample_of, samples_of_posterior


@dataclass(frozen=True)
class Contrast:
    """One quantity under an approximation, and under what it is judged by.

    Attributes
    ----------
    approximation, exact : Sample
    same_draws : bool, default False
        Whether both weight the same draws, so that their common noise cancels. If not, the noise of
        the approximation's draws is a part of what is measured, since these are the draws that its
        user will use.
    """

    approximation: Sample
    exact: Sample
    same_draws: bool = False

    def error(self, influence: np.ndarray, exact_influence: np.ndarray) -> float:
        """Standard error of a contrast, by the influences (n,) of the two."""
        if self.same_draws:
            return self.exact.error_beside(exact_influence, self.approximation, influence)
        return self.exact.error(exact_influence)


def contrasts_of_trees(one: xr.DataTree, other: xr.DataTree) -> dict[str, Contrast]:
    """Pair the quantities that two trees share.

    Parameters
    ----------
    one, other : DataTree
        The approximation, and the tree that is trusted.
    """
    first = {label: sample_of(x, independent=True) for label, x in _draws(one).items()}
    first |= {label: sample for label, sample in cells_of(one).items() if label in first}
    second = samples_of_posterior(other)
    return {
        label: Contrast(sample, second[label]) for label, sample in first.items() if label in second
    }


def is_normal_at_mode(tree: xr.DataTree, mode: np.ndarray | None = None) -> bool:
    """Whether a tree is the normal distribution at a mode, with the exact curvature.

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


def contrasts_of_pairs(
    density: LogDensity, pairs: WeightedPairs, var_names: Sequence[str] | None = None
) -> dict[str, Contrast]:
    """Compare the normal approximation with the posterior, both by the same draws.

    Noise comes only from differing weights: with equal weights there is none.
    """
    normal = np.exp(pairs.log_laplace - pairs.log_proposal).ravel()
    normal /= normal.sum()
    return {
        label: Contrast(Sample(exact.values, normal), exact, same_draws=True)
        for label, exact in _samples_of_pairs(density, pairs, var_names).items()
    }


def contrasts_of_tree_and_pairs(
    tree: xr.DataTree,
    density: LogDensity,
    pairs: WeightedPairs,
    var_names: Sequence[str] | None = None,
) -> dict[str, Contrast]:
    """Compare the draws of a tree with the posterior by weighted draws."""
    exact, draws = _samples_of_pairs(density, pairs, var_names), _draws(tree)
    own = {label: sample_of(x, independent=True) for label, x in draws.items()} | cells_of(tree)
    return {label: Contrast(own[label], exact[label]) for label in draws if label in exact}


def contrasts_of_weights(tree: xr.DataTree, weights: np.ndarray) -> dict[str, Contrast]:
    """Compare the draws of a tree with the same draws under weights (S,)."""
    equal = np.full(len(weights), 1 / len(weights))
    return {
        label: Contrast(Sample(x.ravel(), equal), Sample(x.ravel(), weights), same_draws=True)
        for label, x in _draws(tree).items()
    }


def _draws(tree: xr.DataTree) -> dict[str, np.ndarray]:
    return flatten(tree["posterior"].to_dataset())


def _samples_of_pairs(
    density: LogDensity, pairs: WeightedPairs, var_names: Sequence[str] | None
) -> Mapping[str, Sample]:
    """Compute the variables to which some names, or labels of entries, belong."""
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
    weights = np.exp(pairs.log_point_weights).ravel()
    pair = np.tile(np.arange(len(pairs.log_weights)), 2)
    return {label: Sample(draws.ravel(), weights, pair) for label, draws in scalars.items()}
