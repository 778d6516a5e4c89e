"""Suites in processes of their own: what passes a limit, dies, or is killed stops nothing else."""

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pandas as pd
import pytest

from tripos.approximations.errors import ArgumentError, StorageError, SuiteError
from tripos.comparisons import load_suite, run_suite
from tripos.comparisons.suite import process as suite_process
from tripos.comparisons.suite.store import locked_store


@pytest.fixture(autouse=True, scope="module")
def ended():
    yield
    suite_process.close_idle()


def test_cells_that_fail_stop_no_other(own, tmp_path, monkeypatch, inline):
    monkeypatch.setenv("SUITE_MARK", str(tmp_path / "mark"))
    broken = ("dies", "fails", "nothing", "hungry", "sleeps")
    # What dies is run again at the end: after most kills there is something else to be done, and
    # each of them costs the seconds of a start.
    methods = [own(name) for name in ("dies_once", "normal", "pinned", *broken)]
    limits = {"time_limit": 6.0, "memory_limit": 1.0}
    suite = run_suite([own("one")], methods, store=tmp_path / "store", workers=2, **limits)
    cells = suite.cells().droplevel(["model", "repeat"])
    why = {name: cells.at[own(name), "failure"] for name in broken}
    assert len(suite.failures()) == len(broken)
    assert why["sleeps"] == "It took longer than its limit of 6 s."
    assert why["hungry"] == "It took more memory than its limit of 1 GiB."
    assert why["dies"].startswith("Its process was killed by signal 9, ")
    assert why["dies"].endswith("It wrote last: 'goodbye'. It was run twice.")
    assert re.match(r"MethodError: .*:fails raised ValueError: it cannot be done", why["fails"])
    assert "must return a DataTree" in why["nothing"]
    assert 6.0 < cells.at[own("sleeps"), "seconds"] < 12.0
    assert cells.at[own("hungry"), "peak_memory"] > 2**30
    # Libraries alone take some 200 MB.
    assert 2**27 < cells.at[own("normal"), "peak_memory"] < 2**30
    assert cells.at[own("normal"), "evaluations"] == 60
    # The same numbers as in this process, without the cells around them.
    assert len(suite.summary()) == 3
    methods = [own("dies_once"), own("normal")]
    here = run_suite([own("one")], methods, store=tmp_path / "here", executor=inline)
    there = suite.summary().drop(own("pinned"), level="method")
    pd.testing.assert_frame_equal(there, here.summary(), check_exact=True)


class KilledWorker(Exception):
    """As dask calls it."""


class Faulty(Executor):
    """Fails at chosen submissions, and else runs what is submitted at once."""

    def __init__(self, inline, errors):
        self._inline, self._errors, self.count = inline, errors, 0

    def submit(self, *call):
        self.count += 1
        if self.count in self._errors:
            future = Future()
            future.set_exception(self._errors[self.count])
            return future
        return self._inline.submit(*call)


def test_a_killed_worker_costs_a_second_try_and_no_more(own, inline, tmp_path):
    call = {"repeats": 3, "store": tmp_path / "once"}
    once = Faulty(inline, {2: KilledWorker("worker-1")})
    suite = run_suite([own("one")], [own("normal")], executor=once, **call)
    assert (once.count, suite.failures(), len(suite.records)) == (4, {}, 3)
    twice = Faulty(inline, {k: KilledWorker("worker-1") for k in (2, 4)})
    call["store"] = tmp_path / "twice"
    suite = run_suite([own("one")], [own("normal")], executor=twice, **call)
    (why,) = suite.failures().values()
    assert why == "The workers that ran it died: worker-1 It was run twice."
    assert len(suite.records) == 3


def test_a_broken_executor_keeps_what_has_ended(own, inline, tmp_path):
    call = {"repeats": 4, "store": tmp_path / "store"}
    broken = Faulty(inline, {k: BrokenProcessPool("a process died") for k in (3, 4)})
    with pytest.raises(SuiteError, match=r"BrokenProcessPool: a process died.*the same call goes"):
        run_suite([own("one")], [own("normal")], executor=broken, **call)
    assert len(load_suite(tmp_path / "store").records) == 2
    working = Faulty(inline, {})
    run_suite([own("one")], [own("normal")], executor=working, **call)
    assert working.count == 2


def test_a_process_that_cannot_start_is_an_error(own, tmp_path, monkeypatch):
    suite_process.close_idle()
    monkeypatch.setattr(suite_process, "_CODE", "raise SystemExit('no PyMC here')")
    with pytest.raises(SuiteError, match=r"could not be started.*exit code 1.*no PyMC here"):
        run_suite([own("one")], [own("normal")], store=tmp_path / "store")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ({"only": "ended"}, "only must be 'failed' or None"),
        ({"time_limit": 0}, "time_limit must be a positive number"),
        ({"memory_limit": float("nan")}, "memory_limit must be a positive number"),
        ({"workers": 0}, "workers must be a whole number"),
    ],
)
def test_what_is_no_suite_is_refused_before_the_work(own, tmp_path, call, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        run_suite([own("one")], [own("normal")], store=tmp_path / "store", **call)
    assert not (tmp_path / "store").exists()


def test_a_tree_that_is_not_there_is_an_error(own, inline, tmp_path):
    methods = [own("normal"), own("fails")]
    suite = run_suite([own("one")], methods, store=tmp_path / "store", executor=inline)
    with pytest.raises(ArgumentError, match="it cannot be done"):
        suite.tree(own("one"), own("fails"))
    with pytest.raises(ArgumentError, match="it is not in the suite"):
        suite.tree(own("one"), own("normal"), 7)


def _write_suite(tmp_path, own, methods, **more):
    path = tmp_path / "mine.toml"
    lines = {"models": [own("one"), own("two")], "methods": [own(name) for name in methods]}
    lines |= {"store": str(tmp_path / "store"), "workers": 1} | more
    path.write_text("\n".join(f"{key} = {value!r}" for key, value in lines.items()))
    return path


def _started(path, **more):
    command = [sys.executable, "-m", "tripos", "suite", str(path)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"SUITE_PAUSE": "0.2"},
        # A shell's background jobs ignore interrupts, and hand that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **more,
    )


def _wait_until(ready, seconds=300.0):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.02)


def _lives(pid):
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "zombie" not in status.read_text()


def test_stopped_by_ctrl_c_and_by_a_kill_a_suite_is_gone_on_with(own, tmp_path, inline):
    """The command itself; `test_suite_kills` has the many moments."""
    store = tmp_path / "store"
    path = _write_suite(tmp_path, own, ["paused"], repeats=6)
    run = _started(path)
    _wait_until(lambda: len(_stamps(store)) >= 2)
    refused = pytest.raises(StorageError, match=f"in use by another run .process {run.pid} on")
    with refused, locked_store(store):
        pass
    children = _children(run.pid)
    assert children
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=120)
    assert run.returncode == 130, err
    kept = _stamps(store)
    assert 2 <= len(kept) < 12
    assert f"tripos: interrupted; {len(kept)} of 12 cells have ended and are kept in" in err
    assert "The same command goes on from there." in err
    assert "Traceback" not in err
    assert not any(map(_lives, children))
    assert not list(store.glob("cells/.*"))

    run = _started(path)
    _wait_until(lambda: len(_stamps(store)) >= len(kept) + 2)
    children = _children(run.pid)
    run.kill()
    run.communicate()
    _wait_until(lambda: not any(map(_lives, children)))
    assert kept.items() <= _stamps(store).items()
    kept = _stamps(store)
    assert len(kept) < 12

    call = {"models": [own("one"), own("two")], "methods": [own("paused")], "repeats": 6}
    suite = run_suite(**call, store=store, executor=inline)
    assert kept.items() <= _stamps(store).items()
    whole = run_suite(**call, store=tmp_path / "whole", executor=inline)
    pd.testing.assert_frame_equal(suite.summary(), whole.summary(), check_exact=True)


def _stamps(store):
    files = store.glob("cells/[!.]*/record.json")
    return {f.parent.name: (f.stat().st_ino, f.stat().st_mtime_ns) for f in files}


def _children(pid):
    return [
        int(p)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for p in (task / "children").read_text().split()
    ]
