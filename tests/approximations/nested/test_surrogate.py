"""The polynomial that stands for a log density: what it reproduces, its mass, and its draws."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from tripos.approximations.nested.surrogate import Surrogate
from tripos.approximations.rules.central_composite import central_composite

DRAWS = 20_000


def _polynomial(size, scale, seed):
    """A log ratio with all terms that the design can tell, small beside the normal's own.

    On a sphere the z_i^2 z_j^2 come in sums over j only: coefficients a_i + a_j are told.
    """
    rng, template = np.random.default_rng(seed), _nothing(size)
    coefficients = rng.standard_normal(len(template.powers))
    mixed = (template.powers.sum(axis=1) == 4) & (template.powers.max(axis=1) == 2)
    coefficients[mixed] = template.powers[mixed] @ rng.standard_normal(size) / 2
    return Surrogate(template.powers, scale * coefficients, template.radius)


def _nothing(size):
    nodes = central_composite(size).nodes
    return Surrogate.through(nodes, np.zeros(len(nodes)), np.zeros(nodes.shape))


def _slopes(surrogate, places):
    """Central differences, exact for a polynomial of degree 4 but for rounding and third order."""
    step, slopes = 1e-3, np.empty(places.shape)
    for axis in range(places.shape[1]):
        shift = step * np.eye(places.shape[1])[axis]
        one, two = (
            (surrogate.log_ratio(places + k * shift) - surrogate.log_ratio(places - k * shift))
            / (2 * k * step)
            for k in (1, 2)
        )
        slopes[:, axis] = (4 * one - two) / 3
    return slopes


@pytest.mark.parametrize("size", [5, 6, 8])
def test_polynomials_that_it_contains_come_back(size, rng):
    truth, nodes = _polynomial(size, 0.02, seed=1), central_composite(size).nodes
    found = Surrogate.through(nodes, truth.log_ratio(nodes), _slopes(truth, nodes))
    places = rng.standard_normal((200, size))
    np.testing.assert_allclose(found.log_ratio(places), truth.log_ratio(places), atol=1e-8)


@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.0, 0.1))
@settings(max_examples=25)
def test_values_at_the_nodes_are_kept_relative_to_the_first(seed, scale):
    truth, nodes = _polynomial(5, scale, seed), central_composite(5).nodes
    values = truth.log_ratio(nodes)
    found = Surrogate.through(nodes, values + 3.0, _slopes(truth, nodes))
    np.testing.assert_allclose(found.log_ratio(nodes), values, atol=1e-8)


def test_a_correction_without_slopes_is_quadratic(rng):
    nodes, places = central_composite(5).nodes, rng.standard_normal((100, 5))
    truth = _polynomial(5, 0.02, seed=2)
    linear, bend = rng.standard_normal(5), rng.standard_normal((5, 5))

    def extra(z):
        return z @ linear + np.einsum("ni,ij,nj->n", z, bend, z)

    corrected = truth.corrected(nodes, 7.0 + extra(nodes))
    expected = truth.log_ratio(places) + extra(places)
    np.testing.assert_allclose(corrected.log_ratio(places), expected, atol=1e-9)


def test_nothing_beyond_the_radius():
    surrogate = _polynomial(5, 0.02, seed=3)
    outside = surrogate.radius * np.eye(5)[:1] * [[1.001], [0.999]]
    assert np.isneginf(surrogate.log_ratio(outside)[0])
    assert np.isfinite(surrogate.log_ratio(outside)[1])


# On a line, by quadrature.


@pytest.fixture(scope="module")
def line():
    """z + a quadratic, cubic and quartic term: a skewed density."""
    powers = np.array([[1], [2], [3], [4]])
    return Surrogate(powers, np.array([0.1, -0.1, 0.06, -0.02]), 4.0)


def _integral(surrogate, function):
    def height(z):
        return np.exp(surrogate.log_ratio(np.array([[z]]))[0]) * norm.pdf(z) * function(z)

    return quad(height, -surrogate.radius, surrogate.radius, epsabs=1e-12)[0]


def test_the_density_of_draws_integrates_to_one(line, rng):
    places, log_density = line.draws(DRAWS, rng)
    mass = _integral(line, lambda z: 1.0)
    expected = line.log_ratio(places) + norm.logpdf(places[:, 0]) - np.log(mass)
    # The mass is a mean over 200,000 proposals whose weights vary by less than 2.
    np.testing.assert_allclose(log_density, expected, rtol=0, atol=4 * 2 / np.sqrt(10 * DRAWS))


def test_moments_of_the_line(line):
    mean, covariance, log_mass = line.moments
    mass, first, second = (_integral(line, lambda z, k=k: z**k) for k in range(3))
    assert log_mass == pytest.approx(np.log(mass), abs=1e-4)
    assert mean[0] == pytest.approx(first / mass, abs=1e-3)
    assert covariance[0, 0] == pytest.approx(second / mass - (first / mass) ** 2, abs=1e-3)


def test_draws_have_the_moments(rng):
    surrogate = _polynomial(5, 0.005, seed=4)
    mean, covariance, _ = surrogate.moments
    places, _ = surrogate.draws(DRAWS, rng)
    sds = np.sqrt(np.diag(covariance))
    # Resampled from ten times as many, whose weights add a few tenths to the variance.
    size = DRAWS / 1.3
    assert np.abs((places.mean(axis=0) - mean) / sds).max() < 4 / np.sqrt(size)
    assert np.abs(places.std(axis=0) / sds - 1).max() < 4 / np.sqrt(2 * size)


def test_a_normal_stays_a_normal(rng):
    """No log ratio: the standard normal, cut off far out."""
    surrogate = _nothing(6)
    mean, covariance, log_mass = surrogate.moments
    assert surrogate.radius == pytest.approx(np.sqrt(8) + 1.5)
    np.testing.assert_allclose(mean, 0, atol=5e-3)
    np.testing.assert_allclose(covariance, np.eye(6), atol=0.05)
    # The chi distribution's share beyond 4.3 sds is 0.006.
    assert log_mass == pytest.approx(0, abs=0.01)
