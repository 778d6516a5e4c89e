"""An improper posterior gets no number, and a proper one under improper priors gets its own."""

import numpy as np
import pymc as pm
import pytest

from tripos import models
from tripos.approximations import LogDensity, find_mode, laplace
from tripos.approximations.errors import ImproperPosteriorError
from tripos.approximations.mode.tails import improper_priors

EDGES = ((0, 1), (1, 2), (2, 3), (3, 0), (4, 5))
CASES = np.array([5, 7, 3, 8, 12, 15, 2, 30])


def _map(edges):
    adjacency = np.zeros((8, 8), int)
    for one, other in edges:
        adjacency[one, other] = adjacency[other, one] = 1
    return adjacency


def _disease_map(edges, effect):
    with pm.Model() as model:
        level, sd = pm.Normal("level", 0, 2), pm.HalfNormal("sd", 1)
        areas = pm.ICAR("areas", W=_map(edges))
        pm.Poisson("cases", 8 * pm.math.exp(level + effect(sd, areas)), observed=CASES)
    return model


def _islands():
    """Three free levels over a scale that may go to 0: its density goes like 1 / sd**3 there."""
    return _disease_map(EDGES, lambda sd, areas: sd * areas)


def _flat_in_log_of_sd():
    """As the sd goes to 0 the density goes to that without effects, and stays there."""
    with pm.Model() as model:
        spread = pm.math.sqrt(1 + pm.math.exp(2 * pm.Flat("log_sd")))
        pm.Normal("y", 0, spread, observed=[-4.0, -3, 0, 1, 3, 5])
    return model


def _product():
    """The density of x goes like 1 / x."""
    with pm.Model() as model:
        sd, x = pm.HalfNormal("sd", 1), pm.Flat("x")
        pm.Normal("y", sd * x, 1.0, observed=3.0)
    return model


def _walk_from_anywhere():
    with pm.Model() as model:
        sd = pm.HalfNormal("sd", 1)
        walk = pm.GaussianRandomWalk("walk", 0, 1, init_dist=pm.Flat.dist(), steps=3)
        pm.Normal("y", sd * walk, 1, observed=[1.0, 2, 3, 4])
    return model


@pytest.mark.parametrize(
    ("build", "label", "reason"),
    [
        (_islands, "sd_log__", "4 parts that no neighbours connect"),
        (_flat_in_log_of_sd, "log_sd", "the prior of log_sd is flat"),
        (_product, "x", "the prior of x is flat"),
        (_walk_from_anywhere, "sd_log__", "walk begins with a flat prior"),
    ],
)
def test_an_improper_posterior_with_a_mode(build, label, reason):
    sentence = rf"looks improper.* of {label} does not fall off.*{reason}.*proper prior"
    with pytest.raises(ImproperPosteriorError, match=sentence):
        laplace(LogDensity(build(), linker="numpy"), random_seed=1)


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(models.bioassay, id="flat, with data that tell"),
        pytest.param(
            lambda: _disease_map(EDGES, lambda sd, areas: areas), id="free levels that data tell"
        ),
        pytest.param(
            lambda: _disease_map((*EDGES, (5, 6), (6, 7), (0, 7)), lambda sd, areas: sd * areas),
            id="one part",
        ),
    ],
)
def test_a_proper_posterior_under_improper_priors(build):
    density = LogDensity(build(), linker="numpy")
    mode = find_mode(density)
    assert np.all(np.isfinite(mode.gaussian.sd))
    assert density.falls_off


def test_it_is_looked_at_once():
    density = LogDensity(models.bioassay(), linker="numpy")
    find_mode(density)
    seen = dict(density.evaluations)
    mode = find_mode(density)
    # Beside the search: one more at its end, and those by which the Hessian is checked.
    assert density.evaluations["gradient"] - seen["gradient"] <= mode.iterations + 8


def test_an_improper_prior_is_known_by_its_kind():
    assert improper_priors(LogDensity(models.bioassay())) == [
        "the prior of alpha is flat",
        "the prior of beta is flat",
    ]
    assert improper_priors(LogDensity(models.eight_schools())) == []
