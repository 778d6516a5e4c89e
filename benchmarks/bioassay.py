"""How fast is tripos on the bioassay? Ratios to PyMC, to pymc-extras and to a loop in NumPy.

`make bench` runs this. Seconds differ from machine to machine and from minute to minute, so every
judgement is a median of ratios, each of two jobs done one straight after the other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from measuring import check_peers, judged, timed

DRAWS = 4000
PEER = "fit_laplace"
FIRST_FITS, WARM_FITS, GRIDS = 2, 7, 7
# New deaths for each refit, all of them data with a finite mode under the flat prior.
REFITS = [(a, b, 3, d) for a in (0, 1) for b in (2, 3) for d in (4, 5)]

BOX = {"alpha": (-4.0, 8.0), "beta": (-10.0, 40.0)}
CELLS = (1000, 1000)


# The contenders. Each imports what it needs and returns two functions, `fit(model)` and
# `refit(deaths)`; both return draws of beta, to show that all did the same work.


def tripos(linker: str = "auto") -> tuple[Callable, Callable]:
    from tripos.approximations import LogDensity, laplace

    newest: dict[str, Any] = {}

    def fit(model: Any) -> Any:
        newest["density"] = LogDensity(model, linker=linker)
        return laplace(newest["density"], draws=DRAWS)["posterior/beta"]

    def refit(deaths: tuple[int, ...]) -> Any:
        newest["density"].set_data({"deaths": deaths})
        return laplace(newest["density"], draws=DRAWS)["posterior/beta"]

    return fit, refit


def find_map_and_hessian() -> tuple[Callable, Callable]:
    import pymc as pm

    rng = np.random.default_rng()

    def fit(model: Any) -> Any:
        point = pm.find_MAP(model=model, progressbar=False)
        precision = -pm.find_hessian(point, model=model, negate_output=False)
        mode = [point[value.name] for value in model.continuous_value_vars]
        return rng.multivariate_normal(mode, np.linalg.inv(precision), DRAWS)[:, 1]

    return fit, _with_a_new_model(fit)


def fit_laplace() -> tuple[Callable, Callable]:
    import pymc_extras as pmx

    def fit(model: Any) -> Any:
        return pmx.fit_laplace(model=model, draws=DRAWS, progressbar=False)["posterior/beta"]

    return fit, _with_a_new_model(fit)


def _with_a_new_model(fit: Callable) -> Callable:
    from tripos.models import bioassay

    return lambda deaths: fit(bioassay(deaths=deaths))


CONTENDERS = {
    "tripos": tripos,
    "tripos, linker=numba": partial(tripos, linker="numba"),
    "find_MAP + find_hessian": find_map_and_hessian,
    PEER: fit_laplace,
}


# A contender runs in a process of its own with an empty compile folder. It answers each line that
# it is sent (null: fit the book's data; a list: refit to these deaths) with seconds and a mean.


def serve(name: str) -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever else prints must not disturb
    started = time.perf_counter()
    fit, refit = CONTENDERS[name]()
    from tripos.models import bioassay

    print(json.dumps(time.perf_counter() - started), file=answers, flush=True)
    for line in sys.stdin:
        deaths = json.loads(line)
        work = partial(fit, bioassay()) if deaths is None else partial(refit, tuple(deaths))
        seconds, beta = timed(work)
        print(json.dumps((seconds, float(np.mean(np.asarray(beta))))), file=answers, flush=True)


class Server:
    """A contender's process."""

    def __init__(self, name: str, folder: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTENSOR_FLAGS": f"base_compiledir={folder}"},
        )
        self.seconds_importing = json.loads(self.process.stdout.readline())

    def run(self, deaths: tuple[int, ...] | None = None) -> tuple[float, float]:
        """Seconds of one fit or refit, and the mean of beta that it found."""
        print(json.dumps(deaths), file=self.process.stdin, flush=True)
        return tuple(json.loads(self.process.stdout.readline()))


@contextmanager
def servers() -> Iterator[dict[str, Server]]:
    """One process a contender; they wait while they are not asked, and end together."""
    with tempfile.TemporaryDirectory() as folder:
        started = {name: Server(name, f"{folder}/{n}") for n, name in enumerate(CONTENDERS)}
        try:
            yield started
        finally:
            for server in started.values():
                server.process.stdin.close()
                server.process.wait()


Seconds = dict[str, list[float]]


def laplace_seconds() -> dict[str, Seconds]:
    """Seconds by stage and contender: every stage goes round the contenders again and again."""
    stages: dict[str, Seconds] = {
        stage: {name: [] for name in CONTENDERS}
        for stage in ("import", "first fit", "import + first fit", "warm fit", "refit")
    }
    for number in range(FIRST_FITS):
        with servers() as asked:
            for name, server in asked.items():
                seconds, _ = server.run()
                stages["import"][name].append(server.seconds_importing)
                stages["first fit"][name].append(seconds)
                stages["import + first fit"][name].append(server.seconds_importing + seconds)
            if number == FIRST_FITS - 1:
                stages["warm fit"] = _rounds(asked, [None] * WARM_FITS)
                stages["refit"] = _rounds(asked, REFITS)
    return stages


def _rounds(asked: dict[str, Server], jobs: list[tuple[int, ...] | None]) -> Seconds:
    seconds: Seconds = {name: [] for name in asked}
    for deaths in jobs:
        means = {}
        for name, server in asked.items():
            elapsed, means[name] = server.run(deaths)
            seconds[name].append(elapsed)
        _check_agreement(means)
    return seconds


def _check_agreement(means: dict[str, float]) -> None:
    # The sd of beta is at most about 6, so two means of 4000 draws differ by 0.13 at one sigma.
    if np.ptp(list(means.values())) > 0.7:
        raise SystemExit(f"The contenders disagree about the mean of beta: {means}.")


# The grid of the book's section 3.7.


def log_density_by_hand(alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Binomial log-likelihood over a mesh: a loop over the doses, all else in whole arrays."""
    from scipy.special import gammaln

    from tripos.models.bioassay import ANIMALS, DEATHS, LOG_DOSES

    a, b = np.meshgrid(alpha, beta, indexing="ij")
    total = np.zeros_like(a)
    for x, n, y in zip(LOG_DOSES, ANIMALS, DEATHS, strict=True):
        eta = a + b * x
        # log(1 + exp(eta)), which exp(eta) alone would overflow; np.logaddexp(0, eta) is slower.
        softplus = np.maximum(eta, 0) + np.log1p(np.exp(-np.abs(eta)))
        total += gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1) + y * eta - n * softplus
    return total


def posterior_by_hand(alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Draws of (alpha, beta, ld50) as the book makes them: beta by column, jitter in the cell."""
    rng = np.random.default_rng()
    log_density = log_density_by_hand(alpha, beta)
    mass = np.exp(log_density - log_density.max())
    chosen = rng.choice(mass.size, size=DRAWS, p=(mass / mass.sum()).ravel())
    i, j = np.unravel_index(chosen, mass.shape)
    jitter = rng.random((2, DRAWS)) - 0.5
    a, b = alpha[i] + jitter[0] * np.ptp(alpha[:2]), beta[j] + jitter[1] * np.ptp(beta[:2])
    return np.column_stack([a, b, -a / b])


def grid_seconds() -> Seconds:
    """Seconds for the log density of all cells, and for a posterior with draws."""
    import warnings

    from tripos.approximations import LogDensity, grid
    from tripos.approximations.rules.box import evaluate_cells, given_box
    from tripos.models import bioassay

    # The book's box cuts off 0.0003 of the mass, and `grid` says so.
    warnings.simplefilter("ignore")
    on_numpy, on_numba = (LogDensity(bioassay(), linker=linker) for linker in ("auto", "numba"))
    box = given_box(on_numpy, BOX)
    centres = box.centres(CELLS)
    jobs = {
        "log density by hand": lambda: log_density_by_hand(*centres),
        "log density by tripos": lambda: evaluate_cells(on_numpy, box, CELLS),
        "log density by tripos, linker=numba": lambda: evaluate_cells(on_numba, box, CELLS),
        "posterior by hand": lambda: posterior_by_hand(*centres),
        "posterior by tripos.grid": lambda: grid(
            bioassay(), DRAWS, bounds=BOX, points=CELLS[0], progressbar=False
        ),
    }
    results = {name: job() for name, job in jobs.items()}  # also compiles
    for name in ("log density by tripos", "log density by tripos, linker=numba"):
        np.testing.assert_allclose(results[name], results["log density by hand"], atol=1e-10)
    seconds: Seconds = {name: [] for name in jobs}
    for _ in range(GRIDS):
        for name, job in jobs.items():
            seconds[name].append(timed(job)[0])
    return seconds


# Tables and judgements.


def ratio(seconds: Seconds, slow: str, fast: str) -> float:
    """How many times faster `fast` was, as the median over pairs."""
    pairs = zip(seconds[slow], seconds[fast], strict=True)
    return float(np.median([one / other for one, other in pairs]))


def print_laplace(stages: dict[str, Seconds]) -> None:
    print(f"\nLaplace approximation, median seconds (in brackets: times faster than {PEER})")
    print(f"{'':25}" + "".join(f"{stage:>20}" for stage in stages))
    for name in CONTENDERS:
        cells = [
            f"{np.median(seconds[name]):.3f} ({ratio(seconds, PEER, name):.2g})"
            for seconds in stages.values()
        ]
        print(f"{name:25}" + "".join(f"{cell:>20}" for cell in cells))


def print_grid(seconds: Seconds) -> None:
    print(f"\nGrid of {CELLS[0]} x {CELLS[1]} cells, medians")
    for name, times in seconds.items():
        hand = f"{name.split(' by ')[0]} by hand"
        cells = np.prod(CELLS) / np.median(times) / 1e6
        speed = f"{cells:6.2f} million cells a second"
        print(f"{name:37}{speed}, {ratio(seconds, hand, name):.2g} times as fast as by hand")


def print_targets(stages: dict[str, Seconds], grids: Seconds) -> None:
    on_numba = "tripos, linker=numba"
    by_hand = "log density by hand"
    targets = [
        (f"first fit, nothing compiled, against {PEER}", stages["first fit"], PEER, "tripos", 5),
        (f"warm fit, a new model, against {PEER}", stages["warm fit"], PEER, "tripos", 1),
        (f"refit to new data, against {PEER}", stages["refit"], PEER, "tripos", 100),
        (f"the same with linker=numba, against {PEER}", stages["refit"], PEER, on_numba, 100),
        ("grid's log density, against by hand", grids, by_hand, "log density by tripos", 1),
    ]
    print("\nTargets")
    for what, seconds, slow, fast, wanted in targets:
        reached = ratio(seconds, slow, fast)
        verdict = judged(reached >= wanted)
        print(f"{what:58} {reached:7.2f} times as fast (wanted {wanted}): {verdict}")


def main() -> None:
    check_peers("run `make bench`")
    stages = laplace_seconds()
    print_laplace(stages)
    grids = grid_seconds()
    print_grid(grids)
    print_targets(stages, grids)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(sys.argv[1])
    else:
        main()
