"""Overlaid draws of several posteriors, in the plane of two quantities."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke

from ...approximations.scalars.quantities import flatten
from .axes import axis_label, legend_above
from .draws import draws_in_plane
from .style import Style, look, styles_of

MOST_POINTS = 1500
"""Points shown of each tree."""

_LAYERS = 12


def plot_overlay(
    trees: Mapping[str, xr.DataTree], x: str, y: str, units: Mapping[str, str] | None = None
) -> Figure:
    """Draw the posteriors' draws, and the modes where a method knows them.

    Parameters
    ----------
    trees : mapping of str to DataTree
        By label. A tree without ``x`` or ``y`` is left out.
    x, y : str
        Quantities, such as ``"beta"`` or ``"theta[Choate]"``.
    units : mapping of str to str, optional
        Unit of a quantity, for the axis.

    Returns
    -------
    Figure
        At most 1,500 draws a tree, evenly thinned; the legend says how many of how many. Axes
        follow the bulk of each tree: draws beyond them are not seen.

    Raises
    ------
    NoSharedVariableError
        When no tree has both quantities.
    ArgumentError
        When ``x`` and ``y`` are the same.
    """
    draws, (x_range, y_range) = draws_in_plane(trees, x, y)
    styles = styles_of(trees)
    shown = {label: thinned(values) for label, values in draws.items()}
    with look():
        figure = Figure(figsize=(5.6, 5.4), dpi=150, layout="constrained")
        axes = figure.add_subplot(xlim=x_range, ylim=y_range)
        _scatter(axes, shown, styles)
        marks = _draw_modes(axes, {label: mode_of(trees[label], x, y) for label in draws}, styles)
        axes.set(xlabel=axis_label(x, units), ylabel=axis_label(y, units))
        entries: dict[str, tuple[Artist, ...]] = {}
        for label, values in draws.items():
            text = f"{label}: {_count(shown[label], values)}"
            mark = marks.get(label)
            # Without a mode, an empty entry keeps the dots aligned.
            entries[f"{text}, and mode" if mark else text] = (
                _dot(styles[label]),
                mark or Line2D([], [], linestyle="none"),
            )
        legend_above(figure, entries, line=3.5)
    return figure


def thinned(draws: np.ndarray, most: int = MOST_POINTS) -> np.ndarray:
    """Keep at most ``most`` of the draws (Q, S), evenly spaced."""
    size = draws.shape[1]
    return draws if size <= most else draws[:, np.linspace(0, size - 1, most).round().astype(int)]


def mode_of(tree: xr.DataTree, x: str, y: str) -> tuple[float, float] | None:
    """Coordinates of the mode on the variables' own scale; None where the tree has none."""
    if "point_estimate" not in tree.children:
        return None
    point = flatten(tree["point_estimate"].to_dataset().expand_dims(("chain", "draw")))
    return (point[x].item(), point[y].item()) if x in point and y in point else None


def _draw_modes(
    axes: Axes, modes: Mapping[str, tuple[float, float] | None], styles: Mapping[str, Style]
) -> dict[str, Line2D]:
    known = {label: point for label, point in modes.items() if point is not None}
    marks = {}
    for rank, (label, point) in enumerate(known.items()):
        # Modes often coincide: the first is the largest, and the later ones lie inside it.
        size = 17.0 - 12.0 * rank / len(known)
        marks[label] = _mode_mark(point, styles[label], size, "+x"[rank % 2])
        axes.add_line(marks[label])
    return marks


def _scatter(axes: Axes, shown: Mapping[str, np.ndarray], styles: Mapping[str, Style]) -> None:
    """Draw all trees in turns, a layer of points at a time, so that none hides another."""
    for layer in range(_LAYERS):
        for label, points in shown.items():
            # Nearly opaque for a few points, faint for many.
            alpha = float(np.clip(12 / np.sqrt(points.shape[1]), 0.3, 0.9))
            across, up = points[:, layer::_LAYERS]
            axes.scatter(
                across,
                up,
                s=9,
                marker=styles[label].marker,
                edgecolors=styles[label].colour,
                facecolors="none" if styles[label].hollow else styles[label].colour,
                alpha=alpha,
                linewidths=0.7 if styles[label].hollow else 0,
                rasterized=True,
                label=label,
            )


def _count(shown: np.ndarray, draws: np.ndarray) -> str:
    if shown.shape[1] == draws.shape[1]:
        return f"{draws.shape[1]:,} draws"
    return f"{shown.shape[1]:,} of {draws.shape[1]:,} draws"


def _dot(style: Style) -> Line2D:
    return Line2D(
        [],
        [],
        color=style.colour,
        marker=style.marker,
        fillstyle="none" if style.hollow else "full",
        linestyle="none",
        markersize=5,
    )


def _mode_mark(point: tuple[float, float], style: Style, size: float, marker: str) -> Line2D:
    return Line2D(
        [point[0]],
        [point[1]],
        marker=marker,
        markersize=size,
        markeredgewidth=2.2,
        linestyle="none",
        color=style.colour,
        path_effects=[Stroke(linewidth=4.2, foreground="white"), Normal()],
        zorder=5,
    )
