"""Counts, shares, ordered answers, times to an event and time series, on real data."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from .datasets import columns, from_statsmodels, standardised, thinned, with_intercept
from .posterior import Nuts, row

CPUNISH = ("INCOME", "PERPOVERTY", "PERBLACK", "SOUTH", "DEGREE")
COMMITTEE = ("SIZE", "SUBS", "STAFF", "PRESTIGE")
RANDHIE = ("lncoins", "idp", "physlm", "disea", "hlthf")
STAR98 = ("LOWINC", "PERASIAN", "PERBLACK", "PERHISP", "PTRATIO")
SCOTLAND = ("COUTAX", "UNEMPF", "MOR", "GDP")


def poisson_cpunish() -> pm.Model:
    """Executions in 17 states; Texas left out, whose 37 would speak alone."""
    rows = slice(1, None)
    design = with_intercept(standardised(columns("cpunish", *CPUNISH)[rows]))
    with pm.Model() as model:
        x = pm.Data("x", design)
        b = pm.Normal("b", 0.0, 1.5, shape=6)
        counts = from_statsmodels("cpunish")["EXECUTIONS"][rows].astype(int)
        pm.Poisson("y", pm.math.exp(x @ b), observed=counts)
        pm.Deterministic("rate_at_mean", pm.math.exp(b[0]))
    return model


def negative_binomial(design: np.ndarray, counts: np.ndarray) -> pm.Model:
    """Negative binomial regression with unknown dispersion."""
    with pm.Model() as model:
        x = pm.Data("x", design)
        b = pm.Normal("b", 0.0, 2.5, shape=design.shape[1])
        alpha = pm.Gamma("alpha", 2.0, 0.5)
        pm.NegativeBinomial("y", mu=pm.math.exp(x @ b), alpha=alpha, observed=counts)
    return model


def negative_binomial_committee() -> pm.Model:
    design = with_intercept(standardised(columns("committee", *COMMITTEE)))
    return negative_binomial(design, from_statsmodels("committee")["BILLS104"].astype(int))


def negative_binomial_randhie() -> pm.Model:
    """Visits to a doctor, 500 of 20,190 people."""
    table = from_statsmodels("randhie")
    rows = thinned(len(table["mdvis"]), 500)
    design = with_intercept(standardised(columns("randhie", *RANDHIE)[rows]))
    return negative_binomial(design, table["mdvis"][rows].astype(int))


def beta_binomial_star98() -> pm.Model:
    """Pupils above the national median, 150 of 303 districts; overdispersed."""
    table = from_statsmodels("star98")
    rows = thinned(len(table["NABOVE"]), 150)
    above, below = (table[name][rows].astype(int) for name in ("NABOVE", "NBELOW"))
    with pm.Model() as model:
        x = pm.Data("x", with_intercept(standardised(columns("star98", *STAR98)[rows])))
        b = pm.Normal("b", 0.0, 1.5, shape=6)
        precision = pm.LogNormal("precision", 3.0, 1.5)
        p = pm.math.sigmoid(x @ b)
        pm.BetaBinomial("y", p * precision, (1 - p) * precision, above + below, observed=above)
    return model


def gamma_scotland() -> pm.Model:
    """The vote of 32 districts, gamma with a log link and unknown shape."""
    with pm.Model() as model:
        x = pm.Data("x", with_intercept(standardised(columns("scotland", *SCOTLAND))))
        b = pm.Normal("b", 0.0, 5.0, shape=5)
        shape = pm.HalfNormal("shape", 200.0)
        vote = from_statsmodels("scotland")["YES"]
        pm.Gamma("y", alpha=shape, beta=shape / pm.math.exp(x @ b), observed=vote)
    return model


def weibull_heart() -> pm.Model:
    """Survival after a heart transplant, days; 24 of 69 are censored."""
    days, died, age = columns("heart", "survival", "censors", "age").T
    years = np.maximum(days, 0.5) / 365.25
    with pm.Model() as model:
        x = pm.Data("x", (age - age.mean()) / 10)
        b = pm.Normal("b", 0.0, 2.0, shape=2)
        shape = pm.LogNormal("shape", 0.0, 1.0)
        scale = pm.math.exp(b[0] + b[1] * x)
        upper = np.where(died == 1, np.inf, years)
        latent = pm.Weibull.dist(alpha=shape, beta=scale)
        pm.Censored("y", latent, lower=None, upper=upper, observed=years)
        pm.Deterministic("median_years", pm.math.exp(b[0]) * np.log(2) ** (1 / shape))
    return model


def gamma_survival() -> pm.Model:
    """Deaths only, gamma with a small shape: 25 of them."""
    days, died = columns("heart", "survival", "censors").T
    years = np.maximum(days[died == 1], 0.5)[:25] / 365.25
    with pm.Model() as model:
        shape = pm.LogNormal("shape", 0.0, 1.0)
        mean = pm.LogNormal("mean", 0.0, 2.0)
        pm.Gamma("y", alpha=shape, beta=shape / mean, observed=years)
    return model


def ordinal_fair() -> pm.Model:
    """How happy a marriage is, 1 to 5: ordered logistic, 400 wives, free cutpoints."""
    table = from_statsmodels("fair")
    rows = thinned(len(table["rate_marriage"]), 400)
    predictors = columns("fair", "age", "yrs_married", "educ")[rows]
    answers = table["rate_marriage"][rows].astype(int)
    # The lowest answer is so rare among 400 that it is joined with the next.
    answers = np.maximum(answers, 2) - 2
    with pm.Model() as model:
        x = pm.Data("x", standardised(predictors))
        b = pm.Normal("b", 0.0, 2.0, shape=3)
        cut = pm.Normal(
            "cut",
            0.0,
            3.0,
            shape=3,
            transform=pm.distributions.transforms.ordered,
            initval=np.array([-2.0, 0.0, 2.0]),
        )
        pm.OrderedLogistic("y", eta=x @ b, cutpoints=cut, observed=answers, compute_p=False)
    return model


def ar2_sunspots() -> pm.Model:
    """Square roots of yearly sunspots, 120 years: AR(2) given the first two, stationary or not."""
    spots = np.sqrt(from_statsmodels("sunspots")["SUNACTIVITY"].astype(float))[-120:]
    y = (spots - spots.mean()) / spots.std()
    with pm.Model() as model:
        past = pm.Data("past", np.column_stack([y[1:-1], y[:-2]]))
        level = pm.Normal("level", 0.0, 1.0)
        rho = pm.Normal("rho", 0.0, 1.0, shape=2)
        sigma = pm.HalfNormal("sigma", 1.0)
        pm.Normal("y", level + past @ rho, sigma, observed=y[2:])
    return model


def ar1_short() -> pm.Model:
    """The Nile's first 25 years: AR(1) with its stationary start, rho between -1 and 1."""
    flow = from_statsmodels("nile")["volume"].astype(float)[:25]
    y = (flow - flow.mean()) / flow.std()
    with pm.Model() as model:
        rho = pm.Uniform("rho", -1.0, 1.0)
        sigma = pm.HalfNormal("sigma", 1.0)
        mean = pm.Normal("mean", 0.0, 1.0)
        means = pt.concatenate([mean[None], mean + rho * (y[:-1] - mean)])
        first = sigma / pt.sqrt(1 - rho**2)
        sds = pt.concatenate([first[None], pt.repeat(sigma, len(y) - 1)])
        pm.Normal("y", means, sds, observed=y)
    return model


COUNTS = (
    row(poisson_cpunish, "counts", "Poisson, 16 states, small counts", Nuts()),
    row(negative_binomial_committee, "counts", "negative binomial, 20 committees", Nuts()),
    row(negative_binomial_randhie, "counts", "negative binomial, 500 people", Nuts()),
    row(beta_binomial_star98, "counts", "beta-binomial, 150 districts", Nuts()),
    row(gamma_scotland, "positive", "gamma with unknown shape, 32 districts", Nuts()),
    row(weibull_heart, "survival", "Weibull, 69 patients, 24 censored", Nuts()),
    row(gamma_survival, "survival", "gamma, 25 deaths", Nuts()),
    row(ordinal_fair, "ordinal", "ordered logistic, 400 wives, 3 cutpoints", Nuts()),
    row(ar2_sunspots, "time series", "AR(2), 120 years", Nuts()),
    row(ar1_short, "time series", "stationary AR(1), 25 years", Nuts()),
)
