"""Posteriors that are normal, or nearly so: where a warning would be a false alarm."""

from __future__ import annotations

from functools import partial

import numpy as np
import pymc as pm
from scipy import stats

from tripos.models.linear_regression import RegressionData, exact_posterior, linear_regression

from .datasets import with_intercept
from .posterior import ClosedForm, Marginal, Nuts, Posterior, marginal_of


def conjugate_data(size: int) -> RegressionData:
    """Simulate a regression on ``size`` correlated predictors, with known noise."""
    rng = np.random.default_rng(1000 + size)
    common = rng.standard_normal((4 * size, 1))
    design = 0.7 * common + rng.standard_normal((4 * size, size))
    outcome = design @ rng.standard_normal(size) + 0.5 * rng.standard_normal(4 * size)
    return RegressionData(design, outcome)


def conjugate(size: int) -> pm.Model:
    """Linear regression with known noise: the posterior is exactly normal."""
    return linear_regression(conjugate_data(size))


def conjugate_marginals(size: int) -> dict[str, Marginal]:
    """Normal marginals of the coefficients, at most twenty."""
    mean, covariance, _ = exact_posterior(conjugate_data(size))
    sds = np.sqrt(np.diag(covariance))
    return {
        name: marginal_of(stats.norm(m, s))
        for name, m, s in zip(conjugate_names(size), mean, sds, strict=False)
    }


def conjugate_names(size: int) -> tuple[str, ...]:
    """Flattened names of the coefficients that are judged."""
    return tuple(f"b[{k}]" for k in range(min(size, 20)))


def simulated_design(observations: int, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A design with intercept (N, P), correlated predictors, and coefficients (P,)."""
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((observations, 1))
    predictors = 0.5 * common + rng.standard_normal((observations, size - 1))
    return with_intercept(predictors), rng.normal(0.0, 0.4, size)


def large_logistic(observations: int, size: int) -> pm.Model:
    """Logistic regression with so many observations that the posterior is nearly normal."""
    design, coefficients = simulated_design(observations, size, 2000 + size)
    rng = np.random.default_rng(size)
    outcome = rng.random(observations) < 1 / (1 + np.exp(-design @ coefficients))
    with pm.Model() as model:
        x = pm.Data("x", design)
        b = pm.Normal("b", 0.0, 2.0, shape=size)
        pm.Bernoulli("y", logit_p=x @ b, observed=outcome.astype(int))
    return model


def large_poisson(observations: int = 600, size: int = 10) -> pm.Model:
    """Poisson regression with so many observations that the posterior is nearly normal."""
    design, coefficients = simulated_design(observations, size, 3000 + size)
    counts = np.random.default_rng(size).poisson(np.exp(design @ coefficients))
    with pm.Model() as model:
        x = pm.Data("x", design)
        b = pm.Normal("b", 0.0, 2.0, shape=size)
        pm.Poisson("y", pm.math.exp(x @ b), observed=counts)
    return model


NEAR_GAUSSIAN = (
    *(
        Posterior(
            f"conjugate_{size}",
            partial(conjugate, size),
            "near Gaussian",
            f"linear regression, known noise, {size} coefficients: exactly normal",
            ClosedForm(partial(conjugate_marginals, size)),
            only=conjugate_names(size),
        )
        for size in (2, 5, 10, 20, 50)
    ),
    Posterior("large_logistic_5", partial(large_logistic, 1500, 5), "near Gaussian",
              "logistic regression, 1,500 simulated observations", Nuts()),
    Posterior("large_logistic_20", partial(large_logistic, 1500, 20), "near Gaussian",
              "logistic regression, 1,500 simulated observations, 20 coefficients",
              Nuts(target_accept=0.8)),
    Posterior("large_poisson_10", large_poisson, "near Gaussian",
              "Poisson regression, 600 simulated observations", Nuts()),
)  # fmt: skip
