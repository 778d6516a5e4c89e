"""The crest of a normal density is the conditional mean, and its height the marginal density."""

import numpy as np
import pymc as pm
import pytest
from scipy import sparse
from scipy.stats import norm

from tripos.approximations import LogDensity
from tripos.approximations.mode.crest import crest_at, followed

COVARIANCE = np.array([[2.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 0.5]])
MEAN = np.array([1.0, -2.0, 3.0])


class _Normal:
    """A normal log density that answers what a climb asks, dense or sparse."""

    def __init__(self, covariance, as_matrix):
        self.precision, self.size = np.linalg.inv(covariance), len(covariance)
        self.as_matrix = as_matrix

    def derivatives(self, theta):
        pull = -self.precision @ (theta - MEAN)
        return 0.5 * (theta - MEAN) @ pull, pull, self.as_matrix(-self.precision)

    def hessian(self, theta):
        return self.derivatives(theta)[2]


@pytest.mark.parametrize("as_matrix", [np.asarray, sparse.csc_array])
@pytest.mark.parametrize("entry", [0, 1, 2])
def test_of_a_normal_density(as_matrix, entry):
    density = _Normal(COVARIANCE, as_matrix)
    crests = [crest_at(density, np.zeros(3), entry, MEAN[entry] + away) for away in (0.0, 2.0, 9.0)]
    slope = COVARIANCE[:, entry] / COVARIANCE[entry, entry]
    marginal = norm(0, np.sqrt(COVARIANCE[entry, entry]))
    for crest, away in zip(crests, (0.0, 2.0, 9.0), strict=True):
        assert crest.theta == pytest.approx(MEAN + away * slope, abs=1e-8)
        fall = crest.log_marginal - crests[0].log_marginal
        assert fall == pytest.approx(marginal.logpdf(away) - marginal.logpdf(0.0), abs=1e-8)


def test_of_a_single_parameter():
    with pm.Model() as model:
        pm.Normal("x", 0, 2)
    crest = crest_at(LogDensity(model), np.zeros(1), 0, 3.0)
    assert crest.log_marginal == crest.logp == pytest.approx(norm(0, 2).logpdf(3.0))


def test_it_is_followed_where_it_bends_like_an_exponential():
    """Given the scale, what it multiplies is what the data say, over the scale."""
    with pm.Model() as model:
        scale = pm.HalfNormal("scale", 1)
        x = pm.Flat("x", shape=2)
        pm.Normal("y", scale * x, 1.0, observed=[3.0, -2.0])
    density = LogDensity(model, linker="numpy")
    first = crest_at(density, np.zeros(3), 0, 0.0)
    there = followed(density, first, 0, -6.0)
    assert there.theta[1:] == pytest.approx(np.exp(6.0) * np.array([3.0, -2.0]), rel=1e-3)
    # The two integrals over x give a factor of one over the scale each, the log's Jacobian takes
    # one away, and the prior of the scale is nearly level there.
    gained = there.log_marginal - first.log_marginal
    assert gained == pytest.approx(6.0 + 0.5, abs=1e-3)


def test_where_there_is_none():
    """A density that grows without end in the other parameter."""
    with pm.Model() as model:
        pm.Normal("x", 0, 1)
        pm.Potential("growth", 1.0 * pm.Flat("y"))
    density = LogDensity(model, linker="numpy")
    assert crest_at(density, np.zeros(2), 0, 1.0) is None
