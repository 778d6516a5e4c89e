"""The grid against the same by hand in NumPy: cells a second, as a whole and of the log density.

`make bench` runs this. The bioassay of *Bayesian Data Analysis*, section 3.7, on 1000 x 1000 cells.
By hand, the box is known beforehand, and the quantities are those that the book computes: log
density, marginals, means and sds, evidence, 4000 draws and their LD50. `grid` finds the box,
and tells the quantiles, tails and errors of all quantities, too. Both are run in turns, on one
thread.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import sys
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
from measuring import judged, timed
from scipy.special import binom

from tripos.approximations import LogDensity, grid
from tripos.approximations.density.graphs.compiling import Linker
from tripos.models.bioassay import ANIMALS, DEATHS, LOG_DOSES, bioassay

_POINTS, _DRAWS = 1000, 4000
# Rows of cells in a chunk: what the fastest of several sizes was, one that fits a cache.
_ROWS = 16
# To reach: cells a second, over those by hand.
_SHARE = 0.8


def log_density_by_hand(alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Log density at all pairs of ``alpha`` (n,) and ``beta`` (m,): (n, m)."""
    log_density = np.empty((len(alpha), len(beta)))
    for first in range(0, len(alpha), _ROWS):
        rows, part = alpha[first : first + _ROWS, None], log_density[first : first + _ROWS]
        part[...] = 0.0
        for dose, animals, deaths in zip(LOG_DOSES, ANIMALS, DEATHS, strict=True):
            logit = rows + dose * beta
            part += deaths * logit - animals * np.log1p(np.exp(logit))
    return log_density


def grid_by_hand(alpha: np.ndarray, beta: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    """Compute the posterior on a grid, as the book does."""
    log_density = log_density_by_hand(alpha, beta)
    top = log_density.max()
    weights = np.exp(log_density - top)
    total = weights.sum()
    weights /= total
    steps = (alpha[1] - alpha[0]) * (beta[1] - beta[0])
    fit: dict[str, Any] = {"log_evidence": top + np.log(total * steps)}
    for name, axis, values in (("alpha", 1, alpha), ("beta", 0, beta)):
        marginal = weights.sum(axis=axis)
        mean = marginal @ values
        fit[name] = (marginal, mean, np.sqrt(marginal @ (values - mean) ** 2))
    chosen = rng.choice(weights.size, size=_DRAWS, p=weights.ravel())
    draws = np.stack([alpha[chosen // len(beta)], beta[chosen % len(beta)]])
    draws += (rng.random(draws.shape) - 0.5) * [[alpha[1] - alpha[0]], [beta[1] - beta[0]]]
    fit["ld50"] = np.quantile(-draws[0] / draws[1], (0.025, 0.25, 0.5, 0.75, 0.975))
    return fit


def in_turns(
    ours: Callable[[], Any], by_hand: Callable[[], Any], turns: int
) -> tuple[float, float, float]:
    """Median seconds of both, and of the ratio by hand over ours, in the order ABBA."""
    pairs = []
    for turn in range(turns):
        order = (ours, by_hand) if turn % 2 == 0 else (by_hand, ours)
        seconds = {work: timed(work)[0] for work in order}
        pairs.append((seconds[ours], seconds[by_hand]))
    mine, theirs = np.array(pairs).T
    return float(np.median(mine)), float(np.median(theirs)), float(np.median(theirs / mine))


def works_of(density: LogDensity) -> dict[str, tuple[Callable[[], Any], Callable[[], Any]]]:
    """What is compared, ours and by hand, on the cells of the box that `grid` finds."""
    fit = grid(density, points=_POINTS, progressbar=False)["fit"]
    alpha, beta = fit["axis_0"].values, fit["axis_1"].values
    apart = log_density_by_hand(alpha, beta) + _constant() - fit["log_density"].values
    np.testing.assert_allclose(apart, 0.0, atol=1e-9)
    thetas = np.stack(np.meshgrid(alpha, beta, indexing="ij")).reshape(2, -1).T
    rng = np.random.default_rng(1)
    return {
        "log density": (
            lambda: density.batched_value(thetas),
            lambda: log_density_by_hand(alpha, beta),
        ),
        "whole": (
            lambda: grid(density, _DRAWS, points=_POINTS, random_seed=1, progressbar=False),
            lambda: grid_by_hand(alpha, beta, rng),
        ),
    }


def main(turns: int = 41) -> None:
    print(f"\nThe bioassay on {_POINTS} x {_POINTS} cells: million cells a second")
    print(f"{'linker':8}{'work':14}{'tripos':>9}{'by hand':>9}{'ratio':>8}")
    for linker in (name for name in get_args(Linker) if name != "auto"):
        density = LogDensity(bioassay(), linker=linker)
        for name, (ours, by_hand) in works_of(density).items():
            mine, theirs, ratio = in_turns(ours, by_hand, turns)
            cells = _POINTS**2 / 1e6
            print(
                f"{linker:8}{name:14}{cells / mine:9.1f}{cells / theirs:9.1f}{ratio:8.2f}"
                f"  to reach {_SHARE}: {judged(ratio >= _SHARE)}",
                flush=True,
            )


def _constant() -> float:
    """Log of the binomial coefficients, which the book leaves out."""
    return float(np.sum(np.log(binom(ANIMALS, DEATHS))))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
