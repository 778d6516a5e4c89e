"""Truth by a long run of nutpie, and the everyday run that a verdict's cost is compared with."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import nutpie
import pymc as pm
from arviz_stats.base import array_stats

from tripos.approximations.scalars.quantities import flatten

from .posterior import Nuts, Posterior
from .truth import PROBABILITIES, Known

CHAINS = 4
WANTED_ESS = 20_000
FEWEST, MOST = 6_000, 80_000  # draws a chain
_WHERE = (0.025, 0.25, 0.5, 0.75, 0.975)


@dataclass(frozen=True)
class Run:
    """Draws of the quantities, and how the sampler fared.

    Attributes
    ----------
    draws : dict of str to (C, S) array
    divergences : int
    seconds : float
        Of tuning and sampling.
    """

    draws: dict[str, np.ndarray]
    divergences: int
    seconds: float

    @property
    def r_hat(self) -> float:
        """Worst rank-normalised R-hat of the quantities."""
        return max(float(array_stats.rhat(x)) for x in self.draws.values())

    @property
    def ess(self) -> float:
        """Smallest bulk effective sample size of the quantities."""
        return min(float(array_stats.ess(x)) for x in self.draws.values())

    def diagnostics(self) -> dict[str, Any]:
        chains, draws = next(iter(self.draws.values())).shape
        return {
            "r_hat": round(self.r_hat, 5),
            "ess": round(self.ess),
            "divergences": self.divergences,
            "chains": chains,
            "draws": draws,
            "seconds": round(self.seconds, 3),
        }


def compiled(model: pm.Model) -> tuple[Any, float]:
    """Compile a model for nutpie, and say how many seconds that took."""
    started = time.perf_counter()
    program = nutpie.compile_pymc_model(model)
    return program, time.perf_counter() - started


def run(program: Any, posterior: Posterior, draws: int, seed: int, **settings: Any) -> Run:
    """Sample on one core; only the quantities that are judged are kept."""
    started = time.perf_counter()
    tree = nutpie.sample(
        program,
        draws=draws,
        tune=1000,
        chains=CHAINS,
        cores=1,
        seed=seed,
        progress_bar=False,
        save_warmup=False,
        **settings,
    )
    seconds = time.perf_counter() - started
    kept = posterior.judged(flatten(tree["posterior"].to_dataset()))
    return Run(kept, int(tree["sample_stats"]["diverging"].sum()), seconds)


def everyday(program: Any, posterior: Posterior, seconds_compile: float) -> dict[str, Any]:
    """An everyday run: 1,000 draws a chain with nutpie's own settings."""
    plain = run(program, posterior, 1000, seed=1)
    return {"seconds_compile": round(seconds_compile, 3), **plain.diagnostics()}


def long_run(program: Any, posterior: Posterior, recipe: Nuts) -> Run:
    """Sample until every quantity has the effective sample size that is wanted."""
    settings = {"target_accept": recipe.target_accept}
    ess = run(program, posterior, 1000, seed=2, **settings).ess
    for seed in (3, 4):
        wanted = int(1.3 * 1000 * WANTED_ESS / ess)
        draws = int(np.clip(wanted, FEWEST, MOST))
        longest = run(program, posterior, draws, seed=seed, **settings)
        if longest.ess >= WANTED_ESS or draws == MOST:
            break
        ess = longest.ess * 1000 / draws
    return longest


def known_from(draws: np.ndarray, *, has_mean: bool) -> Known:
    """Summarise draws (C, S) of one quantity."""
    quantiles = np.quantile(draws, PROBABILITIES)
    ess = min(float(array_stats.ess(draws, method="quantile", prob=p)) for p in _WHERE)
    if not has_mean:
        return Known(np.nan, np.nan, np.nan, np.nan, False, quantiles, ess)
    errors = [float(array_stats.mcse(draws, method=m)) for m in ("mean", "sd")]
    return Known(float(draws.mean()), float(draws.std(ddof=1)), *errors, True, quantiles, ess)
