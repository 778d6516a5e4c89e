"""Error against cost: every method on every model of a suite, and the Pareto frontier."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter

from ...approximations.errors import ArgumentError
from ..scoreboard import board_of, frontier_of, points_of
from .axes import legend_above
from .style import Style, look, style_of

_COSTS = {"seconds": "Time (s)", "evaluations": "Density evaluations"}


def plot_scoreboard(cells: pd.DataFrame, errors: pd.DataFrame) -> Figure:
    """Draw the largest error of a quantity against seconds and against evaluations.

    Parameters
    ----------
    cells : DataFrame
        Of `Suite.cells`.
    errors : DataFrame
        Of `tripos.comparisons.scoreboard.errors_of`.

    Returns
    -------
    Figure
        A small mark for a method on a model (medians over repeats), a large one for the medians of
        a method over models, and a line through the methods that no other beats in both: the
        frontier. An error of 1 is the tolerance. A method on a model without a finite, positive
        error or cost has no mark; the legend counts the models that have.

    Raises
    ------
    ArgumentError
        When there is no finite, positive error to draw.
    """
    points = points_of(cells, errors)
    points = points[np.isfinite(points["error"]) & (points["error"] > 0)]
    if points.empty:
        raise ArgumentError("There is no finite error to draw: no quantity was judged.")
    methods = list(points.index.unique("method"))
    styles: dict[str, Style] = {}
    for method in methods:
        styles[method] = style_of(xr.DataTree(), method, list(styles.values()))
    board = board_of(cells, errors)
    models = cells.index.unique("model").size
    with look():
        figure = Figure(figsize=(7.2, 4.2), dpi=150, layout="constrained")
        panels = figure.subplots(1, 2, sharey=True)
        for axes, (cost, label) in zip(panels, _COSTS.items(), strict=True):
            _panel(axes, points, cost, styles)
            axes.set(xlabel=label)
            axes.label_outer()
        panels[0].set(ylabel="Largest error of a quantity (1 = tolerance)")
        entries: dict[str, Artist | tuple[Artist, ...]] = {
            _legend_entry(method, board.loc[method], len(points.loc[method]), models): _mark(
                styles[method]
            )
            for method in methods
        }
        entries["frontier"] = _frontier_line([], [])
        legend_above(figure, entries, line=1.5)
    return figure


def _panel(axes: Axes, points: pd.DataFrame, cost: str, styles: dict[str, Style]) -> None:
    shown = points[points[cost] > 0]
    axes.set(xscale="log", yscale="log")
    axes.axhline(1.0, color="#999999", linewidth=0.8, zorder=0)
    medians = shown.groupby("method", sort=False)[[cost, "error"]].median()
    for method, style in styles.items():
        own = shown[shown.index.get_level_values("method") == method]
        axes.plot(own[cost], own["error"], **_look_of(style, 4.0, 0.4), label=method)
    chosen = medians.iloc[frontier_of(list(medians[cost]), list(medians["error"]))]
    axes.add_line(_frontier_line(list(chosen[cost]), list(chosen["error"])))
    for method, row in medians.iterrows():
        mark = _look_of(styles[str(method)], 9.0, 1.0) | {"markeredgecolor": "white", "zorder": 4}
        axes.plot([row[cost]], [row["error"]], **mark)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(_plain))
        axis.set_minor_formatter(NullFormatter())


def _look_of(style: Style, size: float, alpha: float) -> dict[str, Any]:
    return {
        "color": style.colour,
        "marker": style.marker,
        "markersize": size,
        "alpha": alpha,
        "linestyle": "none",
        "markeredgewidth": 0.8 if alpha == 1 else 0.0,
    }


def _frontier_line(x: list[float], y: list[float]) -> Line2D:
    return Line2D(x, y, color="#444444", linewidth=1.0, zorder=3, drawstyle="default")


def _plain(value: float, _: int | None = None) -> str:
    """Write a power of ten in full."""
    return (
        f"{value:,.0f}"
        if value >= 1
        else np.format_float_positional(float(f"{value:.2g}"), trim="-")
    )


def _mark(style: Style) -> Line2D:
    return Line2D([], [], **_look_of(style, 7.0, 1.0))


def _legend_entry(method: str, row: pd.Series, shown: int, models: int) -> str:
    """Legend entry of a method: share within tolerance, and number of models shown."""
    name = method.rpartition(":")[2]
    return f"{name}: {100 * row['within']:.0f} % within, {shown} of {models} models"
