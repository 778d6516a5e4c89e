"""Distributions of one number: plain, truncated, censored, and as a prior."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
from pytensor.compile.mode import Mode

OBSERVATIONS, SEED = 20, 20260101
PLAIN = Mode(linker="py", optimizer="fast_compile")  # Numba would take seconds

# Each distribution with values of its parameters, the free ones by what they may be: any number,
# above 0, or between 0 and 1.
Kind = tuple[str, float]
Parameters = dict[str, Any]


def real(value: float) -> Kind:
    return "real", value


def positive(value: float) -> Kind:
    return "positive", value


def unit(value: float) -> Kind:
    return "unit", value


CONTINUOUS: dict[str, Parameters] = {
    "AsymmetricLaplace": {"b": positive(1.0), "kappa": positive(1.5), "mu": 0.5},
    "Beta": {"alpha": positive(2.0), "beta": positive(3.0)},
    "Cauchy": {"alpha": real(0.5), "beta": positive(1.0)},
    "ChiSquared": {"nu": positive(4.0)},
    "ExGaussian": {"mu": real(0.5), "sigma": positive(1.0), "nu": positive(2.0)},
    "Exponential": {"lam": positive(1.5)},
    "Gamma": {"alpha": positive(2.0), "beta": positive(1.5)},
    "Gumbel": {"mu": real(0.5), "beta": positive(1.5)},
    "HalfCauchy": {"beta": positive(1.5)},
    "HalfNormal": {"sigma": positive(1.5)},
    "HalfStudentT": {"nu": positive(4.0), "sigma": positive(1.5)},
    "InverseGamma": {"alpha": positive(3.0), "beta": positive(2.0)},
    "Kumaraswamy": {"a": positive(2.0), "b": positive(3.0)},
    "Laplace": {"mu": 0.5, "b": positive(1.0)},
    "Logistic": {"mu": real(0.5), "s": positive(1.0)},
    "LogitNormal": {"mu": real(0.5), "sigma": positive(1.0)},
    "LogNormal": {"mu": real(0.5), "sigma": positive(0.8)},
    "Moyal": {"mu": real(0.5), "sigma": positive(1.0)},
    "Normal": {"mu": real(0.5), "sigma": positive(1.5)},
    "Pareto": {"alpha": positive(3.0), "m": 1.0},
    "PolyaGamma": {"h": 1.0, "z": real(0.5)},
    "Rice": {"nu": positive(2.0), "sigma": positive(1.0)},
    "SkewNormal": {"mu": real(0.5), "sigma": positive(1.0), "alpha": real(2.0)},
    "SkewStudentT": {
        "a": positive(2.0),
        "b": positive(3.0),
        "mu": real(0.5),
        "sigma": positive(1.0),
    },
    "StudentT": {"nu": positive(4.0), "mu": real(0.5), "sigma": positive(1.0)},
    "Triangular": {"lower": -1.0, "c": 0.3, "upper": positive(2.0)},
    "TruncatedNormal": {"mu": real(0.5), "sigma": positive(1.0), "lower": -1.0, "upper": 2.0},
    "Uniform": {"lower": -1.0, "upper": positive(2.0)},
    "VonMises": {"mu": real(0.5), "kappa": positive(2.0)},
    "Wald": {"mu": positive(1.0), "lam": positive(2.0)},
    "Weibull": {"alpha": positive(1.5), "beta": positive(2.0)},
}
DISCRETE: dict[str, Parameters] = {
    "Bernoulli": {"p": unit(0.4)},
    "BetaBinomial": {"n": 10, "alpha": positive(2.0), "beta": positive(3.0)},
    "Binomial": {"n": 10, "p": unit(0.4)},
    "DiscreteUniform": {"lower": 0, "upper": 5},
    "DiscreteWeibull": {"q": unit(0.7), "beta": positive(1.2)},
    "Geometric": {"p": unit(0.4)},
    "HyperGeometric": {"N": 30, "k": 12, "n": 8},
    "NegativeBinomial": {"mu": positive(3.0), "alpha": positive(2.0)},
    "Poisson": {"mu": positive(3.0)},
    "HurdleNegativeBinomial": {"psi": unit(0.7), "mu": positive(3.0), "alpha": positive(2.0)},
    "HurdlePoisson": {"psi": unit(0.7), "mu": positive(3.0)},
    "ZeroInflatedBinomial": {"psi": unit(0.7), "n": 10, "p": unit(0.4)},
    "ZeroInflatedNegativeBinomial": {
        "psi": unit(0.7),
        "mu": positive(3.0),
        "alpha": positive(2.0),
    },
    "ZeroInflatedPoisson": {"psi": unit(0.7), "mu": positive(3.0)},
}
HURDLES: dict[str, Parameters] = {
    "HurdleGamma": {"psi": unit(0.7), "alpha": positive(2.0), "beta": positive(1.5)},
    "HurdleLogNormal": {"psi": unit(0.7), "mu": real(0.5), "sigma": positive(0.8)},
}


def free(name: str, kind: Kind) -> Any:
    """Free variable whose prior is centred about the value."""
    space, value = kind
    if space == "real":
        return pm.Normal(name, value, 1.0)
    if space == "positive":
        return pm.Gamma(name, 4.0, 4.0 / value)
    return pm.Beta(name, 4 * value, 4 * (1 - value))


def parameters_of(given: Parameters) -> Parameters:
    """The parameters as free variables, in a model's context."""
    return {k: free(k, v) if isinstance(v, tuple) else v for k, v in given.items()}


def values_of(given: Parameters) -> Parameters:
    return {k: v[1] if isinstance(v, tuple) else v for k, v in given.items()}


def distribution(name: str, given: Parameters) -> Any:
    return getattr(pm, name).dist(**given)


def sample(name: str, given: Parameters) -> np.ndarray:
    drawn = distribution(name, values_of(given))
    return pm.draw(drawn, draws=OBSERVATIONS, random_seed=SEED, mode=PLAIN)


def plain(name: str, given: Parameters) -> None:
    getattr(pm, name)("y", **parameters_of(given), observed=sample(name, given))


def cut(name: str, given: Parameters, how: Callable[..., Any]) -> None:
    """Truncated or censored, above and below, in the middle of the data."""
    data = sample(name, given)
    low, high = np.quantile(data, (0.1, 0.8), method="nearest")
    if how is pm.Truncated:
        data = data[(data >= low) & (data <= high)]
    how("y", distribution(name, parameters_of(given)), low, high, observed=np.clip(data, low, high))


def as_prior(name: str, given: Parameters) -> None:
    x = getattr(pm, name)("x", **values_of(given))
    pm.Normal("y", x, 1.0, observed=sample(name, given)[:1])


def truncated_prior(name: str, given: Parameters) -> None:
    low, high = np.quantile(sample(name, given), (0.1, 0.8))
    x = pm.Truncated("x", distribution(name, values_of(given)), low, high)
    pm.Normal("y", x, 1.0, observed=np.array([(low + high) / 2]))
