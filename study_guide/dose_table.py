"""The editable table of doses: read what was typed, or say in a sentence what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tripos.approximations.errors import ArgumentError
from tripos.models.bioassay import ANIMALS, DEATHS, LOG_DOSES

COLUMNS = ("log dose", "animals", "deaths")
_MOST_ANIMALS = 1_000_000


@dataclass(frozen=True)
class Doses:
    """A bioassay of N doses.

    Attributes
    ----------
    log_doses : (N,) array
        Log of g/ml.
    animals, deaths : (N,) array of int
    """

    log_doses: np.ndarray
    animals: np.ndarray
    deaths: np.ndarray

    @property
    def data(self) -> dict[str, np.ndarray]:
        """The arrays under the names that they have in the model."""
        return {"log_dose": self.log_doses, "animals": self.animals, "deaths": self.deaths}

    @property
    def labels(self) -> list[str]:
        """A label for each dose, as the model has them."""
        return [f"{x:+.2f}" for x in self.log_doses]


BOOK = Doses(np.array(LOG_DOSES), np.array(ANIMALS), np.array(DEATHS))
"""The data of Racine et al. (1986)."""


def table_of(doses: Doses) -> pd.DataFrame:
    """Write doses as a table of text, in which anything can be typed."""
    columns = (doses.log_doses, doses.animals, doses.deaths)
    return pd.DataFrame(
        {name: [f"{x:g}" for x in values] for name, values in zip(COLUMNS, columns, strict=True)},
        dtype=object,
    )


def read_doses(table: pd.DataFrame) -> Doses:
    """Read a table of text.

    Raises
    ------
    ArgumentError
        When a column is gone, a row or a cell is empty, a cell holds no number, or more animals
        died than there were.
    """
    if gone := [name for name in COLUMNS if name not in table.columns]:
        raise ArgumentError(
            f"The table needs the columns {', '.join(COLUMNS)}, but {' and '.join(gone)} is gone. "
            "Reload the page to have the first table back."
        )
    if len(table) == 0:
        raise ArgumentError("The table has no rows. Add a dose with “New row”.")
    rows = [_read_row(k, list(cells)) for k, cells in enumerate(_texts(table), start=1)]
    log_doses, animals, deaths = zip(*rows, strict=True)
    return Doses(np.array(log_doses), np.array(animals), np.array(deaths))


def _texts(table: pd.DataFrame) -> list[tuple[str, ...]]:
    columns = [["" if pd.isna(x) else str(x).strip() for x in table[name]] for name in COLUMNS]
    return list(zip(*columns, strict=True))


def _read_row(k: int, cells: list[str]) -> tuple[float, int, int]:
    if not any(cells):
        raise ArgumentError(f"Row {k} is empty. Fill it in, or delete it.")
    for name, cell in zip(COLUMNS, cells, strict=True):
        if not cell:
            raise ArgumentError(f"Row {k} has no {name}. Fill the cell in, or delete the row.")
    log_dose = _number(k, "log dose", cells[0])
    animals, deaths = (_count(k, *cell) for cell in zip(COLUMNS[1:], cells[1:], strict=True))
    if not 1 <= animals <= _MOST_ANIMALS:
        raise ArgumentError(
            f"Row {k}: the number of animals must be from 1 to {_MOST_ANIMALS:,}, but {animals} "
            "stands there."
        )
    if not 0 <= deaths <= animals:
        raise ArgumentError(
            f"Row {k}: of {animals} animals, {deaths} cannot have died. Expected a number of "
            f"deaths from 0 to {animals}."
        )
    return log_dose, animals, deaths


def _number(k: int, name: str, cell: str, example: str = "-0.30") -> float:
    try:
        value = float(cell.replace("−", "-"))
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise ArgumentError(
            f"Row {k}: the {name} must be a number, such as {example}, but “{cell}” stands there."
        )
    return value


def _count(k: int, name: str, cell: str) -> int:
    value = _number(k, f"number of {name}", cell, example="3")
    if value != int(value):
        raise ArgumentError(
            f"Row {k}: the number of {name} must be a whole number, but “{cell}” stands there."
        )
    return int(value)
