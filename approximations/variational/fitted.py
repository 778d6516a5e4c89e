"""The tree of a normal distribution that was fitted by its evidence lower bound (ELBO)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from ..density import LogDensity
from ..limits import FEWEST_SMOOTHED
from ..linear_algebra.gaussian import Gaussian
from ..matrix_free.low_rank import LowRankFactor
from ..result import Record, assemble
from ..weights.smoothing import smoothed_weights
from ..weights.support import checked_logp


def independent_normal(mean: np.ndarray, sd: np.ndarray) -> Gaussian:
    """Uncorrelated normal distribution with means and sds (P,), without a matrix."""
    return Gaussian(mean, LowRankFactor(1 / sd, np.zeros((len(sd), 0)), np.zeros(0)))


def normal_tree(
    density: LogDensity,
    gaussian: Gaussian,
    draws: int,
    rng: np.random.Generator,
    fit: Mapping[str, Any],
    record: Record,
) -> xr.DataTree:
    """Draw from a normal distribution that approximates a posterior, and measure its accuracy.

    Parameters
    ----------
    density : LogDensity
    gaussian : Gaussian
    draws : int
    rng : Generator
    fit : mapping
        Contents of group ``fit`` besides ``mean``, ``sd`` and those from the draws: ``elbo`` with
        its error, and ``pareto_khat``.
    record : Record

    Raises
    ------
    NonFiniteDensityError
        When the log density is NaN or plus infinity at a draw where that matters.
    """
    thetas = gaussian.draws(draws, rng)
    logp, log_proposal = checked_logp(density, gaussian, thetas), gaussian.log_density(thetas)
    ratios = logp - log_proposal
    elbo, elbo_error = elbo_of(ratios)
    diagnostics = {
        "mean": ("parameter", gaussian.mean),
        "sd": ("parameter", gaussian.sd),
        "elbo": elbo,
        "elbo_error": elbo_error,
        "pareto_khat": smoothed_weights(ratios)[1] if draws >= FEWEST_SMOOTHED else np.nan,
    }
    whole = xr.Dataset({**diagnostics, **fit})
    dims = [dim for dim in ("parameter", "parameter_bis") if dim in whole.dims]
    return assemble(
        density,
        thetas,
        whole.assign_coords({dim: list(density.parameters) for dim in dims}),
        record,
        sample_stats={"lp": logp, "log_proposal": log_proposal},
        point=gaussian.mean,
    )


def elbo_of(log_ratios: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Evidence lower bound and its standard error, from log ratios (..., S) at draws.

    Minus infinity where the posterior is zero at a draw; then the error is NaN, as it is with a
    single draw.
    """
    elbo, size = log_ratios.mean(axis=-1), log_ratios.shape[-1]
    known = np.isfinite(elbo) & (size > 1)
    ratios = np.where(known[..., None], log_ratios, 0.0)
    return elbo, np.where(known, ratios.std(axis=-1, ddof=min(1, size - 1)) / np.sqrt(size), np.nan)
