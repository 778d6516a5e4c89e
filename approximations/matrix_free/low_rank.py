"""Curvature of very large posteriors: a low-rank update of a diagonal, matrix-free.

In coordinates in which the prior has unit precision, the negative Hessian is I + M, and M, what
the data add, has few large eigenvalues: data say much about few directions. They are found by
Lanczos on exact Hessian-vector products (Bui-Thanh, Ghattas, Martin and Stadler 2013, SIAM J. Sci.
Comput. 35, section 3.3), and the rest of M is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from ..density import LogDensity
from ..density.graphs.parameters import describe_direction
from ..errors import CurvatureError
from ..memory import check_memory

# Residual of an eigenpair, relative to its eigenvalue, whose error is the square of it.
_RESIDUAL = 1e-5
# Products spent on the search for a direction that curves upward.
_LOOK = 50


@dataclass(frozen=True)
class LowRankFactor:
    """The precision matrix A = S (I + U E U') S, stored as K + 1 vectors.

    Attributes
    ----------
    scale : (P,) array
        The diagonal of S: square roots of the prior's precisions.
    vectors : (P, K) array
        U, with orthonormal columns.
    eigenvalues : (K,) array
        The diagonal of E: what the data add, relative to the prior; all above -1.
    """

    scale: np.ndarray
    vectors: np.ndarray
    eigenvalues: np.ndarray

    @property
    def log_determinant(self) -> float:
        """Log determinant of A."""
        return float(2 * np.sum(np.log(self.scale)) + np.sum(np.log1p(self.eigenvalues)))

    @property
    def triangle(self) -> np.ndarray:
        """Dense lower Cholesky factor (P, P) of A.

        Raises
        ------
        MemoryLimitError
            When it would not fit in memory.
        """
        size = len(self.scale)
        check_memory(
            f"A dense factor for {size:,} parameters",
            3 * size**2,
            "This method was made for fewer parameters: use laplace.",
        )
        matrix = np.eye(size) + (self.vectors * self.eigenvalues) @ self.vectors.T
        return np.linalg.cholesky(matrix * np.outer(self.scale, self.scale))

    def solve(self, right: np.ndarray) -> np.ndarray:
        """A^-1 times ``right`` (P,) or (P, K)."""
        columns = right.reshape(len(self.scale), -1) / self.scale[:, None]
        columns += self._part(1 / (1 + self.eigenvalues), columns.T).T
        return (columns / self.scale[:, None]).reshape(right.shape)

    def unwhiten(self, whitened: np.ndarray) -> np.ndarray:
        """Turn rows (S, P) of standard normals into normal ones with covariance A^-1."""
        placed = whitened + self._part(1 / np.sqrt(1 + self.eigenvalues), whitened)
        placed /= self.scale
        return placed

    def whiten(self, rows: np.ndarray) -> np.ndarray:
        """Undo `unwhiten`, for rows (S, P): their squares sum to x' A x."""
        scaled = rows * self.scale
        return scaled + self._part(np.sqrt(1 + self.eigenvalues), scaled)

    def variances(self) -> np.ndarray:
        """Diagonal (P,) of A^-1."""
        return (1 + self.vectors**2 @ (1 / (1 + self.eigenvalues) - 1)) / self.scale**2

    def _part(self, stretched: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Increment of rows (S, P) that stretches them along U by factors (K,)."""
        return ((rows @ self.vectors) * (stretched - 1)) @ self.vectors.T


def low_rank_factor(
    density: LogDensity,
    theta: np.ndarray,
    prior: np.ndarray,
    rank: int,
    rng: np.random.Generator,
) -> LowRankFactor:
    """Approximate the negative Hessian at a mode by its leading eigenpairs against the prior's.

    Parameters
    ----------
    density : LogDensity
    theta : (P,) array
    prior : (P,) array
        Precisions of the prior.
    rank : int
        Number K of eigenpairs, those of largest absolute value.
    rng : Generator
        Generator of Lanczos's starting vectors.

    Raises
    ------
    CurvatureError
        When a direction curves upward: theta is no peak.
    """
    size, scale = density.size, np.sqrt(prior)

    def whitened_curvature(vector: np.ndarray) -> np.ndarray:
        vector = np.ravel(vector)
        return -density.hessian_vector_product(theta, vector / scale) / scale

    if rank >= size - 1:
        dense = np.array([whitened_curvature(unit) for unit in np.eye(size)])
        eigenvalues, vectors = np.linalg.eigh((dense + dense.T) / 2)
    else:
        operator = LinearOperator(
            (size, size), matvec=lambda v: whitened_curvature(v) - np.ravel(v), dtype=float
        )
        first = rng.standard_normal(size)
        if not np.any(operator @ first):  # without data; ARPACK cannot start from zero
            return LowRankFactor(scale, np.eye(size, rank), np.zeros(rank))
        eigenvalues, vectors = eigsh(operator, rank, which="LM", v0=first, tol=_RESIDUAL)
        eigenvalues += 1
        _refuse_upward(density, scale, eigenvalues, vectors)
        lowest = lowest_ritz(whitened_curvature, rng.standard_normal(size), eigenvalues.max())
        _refuse_upward(density, scale, *lowest)
    _refuse_upward(density, scale, eigenvalues, vectors)
    return LowRankFactor(scale, vectors, eigenvalues - 1)


def lowest_ritz(
    product: Callable[[np.ndarray], np.ndarray], start: np.ndarray, highest: float
) -> tuple[np.ndarray, np.ndarray]:
    """Find the lowest Ritz pair of a symmetric matrix after some steps of Lanczos.

    Parameters
    ----------
    product : callable
        The matrix times a vector (P,).
    start : (P,) array
    highest : float
        About the highest eigenvalue.

    Returns
    -------
    (1,) array, (P, 1) array
        The eigenvalue, from above, and its vector.
    """
    size, shift = len(start), 2 * highest
    # ARPACK starts from the matrix times the given vector. The matrix is shifted so that its low
    # end has the largest eigenvalues in size, which that product keeps.
    operator = LinearOperator(
        (size, size), matvec=lambda v: product(v) - shift * np.ravel(v), dtype=float
    )
    # ARPACK stops after the first iteration, converged or not.
    values, vectors = eigsh(operator, 1, which="SA", v0=start, ncv=min(_LOOK, size), tol=np.inf)
    return values + shift, vectors


def _refuse_upward(
    density: LogDensity, scale: np.ndarray, eigenvalues: np.ndarray, vectors: np.ndarray
) -> None:
    lowest = int(np.argmin(eigenvalues))
    if eigenvalues[lowest] > 0:
        return
    direction = describe_direction(density.parameters, vectors[:, lowest] / scale)
    raise CurvatureError(
        f"The log density curves upward along {direction} (by {-eigenvalues[lowest]:.2g} of the "
        "prior's precision), so the point is no peak and no normal distribution fits it. Start "
        "from another point, raise max_iterations, or give narrower priors."
    )
