"""Counts, choices, tests, survival: distributions other than the normal."""

from __future__ import annotations

import numpy as np
import pymc as pm
from scipy.special import expit

from .entry import entry


def zero_inflated_poisson() -> pm.Model:
    """Fish caught by visitors, of whom some do not fish."""
    rng = np.random.default_rng(301)
    x = rng.normal(size=120)
    y = rng.poisson(np.exp(0.7 + 0.5 * x)) * rng.binomial(1, 0.6, 120)
    with pm.Model() as model:
        psi = pm.Beta("psi", 1.0, 1.0)
        a, b = pm.Normal("a", 0.0, 10.0), pm.Normal("b", 0.0, 10.0)
        pm.ZeroInflatedPoisson("y", psi=psi, mu=pm.math.exp(a + b * x), observed=y)
    return model


def hurdle_gamma() -> pm.Model:
    """Rain: whether, and how much."""
    rng = np.random.default_rng(302)
    y = rng.gamma(1.8, 2.0, 100) * rng.binomial(1, 0.55, 100)
    with pm.Model() as model:
        psi = pm.Beta("psi", 1.0, 1.0)
        alpha, beta = pm.HalfNormal("alpha", 5.0), pm.HalfNormal("beta", 5.0)
        pm.HurdleGamma("y", psi=psi, alpha=alpha, beta=beta, observed=y)
    return model


def dirichlet_multinomial() -> pm.Model:
    """Counts of five tree species in ten forests, overdispersed."""
    rng = np.random.default_rng(303)
    share = np.array([0.45, 0.3, 0.15, 0.09, 0.01])
    counts = np.array([rng.multinomial(50, rng.dirichlet(50.0 * share)) for _ in range(10)])
    with pm.Model(coords={"species": list("abcde")}) as model:
        frac = pm.Dirichlet("frac", a=np.ones(5), dims="species")
        conc = pm.LogNormal("conc", 1.0, 1.0)
        pm.DirichletMultinomial("counts", n=50, a=frac * conc, observed=counts)
    return model


def ab_test() -> pm.Model:
    """Conversions of two variants and what a conversion pays."""
    with pm.Model(coords={"variant": ["A", "B"]}) as model:
        rate = pm.Beta("rate", 5.0, 95.0, dims="variant")
        pay = pm.Gamma("pay", 20.0, 2.0, dims="variant")
        pm.Binomial("converted", n=[1000, 1000], p=rate, observed=[47, 66])
        # The sum of so many payments, each exponential with rate `pay`.
        pm.Gamma("revenue", alpha=[47, 66], beta=pay, observed=[5.1, 6.0])
        value = pm.Deterministic("value", rate / pay, dims="variant")
        pm.Deterministic("uplift", value[1] / value[0] - 1.0)
    return model


def bradley_terry() -> pm.Model:
    """Strengths of six players from who beat whom."""
    rng = np.random.default_rng(304)
    strength = np.array([1.2, 0.6, 0.2, -0.2, -0.6, -1.2])
    first, second = (np.repeat(i, 6) for i in np.triu_indices(6, 1))
    wins = rng.binomial(1, expit(strength[first] - strength[second]))
    with pm.Model(coords={"player": list("abcdef")}) as model:
        s = pm.ZeroSumNormal("strength", 1.5, dims="player")
        pm.Bernoulli("first_wins", logit_p=s[first] - s[second], observed=wins)
    return model


def rasch() -> pm.Model:
    """Answers of 30 persons to 20 items: abilities and difficulties."""
    rng = np.random.default_rng(305)
    ability, difficulty = rng.normal(0.3, 1.0, 30), rng.normal(0.0, 1.2, 20)
    correct = rng.binomial(1, expit(ability[:, None] - difficulty))
    with pm.Model() as model:
        mean = pm.Normal("mean", 0.0, 1.0)
        theta = pm.Normal("theta", 0.0, 1.0, shape=30)
        sigma = pm.HalfNormal("sigma", 2.0)
        b = pm.Normal("b", 0.0, sigma, shape=20)
        pm.Bernoulli("correct", logit_p=mean + theta[:, None] - b, observed=correct)
        pm.Deterministic("best", theta[:3])
        pm.Deterministic("hardest", b[:3])
    return model


def exponential_survival() -> pm.Model:
    """Times until an event, a third censored, by treatment."""
    rng = np.random.default_rng(306)
    treated = np.repeat([0, 1], 30)
    time = rng.exponential(1.0 / np.exp(-1.5 - 0.7 * treated))
    censored = time > 8.0
    time = np.minimum(time, 8.0)
    with pm.Model() as model:
        a, b = pm.Normal("a", 0.0, 2.0), pm.Normal("b", 0.0, 2.0)
        rate = pm.math.exp(a + b * treated)
        upper = np.where(censored, time, np.inf)
        pm.Censored("time", pm.Exponential.dist(rate), lower=None, upper=upper, observed=time)
        pm.Deterministic("hazard_ratio", pm.math.exp(b))
    return model


def weibull_survival() -> pm.Model:
    """Accelerated failure times; censored ones enter by their survival function."""
    rng = np.random.default_rng(307)
    x = rng.normal(size=70)
    time = np.exp(1.0 - 0.5 * x) * rng.weibull(1.6, 70)
    seen, cut = time < 4.0, 4.0
    with pm.Model() as model:
        alpha = pm.HalfNormal("alpha", 10.0)
        b0, b1 = pm.Normal("b0", 0.0, 10.0), pm.Normal("b1", 0.0, 10.0)
        scale = pm.math.exp(b0 + b1 * x)
        pm.Weibull("time", alpha, scale[seen], observed=time[seen])
        pm.Potential("censored", -((cut / scale[~seen]) ** alpha))
    return model


def piecewise_cox() -> pm.Model:
    """Cox's model with a hazard constant in eight intervals, as Poisson counts."""
    rng = np.random.default_rng(308)
    metastasised = rng.binomial(1, 0.5, 44)
    time = rng.exponential(1.0 / (0.05 * np.exp(0.8 * metastasised)))
    event, time = time < 40.0, np.minimum(time, 40.0)
    edges = np.arange(0.0, 40.0, 5.0)
    last = np.minimum((time / 5.0).astype(int), 7)
    death = np.zeros((44, 8))
    death[np.arange(44), last] = event
    exposure = np.clip(time[:, None] - edges, 0.0, 5.0)
    with pm.Model(coords={"interval": edges}) as model:
        base = pm.Gamma("base", 0.01, 0.01, dims="interval", initval=np.full(8, 0.05))
        beta = pm.Normal("beta", 0.0, 10.0)
        rate = base * pm.math.exp(beta * metastasised)[:, None]
        at_risk = exposure > 0
        pm.Poisson("death", (exposure * rate)[at_risk], observed=death[at_risk])
    return model


def normal_mixture_ordered() -> pm.Model:
    """Three normal components, means ordered by their transform."""
    rng = np.random.default_rng(309)
    component = np.repeat([0, 1, 2], [60, 50, 90])
    y = rng.normal(np.array([-4.0, 0.0, 5.0])[component], np.array([1.0, 0.8, 1.4])[component])
    with pm.Model() as model:
        w = pm.Dirichlet("w", np.ones(3))
        mu = pm.Normal(
            "mu", 0.0, 10.0, shape=3,
            transform=pm.distributions.transforms.ordered, initval=[-3.0, 0.0, 3.0],
        )  # fmt: skip
        sigma = pm.HalfNormal("sigma", 3.0, shape=3)
        pm.NormalMixture("y", w=w, mu=mu, sigma=sigma, observed=y)
    return model


def normal_mixture_unordered() -> pm.Model:
    """Two normal components whose labels nothing fixes."""
    rng = np.random.default_rng(310)
    y = rng.normal(np.repeat([-2.0, 2.5], [40, 70]), 1.0)
    with pm.Model() as model:
        w = pm.Dirichlet("w", np.ones(2))
        mu = pm.Normal("mu", 0.0, 10.0, shape=2, initval=[-1.0, 1.0])
        sigma = pm.HalfNormal("sigma", 3.0)
        pm.NormalMixture("y", w=w, mu=mu, sigma=sigma, observed=y)
    return model


COUNTS = (
    entry(zero_inflated_poisson, "counts", ("psi", "a", "b"), "zeros of two kinds"),
    entry(hurdle_gamma, "counts", ("psi", "alpha", "beta"), "amounts with many exact zeros"),
    entry(dirichlet_multinomial, "counts", ("frac", "conc"), "overdispersed shares of species"),
    entry(ab_test, "A/B test", ("value", "uplift"), "conversions and revenue of two variants"),
    entry(bradley_terry, "ranking", ("strength",), "strengths from paired comparisons"),
    entry(rasch, "hierarchical", ("mean", "sigma", "best", "hardest"),
          "item responses, 30 persons and 20 items"),
    entry(exponential_survival, "survival", ("a", "b", "hazard_ratio"), "censored at the end"),
    entry(weibull_survival, "survival", ("alpha", "b0", "b1"), "a potential for censoring"),
    entry(piecewise_cox, "survival", ("beta",), "a hazard constant by intervals, vague gammas"),
    entry(normal_mixture_ordered, "mixture", ("w", "mu", "sigma"), "three ordered components"),
    entry(normal_mixture_unordered, "mixture", ("w", "mu", "sigma"), "two exchangeable components",
          exchangeable=("w", "mu")),
)  # fmt: skip
