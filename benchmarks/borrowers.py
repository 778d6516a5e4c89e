"""How fast is a nested Laplace approximation of `borrowers`? Ratios to a solver for it alone.

`python benchmarks/borrowers.py` runs this in an environment with the peers. Three peers: a solver
written in NumPy for this very model, TMB where R has it, and `pymc_extras.fit_laplace` from an
empty compile cache. Every contender runs in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from measuring import check_peers, judged, timed

SIZES = (100, 1_000, 10_000, 100_000)
FITS = 5
FIRST = 1_000
DRAWS = 200
PEER = "fit_laplace"
# TMB 1.9.2 on a machine with two cores: optimise and report sds, C++ compilation not counted.
TMB_SECONDS = dict(zip(SIZES, (0.06, 0.4, 5.9, 43.6), strict=True))
MOST_MEMORY = 2.0  # GiB

PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Answer:
    """What a contender says of one fit.

    Attributes
    ----------
    seconds : float
        With all the sds; without simulating the data and without draws.
    outer, outer_sd : list of float
        Intercept, slopes and log sigma.
    sd : list of float
        Of the first five effects, the uncertainty of the outer parameters included.
    memory : float
        GiB, the most that the process has held.
    """

    seconds: float
    outer: list[float]
    outer_sd: list[float]
    sd: list[float]
    memory: float


def _answer(seconds: float, outer: Any, outer_sd: Any, sd: Any) -> Answer:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    lists = ([float(x) for x in values] for values in (outer, outer_sd, sd))
    return Answer(seconds, *lists, memory)


# The contenders. Each imports what it needs and returns a function of the number of groups.


def by_hand() -> Callable[[int], Answer]:
    from peers.borrowers_by_hand import problem_of, solve

    from tripos.models.borrowers import simulated_borrowers

    def fit(groups: int) -> Answer:
        data = simulated_borrowers(groups)
        seconds, found = timed(lambda: solve(problem_of(data)))
        return _answer(seconds, found.outer, np.sqrt(np.diag(found.covariance)), found.sd[:5])

    return fit


def nested(linker: str = "auto") -> Callable[[int], Answer]:
    from tripos.approximations import LogDensity
    from tripos.approximations.nested_laplace import nested_laplace
    from tripos.models import borrowers

    densities: dict[int, LogDensity] = {}

    def fit(groups: int) -> Answer:
        # The first fit of a size pays for its model and for compiling, the later ones do not.
        model = None if groups in densities else borrowers(groups)
        started = time.perf_counter()
        if model is not None:
            densities[groups] = LogDensity(model, linker=linker)
        tree = nested_laplace(densities[groups], draws=DRAWS, random_seed=1)
        # TMB makes no draws, so those are left out.
        seconds = time.perf_counter() - started - tree.attrs["seconds_draw"]
        return _answer(seconds, *_estimates(tree))

    return fit


def _estimates(tree: Any) -> tuple[Any, Any, Any]:
    """Outer mode and sds, in the order of the solver by hand, and the first effects' sds."""
    fit = tree["fit"]
    outer = ["intercept", *(f"slopes[{k}]" for k in range(3)), "sigma_log__"]
    effects = [f"effect[{j}]" for j in range(5)]
    covariance = fit["outer_covariance"].sel(outer=outer, outer_bis=outer)
    outer_sd = np.sqrt(np.diag(covariance))
    return fit["mode"].sel(parameter=outer), outer_sd, fit["sd"].sel(parameter=effects)


def fit_laplace() -> Callable[[int], Answer]:
    import pymc_extras as pmx

    from tripos.models import borrowers

    def fit(groups: int) -> Answer:
        # Of the centred model's joint density there is no mode to find.
        model = borrowers(groups, centred=False)
        fit_of_peer = partial(pmx.fit_laplace, model=model, draws=DRAWS, progressbar=False)
        seconds, tree = timed(fit_of_peer)
        posterior = tree["posterior"]
        slopes = posterior["slopes"].values.reshape(-1, 3)
        scalars = [posterior["intercept"], *slopes.T, np.log(posterior["sigma"])]
        outer = np.column_stack([np.ravel(draws) for draws in scalars])
        effects = posterior["effect"].values.reshape(len(outer), -1)[:, :5]
        return _answer(seconds, outer.mean(axis=0), outer.std(axis=0), effects.std(axis=0))

    return fit


CONTENDERS = {
    "by hand": by_hand,
    "nested_laplace": nested,
    "nested_laplace on Numba": partial(nested, linker="numba"),
    PEER: fit_laplace,
}


# A contender in a process of its own, with an empty compile folder: it answers every number of
# groups that it is sent.


def serve(name: str) -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever else prints must not disturb
    fit = CONTENDERS[name]()
    for line in sys.stdin:
        print(json.dumps(asdict(fit(int(line)))), file=answers, flush=True)
        # A DataTree knows its groups and these know it, so the next fit would come on top of it.
        gc.collect()


def ask(name: str, sizes: list[int], folder: str) -> list[Answer]:
    """Answers of one process, in turn; what it compiles goes to ``folder``."""
    settings = {"PYTHONWARNINGS": "ignore", "PYTENSOR_FLAGS": f"base_compiledir={folder}"}
    done = subprocess.run(
        [sys.executable, __file__, name],
        input="".join(f"{groups}\n" for groups in sizes),
        capture_output=True,
        text=True,
        env=os.environ | settings,
    )
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    return [Answer(**json.loads(line)) for line in done.stdout.splitlines()]


def first_answer(name: str, groups: int) -> Answer:
    """The first fit of a process that finds nothing compiled."""
    with tempfile.TemporaryDirectory() as folder:
        return ask(name, [groups], folder)[0]


def ask_tmb(groups: int) -> Answer:
    """Let R fit the same data with TMB."""
    from peers.borrowers_by_hand import problem_of

    from tripos.models.borrowers import simulated_borrowers

    problem = problem_of(simulated_borrowers(groups))
    with tempfile.TemporaryDirectory() as folder:
        template, data = Path(folder) / "borrowers.cpp", Path(folder) / "data.csv"
        shutil.copy(PEERS / "borrowers.cpp", template)
        columns = [problem.trials, problem.defaults, *problem.predictors.T]
        names = ["trials", "defaults", *(f"x{k}" for k in range(len(columns) - 2))]
        np.savetxt(
            data, np.column_stack(columns), "%.17g", ",", header=",".join(names), comments=""
        )
        sds = ",".join(map(str, problem.prior_sd))
        command = ["Rscript", str(PEERS / "borrowers.R"), str(template), str(data), sds]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    seconds, *lists = ([float(x) for x in line.split(",")] for line in lines[-4:])
    return Answer(seconds[0], *lists, memory=np.nan)


def has_tmb() -> bool:
    if shutil.which("Rscript") is None:
        return False
    return not subprocess.run(["Rscript", "-e", "library(TMB)"], capture_output=True).returncode


# Tables and judgements.


def agreement(one: Answer, other: Answer) -> float:
    """Largest difference of outer modes in sds, or relative one of outer sds."""
    sds = np.array(other.outer_sd)
    differences = [(np.array(one.outer) - other.outer) / sds, np.array(one.outer_sd) / sds - 1]
    return float(np.max(np.abs(np.concatenate(differences))))


def effects_apart(one: Answer, other: Answer) -> float:
    """Largest relative difference of the effects' sds: by hand they are of first order only."""
    return float(np.max(np.abs(np.array(one.sd) / other.sd - 1)))


def warm_answers(name: str) -> dict[int, list[Answer]]:
    """Several fits of each size by a process of its own, after another one has compiled."""
    answers = {}
    for groups in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            ask(name, [groups], folder)
            answers[groups] = ask(name, [groups] * (FITS + 1), folder)[1:]
    return answers


def seconds_of(answers: list[Answer]) -> float:
    return float(np.median([answer.seconds for answer in answers]))


def print_by_hand(answers: dict[int, list[Answer]]) -> None:
    print("\nA solver by hand: mode (and sd) of the outer parameters")
    print(f"{'groups':>8}{'seconds':>9}  intercept, slopes, log sigma")
    for groups, (first, *_) in answers.items():
        pairs = zip(first.outer, first.outer_sd, strict=True)
        numbers = "  ".join(f"{mode:.5f} ({sd:.5f})" for mode, sd in pairs)
        print(f"{groups:8}{seconds_of(answers[groups]):9.4f}  {numbers}")


def print_tmb(hand: dict[int, list[Answer]]) -> dict[int, float]:
    if not has_tmb():
        measured = ", ".join(f"{seconds}" for seconds in TMB_SECONDS.values())
        print(f"\nTMB: not installed here; measured elsewhere {measured} s")
        return TMB_SECONDS
    answers = {groups: ask_tmb(groups) for groups in SIZES}
    print("\nTMB: " + ", ".join(f"{answer.seconds:.3g}" for answer in answers.values()) + " s")
    apart = [agreement(answer, hand[groups][0]) for groups, answer in answers.items()]
    print("its differences to the solver by hand, in sds: " + ", ".join(f"{x:.1e}" for x in apart))
    return {groups: answer.seconds for groups, answer in answers.items()}


def print_nested(
    nested: dict[int, list[Answer]], hand: dict[int, list[Answer]], tmb: dict[int, float]
) -> None:
    print("\nnested_laplace on Numba, warm: seconds and their ratios (above 1: slower), and")
    print("differences to the solver by hand, in sds (outer) and relative (sds of effects)")
    heads = ("groups", "seconds", "to hand", "to TMB", "GiB", "outer", "effects")
    print("".join(f"{head:>10}" for head in heads))
    for groups in SIZES:
        seconds, last, known = seconds_of(nested[groups]), nested[groups][-1], hand[groups][0]
        ratios = f"{seconds / seconds_of(hand[groups]):10.1f}{seconds / tmb[groups]:10.3f}"
        apart = f"{agreement(last, known):10.1e}{effects_apart(last, known):10.1e}"
        print(f"{groups:10}{seconds:10.3f}{ratios}{last.memory:10.2f}{apart}")


def print_targets(nested: dict[int, list[Answer]], tmb: dict[int, float], hand: Any) -> None:
    largest, middle = SIZES[-1], SIZES[1]
    seconds = {groups: seconds_of(nested[groups]) for groups in SIZES}
    growth = largest * np.log(largest) / (middle * np.log(middle))
    first, peer = first_answer("nested_laplace", FIRST), first_answer(PEER, FIRST)
    worst = max(agreement(nested[groups][-1], hand[groups][0]) for groups in SIZES)
    targets = [
        (f"{largest} groups, share of TMB's seconds", seconds[largest] / tmb[largest], 1 / 5),
        (f"{largest} groups, GiB", nested[largest][-1].memory, MOST_MEMORY),
        (f"growth from {middle} to {largest}", seconds[largest] / seconds[middle], growth),
        ("largest difference to the solver by hand, in sds", worst, 1e-3),
        (f"first fit, share of {PEER}'s seconds", first.seconds / peer.seconds, 1 / 3),
    ]
    print(f"\nTargets (first fit of {FIRST}: {first.seconds:.2f} s, {PEER} {peer.seconds:.2f} s)")
    for what, reached, wanted in targets:
        print(f"{what:52} {reached:9.4f} (at most {wanted:.4g}): {judged(reached <= wanted)}")


def main() -> None:
    check_peers("run it with .venv-bench/bin/python")
    hand = warm_answers("by hand")
    print_by_hand(hand)
    tmb = print_tmb(hand)
    warm = warm_answers("nested_laplace on Numba")
    print_nested(warm, hand, tmb)
    print_targets(warm, tmb, hand)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(sys.argv[1])
    else:
        main()
