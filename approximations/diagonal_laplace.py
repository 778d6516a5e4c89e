"""The Laplace approximation without correlations: the exact curvature along each parameter."""

from __future__ import annotations

import numpy as np
import pymc as pm
import xarray as xr

from .arguments import checked_arguments
from .density import LogDensity, as_density
from .errors import CurvatureError
from .matrix_free.newton_cg import find_mode_by_products, fit_without_matrix
from .meter import Meter
from .method import registered
from .mode.given_start import Start, recorded_start
from .result import Record, assemble, draws_that_fit, generator
from .variational.fitted import independent_normal


@registered(
    draws="independent",
    is_exact=False,
    needs=("gradient", "mode"),
    takes_new_data=True,
    look=("#44AA99", (3.0, 3.0), "X"),
)
@checked_arguments
def diagonal_laplace(
    model: pm.Model | LogDensity | None = None,
    draws: int | None = None,
    *,
    start: Start = None,
    random_seed: int | np.random.Generator | None = None,
    max_iterations: int = 200,
) -> xr.DataTree:
    """Approximate a posterior by independent normal distributions at its mode.

    Each has the exact curvature along its parameter. Its sd is the conditional one, given all other
    parameters: never too wide and often far too narrow, while a function of many parameters may
    come out too wide. No evidence is estimated. The mode is found by conjugate gradients; no
    Hessian is formed: where it is not sparse, P Hessian-vector products are used.

    Parameters
    ----------
    model, draws, start, random_seed, max_iterations
        As in `laplace`.

    Returns
    -------
    DataTree
        As `laplace` returns it, without a matrix and an evidence in ``fit``, which has ``mode``,
        ``sd`` (P,), ``logp_mode`` and ``hessian_error``.

    Raises
    ------
    ModeNotFoundError, CurvatureError
        When there is no peak to expand around, or too many parameters have a flat prior.
    DerivativeError, GradientError, MemoryLimitError
        As `laplace` does.
    StartingPointError, DiscreteVariableError, NoFreeVariableError, ArgumentError
    """
    rng = generator(random_seed)
    density = as_density(model)
    draws = draws_that_fit(draws, density)
    meter = Meter(density)
    mode = find_mode_by_products(density, start, max_iterations=max_iterations)
    precision = _checked_precision(density, mode.theta)
    gaussian = independent_normal(mode.theta, 1 / np.sqrt(precision))
    fit = fit_without_matrix(density, mode, gaussian)
    meter.fitted()

    thetas = gaussian.draws(draws, rng)
    settings = {"draws": draws, "start": recorded_start(start), "max_iterations": max_iterations}
    record = Record("diagonal_laplace", settings, random_seed)
    return meter.written_into(assemble(density, thetas, fit, record, point=mode.theta))


def _checked_precision(density: LogDensity, theta: np.ndarray) -> np.ndarray:
    """Curvatures (P,) downward along each parameter."""
    precision = -_hessian_diagonal(density, theta)
    lowest = int(np.argmin(precision))
    if not precision[lowest] > 0:
        raise CurvatureError(
            f"The log density curves upward along {density.parameters[lowest]}, so the point is "
            "no peak. Start from another point, raise max_iterations, or give narrower priors."
        )
    return precision


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
