"""A suite's results as tidy tables: the numbers, and what each cell cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from ...approximations.arguments import checked_arguments
from ...approximations.errors import ArgumentError, StorageError
from ..summary import COLUMNS
from .store import Store, opened_store

_KEYS = ("model", "method", "repeat")
_DIAGNOSTICS = ("log_evidence", "log_evidence_error", "pareto_khat", "divergences")
_COSTS = ("seconds", "seconds_model", "peak_memory")


@dataclass(frozen=True)
class Suite:
    """The finished cells of a suite.

    Attributes
    ----------
    store : Store
    records : mapping of str to mapping
        Records by name of the cell, in the order of the grid.
    """

    store: Store
    records: Mapping[str, Mapping[str, Any]]

    @property
    def folder(self) -> Path:
        """Folder of the store."""
        return self.store.folder

    def summary(self) -> pd.DataFrame:
        """Tabulate the posteriors.

        Returns
        -------
        DataFrame
            Indexed by model, method, repeat and quantity, with the columns of
            `tripos.comparisons.summary.summary_table`. The table is bitwise the same in whatever
            order and on however many processes the cells were run.
        """
        rows, index = [], []
        for record in self.records.values():
            for quantity, row in record["rows"].items():
                index.append((*_key(record), quantity))
                rows.append(row)
        names = [*_KEYS, "quantity"]
        keys = pd.MultiIndex.from_tuples(index, names=names) if index else _empty(names)
        return pd.DataFrame(rows, index=keys, columns=list(COLUMNS), dtype=float)

    def cells(self) -> pd.DataFrame:
        """Tabulate the cells.

        Returns
        -------
        DataFrame
            Indexed by model, method and repeat: ``random_seed``; ``failure``, a sentence, empty
            where there was none; ``log_evidence`` with its error, ``pareto_khat`` and
            ``divergences`` where the method has them; ``evaluations``; the number of ``warnings``;
            and what differs from run to run: ``seconds`` of the method, ``seconds_model`` of
            building the model, and ``peak_memory`` of the process, in bytes.
        """
        rows = [
            {
                "random_seed": record["random_seed"],
                "failure": record["failure"],
                **{name: record["diagnostics"].get(name, float("nan")) for name in _DIAGNOSTICS},
                "evaluations": record["evaluations"],
                "warnings": len(record["warnings"]),
                **{name: record[name] for name in _COSTS},
            }
            for record in self.records.values()
        ]
        keys = [_key(record) for record in self.records.values()]
        index = pd.MultiIndex.from_tuples(keys, names=_KEYS) if keys else _empty(_KEYS)
        return pd.DataFrame(rows, index=index)

    def failures(self) -> dict[str, str]:
        """Say why cells failed, by cell."""
        failed = (record for record in self.records.values() if record["failure"])
        return {"{1} on {0}, repeat {2}".format(*_key(r)): r["failure"] for r in failed}

    def tree(self, model: str, method: str, repeat: int = 0) -> xr.DataTree:
        """Read the tree of a cell.

        Raises
        ------
        ArgumentError
            When there is no such finished cell, or it failed.
        StorageError
            When it cannot be read.
        """
        for name, record in self.records.items():
            if _key(record) == (model, method, repeat) and not record["failure"]:
                return self.store.tree(name)
        why = self.failures().get(f"{method} on {model}, repeat {repeat}", "it is not in the suite")
        raise ArgumentError(f"There is no tree of {method} on {model}, repeat {repeat}: {why}.")

    def write(self) -> None:
        """Write both tables beside the cells, as ``summary.csv`` and ``cells.csv``.

        Raises
        ------
        StorageError
        """
        self.store.write_table("summary.csv", self.summary().to_csv())
        self.store.write_table("cells.csv", self.cells().to_csv())


@checked_arguments
def load_suite(store: str | Path) -> Suite:
    """Read what `run_suite` stored: the finished cells of its last run.

    Parameters
    ----------
    store : str or Path

    Raises
    ------
    StorageError
        When there is no suite, it was written in another format, or a cell is damaged.
    """
    opened = opened_store(Path(store))
    try:
        records = {name: opened.record(name) for name in opened.names()}
    except StorageError as error:
        raise StorageError(f"{error} Running the suite again puts it aside.") from error
    return Suite(opened, {name: record for name, record in records.items() if record is not None})


def _key(record: Mapping[str, Any]) -> tuple[str, str, int]:
    cell = record["cell"]
    return cell["model"], cell["method"], cell["repeat"]


def _empty(names: Any) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([[] for _ in names], names=list(names))
