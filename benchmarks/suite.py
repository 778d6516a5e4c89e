"""Suites over the catalogue: killed at random moments and resumed, and on one process and on two.

`make bench-suite` runs ``tripos suite benchmarks/suite.toml``, which prints the scoreboard, and
this: a suite of 60 cells is killed 20 times by SIGKILL and resumed; its table must equal that of an
undisturbed run to the bit, and no cell that had ended may be run again. Then the same suite on one
process and on two, in pairs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from measuring import timed

from tripos.comparisons import load_suite, run_suite
from tripos.models import CATALOGUE

METHODS = ("laplace", "skew_laplace", "importance")
WANTED = 0.65


def command(file: Path, store: Path) -> list[str]:
    return [sys.executable, "-m", "tripos", "suite", str(file), "--store", str(store)]


def finish(file: Path, store: Path) -> float:
    """Run to the end, and give the seconds."""
    run = partial(subprocess.run, command(file, store), capture_output=True, text=True, check=False)
    seconds, done = timed(run)
    if done.returncode:
        raise SystemExit(done.stderr)
    return seconds


def kill_at(more: int, seconds: float, file: Path, store: Path) -> bool:
    """Start, and kill some seconds after so many more cells have ended; False if it ended before.

    Its processes see that, and end.
    """
    before = len(stamps(store))
    run = subprocess.Popen(
        command(file, store),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while len(stamps(store)) < before + more and run.poll() is None:
        time.sleep(0.01)
    time.sleep(seconds)
    run.kill()
    return run.wait() < 0


def stamps(store: Path) -> dict[str, tuple[int, int]]:
    """Which file each record is, and when it was written."""
    files = store.glob("cells/[!.]*/record.json")
    return {f.parent.name: (f.stat().st_ino, f.stat().st_mtime_ns) for f in files}


def kills(file: Path, folder: Path, count: int) -> None:
    seconds = finish(file, folder / "undisturbed")
    cells = len(stamps(folder / "undisturbed"))
    print(f"\n{cells} cells, undisturbed: {seconds:.0f} s", flush=True)
    store, rng, seen, again, done = folder / "disturbed", np.random.default_rng(), {}, 0, 0
    for k in range(count):
        # Some in the seconds of importing, the others while cells are being run.
        more, delay = int(rng.integers(3)), rng.uniform(0.0, seconds / cells)
        done += kill_at(more, delay, file, store)
        now = stamps(store)
        again += sum(now.get(name) != stamp for name, stamp in seen.items())
        seen = now
        told = f"{delay:4.1f} s after {more} more" if more else f"{delay:4.1f} s after the start"
        print(f"kill {k + 1:2d}, {told}: {len(seen):2d} cells have ended", flush=True)
    finish(file, store)
    now = stamps(store)
    again += sum(now.get(name) != stamp for name, stamp in seen.items())
    whole, resumed = load_suite(folder / "undisturbed"), load_suite(store)
    print(f"{done} kills; cells that had ended and were run again: {again} (wanted 0)")
    for name, record in whole.records.items():
        other = resumed.records[name]
        # As text, in which what is no number is like itself.
        if any(str(record[part]) != str(other[part]) for part in ("rows", "failure")):
            print(
                f"  {name} differs: {record['failure'] or 'ended'}; {other['failure'] or 'ended'}"
            )
    same = whole.summary().equals(resumed.summary())
    print(f"{len(whole.summary())} rows, equal to the bit: {same} (wanted True)", flush=True)


def pairs(folder: Path, count: int, repeats: int) -> None:
    ratios = []
    print("\nseconds of one process and of two, their ratio, load before")
    for k in range(count):
        load = os.getloadavg()[0]
        one = seconds_on(1, folder / f"one-{k}", repeats)
        two = seconds_on(2, folder / f"two-{k}", repeats)
        ratios.append(two / one)
        print(f"{one:6.1f} {two:6.1f} {two / one:6.2f} {load:6.1f}", flush=True)
    print(f"median ratio {np.median(ratios):.2f} (wanted {WANTED})")


def seconds_on(workers: int, store: Path, repeats: int) -> float:
    """Run the suite on some processes, and give the seconds, their start included."""
    started = time.perf_counter()
    run_suite(list(CATALOGUE), METHODS, repeats=repeats, store=store, workers=workers)
    return time.perf_counter() - started


def write_file(path: Path, repeats: int) -> Path:
    lines = {"models": list(CATALOGUE), "methods": list(METHODS), "repeats": repeats}
    path.write_text("".join(f"{key} = {value!r}\n" for key, value in lines.items()))
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20, help="default: %(default)s")
    parser.add_argument("--pairs", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--repeats", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--folder", type=Path, help="where to keep the stores (default: nowhere)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = asked.folder or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        file = write_file(folder / "suite.toml", asked.repeats)
        if asked.kills:
            kills(file, folder, asked.kills)
        if asked.pairs:
            pairs(folder, asked.pairs, asked.repeats)


if __name__ == "__main__":
    main()
