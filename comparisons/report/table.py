"""Tables of a report: cells as text, with the decimals that a quantity's spread asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...approximations.limits import MOST_R_HAT
from ..verdict.result import Verdict

_MOST_DECIMALS = 6


@dataclass(frozen=True)
class Column:
    """A column: its heading, what it means, and its name in the frame."""

    heading: str
    meaning: str
    name: str


@dataclass(frozen=True)
class Row:
    """A row: a quantity of a tree.

    Attributes
    ----------
    quantity, label : str
    style : int
        Number of the tree, for its colour.
    first : bool
        Whether it is the first of its quantity.
    cells : tuple of str
    judgement : str
    """

    quantity: str
    label: str
    style: int
    first: bool
    cells: tuple[str, ...]
    judgement: str


@dataclass(frozen=True)
class Sheet:
    """A table of a report."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    judged: bool


_COLUMNS = (
    Column("mean", "empty where heavy tails mean that it may not exist", "mean"),
    Column("sd", "standard deviation, empty where the mean is", "sd"),
    Column("2.5 %", "lower end of the central 95 % interval", "q2.5"),
    Column("25 %", "lower end of the central 50 % interval", "q25"),
    Column("median", "half of the posterior is below it", "q50"),
    Column("75 %", "upper end of the central 50 % interval", "q75"),
    Column("97.5 %", "upper end of the central 95 % interval", "q97.5"),
    Column("s.e.", "of the mean: Monte Carlo error, or that of the rule of a grid", "mcse_mean"),
    Column("ESS", "effective sample size in the bulk, of Markov chains", "ess_bulk"),
    Column("R-hat", f"above {MOST_R_HAT} the chains do not agree", "r_hat"),
)


def sheet(frame: pd.DataFrame, verdicts: Mapping[str, Verdict], judges: Mapping[str, str]) -> Sheet:
    """Lay out a frame by quantity and label; columns that are empty throughout are left out.

    Parameters
    ----------
    frame : DataFrame
        As `summary_table` or `quantile_table` makes it.
    verdicts : mapping of str to Verdict
    judges : mapping of str to str
        Label of a judged tree to label of its judge.
    """
    columns = tuple(c for c in _COLUMNS if c.name in frame and frame[c.name].notna().any())
    judgements = {label: found.table["judgement"].to_dict() for label, found in verdicts.items()}
    seated = {judges[label] for label in verdicts if label in judges}
    labels = list(dict.fromkeys(frame.index.get_level_values("label")))
    decimals = _decimals(frame)
    values = frame[[column.name for column in columns]].to_numpy(dtype=float)
    rows, previous = [], None
    for (quantity, label), numbers in zip(frame.index, values, strict=True):
        cells = tuple(
            _cell(value, column.name, decimals[quantity])
            for value, column in zip(numbers, columns, strict=True)
        )
        role = "judge" if label in seated else ""
        judgement = judgements.get(label, {}).get(quantity, role)
        first = quantity != previous
        rows.append(Row(str(quantity), label, labels.index(label), first, cells, judgement))
        previous = quantity
    return Sheet(columns, tuple(rows), any(row.judgement for row in rows))


def _decimals(frame: pd.DataFrame) -> dict[str, int | None]:
    """Decimals that give the narrowest spread of a quantity three digits; None if too many."""
    spread = ((frame["q75"] - frame["q25"]) / 1.349).groupby(level="quantity").min()
    with np.errstate(divide="ignore"):
        places = 2 - np.floor(np.log10(spread))
    return {
        str(quantity): int(max(p, 0)) if np.isfinite(p) and p <= _MOST_DECIMALS else None
        for quantity, p in places.items()
    }


def _cell(value: float, column: str, decimals: int | None) -> str:
    if np.isnan(value):
        return ""
    if column == "mcse_mean":
        text = f"{value:.2g}"
    elif column == "ess_bulk":
        text = f"{value:.0f}"
    elif column == "r_hat":
        text = f"{value:.3f}"
    elif decimals is None:
        text = f"{value:.4g}"
    else:
        text = f"{value:.{decimals}f}"
    return text.replace("-", "−")
