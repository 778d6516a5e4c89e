"""Diagnostics of Markov chains in a report: ArviZ's numbers and its rank and energy plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import arviz_plots
import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from ...approximations.limits import LEAST_BFMI
from ...approximations.scalars.quantities import flatten
from ...approximations.trust import ChainSigns
from ...approximations.trust_words import clause
from ..pictures.axes import as_text
from ..pictures.style import look
from .pictures import Picture, picture
from .words import listed, minus_signs, number

_MOST_RANKED = 6
_SAMPLE = ("chain", "draw")


@dataclass(frozen=True)
class Sign:
    """A named number."""

    name: str
    value: str


def listed_signs(tree: xr.DataTree, signs: ChainSigns) -> tuple[Sign, ...]:
    """Name the numbers."""
    sizes = tree["posterior"].sizes
    named = [Sign("chains × draws", f"{sizes['chain']} × {sizes['draw']}")]
    for name, (quantity, value) in (
        ("largest R-hat", signs.r_hat),
        ("smallest bulk ESS", signs.bulk),
        ("smallest tail ESS", signs.tail),
    ):
        if quantity:
            named.append(Sign(name, f"{number(value, 4)} ({quantity})"))
    count = "not recorded" if signs.diverging is None else str(signs.diverging)
    named.append(Sign("divergences", count))
    if signs.bfmi:
        named.append(Sign("BFMI by chain", ", ".join(number(v, 2) for v in signs.bfmi)))
    return tuple(named)


def chain_words(tree: xr.DataTree, signs: ChainSigns) -> str:
    """Say whether the chains pass the usual diagnostics, and which they fail."""
    chains = tree["posterior"].sizes["chain"]
    one = " One chain alone cannot show that it missed something." if chains == 1 else ""
    if signs.broken:
        broken = minus_signs(listed([clause(limit) for limit in signs.broken]))
        return f"The chains break the usual limits: {broken}.{one}"
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
    good = all(limit.what != "R-hat" for limit in signs.broken)
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
    enough = all(limit.what != "BFMI" for limit in signs.broken)
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
