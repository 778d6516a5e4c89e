"""Overlaid marginal densities of several posteriors, one panel per quantity.

`arviz_plots.plot_dist` estimates a density over the whole range of the draws: the tail of a ratio
then leaves few of its 512 points for the bulk. So the curves are made here, by ArviZ's estimator on
the part of the range that is shown, and exactly where a method knows its own density.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from arviz_stats.base import array_stats
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.stats import norm

from .axes import axis_label, legend_above, panel_note, shown_range
from .contours import estimation_window, grid_mass, normal_of
from .draws import draws_of_each
from .style import Style, look, styles_of

# Least share of draws beyond a panel that is noted above it.
_TELL_OUTSIDE = 0.005
# For three columns on a printed page.
_MOST_WIDTH = 7.8


def plot_marginals(
    trees: Mapping[str, xr.DataTree],
    quantities: Sequence[str],
    units: Mapping[str, str] | None = None,
) -> Figure:
    """Draw the marginal density of each quantity.

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
        Each panel shows the bulk of every tree. A note above it says which trees have more than
        0.5 % of their draws beyond it; the curves are not rescaled for what is out of sight.

    Raises
    ------
    NoSharedVariableError
        When no tree has one of the quantities.
    ArgumentError
        When there is no quantity.
    """
    draws = draws_of_each(trees, quantities)
    styles = styles_of(trees)
    labels = {quantity: axis_label(quantity, units) for quantity in draws}
    # An axis label must not run into the next one.
    width = max(2.4, 0.08 * max(map(len, labels.values())))
    columns = columns_of(len(draws), most=max(1, int(_MOST_WIDTH / width)))
    rows = -(-len(draws) // columns)
    with look():
        size = (max(width * columns, 5.0), 2.0 * rows + 0.6)
        figure = Figure(figsize=size, dpi=150, layout="constrained")
        for k, (quantity, by_label) in enumerate(draws.items()):
            axes = figure.add_subplot(rows, columns, k + 1, xlabel=labels[quantity])
            draw_density(axes, trees, quantity, by_label, styles, width)
            if k % columns == 0:
                axes.set_ylabel("density")
        drawn = [label for label in trees if any(label in by_label for by_label in draws.values())]
        entries = {label: Line2D([], [], **styles[label].stroke) for label in drawn}
        legend_above(figure, entries, line=4.0)
    return figure


def density_curve(draws: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Estimate the density of draws (S,) between two points, without distorting the tails.

    The estimate covers half the range more on either side, so that its boundary effects are out of
    sight; at a hard edge of the draws it is reflected. It is scaled by the share of draws that it
    covers.

    Returns
    -------
    x, density : (N,) array
        Empty where the draws do not vary.
    """
    window = estimation_window(draws, low, high)
    near = draws[(draws >= window[0]) & (draws <= window[1])]
    if near.size < 2 or np.ptp(near) == 0:
        return np.empty(0), np.empty(0)
    x, density, _ = array_stats.kde(near, custom_lims=window)
    shown = (x >= low) & (x <= high)
    return x[shown], density[shown] * near.size / draws.size


def exact_curve(
    tree: xr.DataTree, quantity: str, low: float, high: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """Exact density between two points, for a grid or Laplace approximation; None for others."""
    if (mass := grid_mass(tree, (quantity,))) is not None:
        centres = mass[mass.dims[0]].values
        if len(centres) < 2:
            return None
        shown = (centres >= low) & (centres <= high)
        return centres[shown], mass.values[shown] / (centres[1] - centres[0])
    if (normal := normal_of(tree, (quantity,))) is not None:
        x = np.linspace(low, high, 400)
        return x, norm(normal[0][0], np.sqrt(normal[1][0, 0])).pdf(x)
    return None


def outside_note(draws: Mapping[str, np.ndarray], low: float, high: float) -> str:
    """Say which trees have a share of draws beyond a panel that matters; empty if none."""
    shares = {label: np.mean((v < low) | (v > high)) for label, v in draws.items()}
    outside = [f"{label} {100 * s:.1f} %" for label, s in shares.items() if s > _TELL_OUTSIDE]
    return "outside: " + ", ".join(outside) if outside else ""


def draw_density(
    axes: Axes,
    trees: Mapping[str, xr.DataTree],
    quantity: str,
    draws: Mapping[str, np.ndarray],
    styles: Mapping[str, Style],
    inches: float,
) -> None:
    """Draw one quantity's densities, given its draws (1, S) by label, in a panel of some width."""
    flat = {label: values[0] for label, values in draws.items()}
    low, high = shown_range(flat.values())
    for label, values in flat.items():
        exact = exact_curve(trees[label], quantity, low, high)
        x, density = density_curve(values, low, high) if exact is None else exact
        if len(x):
            axes.plot(x, density, **styles[label].stroke, label=label)
        else:
            # A constant has no density: a line stands where it is.
            axes.axvline(np.median(values), **styles[label].stroke, label=label)
    axes.set(xlim=(low, high), yticks=[])
    axes.set_ylim(bottom=0)
    axes.spines["left"].set_visible(False)
    panel_note(axes, outside_note(flat, low, high), inches)


def columns_of(panels: int, most: int) -> int:
    """Number of columns, at most ``most``, that leaves the last row as full as possible."""
    rows = -(-panels // most)
    return -(-panels // rows)
