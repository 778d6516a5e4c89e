"""Direction of least curvature of a sparse matrix, by inverse iteration."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ..errors import IndefiniteMatrixError
from .sparse_cholesky import Ordering, SparseFactor, along_pivot, unit_scale


def lowest_direction(factor: SparseFactor, most: int = 30) -> tuple[float, np.ndarray]:
    """Find the direction of least curvature of a factored matrix, by inverse iteration.

    Returns
    -------
    float
        Curvature after scaling to a unit diagonal: the lowest eigenvalue, or slightly above.
    (P,) array
        The direction, in the parameters' own units.
    """
    lowest, vector = along_pivot(factor, int(np.argmin(factor.pivots)))
    # Perturbed, since the iteration never leaves an exact eigenvector.
    vector = vector + np.random.default_rng(1).normal(0, 0.3 / np.sqrt(factor.size), factor.size)
    vector /= np.linalg.norm(vector)
    for step in range(most):
        solved = factor.scale * factor.solve(factor.scale * vector)
        length = np.linalg.norm(solved)
        before, lowest = lowest, float(vector @ solved / length**2)
        vector = solved / length
        if step > 3 and lowest > 0.99 * before:
            break
    return lowest, vector / factor.scale


def most_upward(matrix: sparse.csc_array, error: IndefiniteMatrixError) -> IndefiniteMatrixError:
    """Find the lowest curvature of a matrix that could not be factored, from its error.

    A shift makes the matrix positive definite, so that `lowest_direction` applies.
    """
    ordering, scale = Ordering.of(matrix), unit_scale(matrix.diagonal())
    shift = max(-2 * error.lowest, 1e-9)
    while True:
        try:
            lowest, direction = lowest_direction(ordering.factor(matrix, scale, shift))
        except IndefiniteMatrixError as again:
            shift = 2 * (shift - again.lowest)
        else:
            return IndefiniteMatrixError(lowest - shift, direction)
