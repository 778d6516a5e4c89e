"""Why something cannot be trusted, in words: the findings of ``trust`` as clauses."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

import xarray as xr

from .errors import UntrustedWeightsWarning
from .trust import Broken, broken_by_weights, broken_limits

CLAUSES = {
    "approximation": "{where} is an approximation; its distance from the posterior is what a "
    "verdict measures; use a grid, importance or NUTS",
    "constant": "nothing varies in its draws",
    "weights": "{where}",
    "k-hat": "the weights have a Pareto k-hat of {value:.2f}, to be below {limit}",
    "size": "the draws are worth only {value:.0f} independent ones, to be at least {limit:.0f}",
    "unseen mass": "far out, where no draw fell, there is mass, {value:.2g} times that around the "
    "mode: the mode is a narrow peak on a wide component, or the posterior is improper; "
    "look at the priors",
    "unseen tail": "far out along {where}, where next to no draw fell, there is {value:.2g} of the "
    "mass, to be at most {limit}",
    "modes": "there are more modes than the {value:.0f} that were sampled, or more labellings of "
    "them; where labels can be exchanged, order them in the model",
    "cells": "the cells are too wide: half of them give another log evidence, by {value:.2g}, to "
    "be at most {limit}",
    "edge": "the box cuts the posterior off: {value:.2g} of the mass is at the {where}",
}
"""Reasons not to trust something, by name."""

CLAUSES_OF_CHAINS = {
    "R-hat": "R-hat is {value:.3g} in {where}, above {limit}",
    "bulk ESS": "the bulk of {where} is worth {value:.3g} independent draws, fewer than {limit}",
    "tail ESS": "the tail of {where} is worth {value:.3g} independent draws, fewer than {limit}",
    "divergences": "{value} draws diverged",
    "BFMI": "BFMI is {value:.2g}, below {limit}",
    "not finite": "{where} is not a finite number in some draws",
}
"""Limits that chains exceed, by name."""


def clause(broken: Broken) -> str:
    """Describe one limit and the value found."""
    text = (CLAUSES | CLAUSES_OF_CHAINS)[broken.what]
    return text.format(value=broken.value, limit=broken.limit, where=broken.where)


def said(broken: Sequence[Broken]) -> str | None:
    """Say why something cannot be trusted, in a clause; None if no limit is broken."""
    if not broken:
        return None
    clauses = "; ".join(map(clause, broken))
    if broken[0].what not in CLAUSES_OF_CHAINS:
        return clauses
    return (
        f"the chains break the usual limits: {clauses}; run them longer, or write the model in "
        "other coordinates"
    )


def distrust_of(tree: xr.DataTree, quantities: Iterable[str] | None = None) -> str | None:
    """Say why a tree cannot be trusted as the posterior, or None; see `broken_limits`."""
    return said(broken_limits(tree, quantities))


def warn_of_weights(
    whose: str, pareto_khat: float, effective: float, draws: int, advice: str, stacklevel: int = 4
) -> None:
    """Warn where the weights of a method's draws cannot be trusted.

    Parameters
    ----------
    whose : str
        Beginning of the sentence.
    pareto_khat, effective, draws : float
        See `broken_by_weights`.
    advice : str
        A sentence.
    stacklevel : int, default 4
        Stack level of the method's caller.

    Warns
    -----
    UntrustedWeightsWarning
    """
    reason = said(broken_by_weights(pareto_khat, effective, draws))
    if reason is not None:
        warnings.warn(
            f"{whose} cannot be trusted, whatever the standard errors of their means say: "
            f"{reason} (Pareto k-hat {pareto_khat:.2f}, effective sample size {effective:.3g} of "
            f"{draws}). {advice}",
            UntrustedWeightsWarning,
            stacklevel=stacklevel,
        )
