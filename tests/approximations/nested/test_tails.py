"""A posterior that is improper because a prior is flat never gets a number."""

import numpy as np
import pymc as pm
import pytest

from tripos.approximations import LogDensity, nested_laplace
from tripos.approximations.errors import ImproperPosteriorError
from tripos.approximations.nested.latent_field import latent_field
from tripos.approximations.nested.outer_mode import outer_mode
from tripos.approximations.nested.tails import axes_to_follow, check_tails

TRIALS, GROUPS = 10, 8
SUCCESSES = {
    "spread": [1, 3, 5, 7, 2, 8, 4, 6],
    "all or nothing": [0, 10, 0, 10, 0, 10, 0, 10],
    "alike": [5] * GROUPS,
}


@pytest.fixture(scope="module")
def densities():
    """Effects of groups whose sd has one prior or another, each compiled once."""
    return {"log": _density(_flat_in_log), "sd": _density(lambda: pm.HalfFlat("sigma"))}


def _flat_in_log():
    return pm.math.exp(pm.Flat("log_sigma"))


def _density(sigma):
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 5)
        effect = pm.Normal("effect", 0, sigma(), shape=GROUPS)
        pm.Binomial("y", n=TRIALS, logit_p=mu + effect, observed=SUCCESSES["spread"])
    return LogDensity(model)


def _with(density, kind):
    density.set_data({"y": SUCCESSES[kind]})
    return density


@pytest.mark.parametrize("kind", ["spread", "all or nothing"])
def test_a_prior_flat_in_the_log_of_an_sd_leaves_mass_at_zero(densities, kind):
    with pytest.raises(ImproperPosteriorError, match=r"improper.*log_sigma.*From -\d"):
        nested_laplace(_with(densities["log"], kind), draws=10, random_seed=1)


def test_a_plateau_is_no_mode(densities):
    """Groups that are all alike: the search ends where the density is flat to the last digit."""
    with pytest.raises(ImproperPosteriorError, match=r"log_sigma.*cannot be followed.*proper"):
        nested_laplace(_with(densities["log"], "alike"), draws=10, random_seed=1)


@pytest.mark.parametrize("kind", ["spread", "alike"])
def test_a_prior_flat_in_the_sd_is_taken(densities, kind):
    """With eight groups that posterior is proper (Gelman 2006)."""
    field = latent_field(_with(densities["sd"], kind))
    mode = outer_mode(field, field.density.initial_point())
    assert axes_to_follow(field) == [1]
    check_tails(mode)


def test_a_location_that_the_data_tell_is_taken():
    """A flat mean, far from 0 and in large units, with normal groups: its tails are normal."""
    y = 1e6 + 1e4 * np.random.default_rng(1).standard_normal(20)
    with pm.Model() as model:
        mu = pm.Flat("mu", initval=1e6)
        effect = pm.Normal("effect", 0, 1e4, shape=20)
        pm.Normal("y", mu + effect, 1e3, observed=y)
    field = latent_field(LogDensity(model), ["effect"])
    mode = outer_mode(field, field.density.initial_point())
    check_tails(mode)
    assert mode.conditional.outer[0] == pytest.approx(y.mean(), rel=1e-9)


def test_proper_priors_are_not_followed():
    with pm.Model() as model:
        sigma = pm.HalfNormal("sigma")
        effect = pm.Normal("effect", 0, sigma, shape=GROUPS)
        pm.Binomial("y", n=TRIALS, logit_p=effect, observed=SUCCESSES["spread"])
    assert axes_to_follow(latent_field(LogDensity(model))) == []
