"""Pictures of a report: each with its finding as alternative text, inside the file itself."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import xarray as xr
from matplotlib import rc_context
from matplotlib.figure import Figure

from ..pictures.comparison import plot_comparison
from .words import finding_about_intervals, finding_about_plane, intervals_in_words

_TITLES = {
    "marginals": "Marginal densities",
    "intervals": "Intervals",
    "overlay": "Draws",
    "contours": "Regions of highest density",
    "matrix": "Pairs of quantities",
    "forest": "Intervals of many quantities",
}
_CAPTIONS = {
    "marginals": "Posterior density of each quantity, one line a method.",
    "intervals": "Medians (marks) with central 50 % (thick) and 95 % (thin) intervals.",
    "overlay": "Draws of each method, and its mode where it has one, in the plane of {x} and {y}.",
    "contours": "The smallest regions that hold 50 % and 95 % of each posterior, in the plane of "
    "{x} and {y}.",
    "matrix": "Regions that hold 50 % and 95 % of each posterior, a panel a pair of quantities; on "
    "the diagonal their densities.",
    "forest": "Medians and central intervals of many quantities.",
}
_IN_A_PLANE = ("overlay", "contours")


@dataclass(frozen=True)
class Picture:
    """A picture of a report.

    Attributes
    ----------
    name : str
    title, caption : str
        What is drawn, and how to read it.
    finding : str
        What the picture shows, in words and numbers: its alternative text.
    uri : str
        The picture itself, as a ``data:`` URI.
    width : int
        In CSS pixels, as it was designed.
    """

    name: str
    title: str
    caption: str
    finding: str
    uri: str
    width: int


def comparison_pictures(
    trees: Mapping[str, xr.DataTree],
    quantities: Sequence[str],
    quantiles: pd.DataFrame,
    judges: Mapping[str, str],
    units: Mapping[str, str] | None,
) -> list[Picture]:
    """Draw a comparison, and say what each picture shows.

    Parameters
    ----------
    trees : mapping of str to DataTree
    quantities : sequence of str
    quantiles : DataFrame
        As `quantile_table` makes it.
    judges : mapping of str to str
        Label of each judged tree to the label of its judge.
    units : mapping of str to str, optional
    """
    found = finding_about_intervals(quantiles, judges, quantities)
    about_intervals = " ".join(found) or intervals_in_words(quantiles, quantities)
    drawn = plot_comparison(trees, quantities, units)
    pictures = []
    for name, figure in drawn.items():
        finding = about_intervals
        if name in _IN_A_PLANE:
            plane = quantities[0], quantities[1]
            finding = finding_about_plane(trees, quantiles, *plane)
        x, y = [*quantities, "", ""][:2]
        title = _TITLES.get(name, name.capitalize())
        caption = _CAPTIONS.get(name, f"{title} of each method.").format(x=x, y=y)
        pictures.append(picture(name, figure, title, caption, finding))
    return pictures


def picture(name: str, figure: Figure, title: str, caption: str, finding: str) -> Picture:
    """Encode a figure as SVG in a ``data:`` URI."""
    drawn = io.BytesIO()
    # The same figure gives the same bytes: no date, and names of parts that are not random.
    with rc_context({"svg.hashsalt": name}):
        figure.savefig(drawn, format="svg", dpi=150, metadata={"Date": None})
    code = base64.b64encode(drawn.getvalue()).decode("ascii")
    width = round(96 * figure.get_figwidth())
    return Picture(name, title, caption, finding, f"data:image/svg+xml;base64,{code}", width)
