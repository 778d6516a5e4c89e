"""Which of the proposals that were tried is best, and when none is good enough."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import WeightsError
from ..linear_algebra.gaussian import Gaussian
from .pairs import DrawnPairs, Trial, WeightedPairs, pooled_shares, weigh

_NEARLY_AS_GOOD = 0.75  # of the best effective share: then the lighter tail of the weights decides
_LIGHT_TAIL = 0.3  # k-hat below which all tails are as good: pilots tell it to within 0.15 or so
_ALL_MASS = 0.99


def trial_of(drawn: DrawnPairs, gaussian: Gaussian) -> Trial:
    """Diagnostics of a pilot's weights; the worst where all of them are 0."""
    if not np.any(np.isfinite(drawn.log_ratios)):
        return Trial(drawn.proposal.name, len(drawn.log_ratios), 0.0, np.inf)
    return weigh(drawn, gaussian).trial


def pooled_trials(pilots: list[DrawnPairs], gaussian: Gaussian) -> list[Trial]:
    """Assess each proposal by its own k-hat, and by its effective share under all draws."""
    trials = [trial_of(drawn, gaussian) for drawn in pilots]
    if not any(trial.effective_share > 0 for trial in trials):
        return trials
    shares = pooled_shares(pilots)
    return [
        replace(trial, effective_share=min(trial.effective_share, float(share)))
        for trial, share in zip(trials, shares, strict=True)
    ]


def best_of(trials: list[Trial]) -> int:
    """Choose the lightest-tailed weights among those with nearly the best effective size."""

    def merit(k: int) -> tuple[float, float]:
        return max(trials[k].pareto_khat, _LIGHT_TAIL), -trials[k].effective_share

    least = _NEARLY_AS_GOOD * max(trial.effective_share for trial in trials)
    return min((k for k, t in enumerate(trials) if t.effective_share >= least), key=merit)


def check_spread(pairs: WeightedPairs) -> None:
    """Refuse weights that are those of a single pair.

    Raises
    ------
    WeightsError
        When it holds more than 99 % of them.
    """
    share = float(np.exp(np.max(pairs.log_weights)))
    if share > _ALL_MASS:
        raise WeightsError(
            f"One pair of draws of {len(pairs.log_weights)} holds {share:.4g} of the weight "
            f"(proposal: {pairs.proposal.name}), so the weighted draws represent a point and not "
            "the posterior. The posterior is far from every proposal built on this mode: a second "
            "mode, or a ridge that leads away. Try find_modes, another parametrisation, or nuts."
        )
