"""Are exact draws accepted, and wrong ones never? Both by the public functions, over many seeds.

`make bench-answers` runs this. The posterior is that of a regression with eight quantities, as of
the mesquite bushes of Gelman, Hill and Vehtari (2020): its weights are equal, and nothing but the
noise of draws speaks against them. Wrong draws are those of a normal that is off by more than the
tolerance: its mean by 0.15 sd, or its sds by 15 %.
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np
import pymc as pm
import xarray as xr
from measuring import judged

from tripos.approximations import LogDensity, importance, laplace
from tripos.comparisons import fit, verdict

# Shift in sds, and width, of wrong draws.
WRONG = ((0.15, 1.0), (-0.15, 1.0), (0.0, 1.15), (0.0, 0.85))


def regression() -> pm.Model:
    """46 bushes: the log of a weight on seven correlated predictors, with a known scale."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(46, 7)) + rng.normal(size=(46, 1))
    y = 1.0 + x @ rng.normal(0, 0.5, size=7) + rng.normal(0, 0.3, size=46)
    with pm.Model() as model:
        intercept, slope = pm.Normal("intercept", 0, 10), pm.Normal("slope", 0, 10, shape=7)
        pm.Normal("log_weight", intercept + pm.math.dot(x, slope), 0.3, observed=y)
    return model


def wrong(right: xr.DataTree, shift: float, width: float, seed: int) -> xr.DataTree:
    """Draws of a normal that is off in all quantities, as any method might have made them."""
    tree, rng = right.copy(deep=True), np.random.default_rng(seed)
    posterior = right["posterior"].to_dataset()
    moved = {}
    for name, values in posterior.items():
        mean, sd = (f(("chain", "draw")) for f in (values.mean, values.std))
        draws = values.copy(data=rng.standard_normal(values.shape))
        moved[name] = mean + sd * (shift + width * draws)
    tree["posterior"] = xr.DataTree(xr.Dataset(moved).transpose("chain", "draw", ...))
    tree.attrs["method"] = ("laplace", "importance", "nuts", "another")[seed % 4]
    return tree


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200, help="default: %(default)s")
    parser.add_argument("--wrong", type=int, default=2000, help="default: %(default)s")
    asked = parser.parse_args()
    density = LogDensity(regression())
    accepted: Counter[str] = Counter()
    for seed in range(asked.seeds):
        tree = importance(density, random_seed=seed)
        accepted["verdict"] += verdict(tree, density, random_seed=10_000 + seed).agrees
        climbed = fit(density, methods=["importance"], random_seed=seed, progressbar=False)
        accepted["fit"] += climbed.attrs["accepted"]
    for name, count in accepted.items():
        reached = judged(count >= 0.99 * asked.seeds)
        print(f"exact draws accepted by {name}: {count} of {asked.seeds} (wanted 99 %): {reached}")
    right, falsely = laplace(density, random_seed=1), 0
    for seed in range(asked.wrong):
        shift, width = WRONG[seed // 4 % len(WRONG)]
        falsely += verdict(wrong(right, shift, width, seed), density, random_seed=seed).agrees
    print(f"wrong draws accepted: {falsely} of {asked.wrong} (wanted 0): {judged(falsely == 0)}")


if __name__ == "__main__":
    main()
