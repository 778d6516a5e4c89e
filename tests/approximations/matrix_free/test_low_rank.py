"""Low rank against dense algebra, the mode without a Hessian, the prior's curvature."""

import numpy as np
import pymc as pm
import pytest
from hypothesis import given, settings, strategies as st

from tripos.approximations import LogDensity, find_mode
from tripos.approximations.errors import (
    CurvatureError,
    MemoryLimitError,
)
from tripos.approximations.matrix_free.low_rank import LowRankFactor, lowest_ritz
from tripos.approximations.matrix_free.newton_cg import find_mode_by_products
from tripos.approximations.matrix_free.prior_curvature import prior_precision
from tripos.models import bioassay


@st.composite
def factors(draw):
    size = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rank = draw(st.integers(0, size))
    vectors = np.linalg.qr(rng.standard_normal((size, size)))[0][:, :rank]
    eigenvalues = np.expm1(rng.uniform(-2, 4, rank))
    return LowRankFactor(10 ** rng.uniform(-3, 3, size), vectors, eigenvalues)


@given(factor=factors(), seed=st.integers(0, 1000))
@settings(max_examples=50)
def test_the_factor_agrees_with_dense_algebra(factor, seed):
    scale, u = factor.scale, factor.vectors
    inner = np.eye(len(scale)) + (u * factor.eigenvalues) @ u.T
    inverse = np.linalg.inv(inner)
    rng = np.random.default_rng(seed)
    right, z = rng.standard_normal((len(scale), 2)), rng.standard_normal((3, len(scale)))
    by_hand = (inverse @ (right / scale[:, None])) / scale[:, None]
    np.testing.assert_allclose(factor.solve(right), by_hand, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(factor.solve(right[:, 0]), by_hand[:, 0], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(factor.variances() * scale**2, np.diag(inverse), rtol=1e-9)
    expected = np.linalg.slogdet(inner)[1] + 2 * np.log(scale).sum()
    assert factor.log_determinant == pytest.approx(expected, abs=1e-8)
    placed = factor.unwhiten(z)
    np.testing.assert_allclose(factor.whiten(placed), z, atol=1e-8)
    quadratic = np.einsum("si,ij,sj->s", placed * scale, inner, placed * scale)
    np.testing.assert_allclose(quadratic, np.sum(z**2, axis=1), rtol=1e-8)
    np.testing.assert_allclose(
        factor.triangle / scale[:, None], np.linalg.cholesky(inner), atol=1e-8
    )


def test_a_dense_triangle_that_would_not_fit_is_refused():
    factor = LowRankFactor(np.ones(200_000), np.zeros((200_000, 0)), np.zeros(0))
    with pytest.raises(MemoryLimitError, match="dense factor for 200,000"):
        _ = factor.triangle


# The mode.


@pytest.mark.parametrize("prior", ["weak", "normal", "correlated"])
def test_conjugate_gradients_find_the_mode_of_newtons_method(prior):
    density = LogDensity(bioassay(prior), linker="numpy")
    expected = find_mode(density)
    top = find_mode_by_products(density, None, max_iterations=100)
    np.testing.assert_allclose(top.theta, expected.theta, rtol=1e-5)
    assert top.logp == pytest.approx(expected.logp, abs=1e-9)


@pytest.mark.parametrize("size", [3, 40, 400])
def test_lanczos_finds_the_lowest_eigenpair(size, rng):
    values = np.concatenate([[-1.0], 1 + rng.random(size - 1)])
    rotation = np.linalg.qr(rng.standard_normal((size, size)))[0]
    matrix = (rotation * values) @ rotation.T
    value, vector = lowest_ritz(lambda v: matrix @ v, rng.standard_normal(size), 2.0)
    assert value[0] == pytest.approx(-1, abs=1e-9)
    assert abs(vector[:, 0] @ rotation[:, 0]) == pytest.approx(1, abs=1e-6)


# The prior's curvature.


def test_each_prior_by_its_own_entries():
    with pm.Model() as model:
        level = pm.Normal("level", 0.0, 3.0)
        sigma = pm.HalfNormal("sigma", 1.0)
        effect = pm.Normal("effect", level, sigma, shape=2)
        slope = pm.Flat("slope")
        pm.Normal("y", effect.sum() + 5 * slope, 2.0, observed=1.0)
    theta = np.array([0.3, np.log(0.5), 0.1, 0.2, 0.7])
    found = prior_precision(LogDensity(model, linker="numpy"))(theta)
    # log sigma: the density is -sigma^2 / 2 + log sigma; the flat slope takes what the data say.
    np.testing.assert_allclose(found, [1 / 9, 2 * 0.25, 4, 4, 25 / 4], rtol=1e-10)


def test_a_prior_that_joins_its_entries_gives_way_to_the_whole_curvature():
    covariance = np.array([[2.0, 1.0], [1.0, 3.0]])
    with pm.Model() as model:
        x = pm.MvNormal("x", np.zeros(2), covariance)
        pm.Normal("y", x[0], 1.0, observed=0.0)
    density = LogDensity(model, linker="numpy")
    expected = np.diag(np.linalg.inv(covariance)) + np.array([1.0, 0.0])
    np.testing.assert_allclose(prior_precision(density)(np.zeros(2)), expected, rtol=1e-10)


def test_a_flat_prior_where_the_density_curves_upward():
    with pm.Model() as model:
        x = pm.Flat("x")
        pm.Potential("two_hills", -((x**2 - 1) ** 2))
    with pytest.raises(CurvatureError, match="curves upward along x"):
        prior_precision(LogDensity(model, linker="numpy"))(np.zeros(1))
