"""Choose a proposal by pilot draws, weight its draws, and adapt it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..density import LogDensity
from ..limits import TRUSTED_K_HAT
from ..linear_algebra.gaussian import Gaussian
from ..mode import Mode
from .moment_matching import matched_proposals
from .pairs import DrawnPairs, Trial, WeightedPairs, draw_pairs, weigh
from .proposals import Proposal, candidates
from .ridge import ridge_proposals
from .trials import best_of, check_spread, pooled_trials, trial_of

_PILOT = 500
_GOOD_SHARE = 0.5  # effective share of a pilot below which costlier proposals are built
_EXACT_SHARE = 0.9  # that the normal keeps, where it is exact, in the eyes of the wider pilots
_POOR_SHARE = 0.01
_MOST_ADAPTATIONS = 2


def weighted_pairs(
    density: LogDensity,
    mode: Mode,
    gaussian: Gaussian,
    *,
    pairs: int = 4000,
    rng: np.random.Generator,
    pilot: int = _PILOT,
) -> WeightedPairs:
    """Draw mirrored pairs from the best proposal that pilots find, and weight them.

    Spherical proposals about the mode are tried first, with common random numbers; the normal
    itself is kept only where it is exact. When the best is poor, one that follows the ridge of the
    posterior is built. The final pairs are new. When their k-hat is high, moments are matched, up
    to twice, and kept only if they help.

    Parameters
    ----------
    density : LogDensity
    mode : Mode
    gaussian : Gaussian
        The normal approximation at the mode.
    pairs : int, default 4000
        Number of pairs S; each costs two log densities.
    rng : Generator
    pilot : int, default 500
        Number of pairs of each pilot.

    Returns
    -------
    WeightedPairs

    Raises
    ------
    NonFiniteDensityError
        When the log density is NaN or plus infinity where it matters; see `checked_logp`.
    WeightsError
        When all weights are zero, or a single pair holds more than 99 % of the weight.
    """
    before = dict(density.evaluations)
    chosen, trials = _piloted(density, mode, gaussian, pilot, rng)
    best = weigh(draw_pairs(density, gaussian, chosen, pairs, rng), gaussian)
    trials.append(best.trial)
    for _ in range(_MOST_ADAPTATIONS):
        if best.is_trusted and best.trial.effective_share > _POOR_SHARE:
            break
        adapted, tried = _adapted(density, best, chosen, gaussian, pilot, rng)
        trials += tried
        if adapted is None:
            break
        better = weigh(draw_pairs(density, gaussian, adapted, pairs, rng), gaussian)
        trials.append(better.trial)
        if better.pareto_khat >= best.pareto_khat:
            break
        best, chosen = better, adapted
    check_spread(best)
    spent = sum(count - before[name] for name, count in density.evaluations.items())
    return replace(best, evaluations=spent, tried=tuple(trials))


def more_pairs(
    density: LogDensity,
    gaussian: Gaussian,
    pairs: WeightedPairs,
    number: int,
    rng: np.random.Generator,
) -> WeightedPairs:
    """Add pairs from the same proposal, and recompute all weights.

    Raises
    ------
    NonFiniteDensityError
        When the log density is NaN or plus infinity where it matters.
    """
    fresh = draw_pairs(density, gaussian, pairs.proposal, number, rng)
    drawn = DrawnPairs(
        pairs.proposal,
        np.concatenate([pairs.thetas, fresh.thetas], axis=1),
        np.concatenate([pairs.logp, fresh.logp], axis=1),
        np.concatenate([pairs.log_proposal, fresh.log_proposal], axis=1),
    )
    more = weigh(drawn, gaussian)
    return replace(
        more, evaluations=pairs.evaluations + 2 * number, tried=(*pairs.tried, more.trial)
    )


def _piloted(
    density: LogDensity,
    mode: Mode,
    gaussian: Gaussian,
    pilot: int,
    rng: np.random.Generator,
) -> tuple[Proposal, list[Trial]]:
    """Choose a proposal by pilots on common random numbers."""
    seed = int(rng.integers(2**63))

    def drawn(proposal: Proposal) -> DrawnPairs:
        return draw_pairs(density, gaussian, proposal, pilot, np.random.default_rng(seed))

    proposals = candidates(mode, gaussian)
    pilots = [drawn(proposal) for proposal in proposals]
    trials = pooled_trials(pilots, gaussian)
    normal, *others = trials
    # Unless it is exact its weights are unbounded, which a pilot cannot detect.
    if normal.pareto_khat == -np.inf and normal.effective_share > _EXACT_SHARE:
        return proposals[0], trials
    best = others[best_of(others)]
    if best.effective_share < _GOOD_SHARE or best.pareto_khat > TRUSTED_K_HAT:
        ridges = ridge_proposals(density, mode, gaussian)
        proposals, pilots = (*proposals, *ridges), [*pilots, *map(drawn, ridges)]
        trials = pooled_trials(pilots, gaussian)
    return proposals[1 + best_of(trials[1:])], trials


def _adapted(
    density: LogDensity,
    pairs: WeightedPairs,
    proposal: Proposal,
    gaussian: Gaussian,
    pilot: int,
    rng: np.random.Generator,
) -> tuple[Proposal | None, list[Trial]]:
    """Match moments; None when no pilot improves on the current pairs."""
    weights = np.exp(pairs.log_point_weights).ravel()
    thetas = pairs.thetas.reshape(weights.size, -1)
    matched = matched_proposals(proposal, thetas, weights, pairs.effective_sample_size)
    seed = int(rng.integers(2**63))
    trials = [
        trial_of(draw_pairs(density, gaussian, p, pilot, np.random.default_rng(seed)), gaussian)
        for p in matched
    ]
    best = best_of([pairs.trial, *trials])
    return (matched[best - 1] if best > 0 else None), trials
