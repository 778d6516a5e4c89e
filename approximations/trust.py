"""When chains, weights, a grid or a quadrature can be trusted: decided in this one place.

The limits are in ``limits``, their wording in ``trust_words``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from . import array_stats
from .errors import WeightsError
from .limits import (
    FEWEST_EFFECTIVE,
    FEWEST_WEIGHTED,
    LEAST_BFMI,
    LEAST_SHARE,
    MOST_CELL_ERROR,
    MOST_EDGE_MASS,
    MOST_R_HAT,
    MOST_UNSEEN_MASS,
    MOST_UNSEEN_TAIL,
    TRUSTED_K_HAT,
)
from .method import method_of
from .result import group_of
from .scalars.quantities import flatten
from .weights.kept import weights_of_draws

_TAIL = (0.05, 0.95)

OF_ONE_QUANTITY = ("R-hat", "bulk ESS", "tail ESS", "not finite")
"""Reasons that hold for the quantity that they name."""


@dataclass(frozen=True)
class Broken:
    """A limit that a tree's own diagnostics exceed, or another reason not to trust it.

    Attributes
    ----------
    what : str
        Key of `tripos.approximations.trust_words.CLAUSES`.
    value, limit : float
        The diagnostic, and its limit; NaN where the reason is not numeric.
    where : str
        The quantity, edge or method; empty where it is the whole tree.
    """

    what: str
    value: float = np.nan
    limit: float = np.nan
    where: str = ""


def broken_limits(tree: xr.DataTree, quantities: Iterable[str] | None = None) -> tuple[Broken, ...]:
    """Find reasons not to trust a tree as the posterior.

    Parameters
    ----------
    tree : DataTree
    quantities : iterable of str, optional
        Labels of the quantities of interest, for chains; all, if None.

    Returns
    -------
    tuple of Broken
        Empty where it can be trusted.
    """
    fit = group_of(tree, "fit")
    method = method_of(tree)
    if method and not method.is_exact and "weighted_posterior" not in tree.children:
        return (Broken("approximation", where=method.name),)
    if "edge_mass" in fit:
        return broken_by_grid(fit)
    if method and method.name == "quadrature":
        return _broken_by_quadrature(tree)
    if "unseen_tail" in fit and float(fit["unseen_tail"]) > MOST_UNSEEN_TAIL:
        where = str(fit["unseen_tail_of"].values)
        return (Broken("unseen tail", float(fit["unseen_tail"]), MOST_UNSEEN_TAIL, where),)
    if "pareto_khat" in fit:
        size = float(fit.get("effective_sample_size", np.inf))
        return broken_by_weights(float(fit["pareto_khat"]), size)
    draws = flatten(tree["posterior"].to_dataset())
    if not any(np.ptp(x) > 0 for x in draws.values()):
        return (Broken("constant"),)
    if not tree.attrs.get("independent_draws", 0):
        return chain_signs(tree, quantities).broken
    return _broken_by_size(next(iter(draws.values())).size)


def broken_by_quantity(
    tree: xr.DataTree, quantities: Iterable[str]
) -> dict[str, tuple[Broken, ...]]:
    """Find reasons not to trust a tree, quantity by quantity.

    Chains may have converged in one quantity and not in another; other reasons hold for all.

    Parameters
    ----------
    tree : DataTree
    quantities : iterable of str
        Their labels.

    Returns
    -------
    dict of str to tuple of Broken
        By label; empty tuples where it can be trusted.
    """
    labels = list(quantities)
    found = broken_limits(tree, labels)
    if not any(broken.what in OF_ONE_QUANTITY for broken in found):
        return dict.fromkeys(labels, found)
    return {label: chain_signs(tree, [label]).broken for label in labels}


def broken_by_weights(
    pareto_khat: float, effective: float, draws: float = np.inf, unseen: float = 0.0
) -> tuple[Broken, ...]:
    """Find why weights cannot be trusted: the first reason only.

    Parameters
    ----------
    pareto_khat, effective : float
        Pareto k-hat and effective sample size.
    draws : float, optional
        Number of weighted draws; of few, a tenth must be effective.
    unseen : float, default 0
        Mass where no draw fell, relative to the mass that was sampled.
    """
    if unseen > MOST_UNSEEN_MASS:
        return (Broken("unseen mass", unseen, MOST_UNSEEN_MASS),)
    if not pareto_khat < TRUSTED_K_HAT:
        return (Broken("k-hat", pareto_khat, TRUSTED_K_HAT),)
    return _broken_by_size(effective, min(FEWEST_WEIGHTED, LEAST_SHARE * draws))


def broken_by_grid(fit: xr.Dataset) -> tuple[Broken, ...]:
    """Find why a grid's numbers cannot be trusted, by its cells or its edges."""
    error = float(fit["log_evidence_error"])
    if not error <= MOST_CELL_ERROR:
        return (Broken("cells", error, MOST_CELL_ERROR),)
    most, place = largest_edge(fit)
    return () if most <= MOST_EDGE_MASS else (Broken("edge", most, MOST_EDGE_MASS, place),)


def largest_edge(fit: xr.Dataset) -> tuple[float, str]:
    """Largest share of a grid's mass at an edge of its box, and which edge that is."""
    edges = fit["edge_mass"]
    k, side = np.unravel_index(int(np.argmax(edges.values)), edges.shape)
    place = f"{edges['side'].values[side]} edge of {edges['parameter'].values[k]}"
    return float(edges.values[k, side]), place


def _broken_by_quadrature(tree: xr.DataTree) -> tuple[Broken, ...]:
    """By the importance weights of its draws, with which it represents the posterior."""
    try:
        weights = weights_of_draws(tree)
    except WeightsError as failure:
        return (Broken("weights", where=str(failure)),)
    if weights is None:
        return _broken_by_size(tree["posterior"].sizes["draw"])
    return broken_by_weights(weights.pareto_khat, weights.effective_sample_size)


def _broken_by_size(size: float, fewest: float = FEWEST_WEIGHTED) -> tuple[Broken, ...]:
    return () if size >= fewest else (Broken("size", size, fewest),)


@dataclass(frozen=True)
class ChainSigns:
    """Convergence diagnostics of chains.

    Attributes
    ----------
    r_hat, bulk, tail : (quantity, float)
        The largest R-hat (for a single chain, of its halves) and the smallest effective sample
        sizes; without a quantity where nothing varies, NaN where there are too few draws.
    diverging : int or None
        Number of divergent draws; None where the tree does not record it.
    bfmi : tuple of float
        BFMI of each chain; empty where there are no energies.
    undefined : str
        A quantity that is not finite in some draw; empty if there is none.
    """

    r_hat: tuple[str, float]
    bulk: tuple[str, float]
    tail: tuple[str, float]
    diverging: int | None
    bfmi: tuple[float, ...]
    undefined: str = ""

    @property
    def broken(self) -> tuple[Broken, ...]:
        """The usual limits that the chains exceed."""
        found = []
        quantity, worst = self.r_hat
        if quantity and not worst <= MOST_R_HAT:
            found.append(Broken("R-hat", worst, MOST_R_HAT, quantity))
        for what, (quantity, size) in (("bulk ESS", self.bulk), ("tail ESS", self.tail)):
            if quantity and not size >= FEWEST_EFFECTIVE:
                found.append(Broken(what, size, FEWEST_EFFECTIVE, quantity))
        if self.diverging:
            found.append(Broken("divergences", self.diverging, 0))
        if low := [value for value in self.bfmi if not value >= LEAST_BFMI]:
            found.append(Broken("BFMI", min(low), LEAST_BFMI))
        if self.undefined:
            found.append(Broken("not finite", where=self.undefined))
        return tuple(found)


def chain_signs(tree: xr.DataTree, quantities: Iterable[str] | None = None) -> ChainSigns:
    """Take the worst R-hat and effective sample sizes, divergences and BFMI of a tree.

    Parameters
    ----------
    tree : DataTree
    quantities : iterable of str, optional
        Labels of the quantities to use; all, if None.
    """
    scalars = flatten(tree["posterior"].to_dataset())
    chosen = scalars if quantities is None else {q: scalars[q] for q in quantities}
    finite = {label: x for label, x in chosen.items() if np.all(np.isfinite(x))}
    undefined = next((label for label in chosen if label not in finite), "")
    varying = {label: x for label, x in finite.items() if np.ptp(x) > 0}
    r_hat = bulk = tail = ("", np.nan)
    if varying:
        labels, draws = list(varying), np.stack(list(varying.values()))
        halves = draws if draws.shape[1] > 1 else _halves(draws)
        with np.errstate(all="ignore"):  # of chains that do not move it is NaN or infinite
            worst, least = _smallest(labels, -array_stats.rhat(halves))
            r_hat = worst, -least
            bulk = _smallest(labels, array_stats.ess(draws, method="bulk"))
            tail = _smallest(labels, array_stats.ess(draws, method="tail", prob=_TAIL))
    stats = group_of(tree, "sample_stats")
    diverging = int(stats["diverging"].sum()) if "diverging" in stats else None
    bfmi: tuple[float, ...] = ()
    if "energy" in stats:
        energy = stats["energy"].transpose("chain", "draw").values
        bfmi = tuple(float(v) for v in np.ravel(array_stats.bfmi(energy)))
    return ChainSigns(r_hat, bulk, tail, diverging, bfmi, undefined)


def _halves(draws: np.ndarray) -> np.ndarray:
    """Split single chains (Q, 1, S) in two."""
    even = draws.shape[2] // 2 * 2
    return draws[:, :, :even].reshape(len(draws), 2, -1)


def _smallest(labels: list[str], values: np.ndarray) -> tuple[str, float]:
    """Find the smallest of some values, where NaN counts as smallest."""
    values = np.ravel(values)
    k = int(np.argmin(np.where(np.isnan(values), -np.inf, values)))
    return labels[k], float(values[k])
