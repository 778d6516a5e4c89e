"""Linear regression with known noise and normal priors: everything about it is known exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pymc as pm
from scipy.stats import multivariate_normal

PREDICTORS = ("intercept", "slope", "curve")


@dataclass(frozen=True)
class RegressionData:
    """N observations of K predictors.

    Attributes
    ----------
    design : (N, K) array
    outcome : (N,) array
    noise_sd, prior_sd : float
        Both known; the prior of each coefficient is N(0, prior_sd).
    """

    design: np.ndarray
    outcome: np.ndarray
    noise_sd: float = 0.5
    prior_sd: float = 2.0


def example_data(observations: int = 20, random_seed: int = 20260101) -> RegressionData:
    """Simulate a quadratic in one predictor."""
    rng = np.random.default_rng(random_seed)
    x = np.linspace(-1.0, 1.0, observations)
    design = np.column_stack([np.ones(observations), x, x**2])
    outcome = design @ np.array([1.0, -0.5, 0.8]) + 0.5 * rng.standard_normal(observations)
    return RegressionData(design, outcome)


def linear_regression(data: RegressionData | None = None) -> pm.Model:
    """Linear regression with coefficients b ~ N(0, prior_sd) and known noise.

    Parameters
    ----------
    data : RegressionData, optional
        A simulated quadratic with 20 observations, if None.

    Returns
    -------
    pymc.Model
    """
    data = data or example_data()
    observations, size = data.design.shape
    names = PREDICTORS if size == len(PREDICTORS) else range(size)
    with pm.Model(coords={"predictor": names, "observation": range(observations)}) as model:
        design = pm.Data("design", data.design, dims=("observation", "predictor"))
        b = pm.Normal("b", 0.0, data.prior_sd, dims="predictor")
        pm.Normal("y", design @ b, data.noise_sd, observed=data.outcome, dims="observation")
    return model


def exact_posterior(data: RegressionData) -> tuple[np.ndarray, np.ndarray, float]:
    """Closed form of the posterior.

    Returns
    -------
    mean : (K,) array
    covariance : (K, K) array
    log_evidence : float
    """
    observations, size = data.design.shape
    precision = data.design.T @ data.design / data.noise_sd**2 + np.eye(size) / data.prior_sd**2
    covariance = np.linalg.inv(precision)
    mean = covariance @ data.design.T @ data.outcome / data.noise_sd**2
    marginal = data.noise_sd**2 * np.eye(observations)
    marginal += data.prior_sd**2 * data.design @ data.design.T
    evidence = multivariate_normal(np.zeros(observations), marginal).logpdf(data.outcome)
    return mean, covariance, float(evidence)
