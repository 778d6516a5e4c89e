"""Where a true value lies among the draws of a fit: ranks, and PIT values without ties.

Modrák et al. (2023), "Simulation-based calibration checking for Bayesian computation: the choice of
test quantities shapes sensitivity": the joint log density is a test quantity, too.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from ...approximations.errors import (
    ArgumentError,
    CalibrationError,
    MethodError,
    MissingExtraError,
    TriposError,
)
from ...approximations.result import posterior_dataset
from ...approximations.scalars.quantities import flatten
from ..monte_carlo import effective_draws, sample_of
from ..verdict.quantities import chosen_labels
from .fitting import Draws, Fit
from .simulating import Simulations

LOG_DENSITY = "log density"
"""The joint log density of parameters and data, in unconstrained space, as a quantity."""

FEWEST = 20
"""Smallest number of working fits to draw conclusions from."""


@dataclass
class Ranked:
    """Ranks and failures of the fits, in the order of the simulations.

    Attributes
    ----------
    pits : list of (Q,) array
        PIT values of the fits that worked; NaN where a true value or a draw is NaN.
    ranks : list of (Q,) array
        Number of draws below the true value; ties are broken at random.
    draws : list of int
        Number of draws that the true values were ranked against.
    constant : (Q,) array of bool
        Quantities with the same value in every draw and true value.
    simulation : list of int
        Numbers of the simulations that worked.
    failures : dict of int to str
    warned : Counter
        Counts by the warning's class.
    """

    constant: np.ndarray
    pits: list[np.ndarray] = field(default_factory=list)
    ranks: list[np.ndarray] = field(default_factory=list)
    draws: list[int] = field(default_factory=list)
    simulation: list[int] = field(default_factory=list)
    failures: dict[int, str] = field(default_factory=dict)
    warned: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Truths:
    """True values (N, Q) by label, and the variables whose entries they are.

    Attributes
    ----------
    labels : list of str
    values : (N, Q) array
        Without the joint log density.
    entries : dict of str to list of int
        Which entries of each variable are ranked.
    with_log_density : bool
        Whether the joint log density is the last quantity ranked.
    """

    labels: list[str]
    values: np.ndarray
    entries: dict[str, list[int]]
    with_log_density: bool


def truths_of(
    drawn: Simulations, var_names: Sequence[str] | None, *, with_log_density: bool
) -> Truths:
    """Label the true values of the variables asked for.

    Raises
    ------
    ArgumentError
        When ``var_names`` holds an unknown name.
    """
    labels: list[str] = []
    columns: list[np.ndarray] = []
    entries: dict[str, list[int]] = {}
    chosen = set(chosen_labels(flatten(_labelled(drawn, list(drawn.truths))), var_names))
    for name in drawn.truths:
        own = flatten(_labelled(drawn, [name]))
        kept = [k for k, label in enumerate(own) if label in chosen]
        entries |= {name: kept} if kept else {}
        labels += [label for label in own if label in chosen]
        columns += [values[0] for label, values in own.items() if label in chosen]
    if with_log_density and var_names is None:
        labels.append(LOG_DENSITY)
    values = np.column_stack(columns).astype(float)
    return Truths(labels, values, entries, LOG_DENSITY in labels)


def _labelled(drawn: Simulations, names: list[str]) -> xr.Dataset:
    return posterior_dataset(drawn.density, {name: drawn.truths[name] for name in names})


def ranked(
    drawn: Simulations,
    truths: Truths,
    fit: Fit,
    seeds: np.ndarray,
    uniforms: np.ndarray,
    advance: Callable[[int], None],
) -> Ranked:
    """Fit every simulated data set, and rank its true values among the draws.

    Parameters
    ----------
    drawn : Simulations
    truths : Truths
    fit : callable
    seeds : (N,) array of int
    uniforms : (N, Q) array
        Random numbers that break ties.
    advance : callable
        Called with the number of fits just completed.

    Raises
    ------
    CalibrationError
        When too few fits worked.
    ArgumentError, MissingExtraError
        Raised by the method, when no fit could work.
    """
    found = Ranked(constant=np.ones(len(truths.labels), dtype=bool))
    for k, seed in enumerate(seeds):
        data = {name: values[k] for name, values in drawn.data.items()}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                drawn.density.set_data(data)
                draws = fit(data, int(seed))
            except (ArgumentError, MissingExtraError):
                raise
            except TriposError as failure:
                found.failures[k] = f"{type(failure).__name__}: {failure}"
                _check_hope(found, len(seeds))
            else:
                _rank(found, drawn, truths, k, draws, uniforms[k])
        found.warned.update({warning.category.__name__ for warning in caught})
        advance(1)
    if len(found.pits) < FEWEST:
        raise _too_few(found)
    return found


def _rank(
    found: Ranked, drawn: Simulations, truths: Truths, k: int, fitted: Draws, u: np.ndarray
) -> None:
    draws = _kept_draws(fitted, truths)
    count = len(draws)
    truth = truths.values[k]
    if truths.with_log_density:
        truth = np.append(truth, drawn.density.batched_value(drawn.thetas[k][None]))
    below, equal = np.sum(draws < truth, axis=0), np.sum(draws == truth, axis=0)
    undefined = np.isnan(truth) | np.isnan(draws).any(axis=0)
    found.constant &= equal == count
    # A uniform number between two ranks, or among the ranks of a tie, is uniform over all.
    place = below + u * (equal + 1)
    found.ranks.append(np.where(undefined, -1, np.floor(place)).astype(int))
    found.pits.append(np.where(undefined, np.nan, place / (count + 1)))
    found.draws.append(count)
    found.simulation.append(k)


def _kept_draws(fitted: Draws, truths: Truths) -> np.ndarray:
    """Draws (S, Q); Markov chains and resampled draws are thinned to their effective size."""
    if missing := [name for name in truths.entries if name not in fitted.values]:
        raise MethodError(
            f"The method's posterior has no {', '.join(missing)}. Name the variables that it has, "
            "with var_names=."
        )
    parts: list[np.ndarray] = []
    for name, entries in truths.entries.items():
        values = fitted.values[name]
        parts.append(values.reshape(*values.shape[:2], -1)[:, :, entries])
    if truths.with_log_density and fitted.lp is not None:
        parts.append(fitted.lp[:, :, None])
    chains = np.concatenate(parts, axis=-1, dtype=float)
    samples = [fitted.weighted[label] for label in truths.labels if label in fitted.weighted]
    if not fitted.independent:
        columns = np.moveaxis(chains, -1, 0)
        samples = [sample_of(column, independent=False) for column in columns]
    if samples:
        worth = effective_draws(samples)
        each = min(max(1, worth // chains.shape[0]), chains.shape[1])
        chains = chains[:, np.linspace(0, chains.shape[1] - 1, each).round().astype(int)]
    return chains.reshape(-1, chains.shape[-1])


def _check_hope(found: Ranked, size: int) -> None:
    """Stop early if all of the first fits fail."""
    if not found.pits and len(found.failures) >= min(FEWEST, size):
        raise _too_few(found)


def _too_few(found: Ranked) -> CalibrationError:
    first = next(iter(found.failures.values()), "")
    tried = len(found.pits) + len(found.failures)
    return CalibrationError(
        f"Only {len(found.pits)} of {tried} fits worked, and {FEWEST} are needed. The first that "
        f"failed: {first}"
    )
