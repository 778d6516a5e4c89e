"""Killed at twenty random moments and resumed, a suite ends as if nobody had disturbed it.

What is killed is a process that runs the cells by itself and is forked with everything imported:
twenty kills in the time that one start would take. `benchmarks/suite.py` kills whole commands.
"""

import subprocess
import sys
from pathlib import Path

_SCRIPT = """
import os, signal, sys, time
from concurrent.futures import Executor, Future
from pathlib import Path

import numpy as np

from tripos.comparisons import suite
from tripos.comparisons.suite.work import outcome_of

OWN, FOLDER = sys.argv[1], Path(sys.argv[2])
KILLS, REPEATS = 20, 32


class Inline(Executor):
    # As an executor with one worker does, it begins a cell when the one before has been stored.
    def submit(self, function, *arguments):
        return Later(function, arguments)


class Later(Future):
    def __init__(self, function, arguments):
        super().__init__()
        self.call = function, arguments

    def add_done_callback(self, callback):
        callback(self)

    def result(self):
        function, arguments = self.call
        return function(*arguments)


def run(store, repeats=REPEATS):
    suite.run_cell = lambda cell, limits: outcome_of(cell)
    models, methods = [f"{OWN}:one", f"{OWN}:two"], [f"{OWN}:normal"]
    return suite.run_suite(models, methods, store=store, repeats=repeats, executor=Inline())


def stamps(store):
    files = (store / "cells").glob("[!.]*/record.json")
    return {f.parent.name: (f.stat().st_ino, f.stat().st_mtime_ns) for f in files}


def killed(store, seconds):
    pid = os.fork()
    if pid == 0:
        try:
            run(store)
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


run(FOLDER / "warm", repeats=2)
started = time.perf_counter()
undisturbed = run(FOLDER / "undisturbed")
seconds = time.perf_counter() - started
rng = np.random.default_rng()
os.environ["SUITE_LOG"] = str(FOLDER / "log")
kills, seen, store = 0, {}, FOLDER / "disturbed"
for _ in range(KILLS):
    # Towards the end at once, so that there is something left to be killed.
    most = 1.7 * seconds / KILLS if len(seen) < REPEATS else 0.05
    kills += killed(store, rng.uniform(0.0, most))
    now = stamps(store)
    assert seen.items() <= now.items(), "a cell that had ended was run again"
    seen = now
before = len(seen)
resumed = run(store)
assert seen.items() <= stamps(store).items(), "a cell that had ended was run again"
begun = (FOLDER / "log").read_text().splitlines()
assert len(begun) <= len(resumed.records) + kills, "more was run than was lost"
assert len(resumed.records) == len(undisturbed.records) == 2 * REPEATS
assert resumed.summary().equals(undisturbed.summary())
assert resumed.summary().to_csv() == undisturbed.summary().to_csv()
same = ["random_seed", "failure", "evaluations"]
assert resumed.cells()[same].equals(undisturbed.cells()[same])
assert not list((store / "cells").glob(".*"))
print(kills, "kills;", before, "of", len(resumed.records), "cells had ended by then")
"""


def test_twenty_kills_change_nothing(tmp_path):
    own = str(Path(__file__).parent / "suite_own.py")
    command = [sys.executable, "-c", _SCRIPT, own, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    kills, ended = int(done.stdout.split()[0]), int(done.stdout.split()[2])
    assert kills == 20, done.stdout
    assert 0 < ended < 64, done.stdout
