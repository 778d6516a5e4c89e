"""Run a cell in a process of its own, which can be killed when it takes too much time or memory.

An executor's worker keeps such a process for the cells to come, since it takes seconds to import
PyMC, and starts another one where the last was killed.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from pathlib import Path
from typing import IO, Any

import psutil

from .cells import Cell, Limits, Outcome

# Interval between checks of the limits, in seconds.
_GLANCE = 0.05
# Longest wait for a new process to import what it needs.
_START_SECONDS = 300.0
_GIB = 2**30
# One thread a process: the workers share the cores among them.
_ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMBA_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "RAYON_NUM_THREADS",
    ),
    "1",
)
_CODE = "import sys; from tripos.comparisons.suite.child import main; main(int(sys.argv[1]))"


class Interrupted(Exception):
    """The suite was stopped while the cell was running."""


def run_cell(cell: Cell, limits: Limits, stop: threading.Event | None = None) -> Outcome:
    """Run a cell in a process of its own: what an executor's worker does.

    Parameters
    ----------
    cell : Cell
    limits : Limits
    stop : Event, optional
        Kills the process when it is set.

    Returns
    -------
    Outcome
        Also of a cell that exceeded a limit, or whose process died.

    Raises
    ------
    SuiteError
        When no process could be started.
    Interrupted
        When ``stop`` was set.
    """
    with _process(stop) as child:
        return child.outcome(cell, limits, stop)


def close_idle() -> None:
    """End the processes that wait for cells."""
    with _LOCK:
        idle, _IDLE[:] = list(_IDLE), []
    for child in idle:
        child.close()


@contextmanager
def _process(stop: threading.Event | None) -> Iterator[_Child]:
    """Give an idle process, or a new one; it is kept for the next cell if still alive."""
    with _LOCK:
        waiting = [_IDLE.pop()] if _IDLE else []
    child = next((child for child in waiting if child.lives), None)
    for dead in waiting:
        if dead is not child:
            dead.close()
    child = child or _Child()
    try:
        child.wait_until_ready(stop)
        yield child
    except BaseException:
        child.close(kill=True)
        raise
    if not child.lives:
        child.close()
        return
    with _LOCK:
        _IDLE.append(child)


class _Child:
    """A process that runs cells, and the connection to it."""

    def __init__(self) -> None:
        self._line, theirs = Pipe()
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        self._ready = False
        # Modules are found where this process finds them.
        path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
        # In a group of its own it does not hear of the terminal's Ctrl-C.
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CODE, str(theirs.fileno())],
            env=os.environ | _ONE_THREAD | {"PYTHONPATH": path, "MPLBACKEND": "Agg"},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
            process_group=0,
        )
        theirs.close()

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def wait_until_ready(self, stop: threading.Event | None) -> None:
        if self._ready:
            return
        try:
            self._heard(Limits(_START_SECONDS), stop)
        except (_Died, _TooLong) as failure:
            # This module imports no PyMC, and the package of errors does.
            from ...approximations.errors import SuiteError

            raise SuiteError(
                f"The process that is to run cells could not be started: {failure} Does "
                f"`{sys.executable} -c 'import tripos.comparisons'` work?{self._last_words()}"
            ) from failure
        self._ready = True

    def outcome(self, cell: Cell, limits: Limits, stop: threading.Event | None) -> Outcome:
        started = time.perf_counter()
        try:
            with contextlib.suppress(OSError):  # it has died: what is heard next says so
                self._line.send(cell)
            self._heard(Limits(), stop)
            started = time.perf_counter()
            return self._heard(limits, stop)
        except (_TooLong, _TooLarge) as failure:
            seconds, peak = time.perf_counter() - started, self._memory()
            self.close(kill=True)
            return Outcome(failure=str(failure), seconds=seconds, peak_memory=peak)
        except _Died as failure:
            words = f"{failure}{self._last_words()}"
            self.close()
            return Outcome(failure=words, seconds=time.perf_counter() - started, killed=True)

    def close(self, *, kill: bool = False) -> None:
        if kill:
            self._process.kill()
        self._line.close()  # at which it ends
        self._process.wait()
        self._errors.close()

    def _heard(self, limits: Limits, stop: threading.Event | None) -> Any:
        """Wait for the next message, checking the limits."""
        started = time.monotonic()
        try:
            while not self._line.poll(_GLANCE):
                if stop is not None and stop.is_set():
                    raise Interrupted
                if limits.seconds is not None and time.monotonic() - started > limits.seconds:
                    raise _TooLong(f"It took longer than its limit of {limits.seconds:g} s.")
                if limits.memory is not None and self._memory() > limits.memory * _GIB:
                    raise _TooLarge(f"It took more memory than its limit of {limits.memory:g} GiB.")
            return self._line.recv()
        except (EOFError, ConnectionResetError) as error:
            raise _Died(f"Its process {_end_of(self._process.wait())}.") from error

    def _memory(self) -> int:
        """Resident memory of the process, in bytes; 0 where it has just died."""
        with contextlib.suppress(psutil.Error):
            return int(psutil.Process(self._process.pid).memory_info().rss)
        return 0

    def _last_words(self) -> str:
        """The process's last output, if any."""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return f" It wrote last: {said[-1][:300]!r}." if said else ""


class _Died(Exception):
    """The process ended before it answered."""


class _TooLong(Exception):
    """The time is up."""


class _TooLarge(Exception):
    """The memory is used up."""


def _end_of(code: int) -> str:
    if code >= 0:
        return f"ended by itself with exit code {code}"
    more = ", which is how a system that is out of memory ends it" if code == -9 else ""
    return f"was killed by signal {-code}{more}"


_LOCK = threading.Lock()
_IDLE: list[_Child] = []
atexit.register(close_idle)
