"""The factor of a diagonal matrix, against that of the same matrix taken for a sparse one."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import sparse

from tripos.approximations.errors import IndefiniteMatrixError
from tripos.approximations.linear_algebra.diagonal_factor import DiagonalFactor
from tripos.approximations.linear_algebra.sparse_cholesky import Ordering


@given(
    st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20),
    st.sampled_from([0.0, 2e-3]),
    st.integers(0, 1000),
)
def test_agrees_with_the_sparse_factor(diagonal, shift, seed):
    diagonal = np.array(diagonal)
    matrix = sparse.csc_array(sparse.diags_array(diagonal))
    one, other = (
        DiagonalFactor.of(diagonal, shift),
        Ordering.of(matrix).factor(matrix, shift=shift),
    )
    right = np.random.default_rng(seed).standard_normal((len(diagonal), 3))
    np.testing.assert_allclose(one.solve(right), other.solve(right), rtol=1e-12)
    np.testing.assert_allclose(one.solve(right[:, 0]), other.solve(right[:, 0]), rtol=1e-12)
    np.testing.assert_allclose(one.unwhiten(right.T), other.unwhiten(right.T), rtol=1e-12)
    np.testing.assert_allclose(one.variances(), other.variances(), rtol=1e-12)
    assert one.log_determinant == pytest.approx(other.log_determinant, abs=1e-9)


def test_a_direction_that_does_not_curve_down():
    with pytest.raises(IndefiniteMatrixError) as caught:
        DiagonalFactor.of(np.array([1.0, -2.0, 0.0]))
    assert caught.value.lowest == pytest.approx(-1.0)
    np.testing.assert_array_equal(caught.value.direction, [0.0, 1.0, 0.0])
    with pytest.raises(ValueError, match="NaN"):
        DiagonalFactor.of(np.array([1.0, np.nan]))
