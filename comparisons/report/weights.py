"""Diagnostics of importance weights in a report: k-hat, and the share of the heaviest draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ...approximations.limits import TRUSTED_K_HAT
from ...approximations.result import group_of
from ...approximations.trust import Broken, broken_by_weights
from ...approximations.trust_words import said
from ...approximations.weights.kept import KeptWeights, weights_of_draws, weights_of_points
from ..pictures.style import look, style_of
from .chains import Sign
from .pictures import Picture, picture
from .words import number

_HEAVIEST = 0.01


@dataclass(frozen=True)
class WeightSigns:
    """Diagnostics of importance weights.

    Attributes
    ----------
    shares : (S,) array
        Normalised weights, largest first; empty where the tree kept none.
    unit : str
        What was weighted: "pairs" or "draws".
    pareto_khat : float
    effective : float
        Effective sample size.
    broken : tuple of Broken
        Limits that the weights exceed.
    used : bool
        Whether the draws were corrected by the weights, or could be.
    """

    shares: np.ndarray
    unit: str
    pareto_khat: float
    effective: float
    broken: tuple[Broken, ...]
    used: bool

    @property
    def heaviest(self) -> float:
        """Share of the weight that the heaviest hundredth holds."""
        return float(self.shares[: max(1, round(_HEAVIEST * len(self.shares)))].sum())

    def listed(self) -> tuple[Sign, ...]:
        """Name the numbers."""
        size = len(self.shares)
        of = f" of {size} {self.unit}" if size else ""
        signs = [
            Sign("k-hat", number(self.pareto_khat)),
            Sign("ESS", number(self.effective, 4) + of),
        ]
        if size:
            signs.append(Sign("weight of the heaviest 1 %", f"{number(100 * self.heaviest)} %"))
        return tuple(signs)


def weight_signs(tree: xr.DataTree) -> WeightSigns | None:
    """Take a tree's stored weights, or compute them from its densities; None if it has neither."""
    if (kept := weights_of_points(tree)) is not None:
        return _signs(kept, "pairs", used=True)
    fit = group_of(tree, "fit")
    stats = group_of(tree, "sample_stats")
    if "log_weight" in stats and "pareto_khat" in fit:
        pareto_khat = float(fit["pareto_khat"])
        effective = float(fit.get("effective_sample_size", np.inf))
        broken = broken_by_weights(pareto_khat, effective, stats["log_weight"].size)
        return WeightSigns(np.empty(0), "draws", pareto_khat, effective, broken, used=True)
    # A k-hat beside the approximation's own density is of weights that were not applied.
    could = weights_of_draws(tree)
    return None if could is None else _signs(could, "draws", used=False)


def weight_words(signs: WeightSigns) -> str:
    """Say whether the weights, used or not, can be trusted."""
    reason = said(signs.broken) or f"k-hat is {number(signs.pareto_khat)}, below {TRUSTED_K_HAT}"
    can = "cannot" if signs.broken else "can"
    if signs.used:
        return f"The weights that corrected the draws {can} be trusted: {reason}."
    return (
        f"The draws are the approximation's own. They {can} be corrected by weighting them to the "
        f"posterior: {reason}."
    )


def weight_pictures(label: str, tree: xr.DataTree, signs: WeightSigns) -> tuple[Picture, ...]:
    """Draw how much of the weight the heaviest hold."""
    size = len(signs.shares)
    if size == 0:
        return ()
    with look():
        figure = Figure(figsize=(5.0, 2.8), dpi=150, layout="constrained")
        axes = figure.add_subplot(xscale="log")
        rank = np.arange(1, size + 1) / size
        axes.plot(rank, rank, color="#777777", linewidth=1)
        style = style_of(tree, label)
        axes.plot(rank, np.cumsum(signs.shares), **style.stroke | {"linestyle": "solid"})
        axes.annotate("equal weights", (0.13, 0.2), ha="right", color="#555555")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
        axes.set(xlabel=f"heaviest {signs.unit}", ylabel="share of the weight", ylim=(0, 1))
        shown = picture(
            f"weights-{label}",
            figure,
            "Weights",
            f"Share of the weight that the heaviest {signs.unit} hold; the nearer to the grey line "
            "of equal weights, the better.",
            f"{label}: the heaviest 1 % of {size} {signs.unit} hold {number(100 * signs.heaviest)} "
            f"% of the weight; k-hat is {number(signs.pareto_khat)}.",
        )
    return (shown,)


def _signs(kept: KeptWeights, unit: str, *, used: bool) -> WeightSigns:
    shares, effective = np.sort(kept.by_pair)[::-1], kept.effective_sample_size
    broken = broken_by_weights(kept.pareto_khat, effective, len(shares))
    return WeightSigns(shares, unit, kept.pareto_khat, effective, broken, used)
