"""Borrowers who default: a logistic regression with an effect for each group, of any size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pymc as pm
from scipy.special import expit

INTERCEPT, SIGMA = -1.0, 0.8
"""What the data are simulated with."""
INTERCEPT_SD, SLOPE_SD = 2.0, 1.0
"""Standard deviations of the priors, which are normal around 0."""


@dataclass(frozen=True)
class Borrowers:
    """Defaults in J groups of borrowers, with K covariates of the group.

    Attributes
    ----------
    design : (J, K) array
    borrowers, defaults : (J,) array of int
        Number of borrowers in each group, and number of defaults.
    """

    design: np.ndarray
    borrowers: np.ndarray
    defaults: np.ndarray

    def outcomes(self) -> tuple[np.ndarray, np.ndarray]:
        """Expand to a row per borrower: the group (N,), and 1 for a default or 0 (N,)."""
        group = np.repeat(np.arange(len(self.borrowers)), self.borrowers)
        first = np.cumsum(self.borrowers) - self.borrowers
        place = np.arange(len(group)) - first[group]
        return group, (place < self.defaults[group]).astype(int)


def simulated_borrowers(
    groups: int = 1000, trials: int = 10, covariates: int = 3, random_seed: int = 20260101
) -> Borrowers:
    """Simulate groups of ``trials`` borrowers; the slopes are 0.5, -0.25, 0.125, and so on."""
    rng = np.random.default_rng(random_seed)
    design = rng.standard_normal((groups, covariates))
    slopes = 0.5 * (-0.5) ** np.arange(covariates)
    effect = SIGMA * rng.standard_normal(groups)
    defaults = rng.binomial(trials, expit(INTERCEPT + design @ slopes + effect))
    return Borrowers(design, np.full(groups, trials), defaults)


def borrowers(
    groups: int = 1000,
    trials: int = 10,
    covariates: int = 3,
    random_seed: int = 20260101,
    *,
    aggregated: bool = True,
    centred: bool = True,
) -> pm.Model:
    """Hierarchical logistic regression: logit(p) = intercept + design @ slopes + effect[group].

    Parameters
    ----------
    groups : int, default 1000
        Number of groups J, each with an effect of its own; 100,000 are built in a second.
    trials : int, default 10
        Borrowers in each group.
    covariates : int, default 3
        Number of covariates of a group.
    random_seed : int
        Seed of the simulated data.
    aggregated : bool, default True
        Whether the data are a count of defaults in each group. With False: a row per borrower.
        The posterior is the same; the log evidence differs by the binomial coefficients.
    centred : bool, default True
        Whether the effect itself is the free variable. Its joint density then grows without bound
        as sigma goes to 0, so `laplace` finds no mode, while a nested approximation integrates
        the effects out. With False the free variable is effect / sigma.

    Returns
    -------
    pymc.Model
        With ``intercept`` ~ N(0, 2), ``slopes`` (covariate) ~ N(0, 1), ``sigma`` ~ HalfNormal(1)
        and ``effect`` (group) ~ N(0, sigma).
    """
    data = simulated_borrowers(groups, trials, covariates, random_seed)
    with pm.Model(coords={"group": range(groups), "covariate": range(covariates)}) as model:
        intercept = pm.Normal("intercept", 0.0, INTERCEPT_SD)
        slopes = pm.Normal("slopes", 0.0, SLOPE_SD, dims="covariate")
        sigma = pm.HalfNormal("sigma", 1.0)
        if centred:
            effect = pm.Normal("effect", 0.0, sigma, dims="group")
        else:
            z = pm.Normal("z", 0.0, 1.0, dims="group")
            effect = pm.Deterministic("effect", sigma * z, dims="group")
        if aggregated:
            _counts(data, intercept, slopes, effect)
        else:
            _rows(model, data, intercept, slopes, effect)
    return model


def _counts(
    data: Borrowers, intercept: pm.Distribution, slopes: pm.Distribution, effect: pm.Distribution
) -> None:
    design = pm.Data("design", data.design, dims=("group", "covariate"))
    size = pm.Data("borrowers", data.borrowers, dims="group")
    logit = intercept + design @ slopes + effect
    pm.Binomial("defaults", n=size, logit_p=logit, observed=data.defaults, dims="group")


def _rows(
    model: pm.Model,
    data: Borrowers,
    intercept: pm.Distribution,
    slopes: pm.Distribution,
    effect: pm.Distribution,
) -> None:
    group, default = data.outcomes()
    model.add_coord("borrower", range(len(group)))
    design = pm.Data("design", data.design[group], dims=("borrower", "covariate"))
    of_group = pm.Data("group_of_borrower", group, dims="borrower")
    logit = intercept + design @ slopes + effect[of_group]
    pm.Bernoulli("default", logit_p=logit, observed=default, dims="borrower")
