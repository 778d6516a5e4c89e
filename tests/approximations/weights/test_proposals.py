"""Proposals: densities that integrate to one, symmetry, and draws that follow them."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from tripos.approximations.linear_algebra.gaussian import Gaussian
from tripos.approximations.mode import Mode
from tripos.approximations.weights.proposals import Component, Proposal, candidates

COVARIANCE = np.array([[2.0, 0.6], [0.6, 0.5]])
CENTRE = np.array([1.0, -2.0])


def peak(centre, covariance):
    """Give the mode and normal approximation of a normal."""
    precision = np.linalg.inv(covariance)
    labels = tuple(f"x[{k}]" for k in range(len(centre)))
    mode = Mode(centre, 0.0, np.zeros(len(centre)), -precision, labels, 0)
    return mode, Gaussian.from_precision(centre, precision)


def ridge_like():
    """A proposal of two shifted components, one of them a t."""
    mode, gaussian = peak(CENTRE, COVARIANCE)
    components = (
        Component(0.6, np.inf, np.array([1.5, 0.2]), np.array([[0.5, 0.0], [0.3, 1.2]])),
        Component(0.4, 7.0, np.array([0.0, -1.0]), 0.8 * np.eye(2)),
    )
    return Proposal("shifted", mode.theta, gaussian.factor, components)


ALL = candidates(*peak(CENTRE, COVARIANCE))


@pytest.mark.parametrize("proposal", [*ALL, ridge_like()], ids=lambda p: p.name)
def test_the_density_integrates_to_one(proposal):
    """By a fine grid in z, as wide as the t with 3 degrees of freedom asks."""
    axis = np.sinh(np.linspace(-9, 9, 901))
    steps = np.gradient(axis)
    z = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    density = np.exp(proposal.log_density(CENTRE + z @ proposal.root.T))
    volume = np.outer(steps, steps).ravel() * abs(np.linalg.det(proposal.root))
    assert np.sum(density * volume) == pytest.approx(1.0, abs=2e-3)


def test_normal_and_t_against_scipy():
    thetas = np.random.default_rng(1).normal(size=(50, 2)) * 3
    normal, t5 = ALL[0], next(p for p in ALL if p.name == "t5, covariance x 2")
    expected = stats.multivariate_normal(CENTRE, COVARIANCE).logpdf(thetas)
    np.testing.assert_allclose(normal.log_density(thetas), expected, rtol=1e-12)
    expected = stats.multivariate_t(CENTRE, 2 * COVARIANCE, df=5).logpdf(thetas)
    np.testing.assert_allclose(t5.log_density(thetas), expected, rtol=1e-12)


@pytest.mark.parametrize("proposal", [*ALL, ridge_like()], ids=lambda p: p.name)
def test_symmetric_about_the_centre(proposal):
    both, log_proposal = proposal.pairs(200, np.random.default_rng(2))
    np.testing.assert_allclose(both.sum(axis=0), np.tile(2 * CENTRE, (200, 1)), atol=1e-9)
    log_density = proposal.log_density(both.reshape(400, -1)).reshape(2, 200)
    np.testing.assert_allclose(log_density, log_proposal, rtol=1e-9)


@pytest.mark.parametrize("proposal", [*ALL, ridge_like()], ids=lambda p: p.name)
def test_draws_follow_the_density(proposal):
    """Importance weights from one proposal's draws to another density have mean 1."""
    draws = 20_000
    thetas = proposal.draws(draws, np.random.default_rng(3))
    target = stats.multivariate_normal(CENTRE + 0.3, 0.5 * COVARIANCE)
    ratios = np.exp(target.logpdf(thetas) - proposal.log_density(thetas))
    assert abs(ratios.mean() - 1) < 4 * ratios.std() / np.sqrt(draws)
    # A symmetric distribution: the signs of x - c are even.
    for k in range(2):
        assert abs(np.mean(thetas[:, k] > CENTRE[k]) - 0.5) < 4 * 0.5 / np.sqrt(draws)


def test_components_get_their_shares():
    """Systematic sampling: the numbers are right to one, and the order is random."""
    mode, gaussian = peak(np.zeros(1), np.eye(1))
    far = np.array([1000.0])
    components = (
        Component(0.3, np.inf, np.zeros(1), np.eye(1)),
        Component(0.7, np.inf, far, np.eye(1)),
    )
    proposal = Proposal("two", mode.theta, gaussian.factor, components)
    is_far = np.abs(proposal.draws(1000, np.random.default_rng(4))[:, 0]) > 500
    assert abs(is_far.sum() - 700) <= 1
    assert abs(is_far[:500].mean() - 0.7) < 4 * np.sqrt(0.21 / 500)


def test_common_random_numbers():
    """Two proposals with the same seed differ by scale alone."""
    normal = ALL[0]
    wide = Proposal("wide", CENTRE, normal.factor, (Component.spherical(2, np.inf, 2.0),))
    one, two = (p.draws(10, np.random.default_rng(5)) - CENTRE for p in (normal, wide))
    np.testing.assert_allclose(two, 2 * one, rtol=1e-12)


@given(st.lists(st.floats(-6, 6), min_size=2, max_size=5))
def test_the_scale_of_parameters_is_harmless(exponents):
    """Densities change by the log determinant alone, whatever the units."""
    size, scale = len(exponents), 10.0 ** np.array(exponents)
    rng = np.random.default_rng(6)
    base = np.eye(size) + 0.3
    thetas = rng.normal(size=(20, size))
    for plain, scaled in zip(
        candidates(*peak(np.zeros(size), base)),
        candidates(*peak(np.zeros(size), base * np.outer(scale, scale))),
        strict=True,
    ):
        np.testing.assert_allclose(
            scaled.log_density(thetas * scale) + np.log(scale).sum(),
            plain.log_density(thetas),
            rtol=1e-8,
            atol=1e-8,
        )
