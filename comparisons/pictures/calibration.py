"""Whether true values lie among draws as they should: ECDFs of PIT values, and their bands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ...approximations.errors import ArgumentError
from ..calibration.bands import Band, band_at
from ..calibration.words import NOTHING, UNDEFINED
from .axes import as_text, legend_above
from .style import look

MOST_PANELS = 12
_COLUMNS = 3
_INSIDE, _OUTSIDE, _BAND = "#0072B2", "#D55E00", "#DDDDDD"


def plot_calibration(
    table: pd.DataFrame,
    ranks: xr.Dataset,
    level: float,
    quantities: Sequence[str] | None = None,
) -> Figure:
    """Draw each ECDF of PIT values minus the diagonal, with its simultaneous band.

    Where the curve is above 0 too many true values lie below the draws' quantile, and where it is
    below 0 too few. A hump is a posterior that is biased high, a trough one that is biased low; up
    and then down is too narrow, down and then up too wide.

    Parameters
    ----------
    table : DataFrame
    ranks : Dataset
    level : float
        Attributes of a `Calibration`.
    quantities : sequence of str, optional
        Rows of the table, one panel each; the 12 with the smallest p-values at most, if None.

    Returns
    -------
    Figure

    Raises
    ------
    ArgumentError
        When a quantity is unknown, or none can be drawn.
    """
    shown = _chosen(table, quantities)
    size = ranks.sizes["simulation"]
    band = band_at(size, level / len(table))
    columns = min(_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    with look():
        # Titles need room, however few the panels.
        figure = Figure(
            figsize=(0.8 + 2.3 * max(columns, 2), 1.0 + 1.9 * rows), dpi=150, layout="constrained"
        )
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, quantity in zip(panels, shown, strict=False):
            pits = ranks["pit"].sel(quantity=quantity).values
            _panel(axes, pits, band, outside=table.at[quantity, "judgement"] != NOTHING)
            judgement = table.at[quantity, "judgement"]
            title = quantity if judgement == NOTHING else f"{quantity}: {judgement}"
            axes.set_title(as_text(title), fontsize=9)
        for axes in panels[len(shown) :]:
            axes.remove()
        figure.supxlabel("PIT value of the true value among the draws", fontsize=10)
        figure.supylabel("ECDF minus uniform", fontsize=10)
        of_what = f" of all {len(table)} ECDFs" if len(table) > 1 else ""
        name = f"{100 * (1 - level):g} % band{of_what}"
        marks: dict[str, Artist] = {name: Patch(color=_BAND)}
        judgements = table.loc[shown, "judgement"]
        if (judgements == NOTHING).any():
            marks["nothing seen"] = Line2D([], [], color=_INSIDE)
        if (judgements != NOTHING).any():
            marks["leaves the band"] = Line2D([], [], color=_OUTSIDE)
        legend_above(figure, marks, line=1.8)
    return figure


def _chosen(table: pd.DataFrame, quantities: Sequence[str] | None) -> list[str]:
    drawable = table[table["judgement"] != UNDEFINED]
    names = [quantities] if isinstance(quantities, str) else quantities
    if names is not None and (unknown := [name for name in names if name not in drawable.index]):
        raise ArgumentError(
            f"There are no ranks of {', '.join(map(repr, unknown))}; there are ranks of "
            f"{', '.join(map(str, drawable.index))}."
        )
    if names is None:
        worst = set(drawable["p_value"].nsmallest(MOST_PANELS).index)
        names = [str(name) for name in drawable.index if name in worst]
    if not names:
        raise ArgumentError("There is no quantity to draw: none could be ranked.")
    return list(names)


def _panel(axes: Axes, pits: np.ndarray, band: Band, *, outside: bool) -> None:
    points = np.concatenate([[0.0], band.points, [1.0]])
    least, most = (
        np.concatenate([[0], n, [band.size]]) / band.size for n in (band.least, band.most)
    )
    axes.fill_between(points, least - points, most - points, color=_BAND, linewidth=0)
    axes.axhline(0.0, color="#999999", linewidth=0.6)
    ecdf = np.searchsorted(np.sort(pits), points, side="right") / band.size
    axes.plot(points, ecdf - points, color=_OUTSIDE if outside else _INSIDE, linewidth=1.3)
    axes.set(xlim=(0, 1), xticks=[0, 0.5, 1], xticklabels=["0", "0.5", "1"])
