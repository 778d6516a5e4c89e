"""Generalised linear models, as a user writes them first."""

from __future__ import annotations

import numpy as np
import pymc as pm
from scipy.special import expit

from .entry import entry


def straight_line() -> pm.Model:
    rng = np.random.default_rng(101)
    x = np.linspace(0.0, 1.0, 200)
    y = 1.0 + 2.0 * x + rng.normal(0.0, 0.5, x.size)
    with pm.Model() as model:
        sigma = pm.HalfCauchy("sigma", beta=10.0)
        intercept = pm.Normal("intercept", 0.0, sigma=20.0)
        slope = pm.Normal("slope", 0.0, sigma=20.0)
        pm.Normal("y", mu=intercept + slope * x, sigma=sigma, observed=y)
    return model


def logistic_interaction() -> pm.Model:
    """A binary outcome by two predictors and their product."""
    rng = np.random.default_rng(102)
    x = rng.normal(0.0, 2.0, (250, 2))
    y = rng.binomial(1, expit(-0.5 + x[:, 0] - x[:, 1] + 2.0 * x[:, 0] * x[:, 1]))
    design = np.column_stack([np.ones(250), x, x[:, 0] * x[:, 1]])
    with pm.Model(coords={"term": ["intercept", "x1", "x2", "x1:x2"]}) as model:
        beta = pm.Normal("beta", 0.0, 1.0, dims="term")
        pm.Bernoulli("y", logit_p=pm.math.dot(design, beta), observed=y)
    return model


def binomial_regression() -> pm.Model:
    rng = np.random.default_rng(103)
    x = np.linspace(-10.0, 20.0, 100)
    y = rng.binomial(20, expit(0.4 * (x - 5.0)))
    with pm.Model() as model:
        beta0 = pm.Normal("beta0", 0.0, sigma=1.0)
        beta1 = pm.Normal("beta1", 0.0, sigma=1.0)
        pm.Binomial("y", n=20, logit_p=beta0 + beta1 * x, observed=y)
    return model


def _sneezes() -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    """Two binary predictors, and the mean count for each combination."""
    alcohol, nomeds = (a.ravel() for a in np.meshgrid([0, 1], [0, 1]))
    alcohol, nomeds = np.repeat(alcohol, 60), np.repeat(nomeds, 60)
    mean = np.exp(0.0 + 1.1 * alcohol + 1.8 * nomeds + 0.7 * alcohol * nomeds)
    design = np.column_stack([np.ones(mean.size), alcohol, nomeds, alcohol * nomeds])
    return design, mean, np.random.default_rng(104)


_SNEEZES = {"term": ["intercept", "alcohol", "nomeds", "alcohol:nomeds"]}


def poisson_interaction() -> pm.Model:
    """Sneezes a day by alcohol and a missing antihistamine."""
    design, mean, rng = _sneezes()
    with pm.Model(coords=_SNEEZES) as model:
        beta = pm.Normal("beta", 0.0, sigma=10.0, dims="term")
        pm.Poisson("sneezes", mu=pm.math.exp(design @ beta), observed=rng.poisson(mean))
    return model


def negative_binomial_interaction() -> pm.Model:
    """The same with overdispersion."""
    design, mean, rng = _sneezes()
    counts = rng.poisson(rng.gamma(1.5, mean / 1.5))
    with pm.Model(coords=_SNEEZES) as model:
        alpha = pm.Exponential("alpha", 0.5)
        beta = pm.Normal("beta", 0.0, sigma=10.0, dims="term")
        pm.NegativeBinomial("sneezes", mu=pm.math.exp(design @ beta), alpha=alpha, observed=counts)
    return model


def gamma_regression() -> pm.Model:
    """Positive durations with a log link."""
    rng = np.random.default_rng(105)
    x = rng.normal(size=120)
    y = rng.gamma(2.0, np.exp(1.0 + 0.5 * x) / 2.0)
    with pm.Model() as model:
        a = pm.Normal("a", 0.0, 2.5)
        b = pm.Normal("b", 0.0, 2.5)
        shape = pm.HalfNormal("shape", 5.0)
        mean = pm.math.exp(a + b * x)
        pm.Gamma("y", alpha=shape, beta=shape / mean, observed=y)
    return model


def beta_regression() -> pm.Model:
    """Shares between 0 and 1 by one predictor."""
    rng = np.random.default_rng(106)
    x = rng.uniform(-2.0, 2.0, 80)
    mean = expit(0.3 + 0.8 * x)
    y = rng.beta(mean * 12.0, (1.0 - mean) * 12.0)
    with pm.Model() as model:
        a = pm.Normal("a", 0.0, 1.5)
        b = pm.Normal("b", 0.0, 1.5)
        precision = pm.Gamma("precision", 2.0, 0.1)
        share = pm.math.invlogit(a + b * x)
        pm.Beta("y", alpha=share * precision, beta=(1.0 - share) * precision, observed=y)
    return model


def moderation() -> pm.Model:
    """The effect of training on muscle, moderated by age."""
    rng = np.random.default_rng(107)
    x, m = rng.normal(10.0, 3.0, 150), rng.uniform(20.0, 70.0, 150)
    y = 40.0 + 2.0 * x - 0.1 * m - 0.02 * x * m + rng.normal(0.0, 8.0, 150)
    with pm.Model() as model:
        b0 = pm.Normal("b0", 0.0, 10.0)
        b = pm.Normal("b", 0.0, 10.0, shape=3)
        sigma = pm.HalfCauchy("sigma", 1.0)
        pm.Normal("y", b0 + b[0] * x + b[1] * x * m + b[2] * m, sigma, observed=y)
    return model


def difference_in_differences() -> pm.Model:
    """Two groups before and after an intervention on one of them."""
    rng = np.random.default_rng(108)
    group, after = np.repeat([0, 0, 1, 1], 15), np.tile(np.repeat([0, 1], 15), 2)
    y = 1.0 + 0.5 * group + 0.7 * after + 0.8 * group * after + rng.normal(0.0, 0.5, 60)
    with pm.Model() as model:
        control = pm.Normal("control", 0.0, 5.0)
        gap = pm.Normal("gap", 0.0, 1.0)
        trend = pm.Normal("trend", 0.0, 1.0)
        effect = pm.Normal("effect", 0.0, 1.0)
        sigma = pm.HalfNormal("sigma", 1.0)
        mean = control + gap * group + trend * after + effect * group * after
        pm.Normal("y", mean, sigma, observed=y)
    return model


def multinomial_regression() -> pm.Model:
    """Three species by two measurements, a softmax with the first species as the baseline."""
    rng = np.random.default_rng(109)
    x = rng.normal(size=(150, 2))
    scores = np.column_stack([np.zeros(150), 0.3 + x[:, 0], -0.4 + x @ [1.5, -1.0]])
    y = np.argmax(scores + rng.gumbel(size=scores.shape), axis=1)
    with pm.Model(coords={"other": ["second", "third"], "feature": ["x1", "x2"]}) as model:
        a = pm.Normal("a", 0.0, 3.0, dims="other")
        b = pm.Normal("b", 0.0, 3.0, dims=("feature", "other"))
        free = a + pm.math.dot(x, b)
        eta = pm.math.concatenate([np.zeros((150, 1)), free], axis=1)
        pm.Categorical("y", p=pm.math.softmax(eta, axis=1), observed=y)
    return model


def mediation() -> pm.Model:
    """An effect that goes partly through a third variable."""
    rng = np.random.default_rng(110)
    x = rng.normal(size=75)
    m = 0.5 * x + rng.normal(0.0, 0.8, 75)
    y = 0.6 * m + 0.3 * x + rng.normal(0.0, 0.9, 75)
    with pm.Model() as model:
        im, iy = pm.Normal("im", 0.0, 10.0), pm.Normal("iy", 0.0, 10.0)
        a, b = pm.Normal("a", 0.0, 10.0), pm.Normal("b", 0.0, 10.0)
        direct = pm.Normal("direct", 0.0, 10.0)
        sm, sy = pm.HalfCauchy("sm", 1.0), pm.HalfCauchy("sy", 1.0)
        pm.Normal("m", im + a * x, sm, observed=m)
        pm.Normal("y", iy + b * m + direct * x, sy, observed=y)
        indirect = pm.Deterministic("indirect", a * b)
        pm.Deterministic("total", direct + indirect)
    return model


REGRESSIONS = (
    entry(straight_line, "regression", ("intercept", "slope", "sigma"),
          "a straight line through 200 points, vague priors"),
    entry(logistic_interaction, "regression", ("beta",), "250 binary outcomes, an interaction"),
    entry(binomial_regression, "regression", ("beta0", "beta1"), "100 shares of 20 trials"),
    entry(poisson_interaction, "regression", ("beta",), "counts by two factors, an interaction"),
    entry(negative_binomial_interaction, "regression", ("alpha", "beta"),
          "overdispersed counts by two factors, an interaction"),
    entry(gamma_regression, "regression", ("a", "b", "shape"), "positive outcomes, log link"),
    entry(beta_regression, "regression", ("a", "b", "precision"), "shares by one predictor"),
    entry(moderation, "regression", ("b0", "b", "sigma"),
          "an interaction of predictors that are not centred"),
    entry(difference_in_differences, "regression", ("effect", "trend", "gap"),
          "two groups before and after"),
    entry(multinomial_regression, "regression", ("a", "b"), "softmax of three classes"),
    entry(mediation, "regression", ("direct", "indirect", "total"),
          "direct and indirect effects, a product of coefficients"),
)  # fmt: skip
