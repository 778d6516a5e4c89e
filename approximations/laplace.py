"""The Laplace approximation: a normal distribution at the mode, with the curvature found there.

Gelman et al., Bayesian Data Analysis (3rd ed.), section 4.1 and chapter 13.
"""

from __future__ import annotations

import time

import numpy as np
import pymc as pm
import xarray as xr

from .density import LogDensity, as_density
from .gaussian import Gaussian
from .mode import Mode, find_mode
from .result import (
    Clock,
    Record,
    add_costs,
    assemble,
    checked_count,
    generator,
    seed_to_record,
)
from .starting import Start


def laplace(
    model: pm.Model | LogDensity | None = None,
    draws: int = 4000,
    start: Start = None,
    random_seed: int | np.random.Generator | None = None,
    *,
    max_iterations: int = 200,
) -> xr.DataTree:
    """Approximate a posterior by a normal distribution in unconstrained space.

    The mean is the mode of the log density *with* its Jacobian term, the covariance the inverse of
    its exact negative Hessian there. Draws are carried back to the variables' own scale, so a
    positive variable stays positive.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None. Pass a `LogDensity` to fit again without compiling.
    draws : int, default 4000
        Number of independent draws S.
    start : mapping, (P,) array or "find_MAP", optional
        Where the search for the mode begins; see `find_mode`.
    random_seed : int or Generator, optional
    max_iterations : int, default 200
        Of the search for the mode.

    Returns
    -------
    DataTree
        ``posterior`` (chain=1, draw=S) with free variables and deterministics,
        ``unconstrained_posterior``, ``sample_stats`` (``lp``), ``observed_data``,
        ``constant_data``, ``point_estimate`` (the mode on the variables' own scale), and ``fit``
        with ``mode``, ``sd`` (P,), ``covariance``, ``precision`` (P, P), ``logp_mode`` and
        ``log_evidence`` = logp(mode) + P/2 log 2 pi + 1/2 log det(covariance).

    Raises
    ------
    ModeAtInfinityError, ModeNotFoundError, CurvatureError
        When there is no peak to expand around.
    StartingPointError, DiscreteVariableError, NoFreeVariableError, ArgumentError
    """
    draws = checked_count("draws", draws)
    rng = generator(random_seed)
    density = as_density(model)
    before, compiled = dict(density.evaluations), density.seconds_compiling

    started = time.perf_counter()
    mode = find_mode(density, start, max_iterations=max_iterations)
    gaussian = Gaussian.from_precision(mode.theta, -mode.hessian, mode.parameters)
    fitted = time.perf_counter()
    compiling_fit = density.seconds_compiling - compiled

    thetas = gaussian.draws(draws, rng)
    settings = {"draws": draws, "max_iterations": max_iterations}
    tree = assemble(
        density,
        thetas,
        _fit_dataset(density, mode, gaussian),
        Record("laplace", settings, seed_to_record(random_seed)),
        sample_stats={"lp": density.batched_value(thetas)},
        point=mode.theta,
    )
    compiling = density.seconds_compiling - compiled
    clock = Clock(
        compile=compiling,
        fit=fitted - started - compiling_fit,
        draw=time.perf_counter() - fitted - (compiling - compiling_fit),
    )
    counts = {name: n - before[name] for name, n in density.evaluations.items()}
    return add_costs(tree, clock, counts)


def _fit_dataset(density: LogDensity, mode: Mode, gaussian: Gaussian) -> xr.Dataset:
    evidence = mode.logp + 0.5 * (gaussian.size * np.log(2 * np.pi) + gaussian.log_determinant)
    labels = list(density.parameters)
    one, two = ("parameter",), ("parameter", "parameter_bis")
    return xr.Dataset(
        {
            "mode": (one, mode.theta),
            "sd": (one, gaussian.sd),
            "covariance": (two, gaussian.covariance),
            "precision": (two, -mode.hessian),
            "logp_mode": mode.logp,
            "log_evidence": evidence,
        },
        coords=dict.fromkeys(two, labels),
    )
