"""Tables for a terminal, and for a pipe."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

MOST_ROWS = 40
"""Largest number of rows printed of a table."""
_WIDTH_IN_A_PIPE = 140


def console() -> Console:
    """Standard output: as wide as the terminal, or wide enough for a table in a pipe.

    Without Rich's markup, which would interpret the brackets of ``b[slope]``.
    """
    return Console(
        width=None if sys.stdout.isatty() else _WIDTH_IN_A_PIPE, highlight=False, markup=False
    )


def table_of(frame: pd.DataFrame, title: str) -> Table:
    """Lay a frame out, index on the left, numbers in four digits, blanks where missing."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for name in frame.index.names:
        table.add_column(str(name), no_wrap=True)
    for name, column in frame.items():
        is_text = column.dtype.kind not in "fiu"
        table.add_column(str(name), justify="left" if is_text else "right", no_wrap=not is_text)
    several = frame.index.nlevels > 1
    previous = None
    for keys, row in list(frame.iterrows())[:MOST_ROWS]:
        names = keys if isinstance(keys, tuple) else (keys,)
        again = several and names[0] == previous
        if several and previous is not None and not again:
            table.add_section()
        table.add_row("" if again else str(names[0]), *map(str, names[1:]), *map(_cell, row))
        previous = names[0]
    if len(frame) > MOST_ROWS:
        table.caption = f"and {len(frame) - MOST_ROWS} more rows in the file"
    return table


def _cell(value: object) -> str:
    if isinstance(value, str):
        return value
    number = float(value)  # type: ignore[arg-type]
    if np.isnan(number):
        return ""
    if number == int(number) or abs(number) >= 1000:
        return f"{number:.0f}"
    return f"{number:.3f}" if abs(number) >= 0.01 else f"{number:.2g}"
