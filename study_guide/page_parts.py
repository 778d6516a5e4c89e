"""What a page is made of: pictures with a text that states the finding, and folded answers."""

from __future__ import annotations

import base64
import html
import io

import marimo as mo
from matplotlib import rc_context
from matplotlib.figure import Figure


def picture(figure: Figure, finding: str, name: str) -> mo.Html:
    """Show a figure as SVG, sharp at every width.

    Parameters
    ----------
    figure : Figure
    finding : str
        What a reader who does not see the picture should know.
    name : str
        Id of the image.
    """
    file = io.BytesIO()
    # Without a date and with fixed ids, equal figures are equal images.
    with rc_context({"svg.hashsalt": "tripos"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    source = base64.b64encode(file.getvalue()).decode()
    width = 96 * figure.get_figwidth()
    # On a phone a wide picture is scrolled, before its text gets too small to read.
    return mo.Html(
        '<div style="overflow-x: auto">'
        f'<img id="{html.escape(name)}" alt="{html.escape(finding)}" '
        f'src="data:image/svg+xml;base64,{source}" style="width: {width:.0f}px; max-width: 100%; '
        f'min-width: {0.65 * width:.0f}px; height: auto; background: white"></div>'
    )


def beside(*parts: mo.Html) -> mo.Html:
    """Put parts side by side, or below each other where the page is narrow."""
    boxes = "".join(f'<div style="max-width: 100%">{part.text}</div>' for part in parts)
    return mo.Html(
        f'<div style="display: flex; flex-wrap: wrap; gap: 2rem; align-items: center">{boxes}</div>'
    )


def answer(*parts: mo.Html) -> mo.Html:
    """Fold the answer to an exercise away until it is asked for."""
    boxes = "".join(
        f'<div style="margin-top: 1rem; overflow-x: auto">{part.text}</div>' for part in parts
    )
    return mo.Html(
        '<details style="border-left: 3px solid #bbb; padding-left: 1rem">'
        f'<summary style="cursor: pointer; font-weight: bold">Answer</summary>{boxes}</details>'
    )
