"""The No-U-Turn sampler of nutpie, PyMC, NumPyro or BlackJAX, with a common form of tree.

Hoffman and Gelman (2014), "The No-U-Turn sampler"; nutpie adapts its mass matrix by gradients.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from .arguments import checked_arguments
from .density import LogDensity
from .errors import SamplingError
from .meter import Meter
from .method import registered
from .other_packages import density_of_own_data, extra, seed_of
from .passed_on import passing_on
from .progress import is_terminal
from .result import Record, attributes, checked_count

_EXTRAS = ("numpyro", "blackjax")
# What `nuts` gives them itself.
_NO_OPTIONS = {"self", "args", "kwargs", "pytensor_kwargs", "model", "vars", "random_seed", "rng"}
# Otherwise JAX would need a device per chain, and it sees a CPU as one device.
_ON_ONE_DEVICE = {"blackjax": {"nuts": {"chain_method": "vectorized"}}}


def _options() -> list[str]:
    """Name what the installed PyMC takes: `pymc.sample`, and its step method."""
    steps = [step.__init__ for step in pm.NUTS.__mro__ if "__init__" in vars(step)]
    known = [name for f in (pm.sample, *steps) for name in inspect.signature(f).parameters]
    return [name for name in dict.fromkeys([*known, "nuts"]) if name not in _NO_OPTIONS]


@registered(
    draws="chains",
    is_exact=True,
    needs=("gradient",),
    judge_rank=1,
    rung=9,
    in_suites={"chains": 4, "cores": 1},
    look=("#0072B2", (6.0, 2.0, 1.5, 2.0), "^"),
)
@checked_arguments
@passing_on(*_options())
def nuts(
    model: pm.Model | LogDensity | None = None,
    draws: int = 1000,
    *,
    tune: int = 1000,
    chains: int | None = None,
    random_seed: int | np.random.Generator | None = None,
    nuts_sampler: str = "nutpie",
    progressbar: bool = True,
    **kwargs: Any,
) -> xr.DataTree:
    """Sample a posterior by Markov chain Monte Carlo.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None.
    draws : int, default 1000
        Draws per chain, after tuning.
    tune : int, default 1000
    chains : int, optional
        PyMC's default if None: one per core, at least 2.
    random_seed : int or Generator, optional
    nuts_sampler : {"nutpie", "pymc", "numpyro", "blackjax"}, default "nutpie"
        The last two run on JAX, and are extras of tripos of the same names.
    progressbar : bool, default True
        Shown on a terminal only.
    **kwargs
        Passed on to `pymc.sample`: ``cores``, ``initvals``, ``target_accept``, ...

    Returns
    -------
    DataTree
        What `pymc.sample` returns; ``sample_stats`` has ``lp`` and ``diverging`` with every
        sampler, and the attributes record how the tree was made.

    Raises
    ------
    ArgumentError
        When ``draws``, ``tune`` or ``chains`` is below 1, or PyMC has no such argument.
    DataError
        When ``model`` is a `LogDensity` whose data were changed by `set_data`.
    SamplingError
        When the sampler is unknown, or cannot start.
    MissingExtraError
        When ``"numpyro"`` or ``"blackjax"`` is not installed.
    DiscreteVariableError, NoFreeVariableError
    """
    draws, tune = checked_count("draws", draws), checked_count("tune", tune)
    if chains is not None:
        chains = checked_count("chains", chains)
    density = density_of_own_data(model, "nuts")
    meter = Meter(density)
    run = {"tune": tune, "chains": chains, **kwargs, "nuts_sampler": nuts_sampler}
    tree = sampled(density, draws, run, random_seed, progressbar and is_terminal())
    sizes = tree["posterior"].sizes
    if sizes["draw"] < draws or (chains is not None and sizes["chain"] < chains):
        # Upon Ctrl-C PyMC's own sampler returns the draws so far, and raises nothing.
        raise KeyboardInterrupt
    if (sampling := tree["posterior"].attrs.get("sampling_time")) is not None:
        meter.compiled(max(meter.elapsed - sampling, 0.0))
    meter.fitted()
    # PyMC's default number of chains depends on the machine.
    settings = {"draws": draws, **run, "chains": sizes["chain"]}
    tree = in_common_form(tree, settings, random_seed)
    meter.spent(gradient=gradients_of(tree))
    return meter.written_into(tree)


def sampled(
    density: LogDensity,
    draws: int,
    options: Mapping[str, Any],
    random_seed: int | np.random.Generator | None,
    progressbar: bool,
) -> xr.DataTree:
    """Run `pymc.sample`.

    Parameters
    ----------
    density : LogDensity
    draws : int
    options : mapping
        Of `pymc.sample`, ``nuts_sampler`` included.
    random_seed : int, Generator or None
    progressbar : bool

    Returns
    -------
    DataTree
        As the sampler gives it: with fewer draws, and even fewer chains, after Ctrl-C.

    Raises
    ------
    MissingExtraError, SamplingError
    """
    sampler = options["nuts_sampler"]
    if sampler in _EXTRAS:
        extra(sampler, sampler, f"nuts_sampler={sampler!r}")
    try:
        return pm.sample(
            draws,
            random_seed=seed_of(random_seed),
            progressbar=progressbar,
            model=density.model,
            **{**_ON_ONE_DEVICE.get(sampler, {}), **options},
        )
    except Warning:
        raise  # of a user who asked for warnings as errors
    except Exception as error:
        # Samplers and their compilers may raise any exception.
        raise SamplingError(
            f"pm.sample with nuts_sampler={sampler!r} failed: {type(error).__name__}: {error}"
        ) from error


def in_common_form(
    tree: xr.DataTree,
    settings: Mapping[str, Any],
    random_seed: int | np.random.Generator | None,
) -> xr.DataTree:
    """Give any sampler's tree the statistics and attributes of `nuts`.

    Parameters
    ----------
    tree : DataTree
        It is changed, and returned.
    settings : mapping
    random_seed : int, Generator or None
    """
    record = Record("nuts", settings, random_seed, independent_draws=False)
    tree.attrs |= attributes(record)
    tree["sample_stats"] = xr.DataTree(_common_statistics(tree["sample_stats"].to_dataset()))
    return tree


def gradients_of(tree: xr.DataTree) -> int:
    """Count the gradients that the draws took, without those of tuning."""
    # PyMC's own sampler would assign other steps than NUTS where there is no gradient.
    stats = tree["sample_stats"]
    return int(stats["n_steps"].sum()) if "n_steps" in stats else 0


def _common_statistics(stats: xr.Dataset) -> xr.Dataset:
    """Rename each sampler's statistics as PyMC's, and convert text for netCDF."""
    names = {"logp": "lp", "depth": "tree_depth"}
    stats = stats.rename(
        {old: new for old, new in names.items() if old in stats and new not in stats}
    )
    messages = [name for name, value in stats.data_vars.items() if value.dtype == object]
    # nutpie writes None where a draw did not diverge; netCDF has no None.
    return stats.assign({m: stats[m].fillna("").astype(str) for m in messages})
