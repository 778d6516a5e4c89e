"""Axes and their surroundings: what range is shown, labels, legends above the panels, notes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple

# Reach of the range shown beyond the quartiles, in interquartile ranges; never binds for a normal.
_MOST_QUARTILES = 3.0


# Largest range shown, as a multiple of the range of the narrowest tree alone.
_MOST_NARROWEST = 2.5


def shown_range(draws: Iterable[np.ndarray]) -> tuple[float, float]:
    """Find the range of an axis that shows every tree's bulk and is not stretched by its tails.

    Parameters
    ----------
    draws : iterable of (S,) array
        Finite draws, one array per tree.

    Returns
    -------
    low, high : float
        For normal draws 3.5 sd on either side; with heavy tails at most three interquartile ranges
        beyond the quartiles; in all at most two and a half times what the narrowest tree would have
        alone, as long as that holds the quartiles of every tree.
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
    """Keep Matplotlib from parsing a label as mathematics."""
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
