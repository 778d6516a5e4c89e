"""A posterior updated as data arrive: seconds from new data to a new posterior, part by part.

`python benchmarks/refit.py` runs this; with pymc-extras it also times `fit_laplace`, which needs
a new model each time. Every refit takes the data by `LogDensity.set_data`, which compiles nothing,
and begins its search at the mode that it found last.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from measuring import has_peers, judged, timed

ARRIVALS, WARM_UP = 300, 20
GROUPS, BATCHES = 1000, 12
PEER_FITS = 5

Data = dict[str, np.ndarray]
Parts = dict[str, list[float]]


# Streams.


def bioassay_stream(arrivals: int) -> Iterator[Data]:
    """One animal more at each arrival, at a dose drawn at random."""
    from tripos.models.bioassay import ANIMALS, DEATHS, LOG_DOSES

    rng = np.random.default_rng(1)
    animals, deaths = np.array(ANIMALS), np.array(DEATHS)
    risk = 1 / (1 + np.exp(-(0.8 + 7.7 * np.array(LOG_DOSES))))
    for _ in range(arrivals):
        dose = rng.integers(len(animals))
        animals[dose] += 1
        deaths[dose] += rng.random() < risk[dose]
        yield {"animals": animals.copy(), "deaths": deaths.copy()}


def borrowers_stream(arrivals: int) -> Iterator[Data]:
    """A hundredth of the groups get a borrower more at each arrival."""
    from tripos.models.borrowers import simulated_borrowers

    rng = np.random.default_rng(1)
    data = simulated_borrowers(GROUPS)
    size, defaults = data.borrowers.copy(), data.defaults.copy()
    share = (defaults + 1) / (size + 2)
    for _ in range(arrivals):
        groups = rng.choice(GROUPS, size=GROUPS // 100, replace=False)
        size[groups] += 1
        defaults[groups] += rng.random(len(groups)) < share[groups]
        yield {"borrowers": size.copy(), "defaults": defaults.copy()}


# Refits.


def laplace_refits(density: Any, stream: Iterator[Data]) -> Parts:
    """Seconds of each part of a Laplace refit, an entry an arrival."""
    from tripos.approximations.linear_algebra.gaussian import Gaussian
    from tripos.approximations.mode import find_mode

    def described(mode: Any) -> Any:
        _ = Gaussian.from_precision(mode.theta, -mode.hessian, mode.parameters).sd
        return mode.theta

    parts: Parts = {"set_data": [], "find_mode": [], "Gaussian": [], "whole": []}
    start = find_mode(density).theta
    return _refits(density, stream, parts, start, lambda s: find_mode(density, start=s), described)


def nested_refits(density: Any, stream: Iterator[Data]) -> Parts:
    """Seconds of each part of a nested refit: outer parameters and field, their means and sds."""
    from tripos.approximations.nested.latent_field import latent_field
    from tripos.approximations.nested.outer_mode import outer_mode
    from tripos.approximations.nested.outer_nodes import outer_nodes

    def described(mode: Any) -> Any:
        outer_nodes(mode).moments()
        return mode.conditional.theta

    parts: Parts = {"set_data": [], "outer_mode": [], "outer_nodes": [], "whole": []}
    search = partial(outer_mode, latent_field(density))
    return _refits(density, stream, parts, density.initial_point(), search, described)


def _refits(
    density: Any, stream: Iterator[Data], parts: Parts, start: Any, search: Any, describe: Any
) -> Parts:
    """Time each part for all data: ``describe`` returns where the next search starts."""
    for data in stream:
        new, _ = timed(partial(density.set_data, data))
        searching, mode = timed(partial(search, start))
        describing, start = timed(partial(describe, mode))
        costs = (new, searching, describing, new + searching + describing)
        for name, seconds in zip(parts, costs, strict=True):
            parts[name].append(seconds)
    return parts


def peer_seconds(build: Callable[[], Any]) -> float:
    """Median seconds of `fit_laplace` for a new model, when it has compiled that model before."""
    import pymc_extras as pmx

    seconds = []
    for _ in range(PEER_FITS):
        fit = partial(pmx.fit_laplace, model=build(), draws=100, progressbar=False)
        seconds.append(timed(fit)[0])
    return float(np.median(seconds[1:]))


# What is printed.


def print_parts(title: str, parts: Parts, wanted: float, warm_up: int) -> None:
    print(f"\n{title}: milliseconds (median, and 95 % quantile)")
    for name, seconds in parts.items():
        low, high = 1e3 * np.quantile(seconds[warm_up:], (0.5, 0.95))
        print(f"{name:16}{low:10.3f}{high:10.3f}")
    reached = 1e3 * np.median(parts["whole"][warm_up:])
    print(f"{'':16}{reached:10.3f} (wanted: below {wanted:g}): {judged(reached < wanted)}")


def bioassay_density() -> Any:
    from tripos.approximations import LogDensity
    from tripos.models import bioassay

    return LogDensity(bioassay(), linker="numba")


def profile() -> None:
    """Print where the time of the bioassay's refits goes."""
    density = bioassay_density()
    laplace_refits(density, bioassay_stream(WARM_UP))
    with cProfile.Profile() as profiler:
        laplace_refits(density, bioassay_stream(ARRIVALS))
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def main() -> None:
    from tripos.approximations import LogDensity
    from tripos.models import bioassay, borrowers

    parts = laplace_refits(bioassay_density(), bioassay_stream(ARRIVALS))
    print_parts("Laplace refit of the bioassay, linker=numba", parts, 1.0, WARM_UP)
    density = LogDensity(borrowers(GROUPS), linker="numba")
    parts = nested_refits(density, borrowers_stream(BATCHES))
    print_parts(f"Nested refit of {GROUPS} groups of borrowers", parts, 20.0, 3)
    density = LogDensity(borrowers(GROUPS, centred=False), linker="numba")
    parts = laplace_refits(density, borrowers_stream(BATCHES))
    print_parts(f"Laplace refit of {GROUPS} groups of borrowers, not centred", parts, 20.0, 3)
    if has_peers():
        print(f"\nfit_laplace of the bioassay: {1e3 * peer_seconds(bioassay):.0f} ms")
    else:
        print("\npymc-extras is not installed here, so fit_laplace is not timed.")


if __name__ == "__main__":
    profile() if sys.argv[1:] == ["--profile"] else main()
