"""Weighted pairs of a posterior with several modes, from a mixture over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..density import LogDensity
from ..mode import Mode
from ..mode.masses import log_mass, mass_ratio
from .mixture import SHAPES, Mixture
from .pairs import Trial, WeightedPairs, draw_pairs, weigh
from .trials import best_of, check_spread, trial_of

_PILOT, _PILOT_OF_EACH = 500, 40
_LEAST_MASS = 1e-4  # of a mode's normal approximation, relative to the heaviest one's
_FAR = 0.1  # total variation of shares from masses above which the draws are made anew
_MOST_ADAPTATIONS = 2


def mixture_pairs(
    density: LogDensity,
    modes: Sequence[Mode],
    *,
    pairs: int = 4000,
    rng: np.random.Generator,
) -> WeightedPairs:
    """Draw mirrored pairs about several modes, and weight them by the mixture over all.

    Peaks of some shapes are tried with common random numbers, first with shares between the masses
    of the normal approximations and equal ones. Then the shares follow the weighted draws, until
    they are within a tenth of the masses that these find, or twice.

    Parameters
    ----------
    density : LogDensity
    modes : sequence of Mode
        Distinct ones, the main one first. One with less than a ten-thousandth of the mass of the
        heaviest is left out.
    pairs : int, default 4000
        Number of pairs S; each costs two log densities.
    rng : Generator

    Returns
    -------
    WeightedPairs
        Its ``mode`` and ``log_laplace`` are those of the first mode.

    Raises
    ------
    NonFiniteDensityError
        When the log density is NaN or plus infinity where it matters; see `checked_logp`.
    WeightsError
        When all weights are zero, or a single pair holds more than 99 % of the weight.
    """
    before = dict(density.evaluations)
    gaussian = modes[0].gaussian
    proposal, trials = _piloted(density, _of_mass(modes), rng)
    best = weigh(draw_pairs(density, gaussian, proposal, pairs, rng), gaussian)
    trials.append(best.trial)
    for _ in range(_MOST_ADAPTATIONS):
        closer = _following(proposal, best)
        if 0.5 * np.sum(np.abs(closer.shares - proposal.shares)) < _FAR:
            break
        proposal = closer
        again = weigh(draw_pairs(density, gaussian, proposal, pairs, rng), gaussian)
        trials.append(again.trial)
        best = (best, again)[best_of([best.trial, again.trial])]
    for shape in SHAPES[SHAPES.index(proposal.shape) + 1 :]:
        if best.is_trusted:
            break
        wider = replace(proposal, shape=shape)
        again = weigh(draw_pairs(density, gaussian, wider, pairs, rng), gaussian)
        trials.append(again.trial)
        best = min(best, again, key=lambda tried: tried.pareto_khat)
    check_spread(best)
    spent = sum(count - before[name] for name, count in density.evaluations.items())
    return replace(best, evaluations=spent, tried=tuple(trials))


def _of_mass(modes: Sequence[Mode]) -> list[Mode]:
    heaviest = max(modes, key=log_mass)
    return [mode for mode in modes if mass_ratio(mode, heaviest) >= _LEAST_MASS]


def _piloted(
    density: LogDensity, modes: Sequence[Mode], rng: np.random.Generator
) -> tuple[Mixture, list[Trial]]:
    """Choose a shape by pilots on common random numbers, and shares by the best pilot."""
    gaussian, seed = modes[0].gaussian, int(rng.integers(2**63))
    log_masses = np.array([log_mass(mode) for mode in modes])
    masses = np.exp(log_masses - log_masses.max())
    shares = 0.5 * masses / masses.sum() + 0.5 / len(modes)
    peaks, pilot = tuple(mode.gaussian for mode in modes), max(_PILOT, _PILOT_OF_EACH * len(modes))
    mixtures = [Mixture(shape, peaks, shares) for shape in SHAPES]
    pilots = [
        draw_pairs(density, gaussian, mixture, pilot, np.random.default_rng(seed))
        for mixture in mixtures
    ]
    trials = [trial_of(drawn, gaussian) for drawn in pilots]
    best = best_of(trials)
    return _following(mixtures[best], weigh(pilots[best], gaussian)), trials


def _following(mixture: Mixture, pairs: WeightedPairs) -> Mixture:
    weights = np.exp(pairs.log_point_weights).ravel()
    return mixture.following(pairs.thetas.reshape(weights.size, -1), weights)
