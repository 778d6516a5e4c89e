"""Reflected Laplace draws, against densities that are skew-symmetric by construction."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy import stats
from scipy.special import expit

from tripos.approximations import Gaussian, LogDensity, find_mode, laplace, skew_laplace
from tripos.approximations.errors import (
    ArgumentError,
    ModeAtInfinityError,
    NonFiniteDensityError,
)
from tripos.approximations.skew_laplace import reflected_draws
from tripos.models import bioassay, eight_schools, globe, linear_regression

DRAWS = 20_000


def skew_normal(strength):
    """Two normals, the first skewed by a coin whose odds are exp(strength * x**3).

    The cube leaves the mode and the curvature of the normal as they are.
    """
    with pm.Model() as model:
        x = pm.Normal("x", 0, 1, shape=2)
        pm.Potential("coin", -pt.softplus(-strength * x[0] ** 3))
    return model


def test_exact_for_a_skew_symmetric_target():
    """Kolmogorov's distance to the density 2 phi(x) expit(s x^3), known by integration."""
    strength = 1.5
    draws = skew_laplace(skew_normal(strength), draws=DRAWS, random_seed=1)
    x = draws["unconstrained_posterior"]["x"].values[0]
    grid = np.linspace(-8, 8, 4001)
    density = 2 * stats.norm.pdf(grid) * expit(strength * grid**3)
    cumulative = np.cumsum(density) * (grid[1] - grid[0])
    assert stats.kstest(x[:, 0], lambda v: np.interp(v, grid, cumulative)).pvalue > 1e-4
    assert stats.kstest(x[:, 1], stats.norm.cdf).pvalue > 1e-4
    assert stats.kstest(x[:, 0], stats.norm.cdf).pvalue < 1e-10  # the normal itself fails


def test_bioassay(density_of):
    """REFERENCE: raw mean of beta 10.26, against 7.75 (Laplace) and 11.64 (exact)."""
    tree = skew_laplace(density_of(bioassay), draws=DRAWS, random_seed=2)
    beta = tree["posterior"]["beta"].values
    assert abs(beta.mean() - 10.26) < 0.01 / 2 + 4 * beta.std() / np.sqrt(DRAWS)


def test_gaussian_target_stays_gaussian():
    density = LogDensity(linear_regression(), linker="numpy")
    mode = find_mode(density)
    gaussian = Gaussian.from_precision(mode.theta, -mode.hessian)
    rng = np.random.default_rng(3)
    thetas, _, reflected = reflected_draws(density, gaussian, DRAWS, rng)
    errors = gaussian.sd / np.sqrt(DRAWS)
    assert np.all(np.abs(thetas.mean(axis=0) - mode.theta) < 4 * errors)
    assert np.all(np.abs(thetas.std(axis=0) - gaussian.sd) < 4 * errors / np.sqrt(2))
    assert abs(reflected.mean() - 0.5) < 4 * 0.5 / np.sqrt(DRAWS)


def test_fit_is_that_of_laplace():
    model = bioassay()
    tree, plain = skew_laplace(model, draws=10), laplace(model, draws=10)
    for name in ("mode", "sd", "covariance", "precision", "logp_mode"):
        np.testing.assert_allclose(tree["fit"][name], plain["fit"][name])
    assert "log_evidence" not in tree["fit"]
    assert set(tree.children) == set(plain.children)


def test_two_densities_a_draw():
    tree = skew_laplace(LogDensity(globe()), draws=50)
    assert tree.attrs["evaluations_value"] == 2 * 50


def test_lp_is_the_log_density_of_the_draws():
    density = LogDensity(eight_schools(), linker="numpy")
    mode = find_mode(density)
    gaussian = Gaussian.from_precision(mode.theta, -mode.hessian)
    thetas, logp, reflected = reflected_draws(density, gaussian, 100, np.random.default_rng(4))
    np.testing.assert_allclose(logp, density.batched_value(thetas), rtol=1e-12)
    plain = gaussian.draws(100, np.random.default_rng(4))
    expected = np.where(reflected[:, None], 2 * mode.theta - plain, plain)
    np.testing.assert_allclose(thetas, expected)


def test_the_same_seed_gives_the_same_draws(density_of):
    density = density_of(globe)
    one, two, other = (
        skew_laplace(density, draws=20, random_seed=s)["posterior"] for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(one["p"], two["p"])
    assert np.intersect1d(one["p"], other["p"]).size == 0


# Errors.


def test_zero_density_at_both_points():
    with pm.Model() as model:
        x = pm.Normal("x")
        pm.Potential("p", pt.switch(pt.abs(x) > 0.5, -np.inf, 0.0))
    density = LogDensity(model, linker="numpy")
    gaussian = Gaussian(np.zeros(1), np.eye(1))
    thetas, logp, reflected = reflected_draws(density, gaussian, 200, np.random.default_rng(5))
    outside = np.abs(thetas[:, 0]) > 0.5
    np.testing.assert_array_equal(logp == -np.inf, outside)
    # Neither point is better.
    count = outside.sum()
    assert abs(reflected[outside].mean() - 0.5) < 4 * 0.5 / np.sqrt(count)


def test_a_density_that_is_not_a_number():
    with pm.Model() as model:
        slope = pm.Normal("slope")
        pm.Potential("p", pt.switch(slope > 2.5, np.nan, 0.0))
    with pytest.raises(NonFiniteDensityError, match=r"nan at .* with slope = "):
        skew_laplace(model, random_seed=1)


def test_no_mode_is_told(density_of):
    with pytest.raises(ModeAtInfinityError, match="tau"):
        skew_laplace(density_of(eight_schools, centred=True))


def test_draws_below_one(density_of):
    with pytest.raises(ArgumentError, match="draws must be a whole number"):
        skew_laplace(density_of(globe), draws=0)
