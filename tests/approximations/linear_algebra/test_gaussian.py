"""The multivariate normal, against SciPy's."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import sparse, stats

from tripos.approximations import Gaussian
from tripos.approximations.errors import CurvatureError, MemoryLimitError, TriposError
from tripos.approximations.linear_algebra.gaussian import lowest_curvature

# An sd of 1e-4 beside one of 1e4, and correlated.
_SDS = np.array([1e-4, 1.0, 1e4])
_CORRELATION = np.array([[1.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 1.0]])


@pytest.fixture(scope="module")
def badly_scaled():
    precision = np.linalg.inv(_CORRELATION) / np.outer(_SDS, _SDS)
    return Gaussian.from_precision(np.array([1e-3, -2.0, 1e5]), precision)


@st.composite
def covariances(draw):
    """Covariance matrices of 1 to 6 parameters, with condition numbers up to about 1e4."""
    size = draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rotation, _ = np.linalg.qr(rng.standard_normal((size, size)))
    variances = 10 ** rng.uniform(-2, 2, size)
    return (rotation * variances) @ rotation.T


def test_sd_covariance_and_determinant_with_bad_scales(badly_scaled):
    gaussian = badly_scaled
    np.testing.assert_allclose(gaussian.sd, _SDS, rtol=1e-12)
    np.testing.assert_allclose(gaussian.covariance / np.outer(_SDS, _SDS), _CORRELATION, rtol=1e-12)
    expected = np.linalg.slogdet(_CORRELATION)[1] + 2 * np.log(_SDS).sum()
    assert gaussian.log_determinant == pytest.approx(expected, rel=1e-12)
    assert gaussian.size == 3


def test_log_density_with_bad_scales(badly_scaled, rng):
    gaussian = badly_scaled
    z = rng.standard_normal((50, 3))
    expected = stats.multivariate_normal(np.zeros(3), _CORRELATION).logpdf(z) - np.log(_SDS).sum()
    np.testing.assert_allclose(gaussian.log_density(gaussian.mean + z * _SDS), expected, rtol=1e-7)


def test_draws_have_the_mean_and_covariance(badly_scaled):
    gaussian = badly_scaled
    draws = gaussian.draws(50_000, np.random.default_rng(1))
    z = (draws - gaussian.mean) / _SDS
    assert np.abs(z.mean(axis=0)).max() < 4 / np.sqrt(50_000)
    # The variance of a product of two correlated normals is 1 + rho^2.
    errors = np.sqrt((1 + _CORRELATION**2) / 50_000)
    assert np.all(np.abs(z.T @ z / 50_000 - _CORRELATION) < 4 * errors)


@given(covariance=covariances(), seed=st.integers(0, 1000))
@settings(max_examples=50)
def test_agrees_with_scipy(covariance, seed):
    rng = np.random.default_rng(seed)
    mean = rng.standard_normal(len(covariance))
    gaussian = Gaussian.from_precision(mean, np.linalg.inv(covariance))
    reference = stats.multivariate_normal(mean, covariance)
    points = reference.rvs(5, random_state=rng).reshape(5, -1)
    np.testing.assert_allclose(gaussian.covariance, covariance, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(gaussian.sd, np.sqrt(np.diag(covariance)), rtol=1e-9)
    np.testing.assert_allclose(gaussian.log_density(points), reference.logpdf(points), rtol=1e-8)
    assert gaussian.log_determinant == pytest.approx(reference.cov_object.log_pdet, abs=1e-9)


@given(covariance=covariances(), seed=st.integers(0, 1000))
@settings(max_examples=25)
def test_placed_points_are_white_in_the_metric_of_the_precision(covariance, seed):
    precision = np.linalg.inv(covariance)
    gaussian = Gaussian.from_precision(np.ones(len(covariance)), precision)
    whitened = np.random.default_rng(seed).standard_normal((4, len(covariance)))
    away = gaussian.place(whitened) - 1
    distances = np.einsum("si,ij,sj->s", away, precision, away)
    np.testing.assert_allclose(distances, np.sum(whitened**2, axis=1), rtol=1e-9)


@pytest.mark.parametrize(
    ("precision", "shape"),
    [([[1.0, 2.0], [2.0, 1.0]], "curves upward"), ([[1.0, -1.0], [-1.0, 1.0]], "is flat")],
    ids=["indefinite", "singular"],
)
def test_not_positive_definite_names_the_direction(precision, shape):
    with pytest.raises(CurvatureError, match=f"{shape}.*0.71 alpha .* 0.71 beta") as raised:
        Gaussian.from_precision(np.zeros(2), np.array(precision), ["alpha", "beta"])
    assert isinstance(raised.value, TriposError)


def test_parameters_without_labels_are_named_by_position():
    with pytest.raises(CurvatureError, match=r"theta\[1\]"):
        Gaussian.from_precision(np.zeros(2), np.diag([1.0, -1.0]))


def test_lowest_curvature_is_free_of_units():
    precision = np.array([[4.0, 1.0], [1.0, 9.0]])
    units = np.array([1e-5, 1e7])
    value, direction = lowest_curvature(precision)
    rescaled, in_other_units = lowest_curvature(precision * np.outer(units, units))
    assert value == pytest.approx(1 - 1 / 6)  # the correlation is 1 / sqrt(4 * 9)
    assert rescaled == pytest.approx(value)
    np.testing.assert_allclose(in_other_units * units, direction)


# A sparse precision.


def _both(size, seed):
    """Draw the same normal distribution from a dense and from a sparse precision."""
    rng = np.random.default_rng(seed)
    links = sparse.random_array((size, size), density=min(1.0, 3 / size), rng=rng)
    units = sparse.diags_array(10 ** rng.uniform(-4, 4, size))
    matrix = units @ (links @ links.T + 0.1 * sparse.eye_array(size)) @ units
    mean = rng.standard_normal(size)
    return tuple(
        Gaussian.from_precision(mean, precision)
        for precision in (matrix.toarray(), sparse.csc_array(matrix))
    )


@given(size=st.integers(1, 30), seed=st.integers(0, 1000))
@settings(max_examples=50)
def test_a_sparse_precision_gives_the_same_distribution(size, seed):
    dense, thin = _both(size, seed)
    assert thin.log_determinant == pytest.approx(dense.log_determinant, abs=1e-9)
    np.testing.assert_allclose(thin.sd, dense.sd, rtol=1e-9)
    scales = np.outer(dense.sd, dense.sd)
    np.testing.assert_allclose(thin.covariance / scales, dense.covariance / scales, atol=1e-9)
    points = dense.draws(5, np.random.default_rng(seed))
    np.testing.assert_allclose(thin.log_density(points), dense.log_density(points), rtol=1e-8)
    whitened = np.random.default_rng(seed).standard_normal((3, size))
    apart = (thin.place(whitened) - dense.place(whitened)) / dense.sd
    np.testing.assert_allclose(apart, 0, atol=1e-8)


def test_draws_from_a_sparse_precision_have_its_covariance():
    dense, thin = _both(8, 3)
    z = (thin.draws(50_000, np.random.default_rng(1)) - dense.mean) / dense.sd
    correlation = dense.covariance / np.outer(dense.sd, dense.sd)
    assert np.abs(z.mean(axis=0)).max() < 4 / np.sqrt(50_000)
    errors = np.sqrt((1 + correlation**2) / 50_000)
    assert np.all(np.abs(z.T @ z / 50_000 - correlation) < 4 * errors)


@pytest.mark.parametrize(
    ("precision", "shape"),
    [([[1.0, 2.0], [2.0, 1.0]], "curves upward"), ([[1.0, -1.0], [-1.0, 1.0]], "is flat")],
    ids=["indefinite", "singular"],
)
def test_a_sparse_matrix_not_positive_definite_names_the_direction(precision, shape):
    with pytest.raises(CurvatureError, match=f"{shape}.*0.71 (alpha|beta) . 0.71 "):
        Gaussian.from_precision(np.zeros(2), sparse.csc_array(precision), ["alpha", "beta"])


def test_nearly_flat_but_for_rounding_is_flat():
    """The pivots stay positive, by 1e-14; only the lowest eigenvalue tells."""
    nearly = sparse.csc_array([[1.0, -1.0 + 1e-14], [-1.0 + 1e-14, 1.0]])
    with pytest.raises(CurvatureError, match=r"is flat along 0.71 theta\[0\] \+ 0.71 theta\[1\]"):
        Gaussian.from_precision(np.zeros(2), nearly)


def test_a_covariance_that_would_not_fit_is_refused():
    gaussian = Gaussian.from_precision(np.zeros(200_000), sparse.eye_array(200_000, format="csc"))
    with pytest.raises(MemoryLimitError, match=r"covariance matrix of 200,000 .* 894 GiB .*sd"):
        _ = gaussian.covariance
    np.testing.assert_array_equal(gaussian.sd, 1)


def test_draws_that_would_not_fit_are_refused():
    gaussian = Gaussian.from_precision(np.zeros(200_000), sparse.eye_array(200_000, format="csc"))
    with pytest.raises(MemoryLimitError, match=r"1,000,000 draws of 200,000 .* Ask for fewer"):
        gaussian.draws(1_000_000, np.random.default_rng(1))
