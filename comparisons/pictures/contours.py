"""Regions that hold a share of each posterior's mass, in the plane of two quantities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.interpolate import RegularGridInterpolator
from scipy.signal import fftconvolve
from scipy.special import logsumexp
from scipy.stats import chi2

from ...approximations.errors import ArgumentError
from ...approximations.result import group_of
from .axes import axis_label, legend_above
from .draws import draws_in_plane
from .style import Style, look, styles_of

Range = tuple[float, float]
_CELLS = 200  # along each axis of a density estimate


@dataclass(frozen=True)
class Plane:
    """A density in a plane, at X by Y equally spaced places.

    Attributes
    ----------
    x, y : (X,) and (Y,) array
    density : (X, Y) array, up to a constant
    heights : (L,) array
        The density at each region's border: above it lies that region's share of the mass.
    """

    x: np.ndarray
    y: np.ndarray
    density: np.ndarray
    heights: np.ndarray


def plot_contours(
    trees: Mapping[str, xr.DataTree],
    x: str,
    y: str,
    levels: Sequence[float] = (0.5, 0.95),
    units: Mapping[str, str] | None = None,
) -> Figure:
    """Draw the smallest regions that hold given shares of each posterior.

    A grid's regions are read off its cells, and a Laplace approximation's are its ellipses, where x
    and y are the model's own, untransformed parameters. Any other region is estimated from draws.

    Parameters
    ----------
    trees : mapping of str to DataTree
        By label. A tree without ``x`` or ``y`` is left out.
    x, y : str
        Quantities, such as ``"beta"`` or ``"theta[Choate]"``.
    levels : sequence of float, default (0.5, 0.95)
    units : mapping of str to str, optional
        Unit of a quantity, for the axis.

    Returns
    -------
    Figure
        The axes hold the regions, up to the bulk of each tree; the legend names those that do not
        show: larger than the picture, smaller than a cell, or flat.

    Raises
    ------
    NoSharedVariableError
        When no tree has both quantities.
    ArgumentError
        When ``x`` and ``y`` are the same, or a level is not between 0 and 1.
    """
    levels = _checked_levels(levels)
    draws, ranges = draws_in_plane(trees, x, y)
    styles = styles_of(trees)
    with look():
        figure = Figure(figsize=(5.6, 5.2), dpi=150, layout="constrained")
        axes = figure.add_subplot()
        entries = {}
        for label, values in draws.items():
            style = styles[label]
            drawn = draw_regions(axes, trees[label], values, (x, y), levels, ranges, style)
            missing = _shares([level for level in levels if level not in drawn])
            text = f"{label} ({missing} not shown)" if missing else label
            entries[text] = Line2D([], [], **style.stroke)
        _fit_axes(axes, ranges)
        axes.set(xlabel=axis_label(x, units), ylabel=axis_label(y, units))
        legend_above(figure, entries, title=regions_title(levels), line=4.0)
    return figure


def grid_mass(tree: xr.DataTree, quantities: Sequence[str]) -> xr.DataArray | None:
    """Mass of a grid's cells over the axes of some parameters, summed over all other axes.

    Returns
    -------
    DataArray or None
        With one dim a quantity, in their order; None for a tree that is no grid, or a quantity that
        is not one of its axes (a transformed parameter has another label than its variable).
    """
    fit = group_of(tree, "fit")
    if "log_density" not in fit or "parameter" not in fit.coords:
        return None
    axis_of = {str(name): f"axis_{k}" for k, name in enumerate(fit["parameter"].values)}
    if any(quantity not in axis_of for quantity in quantities):
        return None
    mass = np.exp(fit["log_density"] - logsumexp(fit["log_density"].values))
    others = [axis for name, axis in axis_of.items() if name not in quantities]
    return mass.sum(others).transpose(*(axis_of[quantity] for quantity in quantities))


def normal_of(tree: xr.DataTree, quantities: Sequence[str]) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean (Q,) and covariance (Q, Q) of some parameters, for a Laplace approximation.

    Returns
    -------
    pair of arrays or None
        None for any other tree, or a quantity that is not one of its unconstrained parameters.
    """
    fit = group_of(tree, "fit")
    if tree.attrs.get("method") != "laplace" or not {"mode", "covariance"} <= set(fit.data_vars):
        return None
    places = {str(name): k for k, name in enumerate(fit["parameter"].values)}
    if any(quantity not in places for quantity in quantities):
        return None
    chosen = [places[quantity] for quantity in quantities]
    return fit["mode"].values[chosen], fit["covariance"].values[np.ix_(chosen, chosen)]


def ellipse(mean: np.ndarray, covariance: np.ndarray, level: float) -> np.ndarray:
    """Border (2, 181) of the region that holds ``level`` of a normal distribution's mass."""
    angle = np.linspace(0, 2 * np.pi, 181)
    circle = np.sqrt(chi2(2).ppf(level)) * np.array([np.cos(angle), np.sin(angle)])
    return mean[:, None] + np.linalg.cholesky(covariance) @ circle


def plane_of_grid(mass: xr.DataArray, levels: Sequence[float]) -> Plane | None:
    """Regions of a grid's mass (X, Y): the fewest cells that hold each share.

    None where the grid is only one cell wide.
    """
    if min(mass.shape) < 2:
        return None
    x, y = (mass[dim].values for dim in mass.dims)
    falling = np.sort(mass.values, axis=None)[::-1]
    heights = np.interp(levels, np.cumsum(falling), falling)
    return Plane(x, y, mass.values, heights)


def plane_of_draws(
    draws: np.ndarray, levels: Sequence[float], ranges: tuple[Range, Range]
) -> Plane | None:
    """Regions of a density estimated from draws (2, S); None where the draws fill no area.

    The estimate sees the range shown and half as much around it, so that far outliers cannot widen
    its kernel; the shares are those of all draws. `arviz_stats.kde2d` would mirror the draws at
    their own extremes, which breaks the contours there.
    """
    windows = [
        estimation_window(values, *shown) for values, shown in zip(draws, ranges, strict=True)
    ]
    (left, right), (bottom, top) = windows
    inside = (draws[0] >= left) & (draws[0] <= right) & (draws[1] >= bottom) & (draws[1] <= top)
    near = draws[:, inside]
    if near.shape[1] < 10 or np.any(np.ptp(near, axis=1) == 0):
        return None
    if abs(np.corrcoef(near)[0, 1]) > 1 - 1e-8:
        return None
    x, y, density = _smoothed(near, windows, [hard_edges(values) for values in draws])
    at_draws = np.zeros(draws.shape[1])
    # The draws of the outermost half cell lie beyond the last centre.
    surface = RegularGridInterpolator((x, y), density, bounds_error=False, fill_value=None)
    at_draws[inside] = surface(near.T)
    return Plane(x, y, density, np.quantile(at_draws, 1 - np.asarray(levels)))


def estimation_window(draws: np.ndarray, low: float, high: float) -> Range:
    """Widen the range shown by half on either side, but not past a hard edge of the draws."""
    room = 0.5 * (high - low)
    first, last = hard_edges(draws)
    return max(low - room, first), min(high + room, last)


def hard_edges(draws: np.ndarray) -> Range:
    """Where the draws (S,) end abruptly, as those of a scale do at zero; infinite where they fade.

    An edge is hard when the outermost slice, a tenth of an interquartile range, holds a fair number
    of draws and not far fewer than the next one.
    """
    slice_width = 0.1 * np.subtract(*np.quantile(draws, (0.75, 0.25)))
    least = max(10, 0.02 * draws.size)
    edges = []
    for sign in (1, -1):
        depth = sign * draws - np.min(sign * draws)
        outer = np.sum(depth <= slice_width)
        next_one = np.sum(depth <= 2 * slice_width) - outer
        hard = slice_width > 0 and outer + next_one >= least and 2 * outer > next_one
        edges.append(sign * np.min(sign * draws) if hard else -sign * np.inf)
    return float(edges[0]), float(edges[1])


def _smoothed(
    near: np.ndarray, windows: Sequence[Range], edges: Sequence[Range]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kernel density estimate of draws (2, S) in cells: x (X,), y (Y,), density (X, Y).

    Scott's bandwidth, with the draws' own covariance. At a hard edge the cells are mirrored, so
    that nothing leaks out.
    """
    counts, x, y = np.histogram2d(near[0], near[1], bins=_CELLS, range=windows)
    steps = np.array([x[1] - x[0], y[1] - y[0]])
    bandwidth = np.cov(near) * near.shape[1] ** (-1 / 3) / np.outer(steps, steps)
    offsets = np.stack(np.meshgrid(*[np.arange(-_CELLS, _CELLS + 1)] * 2, indexing="ij"), axis=-1)
    squares = np.sum((offsets @ np.linalg.inv(bandwidth)) * offsets, axis=-1)
    for axis, ends in enumerate(edges):
        for side, end in enumerate(ends):
            margin = [(0, 0), (0, 0)]
            margin[axis] = (_CELLS, 0) if side == 0 else (0, _CELLS)
            counts = np.pad(counts, margin, mode="symmetric" if np.isfinite(end) else "constant")
    spread = fftconvolve(counts, np.exp(-0.5 * squares), mode="same")
    density = spread[_CELLS : 2 * _CELLS, _CELLS : 2 * _CELLS]
    return x[:-1] + steps[0] / 2, y[:-1] + steps[1] / 2, np.maximum(density, 0.0)


def draw_regions(
    axes: Axes,
    tree: xr.DataTree,
    draws: np.ndarray,
    quantities: tuple[str, str],
    levels: Sequence[float],
    ranges: tuple[Range, Range],
    style: Style,
) -> list[float]:
    """Draw one tree's regions as exactly as possible, and return the levels drawn."""
    if (normal := normal_of(tree, quantities)) is not None:
        for level in levels:
            axes.plot(*ellipse(*normal, level), **style.stroke)
        return list(levels)
    mass = grid_mass(tree, quantities)
    plane = plane_of_draws(draws, levels, ranges) if mass is None else plane_of_grid(mass, levels)
    if plane is None:
        return []
    # Where too many draws lie outside the picture, so does the border of a region.
    shown = (plane.heights > 0) & (plane.heights < plane.density.max())
    if np.any(shown):
        axes.contour(
            plane.x,
            plane.y,
            plane.density.T,
            levels=np.unique(plane.heights[shown]),
            colors=[style.colour],
            linestyles=[style.line],
            linewidths=style.width,
            zorder=style.zorder,
        )
    return [level for level, is_shown in zip(levels, shown, strict=True) if is_shown]


def _fit_axes(axes: Axes, ranges: tuple[Range, Range]) -> None:
    """Leave a margin around what was drawn, inside the ranges."""
    paths = [path.vertices for drawn in axes.collections for path in drawn.get_paths()]
    points = np.concatenate([*(line.get_xydata() for line in axes.lines), *paths, np.empty((0, 2))])
    limits = list(ranges)
    if len(points):
        margin = 0.08 * np.ptp(points, axis=0)
        lows, highs = points.min(axis=0) - margin, points.max(axis=0) + margin
        limits = [
            (max(low, float(first)), min(high, float(last)))
            for (low, high), first, last in zip(ranges, lows, highs, strict=True)
        ]
    axes.set(xlim=limits[0], ylim=limits[1])


def _checked_levels(levels: Sequence[float]) -> list[float]:
    if not levels or not all(0 < level < 1 for level in levels):
        raise ArgumentError(
            f"levels must be shares of the mass between 0 and 1, but {levels!r} was given."
        )
    return sorted(levels)


def regions_title(levels: Sequence[float]) -> str:
    """Say what the contours hold."""
    if len(levels) == 1:
        return f"Contours hold {_shares(levels)} of the mass"
    return f"From the inside, contours hold {_shares(levels)} of the mass"


def _shares(levels: Sequence[float]) -> str:
    """Levels in words: ``"50 % and 95 %"``."""
    shares = [f"{100 * level:g} %" for level in levels]
    return " and ".join([", ".join(shares[:-1]), shares[-1]] if len(shares) > 1 else shares)
