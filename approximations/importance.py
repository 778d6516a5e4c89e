"""Importance sampling from proposals built on the mode: draws of the posterior itself, weighted.

It corrects `laplace`: antithetic pairs of draws from a heavy-tailed proposal get importance
weights, whose Pareto k-hat says whether the correction can be trusted.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import xarray as xr

from .arguments import checked_arguments
from .density import LogDensity, as_density
from .errors import ArgumentError
from .laplace import normal_fit
from .limits import FEWEST_SMOOTHED
from .meter import Meter
from .method import registered
from .mode import Mode, find_mode
from .mode.given_start import Start, recorded_start
from .mode.several import Modes
from .result import Record, assemble, checked_count, generator
from .trust_words import warn_of_weights
from .weights.kept import with_weighted_points
from .weights.pairs import WeightedPairs
from .weights.several_modes import mixture_pairs
from .weights.smoothing import systematic
from .weights.weighting import weighted_pairs


@registered(
    draws="resampled",
    is_exact=True,
    needs=("gradient", "hessian", "mode"),
    rung=2,
    takes_new_data=True,
    look=("#009E73", (1.2, 1.2), "D"),
)
@checked_arguments
def importance(
    model: pm.Model | LogDensity | None = None,
    draws: int = 4000,
    *,
    start: Start = None,
    random_seed: int | np.random.Generator | None = None,
    pairs: int | None = None,
    max_iterations: int = 200,
    modes: Modes | None = None,
) -> xr.DataTree:
    """Sample a posterior by Pareto-smoothed importance sampling around its mode.

    Some proposals are tried on a few hundred draws each: t distributions, a normal with a
    heavy-tailed part, and, when these are poor, a mixture that follows the posterior's ridge.
    Antithetic (mirrored) pairs of draws from the best are weighted and resampled.

    A mode that no draw reaches is missed, and k-hat cannot detect that. Where there are several,
    pass ``modes=find_modes(model)``.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None. Pass a `LogDensity` to fit again without compiling.
    draws : int, default 4000
        Number of resampled draws.
    start : mapping, (P,) array or "find_MAP", optional
        Where the search for the mode begins; see `find_mode`.
    random_seed : int or Generator, optional
    pairs : int, optional
        Number of weighted pairs S; as many as ``draws``, and at least 1000, by default. Each costs
        two log densities.
    max_iterations : int, default 200
        Limit for the search for the mode.
    modes : Modes, optional
        What `find_modes` found: draws then come from a mixture over all of them, and nothing is
        searched for. ``fit`` describes the first.

    Returns
    -------
    DataTree
        As `laplace` returns it: ``posterior`` holds draws of equal weight, so that every function
        of ArviZ can be used. They come from systematic resampling: a point appears its weight times
        ``draws`` times, rounded up or down, so that no point with a weight below 1 / ``draws`` is
        repeated. ``sample_stats`` has ``lp``, and ``log_weight``, the log weight before resampling,
        which must not be applied again.

        All weighted points, both of each pair, are kept in ``weighted_posterior`` (named
        variables), ``weighted_unconstrained_posterior``, and ``weighted_sample_stats``: ``lp``,
        ``pair`` and ``log_weight``, normalised. Means under these weights have less noise than
        means of resampled draws.

        ``fit`` has what `laplace` has (``log_evidence`` is the estimate here, and
        ``log_evidence_laplace`` the approximation) with ``log_evidence_error``, ``pareto_khat``,
        ``effective_sample_size`` (in pairs), ``distinct_draws``, and for each proposal tried
        ``trial_pairs``, ``trial_effective_share`` and ``trial_k_hat`` (dim ``trial``).

    Raises
    ------
    ModeAtInfinityError, ModeNotFoundError, CurvatureError
        When there is no peak to expand around.
    NonFiniteDensityError
        When the log density is NaN or plus infinity at a draw where that matters; far out, where
        the density vanishes, it counts as a density of 0.
    WeightsError
        When all weights are zero, or one pair holds more than 99 % of the weight.
    StartingPointError, DiscreteVariableError, NoFreeVariableError, ArgumentError

    Warns
    -----
    UntrustedWeightsWarning
        When k-hat is 0.7 or more, or the effective sample size is below a tenth of the pairs and
        below 200.
    """
    draws = checked_count("draws", draws)
    pairs = max(draws, 1000) if pairs is None else pairs
    pairs = checked_count("pairs", pairs, least=FEWEST_SMOOTHED)
    rng = generator(random_seed)
    density = as_density(model)
    meter = Meter(density)
    if modes is None:
        mode = find_mode(density, start=start, max_iterations=max_iterations)
        weighted = weighted_pairs(density, mode, mode.gaussian, pairs=pairs, rng=rng)
    else:
        mode = _first_of(modes, density, start)
        weighted = mixture_pairs(density, modes.modes, pairs=pairs, rng=rng)
    meter.fitted()

    warn_of_weights(
        f"The weights of the best proposal ({weighted.proposal.name})",
        weighted.pareto_khat,
        weighted.effective_sample_size,
        pairs,
        "Look for a second mode, try another parametrisation, or use nuts.",
    )
    settings = {
        "draws": draws,
        "start": recorded_start(start),
        "pairs": pairs,
        "max_iterations": max_iterations,
    }
    settings |= {} if modes is None else {"modes": len(modes)}
    record = Record("importance", settings, random_seed)
    return meter.written_into(tree_of_pairs(density, mode, weighted, draws, rng, record))


def tree_of_pairs(
    density: LogDensity,
    mode: Mode,
    weighted: WeightedPairs,
    draws: int,
    rng: np.random.Generator,
    record: Record,
) -> xr.DataTree:
    """Make the tree that `importance` returns from pairs that are weighted already.

    Parameters
    ----------
    density : LogDensity
    mode : Mode
        The one about which the pairs were drawn.
    weighted : WeightedPairs
    draws : int
        Number of resampled draws.
    rng : Generator
    record : Record
        Method, settings and seed, for the tree's attributes.

    Returns
    -------
    DataTree
        As `importance` returns it, but for the seconds and evaluations that a `Meter` writes.

    Raises
    ------
    WeightsError
        When the weights are not finite numbers with a positive sum.
    """
    chosen = resampled(weighted, draws, rng)
    points = weighted.thetas.reshape(weighted.logp.size, -1)
    stats = _point_stats(weighted)
    fit = normal_fit(density, mode).rename(log_evidence="log_evidence_laplace")
    tree = assemble(
        density,
        points[chosen],
        fit.merge(_quality(weighted, len(np.unique(chosen)))),
        record,
        sample_stats={name: stats[name][chosen] for name in ("lp", "log_weight")},
        point=mode.theta,
    )
    return with_weighted_points(tree, density, points, stats, record)


def _first_of(modes: Modes, density: LogDensity, start: Start) -> Mode:
    """Take the first of the modes, if they are of this density."""
    mode = modes.modes[0]
    if start is not None:
        raise ArgumentError("start begins a search for one mode: pass it, or modes, but not both.")
    if mode.parameters != density.parameters or not np.isclose(
        density.value(mode.theta), mode.logp
    ):
        raise ArgumentError(
            "The modes are those of another model, or of other data: pass find_modes of this one."
        )
    return mode


def resampled(weighted: WeightedPairs, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Resample points systematically by their weights, and shuffle them.

    Returns
    -------
    (draws,) array of int
        Indices into the 2 S points, first points of all pairs before second points.
    """
    # Pair by pair, so that mirror images are stratified together.
    weights = np.exp(weighted.log_point_weights).T.ravel()
    pair, side = np.divmod(systematic(weights, draws, rng), 2)
    return rng.permutation(side * len(weighted.log_weights) + pair)


def _point_stats(weighted: WeightedPairs) -> dict[str, np.ndarray]:
    pairs = len(weighted.log_weights)
    return {
        "lp": weighted.logp.ravel(),
        "log_weight": weighted.log_point_weights.ravel(),
        "pair": np.tile(np.arange(pairs), 2),
    }


def _quality(weighted: WeightedPairs, distinct: int) -> xr.Dataset:
    tried = weighted.tried
    return xr.Dataset(
        {
            "log_evidence": weighted.log_evidence,
            "log_evidence_error": weighted.log_evidence_error,
            "pareto_khat": weighted.pareto_khat,
            "effective_sample_size": weighted.effective_sample_size,
            "distinct_draws": distinct,
            "trial_pairs": ("trial", [trial.pairs for trial in tried]),
            "trial_effective_share": ("trial", [trial.effective_share for trial in tried]),
            "trial_k_hat": ("trial", [trial.pareto_khat for trial in tried]),
        },
        coords={"trial": [trial.name for trial in tried]},
    )
