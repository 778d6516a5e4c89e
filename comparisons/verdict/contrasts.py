"""Two distributions of one quantity, and the Monte Carlo error of any contrast between them.

A contrast T(exact) - T(approximation) of smooth functionals is, near the truth, a difference of two
sample means of influence functions (Hampel 1974). Its error then needs no bootstrap, and where both
samples use the same draws, their common noise cancels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from ...approximations.density import LogDensity
from ...approximations.result import posterior_dataset
from ...approximations.scalars.quantities import flatten
from ...approximations.weights.pairs import WeightedPairs
from ...approximations.weights.reflection import log_share
from ...approximations.weights.support import Place, checked_logp
from ..monte_carlo import Sample, cells_of, sample_of, samples_of_posterior
from .exact_answers import is_exact
from .quantities import variables_asked

# Standard errors between a tree's draws and the distribution that it describes, above which they
# are not draws of it.
_ANOTHER = 5.0
_TOLD_BY = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Contrast:
    """One quantity under an approximation, and under what it is judged by.

    Attributes
    ----------
    approximation, exact : Sample
    same_draws : bool, default False
        Whether both weight the same draws, so that their common noise cancels.
    counts_own_noise : bool, default False
        Whether the noise of the approximation's draws counts as an error of the contrast. If not,
        it is a part of what is measured, since these are the draws that its user will use.
    """

    approximation: Sample
    exact: Sample
    same_draws: bool = False
    counts_own_noise: bool = False

    def error(self, influence: np.ndarray, exact_influence: np.ndarray) -> float:
        """Standard error of a contrast, by the influences (n,) of the two."""
        if self.same_draws:
            return self.exact.error_beside(exact_influence, self.approximation, influence)
        own = self.approximation.error(influence) if self.counts_own_noise else 0.0
        return float(np.hypot(self.exact.error(exact_influence), own))


def contrasts_of_trees(one: xr.DataTree, other: xr.DataTree) -> dict[str, Contrast]:
    """Pair the quantities that two trees share.

    Parameters
    ----------
    one, other : DataTree
        The approximation, and the tree that is trusted.
    """
    return contrasts_of_samples(one, samples_of_posterior(other))


def contrasts_of_samples(one: xr.DataTree, exact: Mapping[str, Sample]) -> dict[str, Contrast]:
    """Pair the quantities of a tree with samples of the exact posterior, by label."""
    draws, claims = draws_of(one), is_exact_in_draws(one)
    own = samples_of_posterior(one) if claims else {}
    own |= {label: sample_of(x, independent=True) for label, x in draws.items() if label not in own}
    own |= cells_of(one) if claims else {}
    return {
        label: Contrast(own[label], exact[label], counts_own_noise=claims)
        for label in draws
        if label in exact
    }


def is_exact_in_draws(tree: xr.DataTree) -> bool:
    """Whether a tree claims to be exact, and its draws could be of its weighted points or cells."""
    if not is_exact(tree):
        return False
    if "weighted_posterior" not in tree.children and not cells_of(tree):
        return True
    samples, draws = samples_of_posterior(tree), draws_of(tree)
    return all(_could_be_of(x, samples[label]) for label, x in draws.items() if label in samples)


def contrasts_of_pairs(
    exact: Mapping[str, Sample], pairs: WeightedPairs, log_density: np.ndarray | None = None
) -> dict[str, Contrast]:
    """Compare a distribution with the posterior, both by the same draws.

    Noise comes only from differing weights: with equal weights there is none.

    Parameters
    ----------
    exact : mapping of str to Sample
        Quantities of the pairs; see `samples_of_pairs`.
    pairs : WeightedPairs
    log_density : (2, S) array, optional
        Log density of the distribution at the pairs, not normalised; of the normal approximation at
        the mode, if None.
    """
    at = pairs.log_laplace if log_density is None else log_density
    ratios = (at - pairs.log_proposal).ravel()
    weights = np.exp(ratios - np.max(ratios))
    weights /= weights.sum()
    return {
        label: Contrast(replace(sample, weights=weights), sample, same_draws=True)
        for label, sample in exact.items()
    }


def contrasts_of_tree_and_pairs(
    tree: xr.DataTree, density: LogDensity, pairs: WeightedPairs, exact: Mapping[str, Sample]
) -> dict[str, Contrast]:
    """Compare a tree with the posterior by weighted draws.

    A normal distribution at their mode, or its skewed form, is taken as a distribution, without the
    noise of the tree's draws, unless these are not draws of it. Else the draws are taken.
    """
    log_density = None
    if is_normal_at_mode(tree, pairs.mode):
        log_density = pairs.log_laplace
    elif _is_at_mode(tree, "skew_laplace", pairs.mode):
        log_density = log_skewed_density(density, pairs)
    if log_density is not None:
        found, draws = contrasts_of_pairs(exact, pairs, log_density), draws_of(tree)
        if all(_could_be_of(draws[label], found[label].approximation) for label in found):
            return found
    return contrasts_of_samples(tree, exact)


def log_skewed_density(density: LogDensity, pairs: WeightedPairs) -> np.ndarray:
    """Log density (2, S) of the distribution of `skew_laplace` at pairs, not normalised.

    It is 2 N(x) p(x) / (p(x) + p(x')), with x' the image of x about the mode (Pozza, Durante and
    Szabo 2024, arXiv 2409.14167).
    """
    images = 2 * pairs.mode - pairs.thetas
    mirrored = pairs.logp[::-1]
    if not np.allclose(images, pairs.thetas[::-1], rtol=0, atol=1e-12):
        near = Place(pairs.mode, np.std(pairs.thetas, axis=(0, 1)))
        flat = images.reshape(-1, density.size)
        mirrored = checked_logp(density, near, flat).reshape(pairs.logp.shape)
    return pairs.log_laplace + log_share(pairs.logp, mirrored)


def contrasts_of_weights(tree: xr.DataTree, weights: np.ndarray) -> dict[str, Contrast]:
    """Compare the draws of a tree with the same draws under weights (S,)."""
    equal = np.full(len(weights), 1 / len(weights))
    return {
        label: Contrast(Sample(x.ravel(), equal), Sample(x.ravel(), weights), same_draws=True)
        for label, x in draws_of(tree).items()
    }


def is_normal_at_mode(tree: xr.DataTree, mode: np.ndarray | None = None) -> bool:
    """Whether a tree is the normal distribution at a mode, with the exact curvature.

    Parameters
    ----------
    tree : DataTree
    mode : (P,) array, optional
        Any mode, if None.
    """
    return _is_at_mode(tree, "laplace", mode)


def _is_at_mode(tree: xr.DataTree, method: str, mode: np.ndarray | None) -> bool:
    if tree.attrs.get("method") != method:
        return False
    fit = tree["fit"].to_dataset()
    if {"precision", "precision_value"}.isdisjoint(fit.data_vars):
        return False
    return mode is None or np.array_equal(fit["mode"].values, mode)


def _could_be_of(draws: np.ndarray, sample: Sample) -> bool:
    """Whether independent draws could be of the distribution of a sample, by its quantiles."""
    if not (np.all(np.isfinite(draws)) and np.all(np.isfinite(sample.values[sample.weights > 0]))):
        return True  # not to be told by quantiles
    for p, at in zip(_TOLD_BY, sample.quantiles(_TOLD_BY), strict=True):
        below, not_above = np.mean(draws < at), np.mean(draws <= at)
        noise = np.hypot(
            np.sqrt(p * (1 - p) / draws.size), sample.error((sample.values <= at).astype(float))
        )
        if below - p > _ANOTHER * noise or p - not_above > _ANOTHER * noise:
            return False
    return True


def draws_of(tree: xr.DataTree) -> dict[str, np.ndarray]:
    """Draws (C, S) of each quantity of a tree, by label."""
    return flatten(tree["posterior"].to_dataset())


def samples_of_pairs(
    density: LogDensity, pairs: WeightedPairs, var_names: Sequence[str] | None = None
) -> dict[str, Sample]:
    """Compute quantities of weighted pairs: of the variables to which some labels belong."""
    thetas = pairs.thetas.reshape(-1, density.size)
    values = density.unravel(thetas, variables_asked(density, var_names))
    scalars = flatten(posterior_dataset(density, values))
    weights = np.exp(pairs.log_point_weights).ravel()
    pair = np.tile(np.arange(len(pairs.log_weights)), 2)
    return {label: Sample(draws.ravel(), weights, pair) for label, draws in scalars.items()}
