"""Quasi-random points for a normal distribution, the same in every run."""

from __future__ import annotations

import numpy as np
import scipy
from scipy.special import ndtri

from ..linear_algebra.gaussian import triangular_inverse


def quasi_random_normals(count: int, size: int) -> np.ndarray:
    """Normal scores (count, P) of a shifted Sobol net.

    The net's own first point is the corner where all coordinates are lowest: as one of a few
    thousand it would count for far more than the mass there. A shift of each coordinate by whole
    cells moves it, and half a cell more puts all points at the centres of their cells. Means,
    variances and correlations are then made exact, so that moments of a normal are.

    Parameters
    ----------
    count : int
        A power of two, well above ``size``.
    size : int
        Number of coordinates, P.
    """
    net = scipy.stats.qmc.Sobol(size, scramble=False).random(count)
    cells = np.random.default_rng(0).integers(count, size=size)
    normals = ndtri((net + (cells + 0.5) / count) % 1.0)
    normals -= normals.mean(axis=0)
    covariance = normals.T @ normals / count
    return normals @ triangular_inverse(np.linalg.cholesky(covariance)).T
