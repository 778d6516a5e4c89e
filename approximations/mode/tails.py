"""Whether the posterior is proper where a prior is not.

Under an improper prior the posterior may be improper too, although it has a mode: a prior
that is flat in the log of a group sd leaves an infinite mass where the sd goes to 0 (Gelman et al.
2013, Bayesian Data Analysis, section 5.4). No draw around the mode sees it. So the crest of the
density is followed far out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..density import LogDensity
from ..density.graphs.priors import is_flat, why_improper
from ..errors import ImproperPosteriorError
from ..linear_algebra.gaussian import Gaussian
from .crest import Crest, crest_at, followed

SDS, UNITS = 6.0, 10.0
"""The tail is judged from so many sds or unconstrained units (the larger) to twice that."""

STRIDES = 4
"""Number of steps for half of that distance."""

LEAST_FALL = 1.0
"""Least fall of the log density on the second half: a tail like 1 / x falls by log 2."""

LEAST_PER_STRIDE = 0.05
"""Least fall over the last step where the crest ends early; less counts as improper."""

# Largest number of doublings of the distance, for tails that are level at first.
_MOST_DOUBLINGS = 20
# Rise of the log density along its crest that counts as rounding.
_LEVEL = 1e-3
# Fall of the log density beyond which the density is negligible.
_NOTHING_LEFT = 700.0
# Largest size of an array that is followed as a set of scales.
_FEW = 10


@dataclass(frozen=True)
class Tail:
    """The log marginal density of a parameter in its tail.

    Attributes
    ----------
    start, end : float
        Two values of the parameter.
    change : float
        Change of the log density from one to the other.
    least : float
        Least fall that counts as proper.
    """

    start: float
    end: float
    change: float
    least: float = LEAST_FALL

    @property
    def falls(self) -> bool:
        """Whether the log density falls by at least that much."""
        return -self.change >= self.least


def check_tails(density: LogDensity, theta: np.ndarray, gaussian: Gaussian) -> None:
    """Follow the crest along parameters for which an improper prior may leave infinite mass.

    These are parameters with a flat prior and, given a field with free levels, the scales that may
    multiply it. Nothing is done where all priors are proper.

    Parameters
    ----------
    density : LogDensity
    theta : (P,) array
        The mode.
    gaussian : Gaussian
        The normal approximation there, whose sds set how far to look.

    Raises
    ------
    ImproperPosteriorError
        When the marginal density of one of them does not fall off.
    """
    reasons = improper_priors(density)
    if not reasons:
        return
    sd = gaussian.sd
    for entry in entries_to_follow(density):
        far = max(SDS * float(sd[entry]), UNITS)
        for way in (-far, far):
            tail = _tail(density, theta, entry, way)
            if tail is not None and not tail.falls:
                raise ImproperPosteriorError(sentence(density.parameters[entry], tail, reasons))


def improper_priors(density: LogDensity) -> list[str]:
    """Say which free variables have an improper prior, and why."""
    model = density.model
    return [why for block in density.blocks if (why := why_improper(model, model[block.name]))]


def sentence(label: str, tail: Tail, reasons: list[str]) -> str:
    """Say that the posterior is improper: along which parameter, and by which prior.

    Parameters
    ----------
    label : str
        Label of the parameter that was followed.
    tail : Tail
    reasons : list of str
        As `improper_priors` has them.
    """
    return (
        f"The posterior looks improper: with the other parameters integrated out, the log density "
        f"of {label} does not fall off. From {tail.start:.4g} to {tail.end:.4g} it changes by "
        f"{tail.change:+.2g}. A prior allows that: {'; '.join(reasons)}. Give it, or "
        f"{label}, a proper prior that excludes that region."
    )


def entries_to_follow(density: LogDensity) -> list[int]:
    """Parameters with a flat prior; where another prior is improper, also scales."""
    model = density.model
    entries: list[int] = []
    has_field = any(
        not is_flat(model[block.name]) and why_improper(model, model[block.name])
        for block in density.blocks
    )
    for block in density.blocks:
        is_scale = block.value_name != block.name and len(block.labels) <= _FEW
        if is_flat(model[block.name]) or (has_field and is_scale):
            entries += range(block.start, block.slice.stop)
    return entries


def _tail(density: LogDensity, theta: np.ndarray, entry: int, far: float) -> Tail | None:
    """Follow the crest to ``far`` from the mode, to twice that, and on while it does not fall.

    None where the crest ends too soon, or there is nothing to follow.
    """
    top = crest_at(density, theta, entry, theta[entry])
    path = [] if top is None else [top]
    shares = [*np.arange(1, 2 * STRIDES + 1) / STRIDES, *2.0 ** np.arange(2, _MOST_DOUBLINGS)]
    for share in shares:
        if not path or path[-1].logp < path[0].logp - _NOTHING_LEFT:
            return None
        crest = followed(density, path[-1], entry, theta[entry] + far * share)
        if crest is None:
            # As a scale goes to 0 the curvature loses its digits, but whether mass goes with it
            # has shown before.
            return _between(path[-2], path[-1], entry, LEAST_PER_STRIDE) if len(path) > 2 else None
        path.append(crest)
        if len(path) > 2 * STRIDES:
            tail = _between(path[STRIDES] if share == 2 else path[-2], crest, entry, LEAST_FALL)
            if tail is None or tail.falls:
                break
    return tail


def _between(start: Crest, end: Crest, entry: int, least: float) -> Tail | None:
    if end.logp > start.logp + _LEVEL:
        # It climbs another mode, which is the task of `other_modes`.
        return None
    change = end.log_marginal - start.log_marginal
    return Tail(float(start.theta[entry]), float(end.theta[entry]), change, least)
