"""Two more posteriors of the windshields: exact draws, and the model in sigma without its log.

Gelman et al., Bayesian Data Analysis (3rd ed.), section 3.2: with p(mu, log sigma) constant,
(n - 1) s^2 / sigma^2 is chi-squared with n - 1 degrees of freedom, and mu given sigma is normal.
"""

from __future__ import annotations

from collections.abc import Sequence

import arviz as az
import numpy as np
import pymc as pm
import xarray as xr

from tripos.approximations.result import generator


def exact_draws(hardness: Sequence[float], draws: int, random_seed: int) -> xr.DataTree:
    """Draw sigma from its marginal posterior, and mu given sigma: S independent draws."""
    y, rng = np.asarray(hardness), generator(random_seed)
    sigma = np.sqrt((len(y) - 1) * y.var(ddof=1) / rng.chisquare(len(y) - 1, size=draws))
    mu = rng.normal(y.mean(), sigma / np.sqrt(len(y)))
    return az.from_dict({"posterior": {"mu": mu[None], "sigma": sigma[None]}})


def windshield_without_log(hardness: Sequence[float]) -> pm.Model:
    """Build the same posterior with sigma itself as the coordinate, so that its density is 1/sigma.

    Below zero the density is zero, which a normal approximation does not know.
    """
    with pm.Model(coords={"windshield": range(len(hardness))}) as model:
        mu = pm.Flat("mu", initval=np.mean(hardness))
        sigma = pm.Flat("sigma", initval=np.std(hardness))
        pm.Potential("prior", -pm.math.log(sigma))
        pm.Normal("hardness", mu, sigma, observed=hardness, dims="windshield")
    return model
