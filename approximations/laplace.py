"""The Laplace approximation: a normal distribution at the mode, with the curvature found there.

Gelman et al., Bayesian Data Analysis (3rd ed.), section 4.1 and chapter 13.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pymc as pm
import xarray as xr
from scipy import sparse

from .arguments import checked_arguments
from .density import LogDensity, as_density
from .diagonal_laplace import diagonal_laplace
from .errors import ArgumentError
from .linear_algebra.gaussian import Gaussian
from .low_rank_laplace import low_rank_laplace
from .meter import Meter
from .method import registered
from .mode import Mode, find_mode
from .mode.given_start import Start, recorded_start
from .mode.watched import watched_mode
from .result import Record, assemble, draws_that_fit, generator


@registered(
    draws="independent",
    is_exact=False,
    needs=("gradient", "hessian", "mode"),
    rung=0,
    takes_new_data=True,
    look=("#D55E00", (5.0, 2.0), "s"),
)
@checked_arguments
def laplace(
    model: pm.Model | LogDensity | None = None,
    draws: int | None = None,
    *,
    start: Start = None,
    random_seed: int | np.random.Generator | None = None,
    max_iterations: int = 200,
    starts: int | None = None,
    curvature: Literal["exact", "low_rank", "diagonal"] | None = None,
    rank: int | None = None,
) -> xr.DataTree:
    """Approximate a posterior by a normal distribution in unconstrained space.

    The mean is the mode of the log density *with* its Jacobian term, the covariance the inverse of
    its negative Hessian there. The Hessian is exact, and checked; where PyTensor has no second
    derivative, it consists of differences of the exact gradient, as attribute ``hessian`` records.
    Draws are carried back to the variables' own scale, so a positive variable stays positive.

    A Hessian that is mostly zero, as for a hierarchical model with many groups, is held and
    factored as a sparse matrix, with 100,000 parameters in seconds. For one that is dense and too
    large, as for a network with 100,000 weights, there is `low_rank_laplace`.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None. Pass a `LogDensity` to fit again without compiling.
    draws : int, optional
        Number of independent draws S. Default: 4000, or for more than 5000 parameters 20 million
        numbers in all (200 draws of 100,000 parameters).
    start : mapping, (P,) array or "find_MAP", optional
        Where the search for the mode begins; see `find_mode`.
    random_seed : int or Generator, optional
    max_iterations : int, default 200
        Limit for the search for the mode.
    starts : int, optional
        Largest number of searches for other modes: 8 are plenty, and cost as much as several fits.
        Where no ``start`` is given, the mode with most mass is used. With None no other mode is
        searched for; see `find_modes`.
    curvature, rank
        Deprecated since 0.2. Call `low_rank_laplace` instead of ``curvature="low_rank"``, and
        `diagonal_laplace` instead of ``"diagonal"``; the curvature of `laplace` is exact.

    Warns
    -----
    DeprecationWarning
        When ``curvature`` is given.
    SecondModeWarning
        When ``starts`` was given and a heavier mode replaced the one at which the search ended, or
        another with at least 1 % of its mass was found.
    DifferencesWarning
        When a variance may be off by more than 1 %, because the Hessian is by differences.

    Returns
    -------
    DataTree
        ``posterior`` (chain=1, draw=S) with free variables and deterministics,
        ``unconstrained_posterior``, ``sample_stats`` (``lp``), ``observed_data``,
        ``constant_data``, ``point_estimate`` (the mode on the variables' own scale), and ``fit``
        with ``mode``, ``sd`` (P,), ``covariance``, ``precision`` (P, P), ``logp_mode``,
        ``log_evidence`` = logp(mode) + P/2 log 2 pi + 1/2 log det(covariance), and
        ``hessian_error``, the error of the Hessian's entries as a share of their size: 0 where it
        is exact. Where the Hessian
        is sparse (`LogDensity.has_sparse_hessian`) there is no ``covariance``, and the precision is
        stored as ``precision_value``, ``precision_row`` and ``precision_column`` (entry), the
        entries on and below the diagonal; `precision_of` reassembles it.

    Raises
    ------
    ModeAtInfinityError, ModeNotFoundError, CurvatureError
        When there is no peak to expand around.
    DerivativeError
        When the Hessian at the mode is not the second derivative.
    GradientError
        When PyTensor cannot differentiate the log density.
    MemoryLimitError
        When so many draws would not fit in memory; the message says how many would.
    StartingPointError, DiscreteVariableError, NoFreeVariableError, ArgumentError
    """
    if curvature is not None:
        method = _method_of(curvature)
        options: dict[str, Any] = {"start": start, "random_seed": random_seed}
        given = {"rank": rank, "starts": starts, "max_iterations": max_iterations}
        options |= {name: value for name, value in given.items() if value is not None}
        return method(model, draws, **options)
    if rank is not None:
        raise ArgumentError(f"rank={rank!r} is an argument of low_rank_laplace, not of laplace.")
    rng = generator(random_seed)
    density = as_density(model)
    draws = draws_that_fit(draws, density)
    meter = Meter(density)
    mode = find_mode(density, start=start, max_iterations=max_iterations)
    if starts is not None:
        # The searches use a separate random stream, so that the draws do not depend on them.
        streams = rng.spawn(1)[0]
        mode = watched_mode(density, mode, streams, starts, may_move=start is None)
    fit = normal_fit(density, mode)
    meter.fitted()

    thetas = mode.gaussian.draws(draws, rng)
    settings = {
        "draws": draws,
        "max_iterations": max_iterations,
        "start": recorded_start(start),
        "starts": starts,
    }
    record = Record("laplace", settings, random_seed)
    return meter.written_into(assemble(density, thetas, fit, record, point=mode.theta))


def _method_of(curvature: str) -> Callable[..., xr.DataTree]:
    """Name the method that replaces an argument of tripos 0.1, and warn `laplace`'s caller."""
    methods = {"exact": laplace, "low_rank": low_rank_laplace, "diagonal": diagonal_laplace}
    method: Callable[..., xr.DataTree] = methods[curvature]
    warnings.warn(
        f"laplace(curvature={curvature!r}) is deprecated since tripos 0.2: call "
        f"{method.__name__}, without curvature.",
        DeprecationWarning,
        stacklevel=4,
    )
    return method


def normal_fit(density: LogDensity, mode: Mode) -> xr.Dataset:
    """Describe the mode and the normal approximation there, as group ``fit``."""
    gaussian = mode.gaussian
    evidence = mode.logp + 0.5 * (gaussian.size * np.log(2 * np.pi) + gaussian.log_determinant)
    is_sparse = sparse.issparse(mode.hessian)
    dims = ("parameter",) if is_sparse else ("parameter", "parameter_bis")
    matrices = _entries_of(-mode.hessian) if is_sparse else _matrices_of(gaussian, -mode.hessian)
    return xr.Dataset(
        {
            "mode": ("parameter", mode.theta),
            "sd": ("parameter", gaussian.sd),
            **matrices,
            "logp_mode": mode.logp,
            "hessian_error": mode.hessian_error,
            "log_evidence": evidence,
        },
        coords={dim: list(density.parameters) for dim in dims},
    )


def _matrices_of(gaussian: Gaussian, precision: np.ndarray) -> dict[str, tuple[Any, np.ndarray]]:
    dims = ("parameter", "parameter_bis")
    return {"covariance": (dims, gaussian.covariance), "precision": (dims, precision)}


def _entries_of(precision: sparse.csc_array) -> dict[str, tuple[Any, np.ndarray]]:
    """Write a sparse symmetric matrix as a list of entries, which netCDF can hold."""
    lower = sparse.tril(precision).tocoo()
    return {
        "precision_value": ("entry", lower.data),
        "precision_row": ("entry", lower.row),
        "precision_column": ("entry", lower.col),
    }


def precision_of(fit: xr.Dataset) -> np.ndarray | sparse.csc_array:
    """Return the precision (P, P) that a fit of `laplace` holds, as an array or a sparse array.

    Raises
    ------
    ArgumentError
        When it holds none.
    """
    if "precision" in fit:
        return fit["precision"].values
    if "precision_value" not in fit:
        raise ArgumentError(
            "The fit holds no precision matrix. It takes a fit of laplace; "
            f"this one holds {', '.join(map(str, fit.data_vars))}."
        )
    size = fit.sizes["parameter"]
    row, column = fit["precision_row"].values, fit["precision_column"].values
    lower = sparse.csc_array((fit["precision_value"].values, (row, column)), shape=(size, size))
    return sparse.csc_array(lower + sparse.tril(lower, -1).T)
