"""The folder that holds a suite's cells, a folder each: written whole or not at all, by one run."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import socket
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import xarray as xr

from ...approximations.errors import CorruptCellWarning, StorageError
from ..storage import read_tree
from .cells import Cell, Outcome

FORMAT = 1
_MARK, _LOCK, _CELLS, _ASIDE = "suite.json", ".lock", "cells", "quarantine"
_RECORD, _TREE, _NEW = "record.json", "tree.nc", ".new-"
# A process's own lock does not keep it out.
_HELD: set[Path] = set()


@dataclass(frozen=True)
class Store:
    """A suite's folder.

    Attributes
    ----------
    folder : Path
        With ``suite.json`` (the format, and the cells of the last run), ``cells`` and, where there
        are damaged ones, ``quarantine``.
    """

    folder: Path

    def place(self, name: str) -> Path:
        """Folder of a cell, by the cell's name."""
        return self.folder / _CELLS / name

    def names(self) -> list[str]:
        """Names of the cells of the last run, in its order."""
        return list(_index(self.folder)["cells"])

    def record(self, name: str) -> dict[str, Any] | None:
        """Read the record of a cell; None where it has not finished.

        Raises
        ------
        StorageError
            When it is damaged.
        """
        place = self.place(name)
        if not place.exists():
            return None
        try:
            whole = json.loads((place / _RECORD).read_text(encoding="utf-8"))
            record = whole["record"]
            if whole["sha256"] != _digest(_text(record).encode()):
                raise ValueError(f"{_RECORD} is not as it was written")
            size, digest = record["tree_size"], record["tree_sha256"]
            if size and _digest((place / _TREE).read_bytes()) != digest:
                raise ValueError(f"{_TREE} is not as it was written")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"The cell {name} is damaged ({type(error).__name__}: {error})."
            ) from error
        if "k_hat" in (diagnostics := record.get("diagnostics", {})):  # as 0.1 called it
            diagnostics["pareto_khat"] = diagnostics.pop("k_hat")
        return record

    def tree(self, name: str) -> xr.DataTree:
        """Read a cell's tree.

        Raises
        ------
        StorageError
            When it has none that can be read.
        """
        try:
            return read_tree(self.place(name) / _TREE)
        except (OSError, ValueError) as error:
            raise StorageError(
                f"The cell {name} has no tree that can be read ({error})."
            ) from error

    def write(self, cell: Cell, outcome: Outcome) -> None:
        """Store the outcome of a cell, replacing any earlier one.

        Raises
        ------
        StorageError
            When it cannot be written, on a full disk, say; no partial cell is left.
        """
        place = self.place(cell.name)
        new, old = (place.with_name(f"{_NEW}{k}-{cell.name}") for k in ("whole", "old"))
        try:
            new.mkdir()
            if outcome.tree is not None:
                (new / _TREE).write_bytes(outcome.tree)
            (new / _RECORD).write_text(_sealed(_record(cell, outcome)), encoding="utf-8")
            if place.exists():
                place.replace(old)
            new.replace(place)
        except OSError as error:
            raise StorageError(
                f"The cell {cell.name} cannot be written to {self.folder}: {error}. What had ended "
                "before is kept: make room, and start the suite again."
            ) from error
        finally:
            for left in (new, old):
                shutil.rmtree(left, ignore_errors=True)

    def begin(self, cells: Sequence[Cell]) -> None:
        """Record the cells of a run, and remove what a killed run left."""
        for left in (self.folder / _CELLS).glob(f"{_NEW}*"):
            shutil.rmtree(left)
        names = [cell.name for cell in cells]
        _write_whole(self.folder / _MARK, json.dumps({"format": FORMAT, "cells": names}, indent=1))

    def ended(self, cells: Sequence[Cell]) -> dict[str, dict[str, Any]]:
        """Read the records of finished cells; damaged ones are quarantined, with a warning.

        Warns
        -----
        CorruptCellWarning
        """
        found = {}
        for cell in cells:
            try:
                record = self.record(cell.name)
            except StorageError as error:
                aside = self._put_aside(cell.name)
                warnings.warn(
                    f"{error} It was moved to {aside}, and is run again.",
                    CorruptCellWarning,
                    stacklevel=2,
                )
                continue
            if record is not None:
                found[cell.name] = record
        return found

    def write_table(self, name: str, text: str) -> Path:
        """Write a table beside the cells, whole or not at all."""
        return _write_whole(self.folder / name, text)

    def _put_aside(self, name: str) -> Path:
        quarantine = self.folder / _ASIDE
        quarantine.mkdir(exist_ok=True)
        taken = {path.name for path in quarantine.iterdir()}
        k = next(k for k in range(len(taken) + 1) if f"{name}.{k}" not in taken)
        return self.place(name).replace(quarantine / f"{name}.{k}")


@contextmanager
def locked_store(folder: Path) -> Iterator[Store]:
    """Make or open a suite's folder, for one run at a time.

    Raises
    ------
    StorageError
        When another run has it open, it was written in another format, it is no suite's folder, or
        it cannot be written. Nothing is changed.
    """
    folder = folder.resolve()
    if folder in _HELD:
        raise StorageError(
            f"{folder} is in use by another run, in this very process. Wait for its end, or name "
            "another store."
        )
    _check_ours(folder)
    with _opened_lock(folder) as lock:
        _take(lock, folder)
        _HELD.add(folder)
        try:
            yield Store(folder)
        finally:
            _HELD.remove(folder)


def opened_store(folder: Path) -> Store:
    """Open a suite's folder to read it.

    Raises
    ------
    StorageError
        When it is not a suite's, or was written in another format.
    """
    _index(folder)
    return Store(folder)


def _opened_lock(folder: Path) -> IO[str]:
    try:
        (folder / _CELLS).mkdir(parents=True, exist_ok=True)
        if not (folder / _MARK).exists():
            _write_whole(folder / _MARK, json.dumps({"format": FORMAT, "cells": []}))
        return (folder / _LOCK).open("a+", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error}.") from error


def _take(lock: IO[str], folder: Path) -> None:
    """Lock a file until it is closed, or this process ends, however it ends."""
    try:
        # Unlike flock's, this lock is not inherited by processes that an executor forks.
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        raise StorageError(
            f"{folder} is in use by another run ({lock.read().strip() or 'unknown'}). Wait for its "
            "end, or name another store."
        ) from error
    lock.truncate(0)
    lock.write(f"process {os.getpid()} on {socket.gethostname()}\n")
    lock.flush()


def _check_ours(folder: Path) -> None:
    if not folder.exists():
        return
    if (folder / _MARK).exists():
        _index(folder)
    elif not folder.is_dir() or not _may_be_begun(folder):
        raise StorageError(
            f"{folder} exists and is not a folder that a suite wrote, so it is left alone. Name "
            "another store."
        )


def _may_be_begun(folder: Path) -> bool:
    """Whether a folder holds only what a run killed at its start would leave."""
    ours = (_LOCK, _CELLS, f"{_NEW}{_MARK}")
    return all(path.name in ours for path in folder.iterdir())


def _index(folder: Path) -> dict[str, Any]:
    try:
        index = json.loads((folder / _MARK).read_text(encoding="utf-8"))
        found, _ = index["format"], index["cells"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{folder} holds no suite that can be read ({error}).") from error
    if found != FORMAT:
        raise StorageError(
            f"{folder} was written in format {found}, but this version of tripos reads format "
            f"{FORMAT}. Use the version that wrote it, or name another store."
        )
    return index


def _record(cell: Cell, outcome: Outcome) -> dict[str, Any]:
    tree = outcome.tree or b""
    fields = {k: v for k, v in asdict(outcome).items() if k not in ("tree", "killed")}
    return {
        "cell": cell.identity,
        "random_seed": cell.random_seed,
        **fields,
        "tree_size": len(tree),
        "tree_sha256": _digest(tree) if tree else "",
    }


def _sealed(record: dict[str, Any]) -> str:
    return json.dumps({"sha256": _digest(_text(record).encode()), "record": record}, indent=1)


def _text(record: dict[str, Any]) -> str:
    return json.dumps(record, sort_keys=True)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write_whole(path: Path, text: str) -> Path:
    new = path.with_name(f"{_NEW}{path.name}")
    try:
        new.write_text(text, encoding="utf-8")
        return new.replace(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error}.") from error
    finally:
        new.unlink(missing_ok=True)
