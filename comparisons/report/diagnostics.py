"""Diagnostics of each tree of a report: chains, weights, the edge of a grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from ...approximations.result import group_of
from ...approximations.trust import broken_by_grid, chain_signs, largest_edge
from ...approximations.trust_words import said
from .chains import Sign, chain_pictures, chain_words, listed_signs
from .pictures import Picture
from .weights import weight_pictures, weight_signs, weight_words
from .words import number

# Names of scalars in ``fit``, as a reader knows them.
_SCALARS = {
    "log_evidence": "log evidence",
    "log_evidence_error": "error of the log evidence",
    "log_evidence_laplace": "log evidence by Laplace",
    "logp_mode": "log density at the mode",
    "distinct_draws": "distinct draws",
}


@dataclass(frozen=True)
class Diagnosis:
    """How well a method did by its own diagnostics.

    Attributes
    ----------
    label, method : str
    words : str
        A sentence or two.
    signs : tuple of Sign
        Named numbers.
    edges : tuple of (str, str, str)
        Parameter, and the mass at the low and the high edge of its grid.
    pictures : tuple of Picture
    """

    label: str
    method: str
    words: str
    signs: tuple[Sign, ...]
    edges: tuple[tuple[str, str, str], ...] = ()
    pictures: tuple[Picture, ...] = ()


def diagnosis(label: str, tree: xr.DataTree, drawn: tuple[str, ...]) -> Diagnosis:
    """Describe the quality of a tree by its own diagnostics.

    Parameters
    ----------
    label : str
    tree : DataTree
    drawn : tuple of str
        Quantities to draw, where a picture is one of quantities.
    """
    method = str(tree.attrs.get("method", ""))
    fit = group_of(tree, "fit")
    scalars = tuple(
        Sign(words, number(float(fit[name]), 2 if "error" in name else 6))
        for name, words in _SCALARS.items()
        if name in fit
    )
    if not tree.attrs.get("independent_draws", 0):
        signs = chain_signs(tree)
        words, pictures = chain_words(tree, signs), chain_pictures(label, tree, signs, drawn)
        return Diagnosis(label, method, words, (*listed_signs(tree, signs), *scalars), (), pictures)
    if "edge_mass" in fit:
        return Diagnosis(label, method, _grid_words(fit), (*_cells(fit), *scalars), _edges(fit))
    if (weights := weight_signs(tree)) is not None:
        words, pictures = weight_words(weights), weight_pictures(label, tree, weights)
        return Diagnosis(label, method, words, (*weights.listed(), *scalars), (), pictures)
    return Diagnosis(label, method, _approximation_words(fit, tree), scalars)


def _grid_words(fit: xr.Dataset) -> str:
    broken = broken_by_grid(fit)
    why = said(broken)
    if why is None:
        most, place = largest_edge(fit)
        return (
            f"The box holds the posterior: the largest share of the mass at an edge is "
            f"{number(most, 2)}, at the {place}."
        )
    remedy = "Widen the box" if broken[0].what == "edge" else "Take more points"
    return f"{why[0].upper()}{why[1:]}, which distorts the results. {remedy}."


def _cells(fit: xr.Dataset) -> tuple[Sign, ...]:
    shape: Any = fit["log_density"].shape
    size = " × ".join(str(n) for n in shape)
    return (Sign("cells", size if len(shape) == 1 else f"{size} = {np.prod(shape)}"),)


def _edges(fit: xr.Dataset) -> tuple[tuple[str, str, str], ...]:
    edges = fit["edge_mass"]
    low, high = (
        [number(float(mass), 2) for mass in edges.sel(side=side)] for side in ("low", "high")
    )
    return tuple(zip(map(str, edges["parameter"].values), low, high, strict=True))


def _approximation_words(fit: xr.Dataset, tree: xr.DataTree) -> str:
    if not fit.data_vars:
        return "The tree brings its draws, and nothing that tells how well they were made."
    draws = tree["posterior"].sizes["chain"] * tree["posterior"].sizes["draw"]
    return (
        f"{draws} independent draws of the approximation. Nothing in the tree tells how far the "
        "approximation is from the posterior: the verdict does."
    )
