"""Factors and solutions of whole batches of matrices, where PyTensor loops in Python.

A matrix that cannot be factored or solved gives NaN for itself, as PyTensor's operations on one
matrix do, without affecting the others.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from pytensor.graph.basic import Variable
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky
from pytensor.tensor.linalg.inverse import MatrixInverse
from pytensor.tensor.linalg.solvers.general import Solve
from pytensor.tensor.linalg.solvers.psd import CholeskySolve
from pytensor.tensor.linalg.solvers.triangular import SolveTriangular
from scipy.linalg import get_lapack_funcs

from .numpy_calls import NumpyCall


@node_rewriter([Blockwise, MatrixInverse])
def batched_linalg(fgraph: Any, node: Any) -> list[Variable] | None:
    """Use one of the functions below for a batch, if there is one.

    Also for a single inverse, where PyTensor would raise.
    """
    function = _function_of(getattr(node.op, "core_op", node.op))
    if function is None:
        return None
    return NumpyCall(function, node.outputs[0].type).make_node(*node.inputs).outputs


def _function_of(op: Any) -> Callable[..., np.ndarray] | None:
    solver: Callable[..., np.ndarray]
    match op:
        case Cholesky():
            return partial(cholesky, lower=op.lower)
        case MatrixInverse():
            return inverse
        case SolveTriangular():
            solver = partial(solve_triangular, lower=op.lower, unit_diagonal=op.unit_diagonal)
        case CholeskySolve():
            solver = partial(solve_by_cholesky, lower=op.lower)
        case Solve(assume_a="gen"):
            solver = solve
        case _:
            return None
    return partial(_of_vectors, solver) if op.b_ndim == 1 else solver


def _of_vectors(solver: Callable[..., np.ndarray], a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return solver(a, b[..., None])[..., 0]


def cholesky(x: np.ndarray, *, lower: bool) -> np.ndarray:
    """Cholesky factors (..., m, m) of matrices (..., m, m), of which one triangle is read."""
    return _nan_where_it_fails(partial(np.linalg.cholesky, upper=not lower), x)


def inverse(x: np.ndarray) -> np.ndarray:
    """Inverses of matrices (..., m, m)."""
    return _nan_where_it_fails(np.linalg.inv, x)


def solve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Solve a x = b for matrices (..., m, m) and (..., m, n)."""
    return _nan_where_it_fails(np.linalg.solve, a, b)


def solve_by_cholesky(factor: np.ndarray, b: np.ndarray, *, lower: bool) -> np.ndarray:
    """Solve a x = b, given Cholesky factors (..., m, m) of a."""
    left = factor if lower else factor.mT
    half = solve_triangular(left, b, lower=True)
    return solve_triangular(left.mT, half, lower=False)


def solve_triangular(
    a: np.ndarray, b: np.ndarray, *, lower: bool, unit_diagonal: bool = False
) -> np.ndarray:
    """Solve a x = b for triangular matrices (..., m, m) and (..., m, n).

    LAPACK takes one matrix at a time, with all its right-hand sides. If there are more matrices
    than rows, unknowns are found one by one, for all matrices together.
    """
    rows, matrices = a.shape[-1], int(np.prod(a.shape[:-2]))
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    shape = (*batch, *b.shape[-2:])
    if 0 in shape:
        return np.empty(shape)
    by_lapack = partial(_solved_by_lapack, lower=lower, unit_diagonal=unit_diagonal)
    if matrices == 1:
        sides = np.moveaxis(b, -2, 0)
        solved = by_lapack(a.reshape(rows, rows), sides.reshape(rows, -1))
        return np.moveaxis(solved.reshape(sides.shape), 0, -2).reshape(shape)
    right = np.broadcast_to(b, shape)
    if matrices > rows:
        return _solved_by_substitution(a, right, lower=lower, unit_diagonal=unit_diagonal)
    left = np.broadcast_to(a, (*batch, rows, rows)).reshape(-1, rows, rows)
    pairs = zip(left, right.reshape(-1, *shape[-2:]), strict=True)
    return np.array([by_lapack(*pair) for pair in pairs]).reshape(shape)


def _solved_by_lapack(
    a: np.ndarray, b: np.ndarray, *, lower: bool, unit_diagonal: bool
) -> np.ndarray:
    (trtrs,) = get_lapack_funcs(("trtrs",), (a, b))
    # LAPACK is column-major: it reads a matrix in C order as its transpose.
    solved, info = trtrs(a.T, b, lower=not lower, trans=1, unitdiag=unit_diagonal)
    return solved if info == 0 else np.full_like(solved, np.nan)


def _solved_by_substitution(
    a: np.ndarray, b: np.ndarray, *, lower: bool, unit_diagonal: bool
) -> np.ndarray:
    rows = range(a.shape[-1])
    left = np.array(b, dtype=np.result_type(a, b))
    for row in rows if lower else reversed(rows):
        if not unit_diagonal:
            pivot = a[..., row, row, None]
            left[..., row, :] /= np.where(pivot == 0, np.nan, pivot)
        rest = slice(row + 1, None) if lower else slice(0, row)
        left[..., rest, :] -= a[..., rest, row, None] * left[..., row, None, :]
    return left


def _nan_where_it_fails(function: Callable[..., np.ndarray], *arrays: np.ndarray) -> np.ndarray:
    try:
        return function(*arrays)
    except np.linalg.LinAlgError:
        batch = np.broadcast_shapes(*(x.shape[:-2] for x in arrays))
        if not batch:
            return np.full(arrays[-1].shape, np.nan)
        whole = [np.broadcast_to(x, batch + x.shape[-2:]) for x in arrays]
        flat = zip(*(x.reshape(-1, *x.shape[-2:]) for x in whole), strict=True)
        parts = [_nan_where_it_fails(function, *matrices) for matrices in flat]
        return np.array(parts).reshape(whole[-1].shape)
