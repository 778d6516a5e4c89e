"""Pathfinder: normal distributions along quasi-Newton paths to the mode, weighted; by pymc-extras.

Zhang, Carpenter, Gelman and Vehtari (2022), "Pathfinder: parallel quasi-Newton variational
inference", JMLR 23(306), algorithms 1 and 2. The weights are smoothed as `importance` does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from scipy.special import logsumexp

from .arguments import checked_arguments
from .density import LogDensity
from .errors import ConvergenceError
from .limits import FEWEST_SMOOTHED
from .meter import Meter
from .method import registered
from .other_packages import ReadyLinker, default_linker, density_of_own_data, extra, theta_order
from .progress import is_terminal
from .result import Record, assemble, checked_count, generator
from .trust_words import warn_of_weights
from .variational.fitted import elbo_of
from .weights.kept import with_weighted_points
from .weights.smoothing import smoothed_weights, systematic
from .weights.support import Place, checked_logp

_ROOMS = "pymc_extras.inference.pathfinder"


@registered(
    draws="resampled",
    is_exact=True,
    needs=("gradient",),
    extra="pymc-extras",
    look=("#332288", (8.0, 1.5, 2.0, 1.5), "<"),
)
@checked_arguments
def pathfinder(
    model: pm.Model | LogDensity | None = None,
    draws: int = 4000,
    *,
    random_seed: int | np.random.Generator | None = None,
    paths: int = 4,
    draws_per_path: int | None = None,
    linker: ReadyLinker = "numpy",
    progressbar: bool = True,
    **kwargs: Any,
) -> xr.DataTree:
    """Approximate a posterior by draws from the best normal distributions on the way to its mode.

    Each path starts from its own point, and keeps the normal distribution with the highest ELBO
    along it. The draws of all paths get importance weights and are resampled.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None.
    draws : int, default 4000
        Number of resampled draws.
    random_seed : int or Generator, optional
    paths : int, default 4
    draws_per_path : int, optional
        Weighted draws of each path; as many as ``draws``, and at least 250, by default.
    linker : {"numpy", "numba"}, default "numpy"
        ``"numpy"`` is ready in a second or two; ``"numba"`` may pay off for a slow model.
    progressbar : bool, default True
        Shown on a terminal only.
    **kwargs
        Passed on to pymc-extras: ``jitter``, ``num_elbo_draws``, ``max_init_retries``,
        ``parallel`` and ``cores``.

    Returns
    -------
    DataTree
        As `importance` returns it: ``posterior`` holds draws of equal weight, ``sample_stats`` has
        ``lp`` and ``log_weight`` before resampling, and the weighted draws of all paths are in
        ``weighted_posterior``, ``weighted_unconstrained_posterior`` and ``weighted_sample_stats``
        (``lp``, ``log_weight``, ``log_proposal``, ``path``, ``pair``: each draw is its own).

        ``fit`` has ``log_evidence`` and ``log_evidence_error`` from the weights,
        ``effective_sample_size``, ``distinct_draws``, and for each path that succeeded ``elbo``,
        ``elbo_error``, ``iterations`` and ``k_hat_path`` (dim ``path``); ``paths_failed`` counts
        the others. ``pareto_khat`` is the largest of them, as a poor path spoils the mean of all.

    Raises
    ------
    MissingExtraError
        When pymc-extras is not installed.
    ConvergenceError
        When every path failed.
    DataError
        When ``model`` is a `LogDensity` whose data were changed by `set_data`.
    GradientError
        When PyTensor cannot differentiate the log density.
    NonFiniteDensityError
        When the log density is NaN or plus infinity at a draw where that matters.
    WeightsError
        When all weights of a path are zero, or a weight is not a number.
    DiscreteVariableError, NoFreeVariableError, ArgumentError

    Warns
    -----
    UntrustedWeightsWarning
        When k-hat is 0.7 or more, or the effective sample size is below a tenth of the weighted
        draws and below 200.
    """
    draws, paths = checked_count("draws", draws), checked_count("paths", paths)
    per_path = max(draws, 250) if draws_per_path is None else draws_per_path
    per_path = checked_count("draws_per_path", per_path, least=FEWEST_SMOOTHED)
    rng = generator(random_seed)
    density = density_of_own_data(model, "pathfinder")
    density.check_gradient()
    meter = Meter(density)
    settings = {"paths": paths, "draws_per_path": per_path, "linker": linker, **kwargs}
    show, seed = progressbar and is_terminal(), int(rng.integers(2**30))
    found = _climbed(density, paths, per_path, linker, show, seed, kwargs)
    # Only accepted gradients of a line search are counted.
    meter.spent(gradient=int(np.sum(found.lbfgs_niter)))
    thetas = found.samples.reshape(-1, density.size)[:, theta_order(density)]
    stats, quality = _weighted(density, thetas, found)
    meter.fitted()

    chosen = rng.permutation(systematic(np.exp(stats["log_weight"]), draws, rng))
    record = Record("pathfinder", {"draws": draws, **settings}, random_seed)
    fit = quality.assign(
        distinct_draws=len(np.unique(chosen)),
        iterations=("path", np.asarray(found.lbfgs_niter)),
        paths_failed=paths - quality.sizes["path"],
    )
    tree = assemble(
        density,
        thetas[chosen],
        fit,
        record,
        sample_stats={name: stats[name][chosen] for name in ("lp", "log_weight")},
    )
    warn_of_weights(
        "The weights of a path's draws",
        float(quality["pareto_khat"]),
        float(quality["effective_sample_size"]),
        len(thetas),
        "Use importance or nuts, or try another jitter.",
    )
    return meter.written_into(with_weighted_points(tree, density, thetas, stats, record))


def _climbed(
    density: LogDensity,
    paths: int,
    per_path: int,
    linker: ReadyLinker,
    show: bool,
    seed: int,
    kwargs: dict[str, Any],
) -> Any:
    """Run pymc-extras, and return its own record of all paths, unweighted."""
    multipath = extra(f"{_ROOMS}.multipath", "pymc-extras", "pathfinder")
    lbfgs = extra(f"{_ROOMS}.lbfgs", "pymc-extras", "pathfinder")
    asked = {"num_elbo_draws": 10, "jitter": 2.0, "parallel": False, **kwargs}
    with default_linker(linker), np.errstate(all="ignore"):
        try:
            found = multipath.multipath_pathfinder(
                density.model,
                num_paths=paths,
                num_draws=per_path,
                num_draws_per_path=per_path,
                lbfgs_config=lbfgs.LBFGSConfig().set_default_maxcor(density.size),
                importance_sampling=None,
                progressbar=show,
                random_seed=seed,
                **asked,
            )
        except (ValueError, TypeError, RuntimeError) as error:
            raise ConvergenceError(
                f"Pathfinder failed: {type(error).__name__}: {error} Give narrower priors, a "
                "smaller jitter, or use nuts."
            ) from error
    if sum(found.path_status.values()) < paths:
        # Upon Ctrl-C pymc-extras returns the paths so far, and raises nothing.
        raise KeyboardInterrupt
    return found


def _weighted(
    density: LogDensity, thetas: np.ndarray, found: Any
) -> tuple[dict[str, np.ndarray], xr.Dataset]:
    """Weight the draws of all paths (S, P), each by the density of its own path."""
    place = Place(thetas.mean(axis=0), thetas.std(axis=0))
    logp, log_proposal = checked_logp(density, place, thetas), found.logQ.ravel()
    ratios = logp - log_proposal
    number, per_path = found.logQ.shape
    # Path by path: the tail of a poor one would dominate a joint fit.
    parts = [smoothed_weights(part) for part in ratios.reshape(number, per_path)]
    smoothed = np.concatenate([part for part, _ in parts])
    stats = {
        "lp": logp,
        "log_proposal": log_proposal,
        "log_weight": smoothed - logsumexp(smoothed),
        "path": np.repeat(np.arange(number), per_path),
        "pair": np.arange(len(ratios)),
    }
    return stats, _quality(smoothed.reshape(number, -1), ratios, np.array([k for _, k in parts]))


def _quality(smoothed: np.ndarray, ratios: np.ndarray, pareto_khat: np.ndarray) -> xr.Dataset:
    """Diagnostics of the smoothed log weights (I, M) of I paths, and of the raw ones (I M,)."""
    log_evidence = logsumexp(smoothed) - np.log(smoothed.size)
    relative = np.exp(smoothed - log_evidence)
    elbo, elbo_error = elbo_of(ratios.reshape(smoothed.shape))
    return xr.Dataset(
        {
            "log_evidence": log_evidence,
            "log_evidence_error": np.sqrt(relative.var(axis=1, ddof=1).mean() / relative.size),
            "pareto_khat": pareto_khat.max(),
            "k_hat_path": ("path", pareto_khat),
            "effective_sample_size": relative.sum() ** 2 / np.sum(relative**2),
            "elbo": ("path", elbo),
            "elbo_error": ("path", elbo_error),
        },
        coords={"path": np.arange(len(smoothed))},
    )
