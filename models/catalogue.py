"""The models that come with tripos: descriptions, quantities of interest, and exact posteriors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pymc as pm
from scipy import stats
from scipy.special import betaln, gammaln

from .bioassay import bioassay
from .borrowers import borrowers
from .crossed_effects import crossed_effects
from .eight_schools import SCHOOLS, eight_schools
from .globe import globe
from .linear_regression import PREDICTORS, exact_posterior, example_data, linear_regression
from .neural_network import neural_network
from .smooth_trend import smooth_trend
from .varying_slopes import varying_slopes
from .windshield import LINES, windshield


@dataclass(frozen=True)
class Truth:
    """An exact posterior.

    Attributes
    ----------
    mean, sd : mapping of str to float
        Keyed by quantity, such as ``"theta[Choate]"``; only quantities that have them.
    log_evidence : float
    source : str
        How it is known.
    """

    mean: Mapping[str, float]
    sd: Mapping[str, float]
    log_evidence: float
    source: str


@dataclass(frozen=True)
class Entry:
    """A model of the catalogue.

    Attributes
    ----------
    name, description, source : str
    build : callable
        Returns a new `pymc.Model`; its arguments choose the model's variant and size. Called
        without arguments, it builds a model that has a mode and is small enough for every method.
    quantities : tuple of str
        Variables of interest.
    bounds : mapping of str to (float, float)
        The box of the textbook's grid, where a textbook has one.
    truth : Truth or None
        Exact posterior of the model that ``build()`` returns; None where it is not known.
    """

    name: str
    description: str
    source: str
    build: Callable[..., pm.Model]
    quantities: tuple[str, ...]
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    truth: Truth | None = None


def _globe_truth(water: int = 6, tosses: int = 9) -> Truth:
    posterior = stats.beta(water + 1, tosses - water + 1)
    choose = gammaln(tosses + 1) - gammaln(water + 1) - gammaln(tosses - water + 1)
    return Truth(
        {"p": float(posterior.mean())},
        {"p": float(posterior.std())},
        float(choose + betaln(water + 1, tosses - water + 1)),
        "closed form: a beta distribution",
    )


def _windshield_truth(line: int = 1) -> Truth:
    """BDA3 section 3.2: mu is t with n - 1 d.f., (n - 1) s^2 / sigma^2 is chi^2 with n - 1."""
    y = np.asarray(LINES[line])
    n, s = len(y), y.std(ddof=1)
    mu = stats.t(n - 1, y.mean(), s / np.sqrt(n))
    log_chi2_mean = np.log(2) + stats.loggamma((n - 1) / 2).mean()
    inverse_chi = np.exp(gammaln((n - 2) / 2) - gammaln((n - 1) / 2)) / np.sqrt(2)
    sigma_mean = s * np.sqrt(n - 1) * inverse_chi
    evidence = (
        -0.5 * (n - 1) * np.log(np.pi)
        - 0.5 * np.log(n)
        - np.log(2)
        + gammaln((n - 1) / 2)
        - 0.5 * (n - 1) * np.log((n - 1) * s**2)
    )
    return Truth(
        {
            "mu": float(y.mean()),
            "log_sigma": float(0.5 * (np.log((n - 1) * s**2) - log_chi2_mean)),
            "sigma": float(sigma_mean),
        },
        {
            "mu": float(mu.std()),
            "log_sigma": float(0.5 * stats.loggamma((n - 1) / 2).std()),
            "sigma": float(np.sqrt((n - 1) * s**2 / (n - 3) - sigma_mean**2)),
        },
        float(evidence),
        "closed form: a t and an inverse chi-squared distribution",
    )


def _regression_truth() -> Truth:
    mean, covariance, evidence = exact_posterior(example_data())
    labels = [f"b[{name}]" for name in PREDICTORS]
    return Truth(
        dict(zip(labels, map(float, mean), strict=True)),
        dict(zip(labels, map(float, np.sqrt(np.diag(covariance))), strict=True)),
        evidence,
        "closed form: conjugate normal",
    )


_BIOASSAY_TRUTH = Truth(
    {"alpha": 1.3147, "beta": 11.6356},
    {"alpha": 1.1021, "beta": 5.7731},
    1.18324,
    "two-dimensional quadrature; ld50 has no moments, since beta can be zero",
)

_EIGHT_SCHOOLS_TRUTH = Truth(
    dict(
        zip(
            ("mu", "tau", *(f"theta[{school}]" for school in SCHOOLS)),
            (4.39682, 3.59771, 6.2119, 4.9402, 3.9270, 4.7571, 3.6155, 4.0426, 6.2967, 4.8543),
            strict=True,
        )
    ),
    {"mu": 3.31770, "tau": 3.21996},
    -31.31135,
    "one-dimensional quadrature over tau",
)

_BDA3 = "Gelman et al., Bayesian Data Analysis, 3rd ed."

CATALOGUE: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            "bioassay",
            "Logistic regression of deaths on log dose, two parameters and 20 animals",
            f"{_BDA3}, section 3.7; Racine et al. (1986)",
            bioassay,
            ("alpha", "beta", "ld50"),
            {"alpha": (-4.0, 8.0), "beta": (-10.0, 40.0)},
            _BIOASSAY_TRUTH,
        ),
        Entry(
            "globe",
            "Share of water on a globe after nine tosses, one parameter",
            "McElreath, Statistical Rethinking, 2nd ed., chapter 2",
            globe,
            ("p",),
            {"p": (1e-4, 1 - 1e-4)},
            _globe_truth(),
        ),
        Entry(
            "windshield",
            "Normal data with unknown mean and log sd, nine windshields",
            f"{_BDA3}, section 3.2; data windshieldy1",
            windshield,
            ("mu", "log_sigma", "sigma"),
            {},
            _windshield_truth(),
        ),
        Entry(
            "linear_regression",
            "Quadratic regression with known noise, where every method is exact",
            "conjugate normal model; simulated data",
            linear_regression,
            ("b",),
            {},
            _regression_truth(),
        ),
        Entry(
            "eight_schools",
            "Partial pooling of eight coaching effects, ten parameters",
            f"{_BDA3}, section 5.5; Rubin (1981)",
            eight_schools,
            ("mu", "tau", "theta"),
            {},
            _EIGHT_SCHOOLS_TRUTH,
        ),
        Entry(
            "borrowers",
            "Logistic regression with an effect for each group, of any size (groups=)",
            "simulated data; Gelman and Hill (2006), chapter 14",
            partial(borrowers, groups=20, centred=False),
            ("sigma", "intercept", "slopes", "effect"),
        ),
        Entry(
            "crossed_effects",
            "Linear mixed model with two crossed effects, of any size (students=, lecturers=)",
            "simulated data; Bates et al. (2015), the model of InstEval",
            partial(crossed_effects, students=5, lecturers=5, each=3, centred=False),
            ("student_sd", "lecturer_sd", "noise_sd", "intercept"),
        ),
        Entry(
            "smooth_trend",
            "A random walk measured with noise, of any length (times=)",
            "simulated data; Rue and Held (2005), chapter 3",
            partial(smooth_trend, times=12, centred=False),
            ("step_sd", "noise_sd", "trend"),
        ),
        Entry(
            "varying_slopes",
            "A line for each subject, intercepts and slopes correlated (subjects=)",
            "simulated data; Belenky et al. (2003), which lme4 calls sleepstudy",
            partial(varying_slopes, subjects=6, days=5, centred=False, packed=False),
            ("mean", "sd", "correlation", "noise_sd"),
        ),
        Entry(
            "neural_network",
            "A Bayesian neural network with one hidden layer, of any width (hidden=)",
            "simulated data; Neal (1996), Bayesian Learning for Neural Networks",
            partial(neural_network, hidden=3, observations=40),
            ("weights", "bias", "output"),
        ),
    )
}
"""The models by name."""
