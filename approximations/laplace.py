"""The Laplace approximation: a normal distribution at the mode, with the curvature found there.

Gelman et al., Bayesian Data Analysis (3rd ed.), section 4.1 and chapter 13.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import xarray as xr

from .density import LogDensity, as_density
from .gaussian import Gaussian
from .metering import Meter
from .mode import Mode, find_mode
from .modes import warn_of_other_modes
from .result import Record, assemble, checked_count, generator, seed_to_record
from .starting import Start


def laplace(
    model: pm.Model | LogDensity | None = None,
    draws: int = 4000,
    start: Start = None,
    random_seed: int | np.random.Generator | None = None,
    *,
    max_iterations: int = 200,
    starts: int | None = None,
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
    starts : int, optional
        How many searches, at most, look for other modes besides this one: 8 are plenty, and cost
        as much as some fits. None looks for none; see `find_modes`.

    Warns
    -----
    SecondModeWarning
        When ``starts`` was given and a mode with at least 1 % of this one's mass was found.

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
    meter = Meter(density)
    mode = find_mode(density, start, max_iterations=max_iterations)
    gaussian = Gaussian.from_precision(mode.theta, -mode.hessian, mode.parameters)
    if starts is not None:
        # A stream of its own: the draws are the same whether others are looked for or not.
        warn_of_other_modes(density, mode, gaussian, rng.spawn(1)[0], starts)
    meter.fitted()

    thetas = gaussian.draws(draws, rng)
    settings = {"draws": draws, "max_iterations": max_iterations, "starts": starts}
    tree = assemble(
        density,
        thetas,
        normal_fit(density, mode, gaussian),
        Record("laplace", settings, seed_to_record(random_seed)),
        sample_stats={"lp": density.batched_value(thetas)},
        point=mode.theta,
    )
    return meter.written_into(tree)


def normal_fit(density: LogDensity, mode: Mode, gaussian: Gaussian) -> xr.Dataset:
    """Describe the mode and the normal approximation there, as group ``fit``."""
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
