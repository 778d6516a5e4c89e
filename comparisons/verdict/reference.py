"""What judges a posterior without MCMC: weighted draws of it, and whether they can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ...approximations.density import LogDensity
from ...approximations.mode import Mode
from ...approximations.mode.several import OtherMode, heaviest_mode
from ...approximations.trust import Broken, broken_by_weights
from ...approximations.weights.pairs import WeightedPairs
from ...approximations.weights.several_modes import mixture_pairs
from ...approximations.weights.unseen import unseen_share
from ...approximations.weights.weighting import more_pairs, weighted_pairs
from ..monte_carlo import Sample
from .contrasts import samples_of_pairs

_PAIRS = 4000


@dataclass(frozen=True)
class Reference:
    """A weighted sample of the posterior, drawn about its modes.

    Attributes
    ----------
    density : LogDensity
    mode : Mode
        The heaviest that was found.
    others : tuple of OtherMode
        Others with at least 1 % of its mass.
    pairs : WeightedPairs
    unseen : float
        Mass where no draw fell, relative to the mass that was sampled.
    var_names : sequence of str or None
        Variables whose quantities are wanted; all, if None.
    """

    density: LogDensity
    mode: Mode
    others: tuple[OtherMode, ...]
    pairs: WeightedPairs
    unseen: float
    var_names: Sequence[str] | None = None
    _known: dict[str, Sample] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def broken(self) -> tuple[Broken, ...]:
        """Reasons not to trust it."""
        if any(not other.are_all for other in self.others):
            return (Broken("modes", len(self.others) + 1),)
        pairs = self.pairs
        size = pairs.effective_sample_size
        return broken_by_weights(pairs.pareto_khat, size, unseen=self.unseen)

    @property
    def missed(self) -> tuple[Broken, ...]:
        """What it has found of the posterior that other methods may miss, too."""
        return tuple(reason for reason in self.broken if reason.what == "unseen mass")

    @property
    def size(self) -> int:
        """Number of pairs."""
        return len(self.pairs.log_weights)

    @property
    def samples(self) -> dict[str, Sample]:
        """The quantities, by label, computed once."""
        if not self._known:
            self._known.update(samples_of_pairs(self.density, self.pairs, self.var_names))
        return self._known

    def doubled(self, rng: np.random.Generator) -> Reference:
        """Draw as many pairs again.

        Raises
        ------
        NonFiniteDensityError
            When the log density is NaN or plus infinity where it matters.
        """
        pairs = more_pairs(self.density, self.mode.gaussian, self.pairs, self.size, rng)
        return replace(self, pairs=pairs)


def reference_sample(
    density: LogDensity,
    mode: Mode,
    rng: np.random.Generator,
    var_names: Sequence[str] | None = None,
) -> Reference:
    """Draw a weighted sample of the posterior about the modes that searches find.

    Parameters
    ----------
    density : LogDensity
    mode : Mode
        Where the searches begin.
    rng : Generator
    var_names : sequence of str, optional
        Variables whose quantities are wanted; all, if None.

    Raises
    ------
    WeightsError
        When all weights are zero, or a single pair holds more than 99 % of the weight.
    NonFiniteDensityError
        When the log density is NaN or plus infinity where it matters.
    """
    heaviest, others = heaviest_mode(density, mode, rng)
    if others:
        modes = [heaviest, *(other.mode for other in others)]
        pairs = mixture_pairs(density, modes, pairs=_PAIRS, rng=rng)
    else:
        pairs = weighted_pairs(density, heaviest, heaviest.gaussian, pairs=_PAIRS, rng=rng)
    unseen = unseen_share(density, heaviest.gaussian, pairs, rng)
    return Reference(density, heaviest, others, pairs, unseen, var_names)
