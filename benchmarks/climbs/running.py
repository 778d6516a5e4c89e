"""Run `fit` and NUTS on a model, and measure them: in this process, or each in one of its own."""

from __future__ import annotations

import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from tripos.approximations import LogDensity, nuts
from tripos.comparisons import fit

from .judging import outside
from .subjects import SUBJECTS, Subject

CHAINS = {"chains": 4, "draws": 1000, "tune": 1000, "progressbar": False}


@dataclass(frozen=True)
class Climb:
    """One call of `fit`.

    Attributes
    ----------
    seed : int
    has_tree, accepted : bool
    method : str
        Of the tree; empty where there is none.
    rungs : list of dict
        What the tree's group ``ladder`` says.
    failure : str
        Class and message of what was raised.
    wrong : list of str
        A sentence for each quantity that is out of tolerance.
    cpu, seconds : float
        Of all threads and children; by the clock.
    """

    seed: int
    has_tree: bool
    accepted: bool
    method: str
    rungs: list[dict[str, Any]]
    failure: str
    wrong: list[str]
    cpu: float
    seconds: float

    @property
    def in_nuts(self) -> bool:
        """Whether NUTS was the last rung."""
        return bool(self.rungs) and self.rungs[-1]["method"] == "nuts"


def cpu_seconds() -> float:
    """CPU seconds of this process so far: all of its threads, and children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def climb(subject: Subject, density: LogDensity, seed: int) -> Climb:
    """Fit a model once, and compare what comes with the truth."""
    cpu, clock = cpu_seconds(), time.perf_counter()
    tree, failure = _fitted(subject, density, seed)
    spent = cpu_seconds() - cpu, time.perf_counter() - clock
    return _climb(subject, seed, tree, failure, spent)


def _fitted(subject: Subject, density: LogDensity, seed: int) -> tuple[xr.DataTree | None, str]:
    try:
        asked = subject.ask or None
        return fit(density, var_names=asked, random_seed=seed, progressbar=False), ""
    except Exception as error:
        # Whatever a model makes fail is a line of the table, with its sentence.
        return getattr(error, "tree", None), f"{type(error).__name__}: {error}"


def _climb(
    subject: Subject, seed: int, tree: xr.DataTree | None, failure: str, spent: tuple[float, float]
) -> Climb:
    if tree is None:
        return Climb(seed, False, False, "", [], failure, [], *spent)
    accepted = not failure and bool(tree.attrs.get("accepted", 1))
    rungs: list[dict[str, Any]] = []
    if "ladder" in tree.children:
        record = tree["ladder"].to_dataset()
        columns = {name: record[name].values.tolist() for name in record.data_vars}
        rungs = [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]
    wrong = outside(tree, subject.truth())
    return Climb(seed, True, accepted, tree.attrs["method"], rungs, failure, wrong, *spent)


def warm(subject: Subject, seeds: int, *, with_nuts: bool) -> tuple[list[Climb], list[float], int]:
    """Fit one density again and again, and sample it twice by NUTS alone.

    Returns
    -------
    climbs : list of Climb
        The first has compiled what the others use.
    nuts : list of float
        CPU seconds of two runs of NUTS; empty without them, or where it failed.
    size : int
        Number of parameters.
    """
    density = LogDensity(subject.build())
    climbs = [climb(subject, density, seed) for seed in range(1 + seeds)]
    sampled = [_sampled(density.model, seed) for seed in range(2)] if with_nuts else []
    size = density.size
    del density
    gc.collect()
    return climbs, [cpu for cpu in sampled if cpu is not None], size


def _sampled(model: Any, seed: int) -> float | None:
    started = cpu_seconds()
    try:
        nuts(model, random_seed=seed, **CHAINS)
    except Exception as error:
        print(f"  NUTS alone failed: {type(error).__name__}: {error}", flush=True)
        return None
    return cpu_seconds() - started


def cold(key: str, *, with_nuts: bool) -> tuple[Climb, float | None]:
    """Fit a model, and sample it, each in a new process that has nothing compiled yet.

    The CPU seconds are those of the whole process until the answer is there, imports included.
    """
    found = _in_child("fit", key)
    sampled = _in_child("nuts", key)["cpu"] if with_nuts else None
    return Climb(**found), sampled


def _in_child(what: str, key: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        kept = os.environ.get("PYTENSOR_FLAGS", "").split(",")
        flags = [flag for flag in kept if flag and not flag.startswith("base_compiledir")]
        flags.append(f"base_compiledir={folder}")
        script = Path(__file__).parents[1] / "ladder.py"
        done = subprocess.run(
            [sys.executable, str(script), "--child", what, key],
            env=os.environ | {"PYTENSOR_FLAGS": ",".join(flags)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return json.loads(done.stdout.splitlines()[-1])


def child(what: str, key: str) -> None:
    """Do one of the two, and print what `cold` reads."""
    subject = SUBJECTS[key]
    work: dict[str, Callable[[], dict[str, Any]]] = {
        "fit": lambda: _whole_process(subject),
        "nuts": lambda: {"cpu": _sampled(subject.build(), 0) and cpu_seconds()},
    }
    print(json.dumps(work[what]()), flush=True)


def _whole_process(subject: Subject) -> dict[str, Any]:
    clock = time.perf_counter()
    tree, failure = _fitted(subject, LogDensity(subject.build()), 0)
    return asdict(_climb(subject, 0, tree, failure, (cpu_seconds(), time.perf_counter() - clock)))
