"""The Laplace approximation: a normal distribution at the mode, with the curvature found there.

Gelman et al., Bayesian Data Analysis (3rd ed.), section 4.1 and chapter 13.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from scipy import sparse

from .arguments import checked_arguments
from .density import LogDensity, as_density
from .errors import ArgumentError
from .linear_algebra.gaussian import Gaussian
from .matrix_free.curvature import Curvature, checked_curvature, fit_by_products, normal_by_products
from .memory import check_memory
from .meter import Meter
from .method import registered
from .mode import Mode, find_mode
from .mode.given_start import Start
from .mode.several import watched_mode
from .result import Record, assemble, checked_count, generator, seed_to_record

_DRAWS = 4000
# Numbers in the draws of a large model where none are asked for: 160 MB an array of them.
_ENTRIES, _FEWEST_DRAWS = 20_000_000, 20
# Arrays of draws that a tree holds, and the work needs, at once.
_COPIES = 4


@registered(
    draws="independent",
    is_exact=False,
    needs=("gradient", "hessian", "mode"),
    rung=0,
    takes_new_data=True,
    colour="#D55E00",
    dashes=(5.0, 2.0),
    marker="s",
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
    curvature: Curvature = "exact",
    rank: int | None = None,
) -> xr.DataTree:
    """Approximate a posterior by a normal distribution in unconstrained space.

    The mean is the mode of the log density *with* its Jacobian term, the covariance the inverse of
    its negative Hessian there. That is exact, and checked; where PyTensor has no second derivative,
    it is made of differences of the exact gradient, as attribute ``hessian`` tells. Draws are
    carried back to the variables' own scale, so a positive variable stays positive.

    A Hessian that is mostly zero, as of a hierarchical model with many groups, is held and factored
    as a sparse matrix, with 100,000 parameters in seconds. One that is full and too large, as of a
    network with 100,000 weights, is not made: see ``curvature``.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None. Pass a `LogDensity` to fit again without compiling.
    draws : int, optional
        Number of independent draws S. Default: 4000, or for more than 5000 parameters as many as
        make 20 million numbers (200 draws of 100,000 parameters).
    start : mapping, (P,) array or "find_MAP", optional
        Where the search for the mode begins; see `find_mode`.
    random_seed : int or Generator, optional
    max_iterations : int, default 200
        Of the search for the mode.
    starts : int, optional
        How many searches, at most, look for other modes: 8 are plenty, and cost as much as some
        fits. Where no ``start`` is given, the heaviest mode found is taken. None looks for none;
        see `find_modes`.
    curvature : {"exact", "low_rank", "diagonal"}, default "exact"
        What is used of the Hessian. The last two make no matrix: the mode is found by conjugate
        gradients, and memory is that of ``rank`` vectors.

        ``"low_rank"`` keeps the prior's precision and the ``rank`` directions in which the log
        density's curvature differs most from it. In the directions left out it has the prior's
        spread: too wide where the data curve the density downward, which is the rule, and too
        narrow where they curve it upward, as hidden units of a network can. The log evidence is
        too large or too small with it. ``fit`` has the curvatures kept, relative to the prior, as
        ``eigenvalue`` (component): none left out is larger in size than the least of them.

        ``"diagonal"`` keeps the exact curvature along each parameter and no correlation: its sds
        are conditional ones, never too wide and often far too narrow, while a function of many
        parameters may come out too wide; and it has no evidence to give. Where the Hessian is not
        sparse it takes P Hessian-vector products.
    rank : int, optional
        Number of directions of ``"low_rank"``. Default: 50.

    Warns
    -----
    SecondModeWarning
        When ``starts`` was given and a heavier mode was taken in the place of that at which the
        search ended, or another with at least 1 % of its mass was found.
    DifferencesWarning
        When a variance may be off by more than a hundredth, as the Hessian is made of differences.

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
        is sparse (`LogDensity.has_sparse_hessian`) there is no ``covariance``, and the precision
        stands as ``precision_value``, ``precision_row`` and ``precision_column`` (entry), the
        entries on and below the diagonal; `precision_of` puts it together. With another curvature
        than ``"exact"`` there is no matrix at all.

    Raises
    ------
    ModeAtInfinityError, ModeNotFoundError, CurvatureError
        When there is no peak to expand around.
    DerivativeError
        When the Hessian at the mode is not the second derivative.
    GradientError
        When PyTensor cannot differentiate the log density.
    MemoryLimitError
        When so many draws would not fit; the sentence says how many would.
    StartingPointError, DiscreteVariableError, NoFreeVariableError, ArgumentError
    """
    rank = checked_curvature(curvature, rank, starts)
    rng = generator(random_seed)
    density = as_density(model)
    draws = draws_that_fit(draws, density)
    meter = Meter(density)
    # What else takes random numbers has a stream of its own: the draws stay the same.
    if curvature == "exact":
        mode = find_mode(density, start=start, max_iterations=max_iterations)
        if starts is not None:
            streams = rng.spawn(1)[0]
            mode = watched_mode(density, mode, streams, starts, may_move=start is None)
        gaussian = mode.gaussian
        fit = normal_fit(density, mode, gaussian)
    else:
        top, gaussian = normal_by_products(density, start, rank, rng.spawn(1)[0], max_iterations)
        fit = fit_by_products(density, top, gaussian)
    meter.fitted()

    thetas = gaussian.draws(draws, rng)
    settings: dict[str, Any] = {"draws": draws, "max_iterations": max_iterations, "start": start}
    settings |= {"starts": starts, "curvature": curvature, "rank": rank}
    tree = assemble(
        density,
        thetas,
        fit,
        Record("laplace", settings, seed_to_record(random_seed)),
        sample_stats={"lp": density.batched_value(thetas)},
        point=gaussian.mean,
    )
    return meter.written_into(tree)


def draws_that_fit(draws: int | None, density: LogDensity) -> int:
    """Check the number of draws, or choose it: 4000, and fewer where a draw has many numbers.

    Raises
    ------
    ArgumentError
        When it is not a whole number of at least 1.
    MemoryLimitError
        When so many would not fit.
    """
    if draws is None:
        return min(_DRAWS, max(_FEWEST_DRAWS, _ENTRIES // density.entries_of_a_draw))
    draws, size = checked_count("draws", draws), density.entries_of_a_draw
    check_memory(
        f"A tree with {draws:,} draws of {size:,} numbers each, deterministics included,",
        _COPIES * draws * size,
        f"Ask for fewer, such as draws={max(1, _ENTRIES // size)}.",
    )
    return draws


def normal_fit(density: LogDensity, mode: Mode, gaussian: Gaussian) -> xr.Dataset:
    """Describe the mode and the normal approximation there, as group ``fit``."""
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
        When it holds none: a fit whose curvature was not exact.
    """
    if "precision" in fit:
        return fit["precision"].values
    if "precision_value" not in fit:
        raise ArgumentError(
            "The fit holds no precision matrix. It takes a fit of laplace with curvature='exact'; "
            f"this one holds {', '.join(map(str, fit.data_vars))}."
        )
    size = fit.sizes["parameter"]
    row, column = fit["precision_row"].values, fit["precision_column"].values
    lower = sparse.csc_array((fit["precision_value"].values, (row, column)), shape=(size, size))
    return sparse.csc_array(lower + sparse.tril(lower, -1).T)
