"""Does mean +- 2 standard errors hold the mean? Every method that draws, many seeds.

`python benchmarks/coverage_of_means.py` fits three posteriors (near normal, skewed, and one so far
from every proposal that importance weights are heavy) with each method and 200 seeds. It counts how
often the mean, with twice its standard error, holds the mean of what the draws are draws of: of
the posterior, where a method is exact but for Monte Carlo error, and of the approximation itself
where it is none. It should be between 0.88 and 0.99. A grid and a quadrature tell the mean and the
error of their rule, which is no Monte Carlo error: for them the draws that they bring are counted.
Chains that their own diagnostics refuse (R-hat, effective sizes, energy) are left out, and how many
these were is told.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import xarray as xr

from tripos.approximations import METHODS, LogDensity
from tripos.approximations.errors import UntrustedWeightsWarning
from tripos.approximations.linear_algebra.gaussian import Gaussian
from tripos.approximations.result import Record
from tripos.approximations.trust import chain_signs
from tripos.approximations.variational.fitted import normal_tree
from tripos.comparisons.monte_carlo import samples_of

LEAST, MOST = 0.88, 0.99
DRAWS = 1000


def near_normal() -> pm.Model:
    """Counts large enough for the logs of their rates to be nearly normal."""
    with pm.Model() as model:
        level = pm.Normal("level", 4, 1)
        latent = pm.Normal("latent", level, 0.3, shape=2)
        pm.Poisson("y", pm.math.exp(latent), observed=[40, 70])
    return model


def skewed() -> pm.Model:
    """Two small groups whose spread is unknown."""
    with pm.Model() as model:
        spread = pm.HalfNormal("spread", 1)
        latent = pm.Normal("latent", 0, 1, shape=2)
        pm.Normal("y", spread * latent, 1, observed=[1.5, -0.5])
    return model


def heavy() -> pm.Model:
    """The spread decides over the effects by orders of magnitude: a funnel that data hardly see."""
    with pm.Model() as model:
        spread = pm.LogNormal("spread", 0, 1.5)
        latent = pm.Normal("latent", 0, 1, shape=2)
        pm.Normal("y", spread * latent, 1, observed=[2.0, -1.0])
    return model


MODELS: dict[str, Callable[[], pm.Model]] = {
    "near normal": near_normal,
    "skewed": skewed,
    "heavy": heavy,
}


@dataclass(frozen=True)
class Contender:
    """A method, and whether its draws, as it corrects them, are the posterior's."""

    fit: Callable[[LogDensity, int], xr.DataTree]
    is_exact: bool = False


def of(name: str, *, is_exact: bool = False, **options: Any) -> Contender:
    def fit(density: LogDensity, seed: int) -> xr.DataTree:
        return METHODS[name](density, random_seed=seed, **options)

    return Contender(fit, is_exact)


nested = partial(of, "nested_laplace", draws=DRAWS, latent=["latent"])


class Nuts:
    """Chains of nutpie, compiled once."""

    def __init__(self) -> None:
        self.compiled: dict[int, Any] = {}

    def __call__(self, density: LogDensity, seed: int) -> xr.DataTree:
        if id(density) not in self.compiled:
            self.compiled[id(density)] = nutpie.compile_pymc_model(density.model)
        # The heavy one is a funnel, in which longer steps diverge.
        settings = {"draws": 1000, "tune": 1000, "chains": 4, "cores": 1, "target_accept": 0.99}
        quiet = {"progress_bar": False, "save_warmup": False}
        tree = nutpie.sample(self.compiled[id(density)], seed=seed, **settings, **quiet)
        tree.attrs |= {"method": "nuts", "independent_draws": 0}
        return tree


class Redrawn:
    """One fit of ADVI, whose draws are drawn anew for each seed: a fit takes some ten seconds."""

    def __init__(self, name: str) -> None:
        self.name, self.fits = name, {}

    def __call__(self, density: LogDensity, seed: int) -> xr.DataTree:
        if id(density) not in self.fits:
            tree = METHODS[self.name](density, 1, random_seed=1, progressbar=False)
            self.fits[id(density)] = tree["fit"].to_dataset()
        fit = self.fits[id(density)]
        known = fit["covariance"].values if "covariance" in fit else np.diag(fit["sd"].values ** 2)
        normal = Gaussian.from_precision(fit["mean"].values, np.linalg.inv(known))
        rng, record = np.random.default_rng(seed), Record(self.name, {}, seed)
        return normal_tree(density, normal, DRAWS, rng, {}, record)


CONTENDERS: dict[str, Contender] = {
    "laplace": of("laplace", draws=DRAWS),
    "skew_laplace": of("skew_laplace", draws=DRAWS),
    "importance": of("importance", draws=DRAWS, is_exact=True),
    "importance, few pairs": of("importance", draws=4 * DRAWS, pairs=DRAWS // 2, is_exact=True),
    "grid": of("grid", draws=DRAWS, points=61),
    "quadrature": of("quadrature", draws=DRAWS),
    "nested_laplace": nested(),
    "nested, skew": nested(skew=True),
    "nested, weights": nested(weights=True, is_exact=True),
    "nested, skew, weights": nested(skew=True, weights=True, is_exact=True),
    "advi": Contender(Redrawn("advi")),
    "fullrank_advi": Contender(Redrawn("fullrank_advi")),
    "smc": of("smc", draws=500, chains=4, cores=1, progressbar=False, is_exact=True),
    "nuts": Contender(Nuts(), is_exact=True),
}


def told(tree: xr.DataTree) -> dict[str, tuple[float, float]]:
    """Mean and standard error of each quantity, as the draws and the weights behind them say."""
    samples = samples_of(tree)
    return {label: (s.moments[0], s.moments[2]) for label, s in samples.items()}


def own_means(tree: xr.DataTree) -> dict[str, float]:
    """Means of a normal distribution in unconstrained space: of ``spread`` its log is normal."""
    fit = tree["fit"].to_dataset()
    means = {}
    for label in map(str, fit["parameter"].values):
        mean, sd = (float(fit[name].sel(parameter=label)) for name in ("mean", "sd"))
        name = label.removesuffix("_log__")
        means[name] = mean if name == label else float(np.exp(mean + sd**2 / 2))
    return means


def coverage(
    contender: Contender, density: LogDensity, truth: Mapping[str, float], seeds: int, name: str
) -> tuple[dict[str, float], float]:
    """Share of seeds whose interval holds the mean, by quantity, and of seeds left out."""
    rows, centres, refused = [], [], 0
    for seed in range(seeds):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UntrustedWeightsWarning)
            tree = contender.fit(density, seed)
        if not tree.attrs["independent_draws"] and chain_signs(tree).broken:
            refused += 1
            continue
        rows.append(told(tree))
        # Known in closed form, as the log of `spread` is normal.
        centres.append(own_means(tree) if "advi" in name else {})
    shares = {}
    for label in rows[0] if rows else ():
        means, errors = np.transpose([row[label] for row in rows])
        own = [centre.get(label, np.nan) for centre in centres]
        middle = own if "advi" in name else truth[label] if contender.is_exact else means.mean()
        shares[label] = float(np.mean(np.abs(means - middle) < 2 * errors))
    return shares, refused / seeds


def truth_of(density: LogDensity) -> dict[str, float]:
    """Exact means, from the cells of a fine grid."""
    fit = METHODS["grid"](density, points=201, draws=1, progressbar=False)["fit"].to_dataset()
    return dict(zip(map(str, fit["quantity"].values), fit["mean"].values, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--methods", nargs="*", default=list(CONTENDERS), choices=list(CONTENDERS))
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS))
    asked = parser.parse_args()
    reached = True
    for model in asked.models:
        density = LogDensity(MODELS[model]())
        truth = truth_of(density)
        print(f"\n{model}: {', '.join(f'{q} {m:.4f}' for q, m in truth.items())}")
        for name in asked.methods:
            started = time.perf_counter()
            shares, refused = coverage(CONTENDERS[name], density, truth, asked.seeds, name)
            mean = float(np.mean(list(shares.values()))) if shares else np.nan
            good = LEAST <= mean <= MOST
            reached &= good
            each = "  ".join(f"{label} {share:.3f}" for label, share in shares.items())
            seconds = (time.perf_counter() - started) / asked.seeds
            print(
                f"  {name:22} {mean:.3f} {'' if good else 'NOT REACHED':11}  {each}  "
                f"({seconds:.2f} s a fit{f', {refused:.0%} of them refused' if refused else ''})",
                flush=True,
            )
    print(f"\n{'reached' if reached else 'NOT REACHED'}: between {LEAST} and {MOST}")


if __name__ == "__main__":
    main()
