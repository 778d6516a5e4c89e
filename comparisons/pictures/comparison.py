"""All pictures of a comparison, each by a file of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import xarray as xr
from matplotlib.figure import Figure

from .contours import plot_contours
from .intervals import plot_intervals
from .marginals import plot_marginals
from .matrix import MOST_QUANTITIES, plot_matrix
from .overlay import plot_overlay


def plot_comparison(
    trees: Mapping[str, xr.DataTree],
    quantities: Sequence[str],
    units: Mapping[str, str] | None = None,
) -> dict[str, Figure]:
    """Draw several posteriors side by side; see `Comparison.pictures`."""
    units = units or {}
    figures = {
        "marginals": plot_marginals(trees, quantities, units=units),
        "intervals": plot_intervals(trees, quantities, units=units),
    }
    if len(quantities) > 1:
        first, second = quantities[:2]
        figures["overlay"] = plot_overlay(trees, first, second, units=units)
        figures["contours"] = plot_contours(trees, first, second, units=units)
    if 2 < len(quantities) <= MOST_QUANTITIES:
        figures["matrix"] = plot_matrix(trees, quantities, units=units)
    return figures
