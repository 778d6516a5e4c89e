"""How every picture looks: one colour, line and marker per method, and axes that outliers spare."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple

from ...approximations.errors import ArgumentError, NoSharedVariableError
from ...approximations.method import METHODS
from ...approximations.scalars.quantities import flatten

Scalars = Mapping[str, Mapping[str, np.ndarray]]
DashPattern = tuple[float, tuple[float, ...]]

# Okabe and Ito's palette, which colour-blind readers can tell apart; its yellow is lost on white.
# Then Tol's muted one, for methods that are seldom seen all at once. These are for methods that do
# not say how they are drawn: colour, dashes (none is a solid line), marker.
_FURTHER: tuple[tuple[str, tuple[float, ...], str], ...] = (
    ("#882255", (4.0, 1.5, 1.0, 3.0), "P"),
    ("#666666", (2.0, 2.0, 8.0, 2.0), "X"),
)
# Further trees of one method: share of white, width, length of dashes. Lightness and width differ
# enough to be told apart in greyscale; a seventh looks like the first. Matplotlib multiplies the
# length of dashes by the width.
_VARIANTS = (
    (0.0, 1.6, 1.0),
    (0.55, 3.2, 0.5),
    (0.3, 1.0, 2.2),
    (0.7, 2.2, 0.25),
    (0.15, 4.2, 0.35),
    (0.45, 0.7, 0.7),
)

# Reach of the range shown beyond the quartiles, in interquartile ranges; never felt by a normal.
_MOST_QUARTILES = 3.0
# Of the whole range shown, in the ranges that the narrowest tree would have alone.
_MOST_NARROWEST = 2.5


@dataclass(frozen=True)
class Style:
    """How one tree is drawn.

    Attributes
    ----------
    method : str
        What the colour and the line stand for.
    colour : str
        Hexadecimal.
    line : "solid" or (offset, dashes)
    width : float
        Of a line, in points.
    marker : str
    hollow : bool
        Whether the markers are outlines: further trees of a method.
    """

    method: str
    colour: str
    line: str | DashPattern
    width: float
    marker: str
    hollow: bool

    @property
    def stroke(self) -> dict[str, Any]:
        """The style of a line, as Matplotlib's arguments."""
        return {
            "color": self.colour,
            "linestyle": self.line,
            "linewidth": self.width,
            "zorder": self.zorder,
        }

    @property
    def zorder(self) -> float:
        """Thin lines lie on wide ones, so that curves that coincide are all seen."""
        return 2 + 1 / self.width


def look() -> AbstractContextManager[None]:
    """Matplotlib's settings for a picture, for the time that it is made."""
    return rc_context(
        {
            "font.size": 9,
            "axes.labelsize": 10,
            "axes.titlesize": 10,
            "legend.fontsize": 9,
            "legend.frameon": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": False,
        }
    )


def style_of(tree: xr.DataTree, label: str, taken: Sequence[Style] = ()) -> Style:
    """Choose the style of a tree, by the method in its attributes.

    Parameters
    ----------
    tree : DataTree
    label : str
        Stands for the method of a tree that does not name it.
    taken : sequence of Style
        Those of the trees before it: a second tree of a method gets a lighter, wider line, and a
        method without a colour of its own gets the next one that is free.

    Returns
    -------
    Style
    """
    method = str(tree.attrs.get("method") or label)
    same = sum(style.method == method for style in taken)
    others = list(dict.fromkeys(s.method for s in taken if not _has_style(s.method)))
    place = others.index(method) if method in others else len(others)
    colour, dashes, marker = _FURTHER[place % len(_FURTHER)]
    # Where the further colours come round again, the variants keep the methods apart.
    rounds = place // len(_FURTHER)
    if _has_style(method):
        known, rounds = METHODS[method], 0
        colour, dashes, marker = known.colour, known.dashes, known.marker
    variant = (same + rounds) % len(_VARIANTS)
    white, width, stretch = _VARIANTS[variant]
    line = _stretched(dashes, stretch)
    return Style(method, _lighter(colour, white), line, width, marker, hollow=variant > 0)


def _has_style(method: str) -> bool:
    return method in METHODS and bool(METHODS[method].colour)


def styles_of(trees: Mapping[str, xr.DataTree]) -> dict[str, Style]:
    """Choose a style for every tree, by label."""
    styles: dict[str, Style] = {}
    for label, tree in trees.items():
        styles[label] = style_of(tree, label, list(styles.values()))
    return styles


def scalars_of(trees: Mapping[str, xr.DataTree]) -> Scalars:
    """Draws (C, S) of every quantity of every tree, by label and quantity."""
    return {label: flatten(tree["posterior"].to_dataset()) for label, tree in trees.items()}


def draws_with(scalars: Scalars, quantities: Sequence[str]) -> dict[str, np.ndarray]:
    """Draws (Q, S) of the trees that have all of some quantities, where all of them are finite.

    Raises
    ------
    NoSharedVariableError
        When no tree has them all.
    """
    draws = {}
    for label, has in scalars.items():
        if all(quantity in has for quantity in quantities):
            values = np.array([np.ravel(has[quantity]) for quantity in quantities], dtype=float)
            draws[label] = values[:, np.all(np.isfinite(values), axis=0)]
    draws = {label: values for label, values in draws.items() if values.shape[1] > 0}
    if not draws:
        known = list(dict.fromkeys(quantity for has in scalars.values() for quantity in has))
        there_is = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
        raise NoSharedVariableError(
            f"No tree has finite draws of {' and '.join(map(repr, quantities))}; there is "
            f"{there_is or 'nothing'} in {', '.join(map(repr, scalars)) or 'no tree'}."
        )
    return draws


def draws_in_plane(
    trees: Mapping[str, xr.DataTree], x: str, y: str
) -> tuple[dict[str, np.ndarray], tuple[tuple[float, float], tuple[float, float]]]:
    """Draws (2, S) of two quantities by label, and the range of each that a picture shows.

    Raises
    ------
    ArgumentError
        When x and y are the same.
    NoSharedVariableError
        When no tree has both.
    """
    if x == y:
        raise ArgumentError(f"x and y must be two quantities, but both are {x!r}.")
    draws = draws_with(scalars_of(trees), (x, y))
    return draws, (
        shown_range(values[0] for values in draws.values()),
        shown_range(values[1] for values in draws.values()),
    )


def shown_range(draws: Iterable[np.ndarray]) -> tuple[float, float]:
    """Find the range of an axis that shows every tree's bulk and is not stretched by its tails.

    Parameters
    ----------
    draws : iterable of (S,) array
        Finite, one array a tree.

    Returns
    -------
    low, high : float
        For normal draws 3.5 sd on either side; with heavy tails at most three interquartile ranges
        beyond the quartiles; in all at most two and a half times what the narrowest tree would have
        alone, as long as that holds everyone's quartiles.
    """
    values = list(draws)
    quartiles = np.array([np.quantile(v, (0.25, 0.75)) for v in values])
    cores = np.array([_core(v) for v in values])
    low, high = cores[:, 0].min(), cores[:, 1].max()
    widths = np.diff(cores)[:, 0]
    if np.any(widths > 0):
        narrowest = cores[np.argmin(np.where(widths > 0, widths, np.inf))]
        reach = 0.5 * _MOST_NARROWEST * np.ptp(narrowest)
        low = max(low, min(narrowest.mean() - reach, quartiles.min()))
        high = min(high, max(narrowest.mean() + reach, quartiles.max()))
    # A positive quantity needs no room below zero.
    margin = 0.03 * (high - low)
    low = max(low, min(v.min() for v in values) - margin)
    high = min(high, max(v.max() for v in values) + margin)
    if low == high:
        room = 0.1 * abs(low) or 1.0
        low, high = low - room, high + room
    return float(low), float(high)


def axis_label(quantity: str, units: Mapping[str, str] | None) -> str:
    """Text of an axis: ``"beta (1 per log g/ml)"``."""
    unit = (units or {}).get(quantity)
    return as_text(f"{quantity} ({unit})" if unit else quantity)


def as_text(label: str) -> str:
    """Keep Matplotlib from reading mathematics into a label."""
    return str(label).replace("$", r"\$")


def legend_above(
    figure: Figure,
    entries: Mapping[str, Artist | tuple[Artist, ...]],
    title: str | None = None,
    line: float = 2.8,
) -> None:
    """Put a legend above all panels, where it covers no data, in as many columns as fit.

    Parameters
    ----------
    figure : Figure
    entries : mapping of str to Artist, or several to stand side by side
    title : str, optional
    line : float
        Length of the lines shown, in font sizes: long enough for their dashes.
    """
    longest = max(len(label) for label in entries)
    inches_a_column = 0.066 * longest + 0.125 * (line + 2.5)
    columns = int(np.clip(figure.get_figwidth() // inches_a_column, 1, len(entries)))
    # Full rows look better than one full and one nearly empty.
    rows = -(-len(entries) // columns)
    handles: list[Any] = list(entries.values())
    figure.legend(
        handles,
        [as_text(label) for label in entries],
        title=title,
        loc="outside upper center",
        ncols=-(-len(entries) // rows),
        handlelength=line,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0.6)},
    )


def panel_note(axes: Axes, text: str, inches: float) -> None:
    """Write a small grey note above a panel, in lines that are no longer than the panel."""
    text = textwrap.fill(text, max(20, int(17 * inches)))
    axes.set_title(as_text(text), loc="left", fontsize=7.5, color="#555555")


def _core(values: np.ndarray) -> tuple[float, float]:
    """Where one tree's bulk lies: its central 98 % and a quarter more on each side."""
    low, first, third, high = np.quantile(values, (0.01, 0.25, 0.75, 0.99))
    low, high = low - 0.25 * (high - low), high + 0.25 * (high - low)
    reach = _MOST_QUARTILES * (third - first)
    if reach > 0:
        low, high = max(low, first - reach), min(high, third + reach)
    return float(low), float(high)


def _lighter(colour: str, white: float) -> str:
    red, green, blue = (channel + white * (1 - channel) for channel in to_rgb(colour))
    return to_hex((red, green, blue))


def _stretched(dashes: tuple[float, ...], stretch: float) -> str | DashPattern:
    return (0.0, tuple(stretch * dash for dash in dashes)) if dashes else "solid"
