"""Diagnostics of Markov chains in a report: ArviZ's numbers and its rank and energy plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import arviz_plots
import numpy as np
import xarray as xr
from arviz_stats.base import array_stats
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from ...approximations.scalars.quantities import flatten
from ..pictures.style import as_text, look
from ..verdicts.chains import FEWEST_EFFECTIVE, MOST_R_HAT
from .pictures import Picture, picture
from .words import listed, number

LEAST_BFMI = 0.3
"""Below it, chains do not explore the energy (Betancourt 2016, arXiv 1604.00695)."""
_MOST_RANKED = 6
_TAIL = (0.05, 0.95)
_SAMPLE = ("chain", "draw")


@dataclass(frozen=True)
class Sign:
    """A named number."""

    name: str
    value: str


@dataclass(frozen=True)
class ChainSigns:
    """What tells whether chains can be trusted.

    Attributes
    ----------
    r_hat, bulk, tail : (quantity, float)
        The largest R-hat and the smallest effective sample sizes; NaN where nothing varies.
    diverging : int or None
        Draws that diverged; None where the tree does not tell.
    bfmi : tuple of float
        Of each chain; empty where there are no energies.
    """

    r_hat: tuple[str, float]
    bulk: tuple[str, float]
    tail: tuple[str, float]
    diverging: int | None
    bfmi: tuple[float, ...]

    def listed(self, tree: xr.DataTree) -> tuple[Sign, ...]:
        """Name the numbers."""
        sizes = tree["posterior"].sizes
        signs = [Sign("chains × draws", f"{sizes['chain']} × {sizes['draw']}")]
        for name, (quantity, value), digits in (
            ("largest R-hat", self.r_hat, 4),
            ("smallest bulk ESS", self.bulk, 4),
            ("smallest tail ESS", self.tail, 4),
        ):
            if quantity:
                signs.append(Sign(name, f"{number(value, digits)} ({quantity})"))
        told = "not told" if self.diverging is None else str(self.diverging)
        signs.append(Sign("divergences", told))
        if self.bfmi:
            signs.append(Sign("BFMI by chain", ", ".join(number(v, 2) for v in self.bfmi)))
        return tuple(signs)


def chain_signs(tree: xr.DataTree) -> ChainSigns:
    """Take the worst R-hat and effective sample sizes, divergences and BFMI of a tree."""
    scalars = flatten(tree["posterior"].to_dataset())
    varying = {label: x for label, x in scalars.items() if np.ptp(x) > 0}
    nothing = ("", np.nan)
    r_hat = bulk = tail = nothing
    if varying:
        labels, draws = list(varying), np.stack(list(varying.values()))
        if draws.shape[1] > 1:
            worst, least = _extreme(labels, -array_stats.rhat(draws))
            r_hat = worst, -least
        bulk = _extreme(labels, array_stats.ess(draws, method="bulk"))
        tail = _extreme(labels, array_stats.ess(draws, method="tail", prob=_TAIL))
    stats = tree["sample_stats"].to_dataset() if "sample_stats" in tree.children else xr.Dataset()
    diverging = int(stats["diverging"].sum()) if "diverging" in stats else None
    bfmi: tuple[float, ...] = ()
    if "energy" in stats:
        energy = stats["energy"].transpose("chain", "draw").values
        bfmi = tuple(float(v) for v in np.ravel(array_stats.bfmi(energy)))
    return ChainSigns(r_hat, bulk, tail, diverging, bfmi)


def chain_words(tree: xr.DataTree, signs: ChainSigns) -> str:
    """Say whether the chains keep the usual limits, and which they break."""
    chains = tree["posterior"].sizes["chain"]
    broken = []
    if signs.r_hat[1] > MOST_R_HAT:
        broken.append(f"R-hat is {number(signs.r_hat[1])} in {signs.r_hat[0]}, above {MOST_R_HAT}")
    for kind, (quantity, value) in (("bulk", signs.bulk), ("tail", signs.tail)):
        if value < FEWEST_EFFECTIVE:
            broken.append(
                f"the {kind} of {quantity} is worth {number(value)} independent draws, fewer than "
                f"{FEWEST_EFFECTIVE}"
            )
    if signs.diverging:
        broken.append(f"{signs.diverging} draws diverged")
    low = [value for value in signs.bfmi if value < LEAST_BFMI]
    if low:
        broken.append(f"BFMI is {number(min(low), 2)}, below {LEAST_BFMI}")
    one = " One chain alone cannot show that it missed something." if chains == 1 else ""
    if broken:
        return f"The chains break the usual limits: {listed(broken)}.{one}"
    if not signs.bulk[0]:
        return "No quantity varies, so there is nothing to diagnose."
    return f"The chains keep the usual limits of R-hat, ESS, divergences and BFMI.{one}"


def chain_pictures(
    label: str, tree: xr.DataTree, signs: ChainSigns, drawn: tuple[str, ...]
) -> tuple[Picture, ...]:
    """Draw ranks, and the energies where the tree has them."""
    pictures = []
    scalars = flatten(tree["posterior"].to_dataset())
    # The worst quantity is always among them.
    wanted = dict.fromkeys([q for q in (signs.r_hat[0], *drawn) if q in scalars])
    varying = [q for q in wanted if np.ptp(scalars[q]) > 0][:_MOST_RANKED]
    if varying and tree["posterior"].sizes["chain"] > 1:
        pictures.append(_rank_picture(label, tree, signs, varying))
    if signs.bfmi:
        pictures.append(_energy_picture(label, tree, signs))
    return tuple(pictures)


def rank_figure(tree: xr.DataTree, quantities: Sequence[str]) -> Figure:
    """Draw ArviZ's rank plot of some quantities, a panel each."""
    scalars = flatten(tree["posterior"].to_dataset())
    # A title must not be read as mathematics, nor a slash in it as a path.
    titles = {q: as_text(q).replace("/", "∕") for q in quantities}
    few = xr.Dataset(
        {titles[q]: (("chain", "draw"), scalars[q]) for q in quantities},
        # ArviZ draws a line a chain only where chains have a coordinate.
        coords={
            dim: range(size) for dim, size in tree["posterior"].sizes.items() if dim in _SAMPLE
        },
    )
    columns = min(3, len(quantities))
    rows = -(-len(quantities) // columns)
    return _taken(
        arviz_plots.plot_rank(
            xr.DataTree.from_dict({"posterior": few}),
            backend="matplotlib",
            col_wrap=columns,
            figure_kwargs={"figsize": (5.2, 1.5 * rows + 0.9)},
        )
    )


def energy_figure(tree: xr.DataTree) -> Figure:
    """Draw ArviZ's plot of the energies."""
    energy = tree["sample_stats"].to_dataset()[["energy"]].transpose("chain", "draw")
    return _taken(
        arviz_plots.plot_energy(
            xr.DataTree.from_dict({"sample_stats": energy}),
            show_bfmi=False,
            backend="matplotlib",
            figure_kwargs={"figsize": (5.0, 2.4)},
        )
    )


def _rank_picture(
    label: str, tree: xr.DataTree, signs: ChainSigns, quantities: list[str]
) -> Picture:
    worst = f"the largest R-hat is {number(signs.r_hat[1], 4)}, in {signs.r_hat[0]}"
    good = signs.r_hat[1] <= MOST_R_HAT
    with look():
        return picture(
            f"rank-{label}",
            rank_figure(tree, quantities),
            "Ranks",
            "Ranks of each chain's draws among all draws, as their distribution minus the uniform "
            "one, a line a chain: lines that stay near zero come from chains that agree; p is that "
            "of a test of it.",
            f"{label}: the chains {'agree' if good else 'do not agree'}; {worst}.",
        )


def _energy_picture(label: str, tree: xr.DataTree, signs: ChainSigns) -> Picture:
    least = min(signs.bfmi)
    enough = least >= LEAST_BFMI
    with look():
        return picture(
            f"energy-{label}",
            energy_figure(tree),
            "Energy",
            "Energy of the draws (marginal) and its change from draw to draw (transition): where "
            "the second is much narrower, the chains explore the tails slowly.",
            f"{label}: the smallest BFMI is {number(least, 2)}, {'above' if enough else 'below'} "
            f"{LEAST_BFMI}: the changes of energy are {'wide enough' if enough else 'too narrow'}.",
        )


def _taken(drawn: arviz_plots.PlotCollection) -> Figure:
    """Take the figure of an ArviZ plot, and leave none open."""
    figure = drawn.viz["figure"].item()
    plt.close(figure)
    return figure


def _extreme(labels: list[str], values: np.ndarray) -> tuple[str, float]:
    k = int(np.nanargmin(values))
    return labels[k], float(values[k])
