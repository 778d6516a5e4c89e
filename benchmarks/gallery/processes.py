"""Gaussian processes, time series, change points."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from scipy.special import expit

from .entry import entry


def gp_marginal() -> pm.Model:
    """A Gaussian process with normal noise, integrated out: three hyperparameters."""
    rng = np.random.default_rng(501)
    x = np.linspace(0.0, 10.0, 60)
    y = 1.5 * np.sin(x) * np.exp(-0.1 * x) + rng.normal(0.0, 0.4, 60)
    with pm.Model() as model:
        ell = pm.Gamma("ell", alpha=2.0, beta=1.0)
        eta = pm.HalfNormal("eta", sigma=5.0)
        sigma = pm.HalfNormal("sigma", sigma=5.0)
        gp = pm.gp.Marginal(cov_func=eta**2 * pm.gp.cov.Matern52(1, ls=ell))
        gp.marginal_likelihood("y", X=x[:, None], y=y, sigma=sigma)
    return model


def gp_latent() -> pm.Model:
    """A latent Gaussian process at 30 points behind binary outcomes."""
    rng = np.random.default_rng(502)
    x = np.linspace(0.0, 1.0, 30)[:, None]
    y = rng.binomial(1, expit(2.5 * np.sin(7.0 * x[:, 0])))
    with pm.Model() as model:
        ell = pm.InverseGamma("ell", mu=0.3, sigma=0.15)
        eta = pm.Exponential("eta", lam=0.5)
        gp = pm.gp.Latent(cov_func=eta**2 * pm.gp.cov.ExpQuad(1, ls=ell))
        f = gp.prior("f", X=x)
        pm.Bernoulli("y", logit_p=f, observed=y)
        pm.Deterministic("chance", pm.math.invlogit(f[::6]))
    return model


def gp_hsgp() -> pm.Model:
    """A Gaussian process by 20 basis functions, counts."""
    rng = np.random.default_rng(503)
    x = np.linspace(-5.0, 5.0, 100)
    y = rng.poisson(np.exp(1.0 + np.sin(x) + 0.1 * x))
    with pm.Model() as model:
        level = pm.Normal("level", 0.0, 2.0)
        ell = pm.InverseGamma("ell", mu=1.5, sigma=0.7)
        eta = pm.Exponential("eta", lam=1.0)
        gp = pm.gp.HSGP(m=[20], c=1.5, cov_func=eta**2 * pm.gp.cov.Matern52(1, ls=ell))
        f = gp.prior("f", X=x[:, None])
        pm.Poisson("y", pm.math.exp(level + f), observed=y)
        pm.Deterministic("rate", pm.math.exp(level + f)[::20])
    return model


def autoregression() -> pm.Model:
    """AR(1) with a constant, 100 points."""
    rng = np.random.default_rng(504)
    y = np.zeros(120)
    for t in range(1, 120):
        y[t] = 0.4 + 0.7 * y[t - 1] + rng.normal(0.0, 0.5)
    with pm.Model() as model:
        rho = pm.Normal("rho", 0.0, 1.0, shape=2)
        sigma = pm.HalfNormal("sigma", 3.0)
        start = pm.Normal.dist(0.0, 10.0)
        pm.AR("y", rho=rho, sigma=sigma, constant=True, init_dist=start, observed=y[20:])
    return model


def local_level() -> pm.Model:
    """A random walk seen with noise, 60 points."""
    rng = np.random.default_rng(505)
    y = 10.0 + np.cumsum(rng.normal(0.0, 0.5, 60)) + rng.normal(0.0, 1.0, 60)
    with pm.Model() as model:
        step = pm.HalfNormal("step", 1.0)
        noise = pm.HalfNormal("noise", 2.0)
        start = pm.Normal.dist(10.0, 5.0)
        level = pm.GaussianRandomWalk("level", sigma=step, init_dist=start, shape=60)
        pm.Normal("y", level, noise, observed=y)
        pm.Deterministic("last", level[-1])
    return model


def stochastic_volatility() -> pm.Model:
    """Returns of 100 days, their log volatility a random walk."""
    rng = np.random.default_rng(506)
    log_sd = -4.0 + np.cumsum(rng.normal(0.0, 0.15, 100))
    returns = np.exp(log_sd) * rng.standard_t(8, 100)
    with pm.Model() as model:
        step = pm.Exponential("step", 10.0)
        start = pm.Normal.dist(-4.0, 2.0)
        volatility = pm.GaussianRandomWalk("volatility", sigma=step, init_dist=start, shape=100)
        nu = pm.Exponential("nu", 0.1)
        pm.StudentT("returns", nu=nu, sigma=pt.exp(volatility), observed=returns)
        pm.Deterministic("last", volatility[-1])
    return model


def seasonal() -> pm.Model:
    """Trend and season by Fourier terms, ten years of months."""
    rng = np.random.default_rng(507)
    t = np.arange(120) / 120.0
    angles = np.outer(np.arange(120), [1, 2, 3]) * 2.0 * np.pi / 12.0
    fourier = np.hstack([np.sin(angles), np.cos(angles)])
    y = 0.3 + 0.6 * t + fourier @ rng.normal(0.0, 0.1, 6) + rng.normal(0.0, 0.06, 120)
    with pm.Model() as model:
        alpha = pm.Normal("alpha", 0.0, 0.5)
        trend = pm.Normal("trend", 0.0, 0.5)
        beta = pm.Normal("beta", 0.0, 0.1, shape=6)
        sigma = pm.HalfNormal("sigma", 0.1)
        pm.Normal("y", alpha + trend * t + fourier @ beta, sigma, observed=y)
    return model


def walking_coefficients(*, centred: bool = True) -> pm.Model:
    """A regression whose intercept and slope walk in ten periods."""
    rng = np.random.default_rng(508)
    period, x = np.repeat(np.arange(10), 8), rng.normal(size=80)
    a, b = np.cumsum(rng.normal(0.0, 0.3, 10)), 1.0 + np.cumsum(rng.normal(0.0, 0.2, 10))
    y = a[period] + b[period] * x + rng.normal(0.0, 0.4, 80)
    with pm.Model() as model:
        step = pm.Exponential("step", 2.0, shape=2)
        start = pm.Normal.dist(0.0, 2.0)
        walks = [
            pm.GaussianRandomWalk(name, sigma=step[k], init_dist=start, shape=10)
            for k, name in enumerate(("alpha", "beta"))
        ]
        sigma = pm.HalfNormal("sigma", 1.0)
        pm.Normal("y", walks[0][period] + walks[1][period] * x, sigma, observed=y)
        pm.Deterministic("last_slope", walks[1][-1])
    return model


def vector_autoregression() -> pm.Model:
    """Two series, each on the last value of both."""
    rng = np.random.default_rng(509)
    lag, y = np.array([[0.6, 0.1], [-0.2, 0.5]]), np.zeros((100, 2))
    for t in range(1, 100):
        y[t] = 0.3 + lag @ y[t - 1] + rng.normal(0.0, 0.4, 2)
    with pm.Model() as model:
        constant = pm.Normal("constant", 0.0, 0.5, shape=2)
        coefficients = pm.Normal("coefficients", 0.0, 0.5, shape=(2, 2))
        sigma = pm.HalfNormal("sigma", 1.0, shape=2)
        mean = constant + pm.math.dot(y[:-1], coefficients.T)
        pm.Normal("y", mean, sigma, observed=y[1:])
    return model


def coal_mining() -> pm.Model:
    """Disasters a year; the year of the change is summed out."""
    rng = np.random.default_rng(510)
    y = np.r_[rng.poisson(3.1, 40), rng.poisson(1.0, 70)]
    before = np.tril(np.ones((110, 110)))[:-1]
    with pm.Model() as model:
        early, late = pm.Exponential("early", 1.0), pm.Exponential("late", 1.0)
        each = [pm.logp(pm.Poisson.dist(rate), y) for rate in (early, late)]
        by_year = pt.dot(before, each[0]) + pt.dot(1.0 - before, each[1])
        pm.Potential("y", pt.logsumexp(by_year))
        pm.Deterministic("ratio", late / early)
    return model


def smooth_change() -> pm.Model:
    """A level that changes within a time, by a sigmoid."""
    rng = np.random.default_rng(511)
    t = np.linspace(0.0, 1.0, 80)
    y = np.where(t < 0.6, 1.0, 2.2) + rng.normal(0.0, 0.4, 80)
    with pm.Model() as model:
        tau = pm.Beta("tau", 2.0, 2.0)
        level = pm.Normal("level", 0.0, 3.0, shape=2)
        sigma = pm.HalfNormal("sigma", 1.0)
        weight = pm.math.sigmoid((t - tau) / 0.02)
        pm.Normal("y", level[0] * (1.0 - weight) + level[1] * weight, sigma, observed=y)
    return model


PROCESSES = (
    entry(gp_marginal, "Gaussian process", ("ell", "eta", "sigma"), "marginal, 60 points"),
    entry(gp_latent, "Gaussian process", ("ell", "eta", "chance"), "latent, 30 binary outcomes"),
    entry(gp_hsgp, "Gaussian process", ("ell", "eta", "rate"), "20 basis functions, counts"),
    entry(autoregression, "time series", ("rho", "sigma"), "AR(1), 100 points"),
    entry(local_level, "time series", ("step", "noise", "last"), "a random walk with noise"),
    entry(stochastic_volatility, "time series", ("step", "nu", "last"), "100 days"),
    entry(seasonal, "time series", ("alpha", "trend", "beta"), "trend and Fourier terms"),
    entry(walking_coefficients, "time series", ("step", "sigma", "last_slope"),
          "coefficients that walk", target_accept=0.99),
    entry(vector_autoregression, "time series", ("coefficients", "sigma"), "two series, one lag"),
    entry(coal_mining, "change point", ("early", "late", "ratio"), "the year summed out"),
    entry(smooth_change, "change point", ("tau", "level", "sigma"), "a steep sigmoid"),
)  # fmt: skip
