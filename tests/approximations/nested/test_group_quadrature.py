"""Quadrature of each latent scalar for itself, against the same written by hand, and QUADPACK."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import expit, logsumexp

from tripos.approximations import LogDensity
from tripos.approximations.errors import LatentFieldError
from tripos.approximations.nested.conditional import conditional_at
from tripos.approximations.nested.group_quadrature import group_correction
from tripos.approximations.nested.latent_field import latent_field
from tripos.models import borrowers, eight_schools, smooth_trend
from tripos.models.borrowers import INTERCEPT_SD, simulated_borrowers

GROUPS, TRIALS = 8, 2
INTERCEPT, SLOPES, LOG_SIGMA = -0.7, np.array([0.4, -0.3, 0.2]), 0.5
OUTER = np.array([INTERCEPT, *SLOPES, LOG_SIGMA])


@pytest.fixture(scope="module")
def here():
    """Small groups, and effects that differ much: the latent scalars are far from normal."""
    field = latent_field(LogDensity(borrowers(GROUPS, TRIALS), linker="numpy"))
    return conditional_at(field, OUTER, np.zeros(GROUPS))


def _groups():
    """Log density of each group's effect and data."""
    data, sigma = simulated_borrowers(GROUPS, TRIALS), np.exp(LOG_SIGMA)
    for eta, y in zip(INTERCEPT + data.design @ SLOPES, data.defaults, strict=True):
        yield (
            lambda b, eta=eta, y=y: (
                stats.binom.logpmf(y, TRIALS, expit(eta + b)) + stats.norm.logpdf(b, 0, sigma)
            ),
            lambda b, eta=eta, y=y: y - TRIALS * expit(eta + b) - b / sigma**2,
            lambda b, eta=eta: -TRIALS * expit(eta + b) * expit(-eta - b) - 1 / sigma**2,
        )


def _log_prior():
    return (
        stats.norm.logpdf(INTERCEPT, 0, INTERCEPT_SD)
        + stats.norm.logpdf(SLOPES).sum()
        + stats.halfnorm.logpdf(np.exp(LOG_SIGMA))
        + LOG_SIGMA
    )


def _by_hand(nodes):
    """Adaptive Gauss-Hermite quadrature (Liu and Pierce 1994), a group at a time."""
    z, weights = np.polynomial.hermite_e.hermegauss(nodes)
    total = _log_prior()
    for logp, slope, curvature in _groups():
        mode = brentq(slope, -20, 20, xtol=1e-13)
        sd = 1 / np.sqrt(-curvature(mode))
        total += np.log(sd) + logsumexp(logp(mode + sd * z) + z**2 / 2, b=weights)
    return total


def test_one_node_corrects_nothing(here):
    assert group_correction(here, 1) == 0.0
    # The mode is found to a millionth of an sd.
    assert here.log_marginal == pytest.approx(_by_hand(1), abs=1e-6)


@pytest.mark.parametrize("nodes", [2, 3, 4, 5, 9, 20])
def test_the_product_of_the_groups_own_rules(here, nodes):
    found = here.log_marginal + group_correction(here, nodes)
    assert found == pytest.approx(_by_hand(nodes), abs=1e-6)


def test_many_nodes_are_exact(here):
    exact = _log_prior() + sum(
        np.log(quad(lambda b, logp=logp: np.exp(logp(b)), -30, 30, epsabs=1e-13, limit=200)[0])
        for logp, _, _ in _groups()
    )
    errors = [
        abs(here.log_marginal + group_correction(here, nodes) - exact) for nodes in (1, 5, 25)
    ]
    assert errors[0] > 0.1  # Laplace's, over eight groups
    assert errors[1] < 0.01
    assert errors[2] < 1e-6


def test_roughly_is_near(here):
    exact = group_correction(here, 5)
    before = here.field.density.evaluations["gradient"]
    rough = group_correction(here, 5, roughly=True)
    assert here.field.density.evaluations["gradient"] - before == 2 * 4  # two in each of 4 gaps
    assert rough == pytest.approx(exact, abs=0.01)


def test_normal_scalars_need_no_correction():
    field = latent_field(LogDensity(eight_schools(centred=True), linker="numpy"))
    here = conditional_at(field, np.array([4.0, 1.0]), np.zeros(8))
    assert group_correction(here, 7) == pytest.approx(0, abs=1e-10)


def test_scalars_that_depend_on_each_other():
    field = latent_field(LogDensity(smooth_trend(6), linker="numpy"))
    here = conditional_at(field, np.array([-1.0, -0.5]), np.zeros(6))
    with pytest.raises(LatentFieldError, match=r"nagq=3 needs .* those of trend are not.*nagq=1"):
        group_correction(here, 3)
    assert group_correction(here, 1) == 0.0
