"""What is done for one cell of a suite, in the process that runs it."""

from __future__ import annotations

import contextlib
import inspect
import resource
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import xarray as xr

from ...approximations.errors import TriposError
from ...approximations.meter import evaluations_of
from ...approximations.result import group_of
from ..importing import told_with_place
from ..methods import load_method
from ..summary import summary_table
from .cells import Cell, Outcome
from .grid import build_model

# Diagnostics that some fits have.
_DIAGNOSTICS = ("log_evidence", "log_evidence_error", "pareto_khat")


def outcome_of(cell: Cell) -> Outcome:
    """Run a cell and return its outcome; only an interrupt is raised."""
    _reset_peak_memory()
    seconds: dict[str, Any] = {}
    found: dict[str, Any] = {}
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("ignore")
        for kind in (UserWarning, RuntimeWarning):
            warnings.simplefilter("always", kind)
        try:
            found = _described(_run(cell, seconds))
        except TriposError as failure:
            found = {"failure": f"{type(failure).__name__}: {failure}"}
        except (Exception, SystemExit) as failure:
            found = {"failure": told_with_place(failure), "traceback": traceback.format_exc()}
    said = tuple(dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in heard))
    return Outcome(**found, **seconds, peak_memory=peak_memory(), warnings=said)


def warm_up() -> None:
    """Import what the first cell would otherwise wait for."""
    _netcdf(xr.DataTree())


def peak_memory() -> int:
    """Peak resident memory of this process, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage never reports less than the parent process held.
        [line] = [x for x in status.read_text(encoding="ascii").splitlines() if "VmHWM" in x]
        return 1024 * int(line.split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _run(cell: Cell, seconds: dict[str, float]) -> xr.DataTree:
    started = time.perf_counter()
    model = build_model(cell)
    built = time.perf_counter()
    seconds["seconds_model"] = built - started
    method = load_method(cell.method)
    accepted = inspect.signature(method).parameters
    offered: dict[str, Any] = {"random_seed": cell.random_seed, "progressbar": False}
    call = {name: value for name, value in offered.items() if name in accepted} | dict(cell.options)
    try:
        # The model itself, not a density: one that was used before may be on another linker.
        return method(model, **call)
    finally:
        seconds["seconds"] = time.perf_counter() - built


def _described(tree: xr.DataTree) -> dict[str, Any]:
    table = summary_table({"": tree}).droplevel("label")
    rows = {str(quantity): row.to_dict() for quantity, row in table.iterrows()}
    return {
        "tree": _netcdf(tree),
        "rows": rows,
        "diagnostics": _diagnostics(tree),
        "evaluations": int(sum(evaluations_of(tree).values())),
    }


def _diagnostics(tree: xr.DataTree) -> dict[str, float]:
    fit, stats = group_of(tree, "fit"), group_of(tree, "sample_stats")
    found = {name: float(fit[name]) for name in _DIAGNOSTICS if name in fit}
    if "diverging" in stats:
        found["divergences"] = float(stats["diverging"].sum())
    return found


def _netcdf(tree: xr.DataTree) -> bytes:
    with tempfile.TemporaryDirectory(prefix="tripos-") as folder:
        path = Path(folder) / "tree.nc"
        tree.to_netcdf(path, engine="h5netcdf")
        return path.read_bytes()


def _reset_peak_memory() -> None:
    """Reset the peak to the present memory (Linux only)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
