"""Central intervals of several posteriors, a row for each quantity of each tree.

`arviz_plots.plot_forest` puts all quantities on one axis; here each has its own, since a slope and
a log dose share no scale.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...approximations.result import group_of
from .axes import as_text, axis_label
from .draws import draws_of_each
from .style import Style, look, styles_of

MOST_ROWS = 30
"""Rows shown in one picture."""

PROBABILITIES = (0.025, 0.25, 0.5, 0.75, 0.975)
# Of a panel, in widths of its narrowest 95 % interval.
_MOST_NARROWEST = 8.0
_ROW_HEIGHT = 0.23
_PANEL_HEIGHT = 0.62


def plot_intervals(
    trees: Mapping[str, xr.DataTree],
    quantities: Sequence[str],
    units: Mapping[str, str] | None = None,
) -> Figure:
    """Draw medians with central 50 % and 95 % intervals.

    Parameters
    ----------
    trees : mapping of str to DataTree
        By label. A tree that lacks a quantity is left out of its panel.
    quantities : sequence of str
        Such as ``"beta"`` or ``"theta[Choate]"``.
    units : mapping of str to str, optional
        Unit of a quantity, for the axis.

    Returns
    -------
    Figure
        At most 30 rows, and a line that says how many quantities are left out. An interval that
        runs out of its panel ends in an arrow with the number it runs to.

    Raises
    ------
    NoSharedVariableError
        When no tree has one of the quantities.
    ArgumentError
        When there is no quantity.
    """
    draws = draws_of_each(trees, quantities)
    styles = styles_of(trees)
    shown = shown_quantities({quantity: len(by_label) for quantity, by_label in draws.items()})
    columns = 1 if len(shown) <= 4 else 2
    panels = [shown[k : k + columns] for k in range(0, len(shown), columns)]
    heights = [max(len(draws[quantity]) for quantity in row) for row in panels]
    with look():
        size = (
            3.4 * columns + 1.6,
            _ROW_HEIGHT * sum(heights) + _PANEL_HEIGHT * len(heights) + 0.5,
        )
        figure = Figure(figsize=size, dpi=150, layout="constrained")
        layout = figure.add_gridspec(len(panels), columns, height_ratios=[h + 0.5 for h in heights])
        for k, quantity in enumerate(shown):
            axes = figure.add_subplot(layout[divmod(k, columns)])
            axes.set_xlabel(axis_label(quantity, units))
            _draw_panel(axes, trees, quantity, draws[quantity], styles)
        figure.suptitle(_title(len(draws) - len(shown)), fontsize=9)
    return figure


def shown_quantities(rows: Mapping[str, int]) -> list[str]:
    """First quantities, given the rows of each, that fit into one picture; at least one."""
    total = np.cumsum(list(rows.values()))
    fit = max(1, int(np.sum(total <= MOST_ROWS)))
    return list(rows)[:fit]


def intervals_of(tree: xr.DataTree, quantity: str, draws: np.ndarray) -> np.ndarray:
    """Ends of the 95 % and 50 % intervals and the median (5,): exact for a grid, else of draws."""
    known = group_of(tree, "fit").get("quantiles")
    if known is not None and {"quantity", "probability"} <= set(known.coords):
        at = {"probability": list(PROBABILITIES)}
        with contextlib.suppress(KeyError):  # where it tells others
            return known.sel(quantity=quantity).sel(at, method="nearest", tolerance=1e-6).values
    return np.quantile(draws, PROBABILITIES)


def _draw_panel(
    axes: Axes,
    trees: Mapping[str, xr.DataTree],
    quantity: str,
    draws: Mapping[str, np.ndarray],
    styles: Mapping[str, Style],
) -> None:
    ends = {label: intervals_of(trees[label], quantity, v[0]) for label, v in draws.items()}
    limits = panel_range(list(ends.values()))
    axes.set(xlim=limits, ylim=(len(ends) - 0.4, -0.6))
    for row, (label, five) in enumerate(ends.items()):
        _draw_row(axes, row, five, styles[label], label)
        _draw_arrows(axes, row, five, limits, styles[label])
    axes.set_yticks(range(len(ends)), [as_text(label) for label in ends])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def panel_range(ends: Sequence[np.ndarray]) -> tuple[float, float]:
    """Range that holds all intervals (5,), but is at most eight times the narrowest of 95 %.

    It always holds every 50 % interval.
    """
    by_place = np.transpose(ends)
    low, high = by_place[0].min(), by_place[4].max()
    widths = by_place[4] - by_place[0]
    if np.any(widths > 0):
        narrowest = np.argmin(np.where(widths > 0, widths, np.inf))
        centre, reach = by_place[2, narrowest], _MOST_NARROWEST / 2 * widths[narrowest]
        low = max(low, min(centre - reach, by_place[1].min()))
        high = min(high, max(centre + reach, by_place[3].max()))
    room = 0.06 * (high - low) or 0.1 * abs(low) or 1.0
    return float(low - room), float(high + room)


def _draw_row(axes: Axes, row: int, five: np.ndarray, style: Style, label: str) -> None:
    low, first, median, third, high = five
    axes.hlines(row, low, high, colors=style.colour, linewidth=1.3, label=f"95 %, {label}")
    axes.hlines(row, first, third, colors=style.colour, linewidth=4.0, label=f"50 %, {label}")
    axes.plot(
        median,
        row,
        marker=style.marker,
        markersize=6.5,
        color=style.colour,
        markeredgecolor="white",
        markeredgewidth=1.0,
        label=f"median, {label}",
    )


def _draw_arrows(
    axes: Axes, row: int, five: np.ndarray, limits: tuple[float, float], style: Style
) -> None:
    for end, edge, marker, side in (
        (five[0], limits[0], "<", "left"),
        (five[-1], limits[1], ">", "right"),
    ):
        if (end < edge) if side == "left" else (end > edge):
            axes.plot(edge, row, marker=marker, color=style.colour, clip_on=False, markersize=5)
            axes.annotate(
                f"{end:.3g}".replace("-", "−"),
                (edge, row),
                xytext=(5 if side == "left" else -5, 3),
                textcoords="offset points",
                ha=side,
                va="bottom",
                fontsize=7,
                color=style.colour,
            )


def _title(left_out: int) -> str:
    text = "Median, 50 % (thick) and 95 % (thin) central interval"
    if left_out:
        text += f"\n{left_out} more quantit{'y is' if left_out == 1 else 'ies are'} not shown"
    return text
