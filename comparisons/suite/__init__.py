"""Many models by many methods: a grid of cells, run anywhere and resumable."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ...approximations.arguments import checked_arguments
from ...approximations.errors import ArgumentError, SuiteError
from ...approximations.progress import progress
from ...approximations.result import checked_count
from .cells import Cell, Limits, Outcome
from .grid import Options, cells_of
from .process import close_idle, run_cell
from .store import Store, locked_store
from .table import Suite

Submit = Callable[[Cell], "Future[Outcome]"]


@checked_arguments
def run_suite(
    models: Sequence[str],
    methods: Sequence[str],
    *,
    store: str | Path,
    repeats: int = 1,
    executor: Executor | None = None,
    workers: int | None = None,
    arguments: Options | None = None,
    options: Options | None = None,
    random_seed: int = 0,
    time_limit: float | None = None,
    memory_limit: float | None = None,
    only: Literal["failed"] | None = None,
    progressbar: bool = True,
) -> Suite:
    """Run every method on every model, ``repeats`` times, and store each cell as it finishes.

    A suite that was stopped, by Ctrl-C, a crash or a power cut, resumes when it is called again
    with the same store: finished cells are not run again. A cell's seed is derived from the cell
    (model, method, arguments, options, repeat, ``random_seed``), so that its results depend neither
    on the other cells nor on where and when it is run. Finished cells are kept even if tripos or
    your files change: use a new store if that changes the results. A cell that fails does not stop
    the others: its failure is stored as a sentence. Every cell is run in a process that has one
    thread for linear algebra. `nuts` is given ``chains=4, cores=1`` unless ``options`` say
    otherwise.

    Parameters
    ----------
    models : sequence of str
        Names of the catalogue, or ``path/to/file.py:function``.
    methods : sequence of str
        Names in `tripos.approximations.METHODS`, of entry points, or of functions of your own; see
        `tripos.comparisons.methods.load_method`.
    store : str or Path
        The suite's folder, with a subfolder per cell: its tree as netCDF and its record.
    repeats : int, default 1
        Runs of each method on each model, with different seeds.
    executor : concurrent.futures.Executor, optional
        Where cells are run: ``dask.distributed.Client(...).get_executor()`` for other machines, on
        which tripos and your files must be found too. It is not shut down; after Ctrl-C its workers
        finish their current cells, which are dropped. Local processes, if None.
    workers : int, optional
        Number of processes without ``executor``; one per core, if None.
    arguments, options : mapping of str to mapping, optional
        Arguments of each model's function, and of each method: ``{"borrowers": {"groups": 50}}``,
        ``{"nuts": {"draws": 500}}``. Numbers, text, lists and mappings.
    random_seed : int, default 0
    time_limit : float, optional
        Seconds after which a cell fails.
    memory_limit : float, optional
        Resident memory in GiB, libraries (some 0.4) included, above which a cell fails. It is
        checked twenty times a second, so it may be exceeded for a moment.
    only : "failed", optional
        Run only the cells that failed before.
    progressbar : bool, default True
        Shown on a terminal only.

    Returns
    -------
    Suite
        Its tables are also written into the store, as ``summary.csv`` and ``cells.csv``.

    Warns
    -----
    CorruptCellWarning
        When a stored cell is damaged: it is moved to the store's ``quarantine``, and run again.

    Raises
    ------
    TargetError, NoMethodError, ArgumentError
        When a model or a method is unknown, or the grid is invalid; before any work.
    StorageError
        When the store is in use by another run, was written in another format, is no suite's, or
        cannot be written (a full disk). Finished cells are kept.
    SuiteError
        When the executor broke down. Finished cells are kept.
    KeyboardInterrupt
        Upon Ctrl-C, with a sentence that says how many cells have finished.
    """
    grid: dict[str, Any] = {"repeats": repeats, "arguments": arguments, "options": options}
    cells = cells_of(models, methods, random_seed=random_seed, **grid)
    limits = Limits(_limit("time_limit", time_limit), _limit("memory_limit", memory_limit))
    if workers is not None:
        checked_count("workers", workers)
    with locked_store(Path(store)) as place:
        place.begin(cells)
        records = place.ended(cells)
        wanted = _wanted(cells, records, only)
        try:
            with _submitting(executor, workers or _cores(), limits) as submit:
                _run(wanted, submit, place, show=progressbar)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_kept(place, cells)) from None
        suite = Suite(place, place.ended(cells))
        suite.write()
    return suite


def _wanted(
    cells: Sequence[Cell], records: Mapping[str, Mapping[str, Any]], only: str | None
) -> list[Cell]:
    if only == "failed":
        return [c for c in cells if c.name in records and records[c.name]["failure"]]
    return [cell for cell in cells if cell.name not in records]


@contextmanager
def _submitting(executor: Executor | None, workers: int, limits: Limits) -> Iterator[Submit]:
    """Give a function that submits a cell, to an executor or to local processes."""
    if executor is not None:
        yield lambda cell: executor.submit(run_cell, cell, limits)
        return
    # A thread only waits for the process that runs its cell, and can kill it.
    stop, pool = threading.Event(), ThreadPoolExecutor(workers, thread_name_prefix="suite")
    try:
        yield lambda cell: pool.submit(run_cell, cell, limits, stop)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
        close_idle()


def _run(cells: Sequence[Cell], submit: Submit, store: Store, *, show: bool) -> None:
    """Run cells and store them as they finish; one whose process died is retried once."""
    done: queue.SimpleQueue[Future[Outcome]] = queue.SimpleQueue()
    waiting: dict[Future[Outcome], Cell] = {}
    died: set[str] = set()

    def send(cell: Cell) -> None:
        future = submit(cell)
        waiting[future] = cell
        future.add_done_callback(done.put)

    try:
        with progress("suite", len(cells), show=show) as advance:
            for cell in cells:
                send(cell)
            while waiting:
                future = done.get()
                cell = waiting.pop(future)
                outcome = _outcome(future, cell)
                if outcome.killed and cell.name not in died:
                    died.add(cell.name)
                    send(cell)
                    continue
                store.write(cell, _last(outcome))
                advance(1)
    finally:
        for future in waiting:
            future.cancel()


def _outcome(future: Future[Outcome], cell: Cell) -> Outcome:
    try:
        return future.result()
    except SuiteError:
        raise
    except Exception as error:
        # Dask has tried several workers by then.
        if type(error).__name__ == "KilledWorker":
            return Outcome(failure=f"The workers that ran it died: {error}", killed=True)
        raise SuiteError(
            f"The executor could not run {cell}: {type(error).__name__}: {error}. What had ended "
            "is kept: with an executor that works, the same call goes on from there."
        ) from error


def _last(outcome: Outcome) -> Outcome:
    if not outcome.killed:
        return outcome
    return replace(outcome, failure=f"{outcome.failure} It was run twice.")


def _kept(store: Store, cells: Sequence[Cell]) -> str:
    ended = sum(store.place(cell.name).exists() for cell in cells)
    return (
        f"interrupted; {ended} of {len(cells)} cells have ended and are kept in {store.folder}. "
        "The same command goes on from there."
    )


def _limit(name: str, value: float | None) -> float | None:
    if value is None or (np.isfinite(value) and value > 0):
        return value
    raise ArgumentError(f"{name} must be a positive number or None, but {value!r} was given.")


def _cores() -> int:
    counts = getattr(os, "sched_getaffinity", None)
    return len(counts(0)) if counts else os.cpu_count() or 1
