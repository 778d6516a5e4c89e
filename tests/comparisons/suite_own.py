"""Models and methods of a user's own, for the tests of suites: quick, slow, greedy and broken."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pymc as pm
import xarray as xr


def one(mean=0.0):
    with pm.Model() as model:
        pm.Normal("x", mean, 1.0)
    return model


def two():
    with pm.Model() as model:
        pm.Normal("y", 0.0, 1.0, shape=2)
    return model


def normal(model, random_seed, draws=60, shift=0.0):
    """Draw from the prior: exact, and done in a millisecond."""
    rng = np.random.default_rng(random_seed)
    names = {v.name: v.type.ndim for v in model.free_RVs}
    shapes = {name: (1, draws, *(2,) * ndim) for name, ndim in names.items()}
    dims = {name: ("chain", "draw", *("k",) * ndim) for name, ndim in names.items()}
    values = {n: (dims[n], shift + rng.standard_normal(shapes[n])) for n in names}
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(values)})
    tree.attrs = {"independent_draws": 1, "evaluations_value": draws}
    if log := os.environ.get("SUITE_LOG"):
        with Path(log).open("a") as file:
            file.write(f"{os.getpid()} {random_seed}\n")
    return tree


def paused(model, random_seed):
    """Pause where a test wants to come in between."""
    time.sleep(float(os.environ.get("SUITE_PAUSE", "0")))
    return normal(model, random_seed)


def pinned(model, random_seed):
    assert os.environ["OMP_NUM_THREADS"] == os.environ["NUMBA_NUM_THREADS"] == "1"
    return normal(model, random_seed)


def fails(model):
    raise ValueError("it cannot be done")


def fails_once(model, random_seed):
    mark = Path(os.environ["SUITE_MARK"])
    if not mark.exists():
        mark.write_text("tried")
        raise RuntimeError("not yet")
    return normal(model, random_seed)


def nothing(model):
    return 3


def sleeps(model):
    if log := os.environ.get("SUITE_LOG"):
        Path(log).write_text(str(os.getpid()))
    time.sleep(600)


def hungry(model):
    held = []
    while True:
        held.append(np.ones(20_000_000))
        time.sleep(0.05)


def dies(model):
    print("goodbye", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def dies_once(model, random_seed):
    mark = Path(os.environ["SUITE_MARK"])
    if not mark.exists():
        mark.write_text("tried")
        dies(model)
    return normal(model, random_seed)
