"""The Laplace approximation without a Hessian: the prior's precision plus a few directions.

In networks and other dense models the data say much about few directions; see
``matrix_free/low_rank.py``.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import xarray as xr

from .arguments import checked_arguments
from .density import LogDensity, as_density
from .linear_algebra.gaussian import Gaussian
from .matrix_free.low_rank import low_rank_factor
from .matrix_free.newton_cg import find_mode_by_products, fit_without_matrix
from .meter import Meter
from .method import registered
from .mode.given_start import Start, recorded_start
from .result import Record, assemble, checked_count, draws_that_fit, generator


@registered(
    draws="independent",
    is_exact=False,
    needs=("gradient", "mode"),
    takes_new_data=True,
    look=("#CC6677", (5.0, 2.0, 1.0, 2.0), "8"),
)
@checked_arguments
def low_rank_laplace(
    model: pm.Model | LogDensity | None = None,
    draws: int | None = None,
    *,
    start: Start = None,
    random_seed: int | np.random.Generator | None = None,
    max_iterations: int = 200,
    rank: int = 50,
) -> xr.DataTree:
    """Approximate a large posterior by a normal distribution, with its leading curvature only.

    For posteriors whose Hessian is dense and too large to form, as for a network with 100,000
    weights: the mode is found by conjugate gradients, and memory is that of ``rank`` vectors. The
    precision is the prior's, updated in the ``rank`` directions in which the log density's
    curvature differs most from it. In the directions left out the approximation has the prior's
    spread: too wide where the data curve the density downward, which is the rule, and too narrow
    where they curve it upward, as hidden units of a network can. The log evidence is too large or
    too small accordingly.

    Parameters
    ----------
    model, draws, start, random_seed, max_iterations
        As in `laplace`.
    rank : int, default 50
        Number K of directions.

    Returns
    -------
    DataTree
        As `laplace` returns it, without a matrix in ``fit``, which has ``mode``, ``sd`` (P,),
        ``logp_mode``, ``log_evidence``, ``hessian_error``, the prior's precisions
        ``prior_precision`` (P,), and as ``eigenvalue`` (K,) the curvatures kept, relative to the
        prior: the largest in absolute value.

    Raises
    ------
    ModeNotFoundError, CurvatureError
        When there is no peak to expand around, or too many parameters have a flat prior.
    DerivativeError, GradientError, MemoryLimitError
        As `laplace` does.
    StartingPointError, DiscreteVariableError, NoFreeVariableError, ArgumentError
    """
    rank = checked_count("rank", rank)
    rng = generator(random_seed)
    density = as_density(model)
    draws = draws_that_fit(draws, density)
    meter = Meter(density)
    mode = find_mode_by_products(density, start, max_iterations=max_iterations)
    # Lanczos uses a separate random stream, so that the draws do not depend on it.
    factor = low_rank_factor(density, mode.theta, mode.prior, rank, rng.spawn(1)[0])
    gaussian = Gaussian(mode.theta, factor)
    constant = 0.5 * gaussian.size * np.log(2 * np.pi)
    fit = fit_without_matrix(density, mode, gaussian).assign(
        log_evidence=mode.logp + constant + 0.5 * gaussian.log_determinant,
        eigenvalue=("component", np.sort(factor.eigenvalues)[::-1]),
        prior_precision=("parameter", mode.prior),
    )
    meter.fitted()

    thetas = gaussian.draws(draws, rng)
    settings = {
        "draws": draws,
        "start": recorded_start(start),
        "max_iterations": max_iterations,
        "rank": rank,
    }
    record = Record("low_rank_laplace", settings, random_seed)
    return meter.written_into(assemble(density, thetas, fit, record, point=mode.theta))
