"""The skewed Laplace approximation: normal draws, each reflected through the mode or not.

Pozza, Durante and Szabo (2024), Skew-symmetric approximations of posterior distributions, arXiv
2409.14167: if x is drawn from a density symmetric about c, and is replaced by 2 c - x unless a coin
of probability p(x) / (p(x) + p(2 c - x)) says to keep it, the result has the posterior's skewness
at the price of one more log density a draw, and no derivatives.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import xarray as xr

from .arguments import checked_arguments
from .density import LogDensity, as_density
from .laplace import normal_fit
from .linear_algebra.gaussian import Gaussian
from .meter import Meter
from .method import registered
from .mode import find_mode
from .mode.given_start import Start, recorded_start
from .result import Record, assemble, checked_count, generator
from .weights.reflection import reflected
from .weights.support import checked_logp


@registered(
    draws="independent",
    is_exact=False,
    needs=("gradient", "hessian", "mode"),
    rung=1,
    takes_new_data=True,
    look=("#CC79A7", (6.0, 1.5, 1.2, 1.5, 1.2, 1.5), "v"),
)
@checked_arguments
def skew_laplace(
    model: pm.Model | LogDensity | None = None,
    draws: int = 4000,
    *,
    start: Start = None,
    random_seed: int | np.random.Generator | None = None,
    max_iterations: int = 200,
) -> xr.DataTree:
    """Approximate a posterior by normal draws, reflected to match its skewness.

    Exact where the posterior is a skewed version of the normal approximation: where the sum of its
    densities at mirrored points is the normal's. Tails heavier than the normal's are not corrected;
    `importance` does that by weights.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None. Pass a `LogDensity` to fit again without compiling.
    draws : int, default 4000
        Number of independent draws S.
    start : mapping, (P,) array or "find_MAP", optional
        Where the search for the mode starts; see `find_mode`.
    random_seed : int or Generator, optional
    max_iterations : int, default 200
        Limit for the search for the mode.

    Returns
    -------
    DataTree
        As `laplace` returns it, without ``log_evidence``; ``fit`` describes the mode and the normal
        distribution before reflection. ``sample_stats`` has ``lp`` and ``reflected``.

    Raises
    ------
    ModeAtInfinityError, ModeNotFoundError, CurvatureError
        When there is no peak to expand around.
    NonFiniteDensityError
        When the log density is NaN or plus infinity where it matters; see `checked_logp`.
    StartingPointError, DiscreteVariableError, NoFreeVariableError, ArgumentError
    """
    draws = checked_count("draws", draws)
    rng = generator(random_seed)
    density = as_density(model)
    meter = Meter(density)
    mode = find_mode(density, start=start, max_iterations=max_iterations)
    fit = normal_fit(density, mode).drop_vars("log_evidence")
    meter.fitted()

    thetas, logp, is_image = reflected_draws(density, mode.gaussian, draws, rng)
    settings = {"draws": draws, "start": recorded_start(start), "max_iterations": max_iterations}
    tree = assemble(
        density,
        thetas,
        fit,
        Record("skew_laplace", settings, random_seed),
        sample_stats={"lp": logp, "reflected": is_image},
        point=mode.theta,
    )
    return meter.written_into(tree)


def reflected_draws(
    density: LogDensity, gaussian: Gaussian, draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw from a normal, and reflect at random through its mean by the posterior density.

    Returns
    -------
    (S, P) array
        Draws.
    (S,) array
        Log posterior density at them.
    (S,) array of bool
        Which were reflected.
    """
    plain = gaussian.draws(draws, rng)
    both = np.concatenate([plain, 2 * gaussian.mean - plain])
    logp, mirrored = checked_logp(density, gaussian, both).reshape(2, draws)
    thetas, chosen, _, is_image = reflected(plain, both[draws:], logp, mirrored, rng)
    return thetas, chosen, is_image
