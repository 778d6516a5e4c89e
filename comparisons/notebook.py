"""Small HTML tables for notebooks, which look right on a light page and on a dark one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import pandas as pd

_CELL = "padding:0.2em 0.7em;vertical-align:top;border:0;"
_TEXT, _NUMBER = f"{_CELL}text-align:left;", f"{_CELL}text-align:right;white-space:nowrap;"
_HEADING = "font-weight:bold;border-bottom:1px solid currentColor;"
# White on these has a contrast above 6, whatever the page's own colours are; the sign tells them
# apart without colour.
_BADGES = {
    "agrees": ("✓", "#1a6b3a"),
    "differs": ("✗", "#a3330b"),
    "inconclusive": ("?", "#6a5400"),
    "failed": ("!", "#7a1f5c"),
}
_OTHER = ("·", "#555555")
_BADGE = "color:#ffffff;border-radius:0.3em;padding:0.05em 0.5em;white-space:nowrap;"


def html_of_judgements(table: pd.DataFrame, counts: Mapping[str, int]) -> str:
    """Lay out what a verdict says of each quantity.

    Parameters
    ----------
    table : DataFrame
        The rows to show: ``judgement`` and ``sentence`` by quantity.
    counts : mapping of str to int
        Number of quantities with each judgement, shown or not.

    Returns
    -------
    str
        A ``<table>``, with all its style inline, and a line of the counts.
    """
    rows = [
        _row([(escape(str(quantity)), _TEXT), (_badge(judged), _TEXT), (escape(said), _TEXT)])
        for quantity, judged, said in zip(
            table.index, table["judgement"], table["sentence"], strict=True
        )
    ]
    headings = [("quantity", _TEXT), ("judgement", _TEXT), ("why", _TEXT)]
    told = ", ".join(f"{count} {judged}" for judged, count in counts.items() if count)
    hidden = sum(counts.values()) - len(table)
    return _page(headings, rows, [f"{told}{f' ({hidden} not shown)' if hidden else ''}."])


def html_of_numbers(frame: pd.DataFrame, notes: Sequence[str] = ()) -> str:
    """Lay out a frame of text, a row's names on the left, and sentences below.

    Parameters
    ----------
    frame : DataFrame
        Of str, indexed by one level or several; the first one's name is not repeated.
    notes : sequence of str, optional
    """
    headings = [(escape(str(name)), _TEXT) for name in frame.index.names]
    headings += [(escape(str(name)), _NUMBER) for name in frame.columns]
    rows, previous = [], None
    for keys, cells in zip(frame.index, frame.itertuples(index=False), strict=True):
        names = [str(key) for key in (keys if isinstance(keys, tuple) else (keys,))]
        shown = ["" if len(names) > 1 and names[0] == previous else names[0], *names[1:]]
        row = [(escape(name), _TEXT) for name in shown]
        rows.append(_row(row + [(escape(str(cell)), _NUMBER) for cell in cells]))
        previous = names[0]
    return _page(headings, rows, notes)


def _page(headings: Sequence[tuple[str, str]], rows: Sequence[str], notes: Sequence[str]) -> str:
    head = _row([(text, style + _HEADING) for text, style in headings], "th")
    below = "".join(f'<div style="{_CELL}">{escape(note)}</div>' for note in notes)
    body = f"<thead>{head}</thead><tbody>{''.join(rows)}</tbody>"
    return f'<table style="border-collapse:collapse;border:0;">{body}</table>{below}'


def _row(cells: Sequence[tuple[str, str]], tag: str = "td") -> str:
    inside = "".join(f'<{tag} style="{style}">{text}</{tag}>' for text, style in cells)
    return f"<tr>{inside}</tr>"


def _badge(judgement: str) -> str:
    sign, colour = _BADGES.get(judgement, _OTHER)
    style = f"background:{colour};{_BADGE}"
    return f'<span style="{style}">{sign} {escape(judgement)}</span>'
