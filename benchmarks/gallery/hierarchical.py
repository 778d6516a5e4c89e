"""Groups partially pooled: centred, not centred, nested, crossed."""

from __future__ import annotations

from functools import partial

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from scipy.special import expit

from .entry import entry


def _effects(name: str, mean: object, sd: object, size: int, *, centred: bool) -> object:
    """Group effects N(mean, sd), free themselves or as standard normals."""
    if centred:
        return pm.Normal(name, mean, sd, shape=size)
    z = pm.Normal(f"{name}_z", 0.0, 1.0, shape=size)
    return pm.Deterministic(name, mean + sd * z)


def coaching(*, centred: bool = True) -> pm.Model:
    """Effects of a course in ten schools with known standard errors."""
    rng = np.random.default_rng(401)
    se = rng.uniform(6.0, 18.0, 10)
    y = 8.0 + 9.0 * rng.standard_normal(10) + se * rng.standard_normal(10)
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.0, 10.0)
        tau = pm.HalfNormal("tau", 10.0)
        theta = _effects("theta", mu, tau, 10, centred=centred)
        pm.Normal("y", theta, se, observed=y)
    return model


def meta_analysis(*, centred: bool = True) -> pm.Model:
    """Deaths of treated and controls in 16 trials."""
    rng = np.random.default_rng(402)
    n = rng.integers(40, 400, 16)
    base, effect = rng.normal(-2.0, 0.4, 16), rng.normal(-0.3, 0.2, 16)
    control, treated = rng.binomial(n, expit(base)), rng.binomial(n, expit(base + effect))
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.0, 2.0)
        tau = pm.HalfCauchy("tau", 0.5)
        baseline = pm.Normal("baseline", 0.0, 3.0, shape=16)
        delta = _effects("delta", mu, tau, 16, centred=centred)
        pm.Binomial("control", n=n, logit_p=baseline, observed=control)
        pm.Binomial("treated", n=n, logit_p=baseline + delta, observed=treated)
        pm.Deterministic("odds_ratio", pm.math.exp(mu))
    return model


def _houses() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """County, floor, uranium of the county, log radon of 300 houses in 30 counties."""
    rng = np.random.default_rng(403)
    county = np.sort(rng.choice(30, 300, p=rng.dirichlet(np.full(30, 2.0))))
    floor, uranium = rng.binomial(1, 0.2, 300), rng.normal(0.0, 0.5, 30)
    a = 1.4 + 0.7 * uranium + rng.normal(0.0, 0.3, 30)
    b = rng.normal(-0.6, 0.25, 30)
    y = a[county] + b[county] * floor + rng.normal(0.0, 0.75, 300)
    return county, floor, uranium, y


def radon_intercepts(*, centred: bool = True) -> pm.Model:
    county, floor, _, y = _houses()
    with pm.Model() as model:
        mu_a = pm.Normal("mu_a", 0.0, 10.0)
        sigma_a = pm.Exponential("sigma_a", 1.0)
        a = _effects("a", mu_a, sigma_a, 30, centred=centred)
        beta = pm.Normal("beta", 0.0, 10.0)
        sigma_y = pm.Exponential("sigma_y", 1.0)
        pm.Normal("y", a[county] + beta * floor, sigma_y, observed=y)
    return model


def radon_uranium(*, centred: bool = False) -> pm.Model:
    """With a predictor of the counties; not centred."""
    county, floor, uranium, y = _houses()
    with pm.Model() as model:
        gamma = pm.Normal("gamma", 0.0, 10.0, shape=2)
        sigma_a = pm.Exponential("sigma_a", 1.0)
        shift = _effects("shift", 0.0, sigma_a, 30, centred=centred)
        a = gamma[0] + gamma[1] * uranium + shift
        beta = pm.Normal("beta", 0.0, 10.0)
        sigma_y = pm.Exponential("sigma_y", 1.0)
        pm.Normal("y", a[county] + beta * floor, sigma_y, observed=y)
    return model


def radon_slopes() -> pm.Model:
    """Intercepts and slopes by county, correlated, an LKJ prior, not centred."""
    county, floor, _, y = _houses()
    with pm.Model() as model:
        chol, corr, sds = pm.LKJCholeskyCov("chol", n=2, eta=2.0, sd_dist=pm.Exponential.dist(1.0))
        mu = pm.Normal("mu", 0.0, 5.0, shape=2)
        z = pm.Normal("z", 0.0, 1.0, shape=(2, 30))
        ab = mu[:, None] + pt.dot(chol, z)
        sigma = pm.Exponential("sigma", 1.0)
        pm.Normal("y", ab[0][county] + ab[1][county] * floor, sigma, observed=y)
        pm.Deterministic("scale", sds)
        pm.Deterministic("correlation", corr[0, 1])
    return model


def rugby() -> pm.Model:
    """Points of six teams in one season: attack, defence and home."""
    rng = np.random.default_rng(404)
    home, away = np.array([(i, j) for i in range(6) for j in range(6) if i != j]).T
    attack, defence = rng.normal(0.0, 0.25, 6), rng.normal(0.0, 0.3, 6)
    scored = rng.poisson(np.exp(2.9 + 0.15 + attack[home] + defence[away]))
    conceded = rng.poisson(np.exp(2.9 + attack[away] + defence[home]))
    with pm.Model() as model:
        at_home = pm.Normal("home", 0.0, 1.0)
        sd_att, sd_def = pm.HalfNormal("sd_att", 2.0), pm.HalfNormal("sd_def", 2.0)
        intercept = pm.Normal("intercept", 3.0, 1.0)
        att_star = pm.Normal("att_star", 0.0, sd_att, shape=6)
        def_star = pm.Normal("def_star", 0.0, sd_def, shape=6)
        atts = pm.Deterministic("atts", att_star - pt.mean(att_star))
        defs = pm.Deterministic("defs", def_star - pt.mean(def_star))
        home_rate = pm.math.exp(intercept + at_home + atts[home] + defs[away])
        away_rate = pm.math.exp(intercept + atts[away] + defs[home])
        pm.Poisson("home_points", home_rate, observed=scored)
        pm.Poisson("away_points", away_rate, observed=conceded)
    return model


def baseball() -> pm.Model:
    """Hits of 18 players in 45 at-bats: beta-binomial with a Pareto-like concentration."""
    hits = [18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7]
    with pm.Model() as model:
        phi = pm.Uniform("phi", 0.0, 1.0)
        kappa_log = pm.Exponential("kappa_log", 1.5)
        kappa = pm.Deterministic("kappa", pt.exp(kappa_log))
        theta = pm.Beta("theta", alpha=phi * kappa, beta=(1.0 - phi) * kappa, shape=18)
        pm.Binomial("hits", n=45, p=theta, observed=hits)
        pm.Deterministic("first_and_last", theta[[0, 17]])
    return model


def rat_tumours() -> pm.Model:
    """Tumours in 30 groups of rats; the scale prior of Gelman et al. as a potential."""
    rng = np.random.default_rng(405)
    n = rng.integers(10, 50, 30)
    y = rng.binomial(n, rng.beta(2.4, 14.0, 30))
    with pm.Model() as model:
        ab = pm.HalfNormal("ab", sigma=10.0, shape=2)
        pm.Potential("p_ab", -2.5 * pt.log(pt.sum(ab)))
        pm.Deterministic("mean_rate", ab[0] / ab.sum())
        theta = pm.Beta("theta", alpha=ab[0], beta=ab[1], shape=30)
        pm.Binomial("y", n=n, p=theta, observed=y)
    return model


def reed_frogs(*, centred: bool = False) -> pm.Model:
    """Tadpoles that survived in 48 tanks."""
    rng = np.random.default_rng(406)
    density = np.repeat([10, 25, 35], 16)
    survived = rng.binomial(density, expit(rng.normal(1.3, 1.5, 48)))
    with pm.Model() as model:
        bar = pm.Normal("bar", 0.0, 1.5)
        sigma = pm.Exponential("sigma", 1.0)
        a = _effects("a", bar, sigma, 48, centred=centred)
        pm.Binomial("survived", n=density, logit_p=a, observed=survived)
    return model


def growth_curves() -> pm.Model:
    """Alcohol use of 25 adolescents at three ages: a line each, scales independent, centred."""
    rng = np.random.default_rng(407)
    person, age = np.repeat(np.arange(25), 4), np.tile(np.arange(4.0), 25)
    a, b = rng.normal(1.0, 0.6, 25), rng.normal(0.4, 0.3, 25)
    y = a[person] + b[person] * age + rng.normal(0.0, 0.5, person.size)
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.0, 2.0, shape=2)
        tau = pm.HalfNormal("tau", 1.0, shape=2)
        intercept = pm.Normal("intercept", mu[0], tau[0], shape=25)
        slope = pm.Normal("slope", mu[1], tau[1], shape=25)
        sigma = pm.HalfNormal("sigma", 1.0)
        pm.Normal("y", intercept[person] + slope[person] * age, sigma, observed=y)
    return model


def crossed_effects(*, centred: bool = True) -> pm.Model:
    """Ratings of 15 items by 12 raters, each with an effect."""
    rng = np.random.default_rng(408)
    item, rater = (a.ravel() for a in np.meshgrid(np.arange(15), np.arange(12)))
    y = 3.0 + rng.normal(0.0, 0.6, 15)[item] + rng.normal(0.0, 0.4, 12)[rater]
    y += rng.normal(0.0, 0.8, y.size)
    with pm.Model() as model:
        mean = pm.Normal("mean", 0.0, 5.0)
        sd = pm.HalfCauchy("sd", 1.0, shape=2)
        of_item = _effects("of_item", 0.0, sd[0], 15, centred=centred)
        of_rater = _effects("of_rater", 0.0, sd[1], 12, centred=centred)
        sigma = pm.HalfCauchy("sigma", 1.0)
        pm.Normal("y", mean + of_item[item] + of_rater[rater], sigma, observed=y)
    return model


def simpson() -> pm.Model:
    """Slopes within five groups that contradict the slope over all."""
    rng = np.random.default_rng(409)
    group = np.repeat(np.arange(5), 20)
    x = group + rng.normal(0.0, 0.5, 100)
    y = 3.0 * group - 1.0 * (x - group) + rng.normal(0.0, 0.5, 100)
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.0, 5.0, shape=2)
        tau = pm.Gamma("tau", 2.0, 2.0, shape=2)
        a = pm.Normal("a", mu[0], tau[0], shape=5)
        b = pm.Normal("b", mu[1], tau[1], shape=5)
        sigma = pm.Gamma("sigma", 2.0, 2.0)
        pm.Normal("y", a[group] + b[group] * x, sigma, observed=y)
    return model


def poisson_overdispersed(*, centred: bool = False) -> pm.Model:
    """Seizures of 40 patients: a normal effect each on the log scale."""
    rng = np.random.default_rng(410)
    treated = np.repeat([0, 1], 20)
    y = rng.poisson(np.exp(1.6 - 0.4 * treated + rng.normal(0.0, 0.6, 40)))
    with pm.Model() as model:
        a, b = pm.Normal("a", 0.0, 5.0), pm.Normal("b", 0.0, 2.0)
        sd = pm.HalfNormal("sd", 1.0)
        effect = _effects("effect", 0.0, sd, 40, centred=centred)
        pm.Poisson("y", pm.math.exp(a + b * treated + effect), observed=y)
    return model


def lkj_covariance() -> pm.Model:
    """Mean and covariance of 60 points in three dimensions."""
    rng = np.random.default_rng(411)
    cov = np.array([[1.0, 0.5, -0.3], [0.5, 1.5, 0.2], [-0.3, 0.2, 0.7]])
    y = rng.multivariate_normal([1.0, -2.0, 0.5], cov, 60)
    with pm.Model() as model:
        chol, corr, sds = pm.LKJCholeskyCov(
            "chol", n=3, eta=2.0, sd_dist=pm.Exponential.dist(1.0, shape=3)
        )
        mu = pm.Normal("mu", 0.0, 1.5, shape=3)
        pm.MvNormal("y", mu, chol=chol, observed=y)
        pm.Deterministic("scale", sds)
        pm.Deterministic("correlation", corr[[0, 0, 1], [1, 2, 2]])
    return model


def _hierarchical(build: object, ask: tuple[str, ...], description: str, **more: object) -> object:
    return entry(build, "hierarchical", ask, description, **more)


HIERARCHICAL = (
    _hierarchical(coaching, ("mu", "tau"), "ten schools with known errors, centred",
                  sampled=partial(coaching, centred=False), target_accept=0.99),
    _hierarchical(meta_analysis, ("mu", "tau", "odds_ratio"), "16 trials, centred",
                  sampled=partial(meta_analysis, centred=False), target_accept=0.99),
    _hierarchical(radon_intercepts, ("mu_a", "sigma_a", "beta", "sigma_y"),
                  "30 counties, intercepts, centred"),
    _hierarchical(radon_uranium, ("gamma", "sigma_a", "beta"),
                  "30 counties, a predictor of theirs, not centred"),
    _hierarchical(radon_slopes, ("mu", "scale", "correlation", "sigma"),
                  "30 counties, correlated intercepts and slopes, LKJ"),
    _hierarchical(rugby, ("home", "atts", "defs", "intercept"), "attack and defence of six teams"),
    _hierarchical(baseball, ("phi", "kappa", "first_and_last"), "beta-binomial, 18 players"),
    _hierarchical(rat_tumours, ("ab", "mean_rate"), "beta-binomial, 30 groups, a potential"),
    _hierarchical(reed_frogs, ("bar", "sigma"), "48 tanks, not centred"),
    _hierarchical(growth_curves, ("mu", "tau", "sigma"), "25 persons, a line each, centred",
                  target_accept=0.99),
    _hierarchical(crossed_effects, ("mean", "sd", "sigma"), "items by raters, centred",
                  sampled=partial(crossed_effects, centred=False)),
    _hierarchical(simpson, ("mu", "tau", "sigma"), "slopes of five groups, centred",
                  target_accept=0.99),
    _hierarchical(poisson_overdispersed, ("a", "b", "sd"), "40 patients, an effect each"),
    entry(lkj_covariance, "covariance", ("mu", "scale", "correlation"), "LKJ prior, 3 dimensions"),
)  # fmt: skip
