"""Sequential Monte Carlo, from the prior to the posterior, by PyMC: draws and the log evidence.

Chopin (2002), "A sequential particle filter method for static models", Biometrika 89; Ching and
Chen (2007) for the tempering that `pymc.sample_smc` uses. Each chain's estimate of the evidence is
unbiased except for the tuning (Del Moral 2004), so that the mean of several has a standard error.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from pymc.backends.base import MultiTrace
from pymc.smc.kernels import IMH
from scipy.special import logsumexp

from .arguments import checked_arguments
from .density import LogDensity
from .errors import SamplingError
from .meter import Meter
from .method import registered
from .other_packages import ReadyLinker, default_linker, density_of_own_data, seed_of
from .progress import is_terminal
from .result import Record, assemble, checked_count

_SAMPLE_GROUPS = ("posterior", "unconstrained_posterior", "sample_stats")


@registered(
    draws="chains",
    is_exact=True,
    in_suites={"chains": 4, "cores": 1},
    look=("#661100", (7.0, 4.0), "H"),
)
@checked_arguments
def smc(
    model: pm.Model | LogDensity | None = None,
    draws: int = 2000,
    *,
    chains: int = 4,
    random_seed: int | np.random.Generator | None = None,
    linker: ReadyLinker = "numba",
    progressbar: bool = True,
    **kwargs: Any,
) -> xr.DataTree:
    """Move draws from the prior to the posterior, in stages of likelihood tempering.

    It needs a prior that can be drawn from, and estimates the evidence. Distant modes can be found
    if the prior's draws reach them.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None.
    draws : int, default 2000
        Particles per chain.
    chains : int, default 4
        At least 2: their differences give the standard error of the evidence.
    random_seed : int or Generator, optional
    linker : {"numba", "numpy"}, default "numba"
        ``"numpy"`` is ready in a second but slow; it suits a few hundred particles.
    progressbar : bool, default True
        Shown on a terminal only.
    **kwargs
        Passed on to `pymc.sample_smc`: ``cores``, ``threshold``, ``correlation_threshold``, ...

    Returns
    -------
    DataTree
        ``posterior`` (chain=C, draw=S), ``unconstrained_posterior``, ``sample_stats`` (``lp``),
        ``observed_data``, ``constant_data``, and ``fit`` with ``log_evidence``, the log of the
        mean of the chains' estimates of the evidence; ``log_evidence_error``, its standard error
        over the chains (rough for few chains); ``log_evidence_chain`` (chain); and by ``chain`` and
        ``stage``, NaN after a chain's last, ``beta`` (the power of the likelihood), ``accept_rate``
        and ``steps``.

        Particles are dependent: R-hat, effective sample size and Monte Carlo errors apply as for
        NUTS.

    Raises
    ------
    SamplingError
        When the prior cannot be drawn from (a flat one), or PyMC's sampler fails.
    DataError
        When ``model`` is a `LogDensity` whose data were changed by `set_data`.
    DiscreteVariableError, NoFreeVariableError, ArgumentError
    """
    draws, chains = checked_count("draws", draws), checked_count("chains", chains, least=2)
    density = density_of_own_data(model, "smc")
    meter = Meter(density)
    trace = _sampled(density, draws, chains, seed_of(random_seed), linker, progressbar, kwargs)
    fit = _fit(trace, chains)
    meter.spent(value=draws * int(chains + np.nansum(fit["steps"].values)))
    meter.fitted()

    flat = _thetas(trace, density).reshape(chains * draws, density.size)
    settings = {"draws": draws, "chains": chains, "linker": linker, **kwargs}
    record = Record("smc", settings, random_seed, independent_draws=False)
    tree = assemble(density, flat, fit, record)
    for group in _SAMPLE_GROUPS:
        tree[group] = xr.DataTree(_by_chain(tree[group].to_dataset(), chains))
    return meter.written_into(tree)


class _CountingIMH(IMH):
    """PyMC's kernel, which also records the number of steps in a stage."""

    stats_dtypes_shapes = IMH.stats_dtypes_shapes | {"steps": (int, [])}

    def sample_stats(self) -> dict[str, int | float]:
        """Add the number of steps, each an evaluation of the density for every particle."""
        return super().sample_stats() | {"steps": self.n_steps - 1}


def _sampled(
    density: LogDensity,
    draws: int,
    chains: int,
    seed: int | None,
    linker: ReadyLinker,
    progressbar: bool,
    kwargs: dict[str, Any],
) -> MultiTrace:
    with default_linker(linker), np.errstate(all="ignore"):
        try:
            return pm.sample_smc(
                draws,
                **{"kernel": _CountingIMH, **kwargs},
                model=density.model,
                chains=chains,
                random_seed=seed,
                progressbar=progressbar and is_terminal(),
                compute_convergence_checks=False,
                return_inferencedata=False,
            )
        except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
            raise SamplingError(
                f"pm.sample_smc failed: {type(error).__name__}: {error}. It starts from draws of "
                "the prior: every prior must be proper, and the likelihood finite at some of them."
            ) from error


def _thetas(trace: MultiTrace, density: LogDensity) -> np.ndarray:
    """Particles (C, S, P) in unconstrained space."""
    parts = []
    for block in density.blocks:
        values = np.array(trace.get_values(block.value_name, combine=False))
        parts.append(values.reshape(*values.shape[:2], len(block.labels)))
    return np.concatenate(parts, axis=-1)


def _fit(trace: MultiTrace, chains: int) -> xr.Dataset:
    """Gather what PyMC records of the stages of each chain, which may differ in number."""
    stages = max(len(chain) for chain in trace.report.beta)
    fit: dict[str, Any] = {}
    for name in ("beta", "accept_rate", "steps"):
        table = np.full((chains, stages), np.nan)
        for row, values in zip(table, getattr(trace.report, name, [[]] * chains), strict=True):
            row[: len(values)] = values
        fit[name] = (("chain", "stage"), table)
    last = np.array([chain[-1] for chain in trace.report.log_marginal_likelihood], dtype=float)
    log_evidence = logsumexp(last) - np.log(chains)
    # The error of the log is, to first order, the relative error of the mean.
    error = np.exp(last - log_evidence).std(ddof=1) / np.sqrt(chains)
    fit |= {
        "log_evidence": log_evidence,
        "log_evidence_error": error,
        "log_evidence_chain": ("chain", last),
    }
    return xr.Dataset(fit, coords={"chain": np.arange(chains)})


def _by_chain(joined: xr.Dataset, chains: int) -> xr.Dataset:
    """Split concatenated draws (chain=1, draw=C S) into chains."""
    variables = {}
    for name, variable in joined.data_vars.items():
        shape = (chains, -1, *variable.shape[2:])
        variables[name] = (variable.dims, variable.values.reshape(shape))
    draws = joined.sizes["draw"] // chains
    coords = {dim: v for dim, v in joined.coords.items() if dim not in ("chain", "draw")}
    return xr.Dataset(variables, {"chain": np.arange(chains), "draw": np.arange(draws), **coords})
