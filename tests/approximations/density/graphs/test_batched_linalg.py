"""Factors and solutions of batches: those of LAPACK matrix by matrix, NaN where there is none."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from hypothesis import given, strategies as st
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky
from pytensor.tensor.linalg.inverse import MatrixInverse
from pytensor.tensor.linalg.solvers.core import SolveBase
from scipy import linalg, stats

from tripos.approximations import LogDensity
from tripos.approximations.density.graphs.batched_linalg import (
    cholesky,
    inverse,
    solve,
    solve_by_cholesky,
    solve_triangular,
)

# Batches of matrices and of right-hand sides that go together, and how many rows a matrix has:
# one matrix for all sides, fewer matrices than rows, and more.
_BATCHES = [((), ()), ((), (3,)), ((1, 1), (4, 2)), ((2,), (2,)), ((2,), (1,)), ((5, 1), (1, 4))]


def _positive(rng, batch, rows):
    root = rng.normal(size=(*batch, rows, rows))
    return root @ root.mT + rows * np.eye(rows)


def _one_by_one(function, *arrays):
    batch = np.broadcast_shapes(*(x.shape[:-2] for x in arrays))
    whole = [np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in arrays]
    out = np.empty(whole[-1].shape)
    for place in np.ndindex(batch):
        out[place] = function(*(x[place] for x in whole))
    return out


@given(
    batches=st.sampled_from(_BATCHES),
    rows=st.integers(1, 6),
    lower=st.booleans(),
    unit_diagonal=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_triangular_systems(batches, rows, lower, unit_diagonal, seed):
    rng = np.random.default_rng(seed)
    a = _positive(rng, batches[0], rows)  # of which the other triangle must not be read
    b = rng.normal(size=(*batches[1], rows, 3))
    kind = {"lower": lower, "unit_diagonal": unit_diagonal}
    expected = _one_by_one(lambda x, y: linalg.solve_triangular(x, y, **kind), a, b)
    scale = np.max(np.abs(expected))
    np.testing.assert_allclose(solve_triangular(a, b, **kind), expected, atol=1e-12 * scale)


@pytest.mark.parametrize("batches", _BATCHES)
def test_systems_of_positive_matrices(rng, batches):
    a, b = _positive(rng, batches[0], 3), rng.normal(size=(*batches[1], 3, 2))
    expected = _one_by_one(np.linalg.solve, a, b)
    np.testing.assert_allclose(solve(a, b), expected, rtol=1e-10)
    for lower in (True, False):
        found = solve_by_cholesky(cholesky(a, lower=lower), b, lower=lower)
        np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_no_right_hand_side():
    assert solve_triangular(np.ones((4, 2, 2)), np.ones((4, 2, 0)), lower=True).shape == (4, 2, 0)


def _with_a_bad_one(rng, bad):
    matrices = _positive(rng, (3,), 2)
    matrices[1] = bad
    return matrices


@pytest.mark.parametrize("lower", [True, False])
def test_no_factor_is_nan_in_its_own_place(rng, lower):
    matrices = _with_a_bad_one(rng, [[1.0, 2.0], [2.0, 1.0]])
    factors = cholesky(matrices, lower=lower)
    assert np.all(np.isnan(factors[1]))
    for k in (0, 2):
        expected = linalg.cholesky(matrices[k], lower=lower)
        np.testing.assert_allclose(factors[k], expected, rtol=1e-12)


def test_no_inverse_is_nan_in_its_own_place(rng):
    matrices = _with_a_bad_one(rng, 1.0)
    assert np.all(np.isnan(inverse(matrices)[1]))
    np.testing.assert_allclose(inverse(matrices)[0] @ matrices[0], np.eye(2), atol=1e-12)
    sides = np.ones((3, 2, 1))
    assert np.all(np.isnan(solve(matrices, sides)[1]))
    np.testing.assert_allclose(matrices[2] @ solve(matrices, sides)[2], sides[2], rtol=1e-12)


@pytest.mark.parametrize("matrices", [1, 2, 5])
def test_a_singular_triangle_is_nan_in_its_own_place(matrices):
    a = np.tile(np.tril(np.ones((2, 2))), (matrices, 1, 1))
    a[-1, 1, 1] = 0.0
    found = solve_triangular(a, np.ones((matrices, 2, 1)), lower=True)
    np.testing.assert_array_equal(found[:-1], np.tile([[1.0], [0.0]], (matrices - 1, 1, 1)))
    assert np.isnan(found[-1]).any()


def _rows(x):
    """Make a model of 5 vectors of two, whose precision or covariance are functions of x."""
    return np.random.default_rng(3).normal(size=(5, 2)), pt.stack([[x, 0.2], [0.2, 2.0]])


@pytest.mark.parametrize("kind", ["chol", "cov", "tau"])
def test_no_loop_is_left_in_a_vector_likelihood(kind):
    """And the density is that of each row, where the matrix is positive definite."""
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 1.0)
        data, matrix = _rows(x)
        given = {kind: pt.linalg.cholesky(matrix) if kind == "chol" else matrix}
        pm.MvNormal("y", np.zeros(2), **given, observed=data)
    density = LogDensity(model, linker="numpy")
    thetas = np.array([[1.0], [-1.0], [3.0]])
    found = density.batched_value(thetas)
    assert not np.isfinite(found[1])
    for k in (0, 2):
        matrix = np.array([[thetas[k, 0], 0.2], [0.2, 2.0]])
        covariance = np.linalg.inv(matrix) if kind == "tau" else matrix
        inside = np.einsum("ni,ij,nj->n", data, np.linalg.inv(covariance), data)
        logs = -0.5 * (inside + np.linalg.slogdet(2 * np.pi * covariance)[1])
        assert found[k] == pytest.approx(logs.sum() + stats.norm.logpdf(thetas[k, 0]), rel=1e-12)
    if kind == "cov":
        density.hessian(np.array([1.0]))
    functions = density._functions.compiled.values()
    compiled = [function for function in functions if function.is_compiled]
    assert compiled
    for function in compiled:
        nodes = function._function.maker.fgraph.apply_nodes
        assert not [node for node in nodes if isinstance(node.op, Blockwise) and _is_linear(node)]


def _is_linear(node):
    own = node.op.core_op
    return isinstance(own, SolveBase | Cholesky | MatrixInverse)


def test_one_singular_matrix_is_no_error():
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 1.0)
        pm.MvNormal("y", np.zeros(2), tau=pt.stack([[x, x], [x, x]]), observed=np.zeros(2))
    assert not np.isfinite(LogDensity(model, linker="numpy").value(np.array([1.0])))
