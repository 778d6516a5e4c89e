"""One suite from its file to its tables and its scoreboard: what ``tripos suite`` does."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from ...approximations.errors import ArgumentError, CorruptCellWarning, SuiteError
from ..pictures.scoreboard import plot_scoreboard
from ..scoreboard import board_of, errors_of
from ..suite import run_suite
from ..suite.file import read_suite_file
from ..suite.table import Suite
from .printing import console, table_of

_MOST_FAILURES = 20


def run_suite_job(
    path: Path,
    *,
    store: str | None = None,
    workers: int | None = None,
    dask: str | None = None,
    only: Literal["failed"] | None = None,
) -> Suite:
    """Run the suite of a file; print its scoreboard and its failures; draw error against cost.

    Parameters
    ----------
    path : Path
        See `tripos.comparisons.suite.file.read_suite_file`.
    store, workers : optional
        Override the file's.
    dask : str, optional
        Address of a dask scheduler whose workers run the cells, such as ``tcp://host:8786``.
    only : "failed", optional

    Raises
    ------
    TriposError
        As `run_suite` does, and when no scheduler answers.
    """
    suite_file = read_suite_file(path)
    given: dict[str, Any] = {"store": store, "workers": workers}
    asked = suite_file.arguments | {
        name: value for name, value in given.items() if value is not None
    }
    with _said_plainly(), _executor(dask) as executor:
        suite = run_suite(**asked, executor=executor, only=only)
    _print(suite, suite_file.reference)
    return suite


@contextmanager
def dask_executor(address: str) -> Iterator[Executor]:
    """Give the workers of a dask cluster as an executor.

    Parameters
    ----------
    address : str

    Raises
    ------
    SuiteError
        When dask.distributed is not installed, or no scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise SuiteError(
            'Running a suite on dask needs dask.distributed: pip install "tripos[dask]"'
        ) from error
    try:
        client = Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SuiteError(
            f"No dask scheduler answers at {address} ({error}). Start one with `dask scheduler`, "
            "and workers with `dask worker`."
        ) from error
    with client:
        yield client.get_executor()


@contextmanager
def _executor(dask: str | None) -> Iterator[Executor | None]:
    if dask is None:
        yield None
        return
    with dask_executor(dask) as executor:
        yield executor


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Print warnings about cells as sentences."""

    def show(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, CorruptCellWarning):
            print(f"tripos: {message}", file=sys.stderr)
        else:
            shown(message, category, *where, **more)

    with warnings.catch_warnings():
        shown = warnings.showwarning
        warnings.simplefilter("always", CorruptCellWarning)
        warnings.showwarning = show
        yield


def _print(suite: Suite, reference: str | None) -> None:
    out = console()
    cells, failures = suite.cells(), suite.failures()
    try:
        errors = errors_of(suite, reference)
        board = board_of(cells, errors)
        out.print(table_of(board, "Scoreboard (errors in tolerances, medians over models)"))
        suite.store.write_table("scoreboard.csv", board.to_csv())
        plot_scoreboard(cells, errors).savefig(suite.folder / "scoreboard.png", dpi=150)
    except ArgumentError as why:
        out.print(f"No scoreboard. {why}")
    _print_failures(out, failures)
    out.print(f"{len(cells)} cells, {len(failures)} failures. Tables are in {suite.folder}/")


def _print_failures(out: Console, failures: dict[str, str]) -> None:
    for cell, why in list(failures.items())[:_MOST_FAILURES]:
        out.print(f"{cell}: {why}")
    if len(failures) > _MOST_FAILURES:
        out.print(f"and {len(failures) - _MOST_FAILURES} more, in cells.csv.")
