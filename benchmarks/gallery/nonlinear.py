"""Regressions that are robust, censored, truncated, ordinal, or curved."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from scipy.interpolate import BSpline

from .entry import entry


def robust_line() -> pm.Model:
    """A straight line with a tenth of outliers, Student-t errors."""
    rng = np.random.default_rng(201)
    x = np.linspace(0.0, 1.0, 100)
    y = 1.0 + 2.0 * x + rng.normal(0.0, 0.3, 100)
    y[rng.choice(100, 10, replace=False)] += rng.normal(0.0, 4.0, 10)
    with pm.Model() as model:
        intercept = pm.Normal("intercept", 0.0, sigma=20.0)
        slope = pm.Normal("slope", 0.0, sigma=20.0)
        sigma = pm.HalfCauchy("sigma", 10.0)
        nu = pm.Gamma("nu", 2.0, 0.1)
        pm.StudentT("y", nu=nu, mu=intercept + slope * x, sigma=sigma, observed=y)
    return model


def two_groups() -> pm.Model:
    """Bayesian estimation in place of a t test."""
    rng = np.random.default_rng(202)
    drug = np.round(101.9 + 2.5 * rng.standard_t(4, 47))
    placebo = np.round(100.5 + 1.5 * rng.standard_t(4, 42))
    pooled = np.r_[drug, placebo]
    with pm.Model(coords={"group": ["drug", "placebo"]}) as model:
        mu = pm.Normal("mu", pooled.mean(), 2.0 * pooled.std(), dims="group")
        sigma = pm.Uniform("sigma", 0.1, 10.0, dims="group")
        nu = pm.Exponential("nu_minus_one", 1.0 / 29.0) + 1.0
        pm.StudentT("drug", nu=nu, mu=mu[0], sigma=sigma[0], observed=drug)
        pm.StudentT("placebo", nu=nu, mu=mu[1], sigma=sigma[1], observed=placebo)
        difference = pm.Deterministic("difference", mu[0] - mu[1])
        spread = pm.math.sqrt((sigma[0] ** 2 + sigma[1] ** 2) / 2.0)
        pm.Deterministic("effect_size", difference / spread)
    return model


def quantile_regression() -> pm.Model:
    """The ninth decile of a heteroskedastic outcome."""
    rng = np.random.default_rng(203)
    x = rng.uniform(0.0, 4.0, 120)
    y = 1.0 + x + rng.normal(0.0, 0.3 + 0.3 * x)
    with pm.Model() as model:
        a = pm.Normal("a", 0.0, 5.0)
        b = pm.Normal("b", 0.0, 5.0)
        sigma = pm.HalfNormal("sigma", 2.0)
        pm.AsymmetricLaplace("y", mu=a + b * x, b=1.0 / sigma, q=0.9, observed=y)
    return model


def heteroskedastic() -> pm.Model:
    """Mean and log sd both linear."""
    rng = np.random.default_rng(204)
    x = rng.uniform(0.0, 3.0, 150)
    y = 2.0 + 1.5 * x + rng.normal(0.0, np.exp(-1.0 + 0.6 * x))
    with pm.Model() as model:
        a, b = pm.Normal("a", 0.0, 5.0), pm.Normal("b", 0.0, 5.0)
        c, d = pm.Normal("c", 0.0, 2.0), pm.Normal("d", 0.0, 2.0)
        pm.Normal("y", a + b * x, pm.math.exp(c + d * x), observed=y)
    return model


def truncated_regression() -> pm.Model:
    """Outcomes outside of -5 to 5 were never recorded."""
    rng = np.random.default_rng(205)
    x = rng.uniform(-10.0, 10.0, 300)
    y = x + rng.normal(0.0, 2.0, 300)
    kept = np.abs(y) <= 5.0
    with pm.Model() as model:
        slope = pm.Normal("slope", 0.0, 1.0)
        intercept = pm.Normal("intercept", 0.0, 1.0)
        sigma = pm.HalfNormal("sigma", 1.0)
        outcome = pm.Normal.dist(slope * x[kept] + intercept, sigma)
        pm.Truncated("y", outcome, lower=-5.0, upper=5.0, observed=y[kept])
    return model


def censored_regression() -> pm.Model:
    """Outcomes outside of -5 to 5 were recorded as the bound."""
    rng = np.random.default_rng(206)
    x = rng.uniform(-10.0, 10.0, 150)
    y = np.clip(x + rng.normal(0.0, 2.0, 150), -5.0, 5.0)
    with pm.Model() as model:
        slope = pm.Normal("slope", 0.0, 1.0)
        intercept = pm.Normal("intercept", 0.0, 1.0)
        sigma = pm.HalfNormal("sigma", 1.0)
        outcome = pm.Normal.dist(slope * x + intercept, sigma)
        pm.Censored("y", outcome, lower=-5.0, upper=5.0, observed=y)
    return model


def ordinal_regression() -> pm.Model:
    """Answers on a scale of five, ordered cutpoints."""
    rng = np.random.default_rng(207)
    x = rng.normal(size=(150, 2))
    latent = x @ [0.8, -0.5] + rng.logistic(size=150)
    y = np.searchsorted([-1.5, -0.5, 0.6, 1.8], latent)
    with pm.Model() as model:
        cut = pm.Normal(
            "cut", 0.0, 3.0, shape=4,
            transform=pm.distributions.transforms.ordered, initval=np.linspace(-2.0, 2.0, 4),
        )  # fmt: skip
        beta = pm.Normal("beta", 0.0, 1.0, shape=2)
        pm.OrderedLogistic("y", eta=pm.math.dot(x, beta), cutpoints=cut, observed=y)
    return model


def hockey_stick() -> pm.Model:
    """Flat, then rising: the bend is unknown."""
    rng = np.random.default_rng(208)
    x = np.linspace(0.0, 10.0, 60)
    y = 2.0 + 0.9 * np.maximum(x - 4.0, 0.0) + rng.normal(0.0, 0.6, 60)
    with pm.Model() as model:
        bend = pm.Uniform("bend", 0.0, 10.0)
        level = pm.Normal("level", 0.0, 5.0)
        slope = pm.Normal("slope", 0.0, 2.0)
        sigma = pm.HalfNormal("sigma", 1.0)
        pm.Normal("y", level + slope * pm.math.maximum(x - bend, 0.0), sigma, observed=y)
    return model


def michaelis_menten() -> pm.Model:
    """Velocity of a reaction by concentration, eleven measurements."""
    rng = np.random.default_rng(209)
    x = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 3.0])
    y = 2.1 * x / (0.4 + x) + rng.normal(0.0, 0.08, x.size)
    with pm.Model() as model:
        v_max = pm.HalfNormal("v_max", 5.0)
        k = pm.HalfNormal("k", 2.0)
        sigma = pm.HalfNormal("sigma", 1.0)
        pm.Normal("y", v_max * x / (k + x), sigma, observed=y)
    return model


def logistic_growth() -> pm.Model:
    """A population's size by the solution of its differential equation."""
    rng = np.random.default_rng(210)
    t = np.arange(0.0, 12.0)
    y = 60.0 / (1.0 + 14.0 * np.exp(-0.8 * t)) * rng.lognormal(0.0, 0.1, t.size)
    with pm.Model() as model:
        start = pm.LogNormal("start", 1.5, 1.0)
        rate = pm.HalfNormal("rate", 1.0)
        capacity = pm.LogNormal("capacity", 4.0, 1.0)
        sigma = pm.HalfNormal("sigma", 0.5)
        size = capacity / (1.0 + (capacity / start - 1.0) * pm.math.exp(-rate * t))
        pm.LogNormal("y", pm.math.log(size), sigma, observed=y)
    return model


def cubic_splines() -> pm.Model:
    """Day of the first blossom by year: 12 B-splines with a common scale of weights."""
    rng = np.random.default_rng(211)
    year = np.linspace(0.0, 1.0, 160)
    day = 103.0 - 5.0 * year + 4.0 * np.sin(7.0 * year) + rng.normal(0.0, 5.0, year.size)
    knots = np.r_[[0.0] * 3, np.linspace(0.0, 1.0, 10), [1.0] * 3]
    basis = BSpline.design_matrix(np.clip(year, 0.0, 1.0 - 1e-9), knots, 3).toarray()
    with pm.Model() as model:
        a = pm.Normal("a", 100.0, 5.0)
        w = pm.Normal("w", 0.0, 3.0, shape=basis.shape[1])
        mean = a + pm.math.dot(basis, w)
        sigma = pm.Exponential("sigma", 1.0)
        pm.Normal("day", mean, sigma, observed=day)
        pm.Deterministic("curve", mean[:: len(day) // 5])
    return model


def _measured_with_error() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(212)
    true_x = rng.normal(3.0, 2.0, 30)
    return true_x + rng.normal(0.0, 1.0, 30), 1.0 + 0.8 * true_x + rng.normal(0.0, 0.5, 30)


def errors_in_variables() -> pm.Model:
    """A predictor measured with error: 30 latent values."""
    x, y = _measured_with_error()
    with pm.Model() as model:
        mean, sd = pm.Normal("mean", 0.0, 10.0), pm.HalfNormal("sd", 5.0)
        latent = pm.Normal("latent", mean, sd, shape=30)
        a, b = pm.Normal("a", 0.0, 5.0), pm.Normal("b", 0.0, 2.0)
        sigma = pm.HalfNormal("sigma", 1.0)
        pm.Normal("x", latent, 1.0, observed=x)
        pm.Normal("y", a + b * latent, sigma, observed=y)
    return model


def _without_latent_values() -> pm.Model:
    """The same with the latent values integrated out: given x they are normal."""
    x, y = _measured_with_error()
    with pm.Model() as model:
        mean, sd = pm.Normal("mean", 0.0, 10.0), pm.HalfNormal("sd", 5.0)
        a, b = pm.Normal("a", 0.0, 5.0), pm.Normal("b", 0.0, 2.0)
        sigma = pm.HalfNormal("sigma", 1.0)
        share = sd**2 / (sd**2 + 1.0)
        pm.Normal("x", mean, pm.math.sqrt(sd**2 + 1.0), observed=x)
        spread = pm.math.sqrt(sigma**2 + b**2 * share)
        pm.Normal("y", a + b * (mean + share * (x - mean)), spread, observed=y)
    return model


def neural_network() -> pm.Model:
    """Two hidden units between one input and a binary outcome; what it predicts is asked."""
    rng = np.random.default_rng(213)
    x = rng.uniform(-2.0, 2.0, 80)
    y = rng.binomial(1, np.where(np.abs(x) < 0.9, 0.9, 0.1))
    new = np.array([-1.5, -0.5, 0.0, 0.5, 1.5])
    with pm.Model() as model:
        w1, b1 = pm.Normal("w1", 0.0, 1.0, shape=2), pm.Normal("b1", 0.0, 1.0, shape=2)
        w2, b2 = pm.Normal("w2", 0.0, 1.0, shape=2), pm.Normal("b2", 0.0, 1.0)

        def logit(inputs: np.ndarray) -> pt.TensorVariable:
            hidden = pm.math.tanh(inputs[:, None] * w1 + b1)
            return pm.math.dot(hidden, w2) + b2

        pm.Bernoulli("y", logit_p=logit(x), observed=y)
        pm.Deterministic("predicted", pm.math.invlogit(logit(new)))
    return model


NONLINEAR = (
    entry(robust_line, "robust", ("intercept", "slope", "sigma", "nu"),
          "a straight line, Student-t errors with unknown degrees of freedom"),
    entry(two_groups, "robust", ("difference", "effect_size", "sigma"),
          "two groups with Student-t outcomes"),
    entry(quantile_regression, "regression", ("a", "b", "sigma"),
          "an upper quantile, asymmetric Laplace errors"),
    entry(heteroskedastic, "regression", ("a", "b", "c", "d"), "linear mean and log sd"),
    entry(truncated_regression, "regression", ("slope", "intercept", "sigma"),
          "outcomes recorded between bounds only"),
    entry(censored_regression, "regression", ("slope", "intercept", "sigma"),
          "outcomes beyond bounds recorded as the bound"),
    entry(ordinal_regression, "ordinal", ("cut", "beta"), "ordered cutpoints"),
    entry(hockey_stick, "nonlinear", ("bend", "level", "slope", "sigma"), "an unknown bend"),
    entry(michaelis_menten, "nonlinear", ("v_max", "k", "sigma"), "saturation, 11 points"),
    entry(logistic_growth, "ODE", ("start", "rate", "capacity", "sigma"),
          "the closed solution of logistic growth"),
    entry(cubic_splines, "regression", ("a", "sigma", "curve"), "12 B-splines"),
    entry(errors_in_variables, "latent", ("a", "b", "sigma"), "a predictor measured with error",
          sampled=_without_latent_values),
    entry(neural_network, "network", ("predicted",), "a network of two hidden units"),
)  # fmt: skip
