"""Sparse factors against dense linear algebra, on the patterns of hierarchical models."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import sparse

from tripos.approximations.errors import CurvatureError, IndefiniteMatrixError, MemoryLimitError
from tripos.approximations.linear_algebra.flattest import lowest_direction
from tripos.approximations.linear_algebra.sparse_cholesky import Ordering, sparse_cholesky


@st.composite
def precisions(draw):
    """Draw a sparse positive definite matrix of 1 to 40 parameters, on scales of 1e-4 to 1e4.

    Returns
    -------
    (P,) array
        The scales.
    csc_array
        With them divided out, its condition number is below 1e4.
    """
    size = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    links = sparse.random_array((size, size), density=min(1.0, 3 / size), rng=rng)
    scales = 10 ** rng.uniform(-4, 4, size)
    matrix = links @ links.T + 0.05 * sparse.eye_array(size)
    return scales, sparse.csc_array(
        sparse.diags_array(scales) @ matrix @ sparse.diags_array(scales)
    )


def hubs_and_groups(groups, hubs, rng):
    """Group effects, each tied to all hyperparameters, which come first."""
    edge = sparse.csc_array(0.1 * rng.standard_normal((groups, hubs)))
    own = sparse.diags_array(1 + rng.random(groups))
    hub = sparse.csc_array(groups * np.eye(hubs))
    return sparse.csc_array(sparse.block_array([[hub, edge.T], [edge, own]]))


@given(case=precisions(), seed=st.integers(0, 1000))
@settings(max_examples=50)
def test_agrees_with_dense_algebra(case, seed):
    scales, matrix = case
    factor, dense = sparse_cholesky(matrix), matrix.toarray()
    units = np.outer(scales, scales)
    inverse = np.linalg.inv(dense / units)
    right = np.random.default_rng(seed).standard_normal((len(scales), 3))
    scaled = scales[:, None]
    np.testing.assert_allclose(factor.solve(right * scaled) * scaled, inverse @ right, atol=1e-9)
    np.testing.assert_allclose(
        factor.solve(right[:, 0] * scales) * scales, inverse @ right[:, 0], atol=1e-9
    )
    expected = np.linalg.slogdet(dense / units)[1] + 2 * np.log(scales).sum()
    assert factor.log_determinant == pytest.approx(expected, abs=1e-9)
    np.testing.assert_allclose(factor.variances() * scales**2, np.diag(inverse), rtol=1e-9)
    np.testing.assert_allclose(
        factor.triangle / scaled, np.linalg.cholesky(dense / units), atol=1e-9
    )


@given(case=precisions())
@settings(max_examples=50)
def test_the_selected_inverse_covers_the_matrix(case):
    scales, matrix = case
    selected = sparse_cholesky(matrix).selected_inverse()
    inverse = np.linalg.inv(matrix.toarray() / np.outer(scales, scales))
    there = selected.copy()
    there.data[:] = 1
    there = there.toarray() == 1
    assert np.all(there | (matrix.toarray() == 0))
    scaled = selected.toarray() * np.outer(scales, scales)
    np.testing.assert_allclose(scaled[there], inverse[there], atol=1e-9)


@given(case=precisions(), rows=st.integers(0, 20), seed=st.integers(0, 1000))
@settings(max_examples=50)
def test_whitening_is_undone_and_keeps_its_input(case, rows, seed):
    scales, matrix = case
    factor = sparse_cholesky(matrix)
    whitened = np.random.default_rng(seed).standard_normal((rows, len(scales)))
    before = whitened.copy()
    placed = factor.unwhiten(whitened)
    np.testing.assert_array_equal(whitened, before)
    np.testing.assert_allclose(factor.whiten(placed), whitened, atol=1e-8)
    quadratic = np.einsum(
        "si,ij,sj->s", placed * scales, matrix.toarray() / np.outer(scales, scales), placed * scales
    )
    np.testing.assert_allclose(quadratic, np.sum(whitened**2, axis=1), rtol=1e-8)


def test_hubs_leave_the_factor_as_sparse_as_the_matrix(rng):
    """In the given order, with hubs first, the factor would be full: 45 million entries."""
    matrix = hubs_and_groups(9_500, 5, rng)
    factor = sparse_cholesky(matrix)
    assert factor.lower.nnz == 9_500 * 5 + 10


def test_refactoring_keeps_the_order_and_the_first_factor(rng):
    matrix = hubs_and_groups(50, 3, rng)
    first = sparse_cholesky(matrix)
    again = first.ordering.factor(matrix * 4)
    assert again.ordering is first.ordering
    difference = again.log_determinant - first.log_determinant
    assert difference == pytest.approx(53 * np.log(4))
    right = rng.standard_normal(53)
    np.testing.assert_allclose(first.solve(right), 4 * again.solve(right))
    np.testing.assert_allclose(matrix @ first.solve(right), right, atol=1e-10)


def test_a_shift_adds_to_the_diagonal_in_units_of_the_scale(rng):
    matrix = hubs_and_groups(20, 2, rng)
    scale = rng.uniform(1, 2, 22)
    shifted = Ordering.of(matrix).factor(matrix, scale, 0.5)
    expected = np.linalg.slogdet(matrix.toarray() + 0.5 * np.diag(scale**2))[1]
    assert shifted.log_determinant == pytest.approx(expected)


def test_a_missing_diagonal_and_stored_zeros_are_taken_as_zeros():
    """A parameter without curvature has no entry; one that vanishes at a point has a zero."""
    matrix = sparse.csc_array(([1.0, 0.0, 0.0], ([0, 0, 1], [0, 1, 0])), shape=(2, 2))
    shifted = Ordering.of(matrix).factor(matrix, np.ones(2), 1.0)
    assert shifted.log_determinant == pytest.approx(np.log(2))
    full = sparse.csc_array(([1.0, 0.5, 0.5], ([0, 0, 1], [0, 1, 0])), shape=(2, 2))
    assert shifted.ordering.factor(full, np.ones(2), 1.0).log_determinant == pytest.approx(
        np.log(2 * 1 - 0.25)
    )


@pytest.mark.parametrize(
    "matrix",
    [
        [[1.0, 2.0], [2.0, 1.0]],
        [[1.0, 1.0], [1.0, 1.0]],
        [[4.0, 0.0], [0.0, -1.0]],
        [[0.0, 0.0], [0.0, 1.0]],
        [[2.0, 1.0, 0.0], [1.0, 0.5, 3.0], [0.0, 3.0, 1.0]],
    ],
    ids=["indefinite", "singular", "negative", "zero", "zero_pivot_in_the_middle"],
)
def test_not_positive_definite_knows_a_direction(matrix):
    matrix = np.array(matrix)
    with pytest.raises(IndefiniteMatrixError, match="not positive definite") as raised:
        sparse_cholesky(sparse.csc_array(matrix))
    assert isinstance(raised.value, CurvatureError)
    found = raised.value.direction
    assert found @ matrix @ found <= 1e-15
    assert raised.value.lowest <= 0


def test_another_pattern_is_refused(rng):
    ordering = Ordering.of(hubs_and_groups(5, 1, rng))
    with pytest.raises(ValueError, match="another sparsity pattern"):
        ordering.factor(sparse.csc_array(np.eye(6)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="NaN or infinity"):
        sparse_cholesky(sparse.csc_array([[1.0, value], [value, 1.0]]))


@pytest.mark.parametrize("size", [2, 10, 300])
def test_the_lowest_curvature_is_found_where_it_is_low(size):
    """A chain of differences, held by one weak prior, curves least along its common level."""
    side, main = -np.ones(size - 1), np.full(size, 2.0)
    main[[0, -1]] = 1.0
    main[0] += 1e-6
    chain = sparse.csc_array(sparse.diags_array([side, main, side], offsets=[-1, 0, 1]))
    units = 10.0 ** np.linspace(-3, 3, size)
    matrix = sparse.diags_array(units) @ chain @ sparse.diags_array(units)
    lowest, direction = lowest_direction(sparse_cholesky(sparse.csc_array(matrix)))
    scaled = chain.toarray() / np.sqrt(np.outer(main, main))
    assert lowest == pytest.approx(np.linalg.eigvalsh(scaled)[0], rel=1e-3)
    level = direction * units
    np.testing.assert_allclose(level / level[0], 1, atol=1e-2)


def test_a_dense_triangle_that_would_not_fit_is_refused(rng):
    factor = sparse_cholesky(hubs_and_groups(200_000, 1, rng))
    with pytest.raises(MemoryLimitError, match=r"dense factor for 200,001 .* needs 89\d GiB"):
        _ = factor.triangle
