"""When chains, weights, a grid or a quadrature can be trusted: said here once, for all who ask."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from arviz_stats.base import array_stats

from .errors import UntrustedWeightsWarning, WeightsError
from .limits import (
    FEWEST_EFFECTIVE,
    FEWEST_WEIGHTED,
    LEAST_BFMI,
    MOST_CELL_ERROR,
    MOST_EDGE_MASS,
    MOST_R_HAT,
    TRUSTED_K_HAT,
)
from .method import method_of
from .scalars.quantities import flatten
from .weights.kept import weights_of_draws

_TAIL = (0.05, 0.95)
_LONGER = "run them longer, or write the model in other coordinates"


def distrust_of(tree: xr.DataTree, quantities: Iterable[str] | None = None) -> str | None:
    """Say why a tree is not to be taken for the posterior, or nothing.

    Parameters
    ----------
    tree : DataTree
    quantities : iterable of str, optional
        Labels of those that matter, of chains; all, if None.

    Returns
    -------
    str or None
        A clause such as "the chains break the usual limits: R-hat is 1.5 in x, above 1.01; ...".
    """
    fit = tree["fit"].to_dataset() if "fit" in tree.children else xr.Dataset()
    method = method_of(tree)
    if method and not method.is_exact and "weighted_posterior" not in tree.children:
        return (
            f"{method.name} is an approximation, and how far it is from the posterior is what a "
            "verdict asks; use a grid, importance or NUTS"
        )
    if "edge_mass" in fit:
        return distrust_of_grid(fit)
    if method and method.name == "quadrature":
        return _distrust_of_quadrature(tree)
    if "k_hat" in fit:
        size = float(fit.get("effective_sample_size", np.inf))
        return distrust_of_weights(float(fit["k_hat"]), size)
    draws = flatten(tree["posterior"].to_dataset())
    if not any(np.ptp(x) > 0 for x in draws.values()):
        return "nothing varies in its draws"
    if not tree.attrs.get("independent_draws", 0):
        return distrust_of_chains(chain_signs(tree, quantities))
    size = next(iter(draws.values())).size
    return None if size >= FEWEST_WEIGHTED else _few(size)


def distrust_of_weights(
    k_hat: float, effective: float, fewest: float = FEWEST_WEIGHTED
) -> str | None:
    """Say why weights cannot be trusted, by their tail and by what they are worth, or nothing."""
    if not k_hat < TRUSTED_K_HAT:
        return f"the weights have a Pareto k-hat of {k_hat:.2f}, to be below {TRUSTED_K_HAT}"
    return None if effective >= fewest else _few(effective, fewest)


def warn_of_weights(
    whose: str, k_hat: float, effective: float, draws: int, advice: str, stacklevel: int = 4
) -> None:
    """Warn where the weights of a method's draws cannot be trusted.

    Parameters
    ----------
    whose : str
        Beginning of the sentence.
    k_hat, effective : float
        With the effective sample size.
    draws : int
        How many were weighted: of few draws no more than a tenth is asked for.
    advice : str
        A sentence.
    stacklevel : int, default 4
        That of the method's caller.

    Warns
    -----
    UntrustedWeightsWarning
    """
    reason = distrust_of_weights(k_hat, effective, min(FEWEST_WEIGHTED, draws / 10))
    if reason is not None:
        warnings.warn(
            f"{whose} cannot be trusted, whatever the standard errors of their means say: "
            f"{reason} (Pareto k-hat {k_hat:.2f}, effective sample size {effective:.3g} of "
            f"{draws}). {advice}",
            UntrustedWeightsWarning,
            stacklevel=stacklevel,
        )


def distrust_of_grid(fit: xr.Dataset) -> str | None:
    """Say why a grid's numbers cannot be trusted, by its edges and its cells, or nothing."""
    error = float(fit["log_evidence_error"])
    if not error <= MOST_CELL_ERROR:
        return (
            f"the cells are too wide: half of them give another log evidence, by {error:.2g}, to "
            f"be at most {MOST_CELL_ERROR}"
        )
    most, place = largest_edge(fit)
    if not most <= MOST_EDGE_MASS:
        return f"the box cuts the posterior off: {most:.2g} of the mass is at the {place}"
    return None


def largest_edge(fit: xr.Dataset) -> tuple[float, str]:
    """Largest share of a grid's mass at an edge of its box, and which edge that is."""
    edges = fit["edge_mass"]
    k, side = np.unravel_index(int(np.argmax(edges.values)), edges.shape)
    place = f"{edges['side'].values[side]} edge of {edges['parameter'].values[k]}"
    return float(edges.values[k, side]), place


def _distrust_of_quadrature(tree: xr.DataTree) -> str | None:
    """By the weights that carry its draws to the posterior: those are what it is taken for."""
    try:
        weights = weights_of_draws(tree)
    except WeightsError as failure:
        return str(failure)
    size = tree["posterior"].sizes["draw"]
    if weights is None:
        return _few(size)
    return distrust_of_weights(weights.k_hat, weights.effective_sample_size)


def _few(size: float, fewest: float = FEWEST_WEIGHTED) -> str:
    return f"the draws are worth only {size:.0f} independent ones, to be at least {fewest:.0f}"


@dataclass(frozen=True)
class ChainSigns:
    """What tells whether chains can be trusted.

    Attributes
    ----------
    r_hat, bulk, tail : (quantity, float)
        The largest R-hat (of a single chain, of its halves) and the smallest effective sample
        sizes; without a quantity where nothing varies, NaN where there are too few draws to tell.
    diverging : int or None
        Draws that diverged; None where the tree does not tell.
    bfmi : tuple of float
        Of each chain; empty where there are no energies.
    undefined : str
        A quantity that is not a finite number in some draw, or nothing.
    """

    r_hat: tuple[str, float]
    bulk: tuple[str, float]
    tail: tuple[str, float]
    diverging: int | None
    bfmi: tuple[float, ...]
    undefined: str = ""

    @property
    def broken(self) -> list[str]:
        """Say which of the usual limits they break."""
        found = []
        quantity, worst = self.r_hat
        if quantity and not worst <= MOST_R_HAT:
            found.append(f"R-hat is {worst:.3g} in {quantity}, above {MOST_R_HAT}")
        for kind, (quantity, size) in (("bulk", self.bulk), ("tail", self.tail)):
            if quantity and not size >= FEWEST_EFFECTIVE:
                found.append(
                    f"the {kind} of {quantity} is worth {size:.3g} independent draws, fewer than "
                    f"{FEWEST_EFFECTIVE}"
                )
        if self.diverging:
            found.append(f"{self.diverging} draws diverged")
        low = [value for value in self.bfmi if not value >= LEAST_BFMI]
        if low:
            found.append(f"BFMI is {min(low):.2g}, below {LEAST_BFMI}")
        if self.undefined:
            found.append(f"{self.undefined} is not a finite number in some draws")
        return found


def chain_signs(tree: xr.DataTree, quantities: Iterable[str] | None = None) -> ChainSigns:
    """Take the worst R-hat and effective sample sizes, divergences and BFMI of a tree.

    Parameters
    ----------
    tree : DataTree
    quantities : iterable of str, optional
        Labels of those to look at; all, if None.
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
    stats = tree["sample_stats"].to_dataset() if "sample_stats" in tree.children else xr.Dataset()
    diverging = int(stats["diverging"].sum()) if "diverging" in stats else None
    bfmi: tuple[float, ...] = ()
    if "energy" in stats:
        energy = stats["energy"].transpose("chain", "draw").values
        bfmi = tuple(float(v) for v in np.ravel(array_stats.bfmi(energy)))
    return ChainSigns(r_hat, bulk, tail, diverging, bfmi, undefined)


def distrust_of_chains(signs: ChainSigns) -> str | None:
    """Say which limits chains break, and what to do, or nothing."""
    if not signs.broken:
        return None
    return f"the chains break the usual limits: {'; '.join(signs.broken)}; {_LONGER}"


def _halves(draws: np.ndarray) -> np.ndarray:
    """Cut single chains (Q, 1, S) in two."""
    even = draws.shape[2] // 2 * 2
    return draws[:, :, :even].reshape(len(draws), 2, -1)


def _smallest(labels: list[str], values: np.ndarray) -> tuple[str, float]:
    """Find the smallest of some values; NaN is smaller than any."""
    values = np.ravel(values)
    k = int(np.argmin(np.where(np.isnan(values), -np.inf, values)))
    return labels[k], float(values[k])
