"""Why `LogDensity` starts on NumPy and moves to Numba later: what each linker costs, and when.

`make bench` runs this; `--all` adds a model that Numba needs minutes to compile. Each case runs in
a process of its own: NumPy, Numba with an empty compile folder, and Numba once more with the folder
that the process before it has filled.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
from measuring import timed

from tripos.approximations import LogDensity
from tripos.models import bioassay, eight_schools

# Seconds for which calls are repeated, and the most of them.
_PATIENCE, _MOST_CALLS = 1.0, 2000


def hierarchical_logistic() -> pm.Model:
    """50 groups, 1000 observations, one slope."""
    rng = np.random.default_rng(1)
    group, x = rng.integers(50, size=1000), rng.normal(size=1000)
    effect = rng.normal(-1.0, 0.7, size=50)
    y = rng.random(1000) < 1 / (1 + np.exp(-effect[group] - 0.5 * x))
    with pm.Model() as model:
        mu, slope = pm.Normal("mu", 0, 2), pm.Normal("slope", 0, 2)
        tau = pm.HalfNormal("tau", 1)
        effects = pm.Normal("effects", mu, tau, shape=50)
        pm.Bernoulli("y", logit_p=effects[group] + slope * x, observed=y.astype(int))
    return model


def multivariate_normal() -> pm.Model:
    """100 observations in three dimensions, with an LKJ prior on the Cholesky factor."""
    rng = np.random.default_rng(1)
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 5, shape=3)
        factor, _, _ = pm.LKJCholeskyCov("factor", n=3, eta=2, sd_dist=pm.Exponential.dist(1))
        pm.MvNormal("y", mu, chol=factor, observed=rng.normal(size=(100, 3)))
    return model


QUICK: dict[str, Callable[[], pm.Model]] = {
    "bioassay": bioassay,
    "eight schools": eight_schools,
    "hierarchical logistic": hierarchical_logistic,
}
ALL = {**QUICK, "multivariate normal": multivariate_normal}


def measure(name: str, linker: str) -> None:
    """Print seconds until a value, gradient and Hessian are there, and seconds a call after."""
    model = ALL[name]()
    started = time.perf_counter()
    density = LogDensity(model, linker=linker)
    theta = density.initial_point() + 0.1
    density.value_and_gradient(theta)
    density.hessian(theta)
    ready = time.perf_counter() - started
    calls = {
        "ready": ready,
        "gradient": _seconds_a_call(lambda: density.value_and_gradient(theta)),
        "hessian": _seconds_a_call(lambda: density.hessian(theta)),
    }
    print(json.dumps(calls))


def _seconds_a_call(call: Callable[[], Any]) -> float:
    seconds: list[float] = []
    while sum(seconds) < _PATIENCE and len(seconds) < _MOST_CALLS:
        seconds.append(timed(call)[0])
    return float(np.median(seconds))


def measured(name: str, linker: str, folder: str) -> dict[str, float]:
    """Run `measure` in a process of its own."""
    answer = subprocess.run(
        [sys.executable, __file__, name, linker],
        env={**os.environ, "PYTENSOR_FLAGS": f"base_compiledir={folder}"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout.splitlines()[-1])


def overtakes(numpy: dict[str, float], numba: dict[str, float]) -> str:
    """Calls of value and gradient after which Numba, compiling included, has been faster."""
    gained = numpy["gradient"] - numba["gradient"]
    if gained <= 0:
        return "never"
    return f"{max(0.0, (numba['ready'] - numpy['ready']) / gained):,.0f} calls"


def print_model(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cases = {
            "numpy": measured(name, "numpy", folder),
            "numba, empty folder": measured(name, "numba", folder),
            "numba, warm folder": measured(name, "numba", folder),
        }
    for case, costs in cases.items():
        when = "" if case == "numpy" else overtakes(cases["numpy"], costs)
        print(
            f"{name:23}{case:21}{costs['ready']:10.2f} s{1e6 * costs['gradient']:13,.0f} µs"
            f"{1e6 * costs['hessian']:13,.0f} µs{when:>18}",
            flush=True,
        )


def main() -> None:
    if unknown := set(sys.argv[1:]) - {"--quick", "--all"}:
        raise SystemExit(f"Unknown {sorted(unknown)}: give --quick (the default) or --all.")
    print("\nSeconds until value, gradient and Hessian are there once; microseconds a call after")
    print(
        f"{'model':23}{'linker':21}{'ready':>12}{'value, grad.':>16}{'Hessian':>16}"
        f"{'overtakes NumPy':>18}"
    )
    for name in ALL if "--all" in sys.argv else QUICK:
        print_model(name)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in ALL:
        measure(*sys.argv[1:])
    else:
        main()
