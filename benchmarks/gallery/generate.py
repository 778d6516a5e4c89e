"""Compute the truth of the gallery: ``python -m gallery.generate [--only NAME ...]``.

Run it in ``benchmarks/``. Each model has a file of its own, written when it is done; those that are
there already are left alone, unless they are named.
"""

from __future__ import annotations

import argparse
import platform
import time
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import numpy as np
from posteriors.generate import PACKAGES
from posteriors.sampling import Run, compiled, known_from, run
from posteriors.truth import known_to_json

from . import CANDIDATES, Entry
from .truth import LEAST_ESS, has_truth, is_sound, write_truth

FEWEST, MOST = 5_000, 60_000  # draws a chain
WANTED_ESS = 2 * LEAST_ESS
MOST_SECONDS = 600.0
_SEED = 20_260_101


def truth_of(entry: Entry) -> dict[str, Any]:
    """Truth of one model, by a long run of NUTS."""
    program, seconds_compile = compiled((entry.sampled or entry.build)())
    longest = _long_run(program, entry)
    draws = relabelled(longest.draws, entry)
    diagnostics = longest.diagnostics() if not entry.exchangeable else _of(longest, draws)
    return {
        "how": "nuts",
        "diagnostics": diagnostics | {"target_accept": entry.target_accept},
        "reference": {"seconds_compile": round(seconds_compile, 1)},
        "versions": {"python": platform.python_version()} | {n: version(n) for n in PACKAGES[:4]},
        "quantities": {
            label: known_to_json(known_from(x, has_mean=True)) for label, x in draws.items()
        },
    }


def _long_run(program: Any, entry: Entry) -> Run:
    """Sample until the effective size is what is wanted, or the time is up."""
    settings, seed, draws = {"target_accept": entry.target_accept}, 2, FEWEST
    while True:
        longest = run(program, entry, draws, seed=seed, **settings)
        ess = _of(longest, relabelled(longest.draws, entry))["ess"]
        more = int(np.clip(1.3 * draws * WANTED_ESS / max(ess, 1), FEWEST, MOST))
        too_long = longest.seconds * more / draws > MOST_SECONDS
        if ess >= WANTED_ESS or draws == MOST or too_long:
            return longest
        draws, seed = more, seed + 1


def relabelled(draws: dict[str, np.ndarray], entry: Entry) -> dict[str, np.ndarray]:
    """Permute exchangeable components at random, draw by draw.

    The random permutation sampler (Frühwirth-Schnatter 2001): what relabels a posterior without a
    change turns draws from one of its modes into draws from all.
    """
    families = [[q for q in draws if q.startswith(f"{v}[")] for v in entry.exchangeable]
    if not families:
        return draws
    rng, shape = np.random.default_rng(_SEED), next(iter(draws.values())).shape
    order = rng.random((*shape, len(families[0]))).argsort(axis=-1)
    relabelled = dict(draws)
    for family in families:
        together = np.stack([draws[label] for label in family], axis=-1)
        together = np.take_along_axis(together, order, axis=-1)
        relabelled |= {label: together[..., k] for k, label in enumerate(family)}
    return relabelled


def _of(longest: Run, draws: dict[str, np.ndarray]) -> dict[str, Any]:
    """Diagnostics of a run whose draws were relabelled."""
    return Run(draws, longest.divergences, longest.seconds).diagnostics()


def wanted(only: list[str] | None) -> Iterator[Entry]:
    """The models that are named, or that have no truth yet."""
    for name, entry in CANDIDATES.items():
        if name in only if only else not has_truth(name):
            yield entry


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(CANDIDATES), metavar="NAME")
    for entry in wanted(parser.parse_args().only):
        started = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            found = truth_of(entry)
        sound = is_sound(found["diagnostics"])
        if sound:
            write_truth(entry.name, found)
        verdict = "" if sound else "NOT SOUND, not written"
        seconds = time.perf_counter() - started
        print(f"{entry.name:30s} {seconds:6.1f} s  {found['diagnostics']} {verdict}", flush=True)


if __name__ == "__main__":
    main()
