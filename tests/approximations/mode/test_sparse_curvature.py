"""Steps from sparse factors against those from eigenvectors."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import sparse

from tripos.approximations.mode.dense_curvature import DenseCurvature
from tripos.approximations.mode.sparse_curvature import SparseCurvature


@st.composite
def problems(draw):
    """Draw a matrix (P, P), a gradient (P,) and a radius, in badly scaled units.

    The matrix is positive definite or not; where it is not, the gradient may have no part along
    its lowest eigenvector (the hard case) or vanish.
    """
    size, kind = draw(st.integers(1, 30)), draw(st.integers(0, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    links = sparse.random_array((size, size), density=min(1.0, 3 / size), rng=rng).toarray()
    matrix = links + links.T if kind else links @ links.T + 0.05 * np.eye(size)
    gradient = rng.standard_normal(size)
    if kind == 2:
        lowest = np.linalg.eigh(matrix)[1][:, 0]
        gradient -= lowest * (lowest @ gradient)
    if kind == 3:
        gradient *= 0
    units = 10 ** rng.uniform(-3, 3, size)
    return matrix * np.outer(units, units), gradient * units, 10 ** rng.uniform(-2, 2)


@given(problem=problems())
@settings(max_examples=200)
def test_a_step_gains_nearly_as_much_as_the_best(problem):
    matrix, gradient, radius = problem
    dense, thin = DenseCurvature(matrix), SparseCurvature.of(sparse.csc_array(matrix))
    np.testing.assert_array_equal(thin.scale, dense.scale)
    step, expected = thin.step(gradient, dense.scale, radius)
    _, best = dense.step(gradient, dense.scale, radius)
    assert np.linalg.norm(dense.scale * step) <= 1.21 * radius
    gain = gradient @ step - 0.5 * step @ matrix @ step
    assert expected == pytest.approx(gain, rel=1e-6, abs=1e-9 * abs(best))
    assert expected >= 0.6 * best


@given(problem=problems())
@settings(max_examples=100)
def test_decrement_and_shape_are_those_of_the_eigenvectors(problem):
    matrix, gradient, _ = problem
    dense, thin = DenseCurvature(matrix), SparseCurvature.of(sparse.csc_array(matrix))
    assert thin.is_flat == dense.is_flat
    assert thin.decrement(gradient) == pytest.approx(dense.decrement(gradient), rel=1e-6)


def test_a_flat_direction_counts_by_its_slope():
    matrix, gradient = np.array([[1.0, -1.0], [-1.0, 1.0]]), np.array([3e-3, 1e-3])
    dense, thin = DenseCurvature(matrix), SparseCurvature.of(sparse.csc_array(matrix))
    assert dense.is_flat
    assert thin.is_flat
    # Slope 4e-3 / sqrt 2 along (1, 1), and 2e-3 / sqrt 2 along (1, -1), which curves by 2.
    assert dense.decrement(gradient) == pytest.approx(8e-6 + 1e-6)
    assert thin.decrement(gradient) == pytest.approx(8e-6 + 1e-6, rel=1e-6)
    np.testing.assert_allclose(thin.flattest[0], thin.flattest[1], rtol=1e-6)


def test_flat_in_one_direction_and_upward_in_another_is_no_maximum():
    matrix = np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, -1.0]])
    for curved in (DenseCurvature(matrix), SparseCurvature.of(sparse.csc_array(matrix))):
        assert curved.decrement(np.zeros(3)) == np.inf
        assert not curved.is_flat


@pytest.mark.parametrize(("factor", "similar"), [(9.0, True), (11.0, False), (0.09, False)])
def test_similar_is_within_a_factor_in_every_direction(factor, similar):
    matrix = np.array([[2.0, 0.5], [0.5, 1.0]])
    root = np.linalg.cholesky(matrix)
    other = (root * [1.0, factor]) @ root.T
    dense, thin = DenseCurvature(matrix), SparseCurvature.of(sparse.csc_array(matrix))
    assert dense.is_similar(other, 10.0) is similar
    assert thin.is_similar(sparse.csc_array(other), 10.0) is similar


def test_newton_and_spread_agree(rng):
    links = sparse.random_array((20, 20), density=0.1, rng=rng)
    matrix = sparse.csc_array(links @ links.T + sparse.eye_array(20))
    dense, thin = DenseCurvature(matrix.toarray()), SparseCurvature.of(matrix)
    gradient = rng.standard_normal(20)
    np.testing.assert_allclose(thin.newton(gradient), dense.newton(gradient))
    for curved in (dense, thin):
        away = curved.spread(gradient)
        assert away @ matrix @ away == pytest.approx(gradient @ gradient)


def test_rows_that_are_not_finite_are_found():
    matrix = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, np.nan], [0.0, np.nan, 1.0]])
    for curved in (DenseCurvature(matrix), SparseCurvature.of(sparse.csc_array(matrix))):
        assert not curved.is_finite
        np.testing.assert_array_equal(curved.finite_rows, [True, False, False])
