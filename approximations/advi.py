"""Automatic differentiation variational inference: the normal distribution with the highest ELBO.

Kucukelbir, Tran, Ranganath, Gelman and Blei (2017), "Automatic differentiation variational
inference", JMLR 18(14). The objective and its gradient are PyMC's, `pymc.ADVI` and
`pymc.FullRankADVI`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from pymc.variational.inference import KLqp

from .arguments import checked_arguments
from .density import LogDensity
from .density.graphs.lean import lean_rewriting
from .errors import ArgumentError
from .linear_algebra.gaussian import Gaussian
from .memory import check_memory
from .meter import Meter
from .method import registered
from .other_packages import density_of_own_data
from .progress import progress
from .result import Record, checked_count, generator
from .variational.ascent import BLOCK, Ascent, NormalFit, maximise_elbo
from .variational.fitted import independent_normal, normal_tree


@registered(
    draws="independent", is_exact=False, needs=("gradient",), look=("#999933", (2.0, 3.0), ">")
)
@checked_arguments
def advi(
    model: pm.Model | LogDensity | None = None,
    draws: int = 4000,
    *,
    start: Mapping[str, Any] | np.ndarray | None = None,
    random_seed: int | np.random.Generator | None = None,
    iterations: int = 50_000,
    learning_rate: float = 0.1,
    tolerance: float = 0.02,
    progressbar: bool = True,
) -> xr.DataTree:
    """Approximate a posterior by independent normal distributions in unconstrained space.

    Their means and sds maximise the evidence lower bound, by stochastic gradients with one draw
    each. It ignores correlations, and where there are any its sds are too small: for a normal
    posterior, those of each parameter given all others.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None.
    draws : int, default 4000
        Number of independent draws S.
    start : mapping or (P,) array, optional
        Where the mean starts; the model's initial point, if None.
    random_seed : int or Generator, optional
    iterations : int, default 50,000
        Largest number of iterations, a millisecond or two each.
    learning_rate : float, default 0.1
        Length of the first steps, in sds of the approximation; the last ones are a tenth of it.
    tolerance : float, default 0.02
        The search stops when every mean has at most this standard error, in sds.
    progressbar : bool, default True
        Shown on a terminal only.

    Returns
    -------
    DataTree
        ``posterior`` (chain=1, draw=S), ``unconstrained_posterior``, ``sample_stats`` (``lp``, and
        ``log_proposal``, the approximation's own log density), ``observed_data``,
        ``constant_data``, ``point_estimate`` (the means on the variables' own scale), and ``fit``
        with ``mean``, ``mean_error``, ``sd`` (P,), ``elbo`` and ``elbo_error`` (from the draws),
        ``elbo_trace`` and ``elbo_trace_error`` (by ``iteration``, in blocks of 250), and
        ``pareto_khat`` of the log importance weights lp - log_proposal (for 100 draws or more).

    Raises
    ------
    ConvergenceError
        When the ELBO is not a finite number, or the iterations do not suffice.
    DataError
        When ``model`` is a `LogDensity` whose data were changed by `set_data`.
    GradientError
        When PyTensor cannot differentiate the log density.
    NonFiniteDensityError
        When the log density is NaN or plus infinity at a draw where that matters.
    StartingPointError, DiscreteVariableError, NoFreeVariableError, ArgumentError
    """
    settings: dict[str, Any] = {"draws": draws, "start": start, "iterations": iterations}
    settings |= {"learning_rate": learning_rate, "tolerance": tolerance}
    return _fitted(pm.ADVI, "advi", model, random_seed, settings, progressbar)


@registered(
    draws="independent",
    is_exact=False,
    needs=("gradient",),
    look=("#117733", (4.0, 1.0, 1.0, 1.0), "d"),
)
@checked_arguments
def fullrank_advi(
    model: pm.Model | LogDensity | None = None,
    draws: int = 4000,
    *,
    start: Mapping[str, Any] | np.ndarray | None = None,
    random_seed: int | np.random.Generator | None = None,
    iterations: int = 50_000,
    learning_rate: float = 0.1,
    tolerance: float = 0.02,
    progressbar: bool = True,
) -> xr.DataTree:
    """Approximate a posterior by the multivariate normal distribution with the highest ELBO.

    Exact, up to the noise of its gradients, where the posterior is normal in unconstrained space.

    Parameters
    ----------
    model, draws, start, random_seed, iterations, learning_rate, tolerance, progressbar
        As in `advi`.

    Returns
    -------
    DataTree
        As `advi` returns it, with ``covariance`` (P, P) in ``fit``.

    Raises
    ------
    ConvergenceError, DataError, GradientError, NonFiniteDensityError
        As `advi` does.
    MemoryLimitError
        When the iterates of so many covariances would not fit in memory.
    StartingPointError, DiscreteVariableError, NoFreeVariableError, ArgumentError
    """
    settings: dict[str, Any] = {"draws": draws, "start": start, "iterations": iterations}
    settings |= {"learning_rate": learning_rate, "tolerance": tolerance}
    return _fitted(pm.FullRankADVI, "fullrank_advi", model, random_seed, settings, progressbar)


def _fitted(
    inference: type[KLqp],
    method: str,
    model: pm.Model | LogDensity | None,
    random_seed: int | np.random.Generator | None,
    settings: dict[str, Any],
    progressbar: bool,
) -> xr.DataTree:
    draws = checked_count("draws", settings["draws"])
    iterations = checked_count("iterations", settings["iterations"], least=BLOCK)
    for name in ("learning_rate", "tolerance"):
        if not settings[name] > 0:
            raise ArgumentError(f"{name} must be positive, but {settings[name]!r} was given.")
    rng = generator(random_seed)
    density = density_of_own_data(model, method)
    density.check_gradient()
    meter = Meter(density)
    theta = density.initial_point(settings["start"])
    if inference is pm.FullRankADVI:
        _check_size(density.size)
    with lean_rewriting():
        fitter = inference(model=density.model, random_seed=int(rng.integers(2**30)))
        order = _order(fitter, density)
        normal = NormalFit(fitter, theta[np.argsort(order)])
    meter.compiled()
    with progress(method, iterations, show=progressbar) as tell:
        ascent = maximise_elbo(
            normal,
            learning_rate=settings["learning_rate"],
            tolerance=settings["tolerance"],
            iterations=iterations,
            labels=tuple(np.array(density.parameters)[np.argsort(order)]),
            progress=tell,
        )
    fit, gaussian = _described(ascent, order)
    meter.spent(gradient=len(ascent.elbo) * BLOCK)
    meter.fitted()

    record = Record(method, settings, random_seed)
    return meter.written_into(normal_tree(density, gaussian, draws, rng, fit, record))


def _check_size(size: int) -> None:
    check_memory(
        f"A full-rank approximation of {size:,} parameters",
        1000 * size * (size + 1) / 2,
        "Use advi, which knows no correlation, or laplace.",
    )


def _order(fitter: KLqp, density: LogDensity) -> np.ndarray:
    """Position of each entry of ``theta`` (P,) in PyMC's own flat vector."""
    ordering = fitter.approx.groups[0].ordering
    slices = [ordering[block.value_name][1] for block in density.blocks]
    return np.concatenate([np.arange(part.start, part.stop) for part in slices])


def _described(ascent: Ascent, order: np.ndarray) -> tuple[dict[str, Any], Gaussian]:
    mean, sd = ascent.mean[order], ascent.sd[order]
    fit: dict[str, Any] = {
        "mean_error": ("parameter", ascent.mean_error[order]),
        "elbo_trace": ("iteration", ascent.elbo),
        "elbo_trace_error": ("iteration", ascent.elbo_error),
        "iteration": ("iteration", BLOCK * np.arange(1, len(ascent.elbo) + 1)),
    }
    if ascent.covariance is None:
        return fit, independent_normal(mean, sd)
    covariance = ascent.covariance[np.ix_(order, order)]
    fit["covariance"] = (("parameter", "parameter_bis"), covariance)
    return fit, Gaussian.from_precision(mean, np.linalg.inv(covariance))
