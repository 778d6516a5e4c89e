"""Many small groups, whose corrected mode lies many sds from Laplace's, against brute force."""

import numpy as np
import pymc as pm
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, logsumexp
from scipy.stats import binom, halfnorm

from tripos.approximations import LogDensity, nested_laplace
from tripos.approximations.errors import ModeNotFoundError
from tripos.approximations.nested.corrected_mode import corrected_mode
from tripos.approximations.nested.latent_field import latent_field
from tripos.approximations.nested.outer_mode import outer_mode

GROUPS, TRIALS, SIGMA = 20_000, 3, 1.2


@pytest.fixture(scope="module")
def counts():
    """How many groups have 0, 1, ... successes."""
    rng = np.random.default_rng(3)
    successes = rng.binomial(TRIALS, expit(SIGMA * rng.standard_normal(GROUPS)))
    return np.bincount(successes, minlength=TRIALS + 1)


@pytest.fixture(scope="module")
def density(counts):
    with pm.Model() as model:
        sigma = pm.HalfNormal("sigma", 2)
        effect = pm.Normal("effect", 0, sigma, shape=GROUPS)
        y = np.repeat(np.arange(TRIALS + 1), counts)
        pm.Binomial("y", TRIALS, pm.math.sigmoid(effect), observed=y)
    return LogDensity(model, linker="numpy")


@pytest.fixture(scope="module")
def exact(counts):
    """Log density of log sigma, by two hundred nodes a kind of group."""
    z, weights = np.polynomial.hermite_e.hermegauss(200)
    log_weights = np.log(weights) - 0.5 * np.log(2 * np.pi)

    def log_density(log_sigma):
        risk = expit(np.exp(log_sigma) * z)
        kinds = [logsumexp(binom.logpmf(k, TRIALS, risk) + log_weights) for k in range(TRIALS + 1)]
        return counts @ kinds + halfnorm.logpdf(np.exp(log_sigma), scale=2) + log_sigma

    return log_density


@pytest.fixture(scope="module")
def truth(exact):
    """Mean and sd of log sigma, and its mode."""
    mode = minimize_scalar(lambda x: -exact(x), bracket=(0.0, 0.3)).x
    places = np.linspace(mode - 0.1, mode + 0.1, 401)
    values = np.array([exact(x) for x in places])
    shares = np.exp(values - logsumexp(values))
    mean = shares @ places
    return mean, np.sqrt(shares @ (places - mean) ** 2), mode


def test_the_corrected_mode_is_where_quadrature_has_it(density, truth):
    _, sd, exact_mode = truth
    laplace = outer_mode(latent_field(density), density.initial_point())
    assert abs(laplace.conditional.outer[0] - exact_mode) > 5 * sd
    found = corrected_mode(laplace, 15)
    assert found.conditional.outer[0] == pytest.approx(exact_mode, abs=0.1 * sd)


def test_nodes_are_laid_around_it(density, truth):
    mean, sd, _ = truth
    fit = nested_laplace(density, nagq=15, draws=20, random_seed=1)["fit"].to_dataset()
    place = list(fit["parameter"].values).index(fit["outer"].values[0])
    assert float(fit["mean"][place]) == pytest.approx(mean, abs=0.02 * sd)
    assert float(fit["sd"][place]) == pytest.approx(sd, rel=0.02)


def test_a_search_that_does_not_settle(density, monkeypatch):
    laplace = outer_mode(latent_field(density), density.initial_point())
    monkeypatch.setattr("tripos.approximations.nested.corrected_mode._MOST_STEPS", 1)
    with pytest.raises(ModeNotFoundError, match=r"nagq=5 .* use nuts"):
        corrected_mode(laplace, 5)
