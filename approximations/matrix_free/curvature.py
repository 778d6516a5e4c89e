"""The normal approximation where the Hessian is too large to be made: a diagonal, or low rank.

What each gets wrong is told in `laplace`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np
import xarray as xr

from ..density import LogDensity
from ..density.derivatives.checking import hessian_error
from ..errors import ArgumentError, CurvatureError
from ..linear_algebra.gaussian import Gaussian
from ..mode.given_start import Start
from ..result import checked_count
from .low_rank import LowRankFactor, low_rank_factor
from .newton_cg import Top, find_mode_by_products
from .prior_curvature import prior_precision

Curvature = Literal["exact", "low_rank", "diagonal"]

_RANK = 50


def checked_curvature(curvature: Curvature, rank: int | None, starts: int | None) -> int | None:
    """Check what was asked for, and return the rank, which only low rank has.

    Raises
    ------
    ArgumentError
    """
    if rank is not None and curvature != "low_rank":
        raise ArgumentError(f"rank={rank!r} needs curvature='low_rank', not {curvature!r}.")
    if starts is not None and curvature != "exact":
        raise ArgumentError(
            f"starts={starts!r} needs curvature='exact': other modes are told by their Hessians."
        )
    if curvature != "low_rank":
        return None
    return checked_count("rank", _RANK if rank is None else rank)


def normal_by_products(
    density: LogDensity,
    start: Start,
    rank: int | None,
    rng: np.random.Generator,
    max_iterations: int,
) -> tuple[Top, Gaussian]:
    """Find the mode and a normal distribution there with gradients and Hessian-vector products.

    Parameters
    ----------
    density : LogDensity
    start : mapping, (P,) array, "find_MAP" or None
    rank : int or None
        Of the curvature beyond the prior's; None for the diagonal alone.
    rng : Generator
        Of the vectors that Lanczos starts from.
    max_iterations : int

    Raises
    ------
    ModeNotFoundError, CurvatureError, DerivativeError, StartingPointError
    """
    metric = partial(prior_precision, density)
    top = find_mode_by_products(density, start, metric, max_iterations=max_iterations)
    product = partial(density.hessian_vector_product, top.theta)
    if rank is None:
        factor = _diagonal_factor(density, top.theta)
        error = hessian_error(density, top.theta, product, factor.scale)
    else:
        precision = metric(top.theta)
        error = hessian_error(density, top.theta, product, np.sqrt(precision))
        factor = low_rank_factor(density, top.theta, precision, rank, rng)
    return replace(top, hessian_error=error), Gaussian(top.theta, factor)


def fit_by_products(density: LogDensity, top: Top, gaussian: Gaussian) -> xr.Dataset:
    """Describe the mode and the approximation there, as group ``fit``."""
    values: dict[str, Any] = {
        "mode": ("parameter", top.theta),
        "sd": ("parameter", gaussian.sd),
        "logp_mode": top.logp,
        "hessian_error": top.hessian_error,
    }
    factor = gaussian.precision
    if isinstance(factor, LowRankFactor) and len(factor.eigenvalues):
        evidence = top.logp + 0.5 * (gaussian.size * np.log(2 * np.pi) + gaussian.log_determinant)
        values["log_evidence"] = evidence
        values["eigenvalue"] = ("component", np.sort(factor.eigenvalues)[::-1])
        values["prior_precision"] = ("parameter", factor.scale**2)
    return xr.Dataset(values, coords={"parameter": list(density.parameters)})


def _diagonal_factor(density: LogDensity, theta: np.ndarray) -> LowRankFactor:
    precision = -_hessian_diagonal(density, theta)
    lowest = int(np.argmin(precision))
    if not precision[lowest] > 0:
        raise CurvatureError(
            f"The log density curves upward along {density.parameters[lowest]}, so the point is "
            "no peak. Start from another point, raise max_iterations, or give narrower priors."
        )
    return LowRankFactor(np.sqrt(precision), np.zeros((density.size, 0)), np.zeros(0))


def _hessian_diagonal(density: LogDensity, theta: np.ndarray) -> np.ndarray:
    """The diagonal (P,), without a matrix (P, P) where the Hessian is dense."""
    if density.has_sparse_hessian:
        return density.hessian(theta).diagonal()
    diagonal, unit = np.empty(density.size), np.zeros(density.size)
    for k in range(density.size):
        unit[k] = 1.0
        diagonal[k] = density.hessian_vector_product(theta, unit)[k]
        unit[k] = 0.0
    return diagonal
