"""Several posteriors in the planes of a few quantities, and their marginal densities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...approximations.errors import ArgumentError
from .axes import axis_label, legend_above, panel_note, shown_range
from .contours import draw_regions, regions_title
from .draws import Scalars, draws_with, scalars_of
from .marginals import draw_density
from .style import Style, look, styles_of

MOST_QUANTITIES = 6
"""Quantities that a matrix still shows legibly."""

_LEVELS = (0.5, 0.95)
_PANEL = 1.9  # inches


def plot_matrix(
    trees: Mapping[str, xr.DataTree],
    quantities: Sequence[str],
    units: Mapping[str, str] | None = None,
) -> Figure:
    """Draw regions of 50 % and 95 % of the mass for each pair, and densities on the diagonal.

    Parameters
    ----------
    trees : mapping of str to DataTree
        By label. A tree that lacks a quantity is left out of its panels;
        where no tree has both of a pair, the panel says so.
    quantities : sequence of str
        Two to six, such as ``"beta"`` or ``"theta[Choate]"``.
    units : mapping of str to str, optional
        Unit of a quantity, for the axis.

    Returns
    -------
    Figure
        A column has one range for all its panels, and so has a row: the bulk of each tree.

    Raises
    ------
    NoSharedVariableError
        When no tree has one of the quantities.
    ArgumentError
        When there are fewer than two quantities, more than six, or one twice.
    """
    shown = list(quantities)
    if not 2 <= len(shown) <= MOST_QUANTITIES or len(set(shown)) < len(shown):
        raise ArgumentError(
            f"A matrix shows 2 to {MOST_QUANTITIES} different quantities, but {shown} were given. "
            "plot_intervals shows many."
        )
    scalars, styles = scalars_of(trees), styles_of(trees)
    ranges = {q: shown_range(v[0] for v in draws_with(scalars, (q,)).values()) for q in shown}
    size = len(shown)
    with look():
        inches = (_PANEL * size + 0.5, _PANEL * size + 0.9)
        figure = Figure(figsize=inches, dpi=150, layout="constrained")
        panels: dict[tuple[int, int], Axes] = {}
        for row, column in [(i, j) for i in range(size) for j in range(i + 1)]:
            axes = figure.add_subplot(size, size, row * size + column + 1)
            panels[row, column], pair = axes, (shown[column], shown[row])
            if row == column:
                draw_density(
                    axes, trees, shown[row], draws_with(scalars, (shown[row],)), styles, _PANEL
                )
            else:
                _draw_plane(axes, trees, scalars, pair, ranges, styles)
        _label(panels, shown, units)
        figure.align_ylabels([panels[row, 0] for row in range(size)])
        entries = {label: Line2D([], [], **style.stroke) for label, style in styles.items()}
        legend_above(figure, entries, title=regions_title(_LEVELS), line=4.0)
    return figure


def _draw_plane(
    axes: Axes,
    trees: Mapping[str, xr.DataTree],
    scalars: Scalars,
    pair: tuple[str, str],
    ranges: Mapping[str, tuple[float, float]],
    styles: Mapping[str, Style],
) -> None:
    both = (ranges[pair[0]], ranges[pair[1]])
    has_both = any(all(quantity in has for quantity in pair) for has in scalars.values())
    if not has_both:
        panel_note(axes, "no tree has both", _PANEL)
    for label, draws in (draws_with(scalars, pair) if has_both else {}).items():
        draw_regions(axes, trees[label], draws, pair, _LEVELS, both, styles[label])
    axes.set(xlim=both[0], ylim=both[1])


def _label(
    panels: Mapping[tuple[int, int], Axes], shown: Sequence[str], units: Mapping[str, str] | None
) -> None:
    """Name the quantities at the left and below, where all panels of a row or column share them."""
    last = len(shown) - 1
    for k, quantity in enumerate(shown):
        panels[last, k].set_xlabel(axis_label(quantity, units))
        if k:
            panels[k, 0].set_ylabel(axis_label(quantity, units))
    panels[0, 0].set_ylabel("density")
    for (row, column), axes in panels.items():
        axes.tick_params(labelbottom=row == last, labelleft=column == 0 and row > 0)
