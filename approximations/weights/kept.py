"""The weights that a tree keeps beside its draws: written by methods that resample, read by all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..density import LogDensity
from ..limits import FEWEST_SMOOTHED
from ..result import Record, assemble, group_of
from .smoothing import smoothed_weights

_GROUPS = ("posterior", "unconstrained_posterior", "sample_stats")


@dataclass(frozen=True)
class KeptWeights:
    """Importance weights of draws.

    Attributes
    ----------
    weights : (S,) array
        They sum to 1.
    pair : (S,) array of int
        Number of the independent draw that each belongs to: mirror images share theirs.
    pareto_khat : float
    effective_sample_size : float
        One over the sum of the squared weights of the independent draws.
    """

    weights: np.ndarray
    pair: np.ndarray
    pareto_khat: float
    effective_sample_size: float

    @property
    def by_pair(self) -> np.ndarray:
        """Weights of the independent draws."""
        return np.bincount(self.pair, weights=self.weights)


def weights_of_points(tree: xr.DataTree) -> KeptWeights | None:
    """Weights of the points in ``weighted_posterior``; None where a tree has no such group."""
    if "weighted_posterior" not in tree.children:
        return None
    stats, fit = tree["weighted_sample_stats"].to_dataset(), tree["fit"].to_dataset()
    weights = np.exp(stats["log_weight"].values.ravel())
    pair = stats["pair"].values.ravel().astype(int)
    quality = float(fit["pareto_khat"]), float(fit["effective_sample_size"])
    return KeptWeights(weights / weights.sum(), pair, *quality)


def weights_of_draws(tree: xr.DataTree) -> KeptWeights | None:
    """Importance weights of draws, from lp - log_proposal; None where a tree lacks them.

    Raises
    ------
    WeightsError
        When all of them are 0, or one is not a number.
    """
    stats = group_of(tree, "sample_stats")
    if not {"lp", "log_proposal"} <= set(stats) or stats["lp"].size < FEWEST_SMOOTHED:
        return None
    return weights_of_ratios((stats["lp"] - stats["log_proposal"]).values.ravel())


def weights_of_ratios(log_ratios: np.ndarray) -> KeptWeights:
    """Weights of independent draws by their log ratios (S,), smoothed.

    Raises
    ------
    WeightsError
        When all of them are 0, or one is not a number.
    """
    smoothed, pareto_khat = smoothed_weights(log_ratios)
    weights = np.exp(smoothed - np.max(smoothed))
    weights /= weights.sum()
    return KeptWeights(weights, np.arange(len(weights)), pareto_khat, float(1 / np.sum(weights**2)))


def with_weighted_points(
    tree: xr.DataTree,
    density: LogDensity,
    thetas: np.ndarray,
    stats: Mapping[str, np.ndarray],
    record: Record,
) -> xr.DataTree:
    """Add weighted points (S, P) to a tree of draws that were resampled from them.

    They are built as any other draws are, as separate groups: ``weighted_posterior``,
    ``weighted_unconstrained_posterior`` and ``weighted_sample_stats``, which has ``lp``,
    ``log_weight`` and ``pair`` (S,).
    """
    whole = assemble(density, thetas, xr.Dataset(), record, sample_stats=stats)
    for name in _GROUPS:
        tree[f"weighted_{name}"] = whole[name]
    return tree
