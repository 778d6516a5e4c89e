"""Whether the posterior falls off along an outer parameter whose prior does not.

With a flat prior it may not: as the sd of group effects goes to 0, their
likelihood goes to that of no effects at all, and a prior that is flat in the log of the sd leaves
an infinite mass there (Gelman et al. 2013, Bayesian Data Analysis, section 5.4), which no node
around the mode sees.
"""

from __future__ import annotations

import numpy as np

from ..density.graphs.priors import is_flat
from ..errors import ImproperPosteriorError, LatentModeError
from ..mode.tails import (
    LEAST_PER_STRIDE,
    SDS,
    STRIDES,
    UNITS,
    Tail,
    entries_to_follow,
    improper_priors,
    sentence,
)
from .conditional import conditional_at
from .latent_field import LatentField
from .outer_mode import OuterMode


def check_tails(mode: OuterMode) -> None:
    """Follow outer parameters far out for which an improper prior may leave infinite mass.

    Raises
    ------
    ImproperPosteriorError
        When the log marginal density does not fall or, under a flat prior, cannot be computed.
    """
    field, sds = mode.conditional.field, mode.gaussian.sd
    reasons = improper_priors(field.density)
    for axis in axes_to_follow(field):
        for side in (-1, 1):
            far = side * max(SDS * float(sds[axis]), UNITS)
            tail = _tail(mode, axis, far)
            if tail is not None and not tail.falls:
                raise ImproperPosteriorError(sentence(field.outer_labels[axis], tail, reasons))


def axes_to_follow(field: LatentField) -> list[int]:
    """Outer parameters (indices below K) that are to be followed far out."""
    return np.flatnonzero(np.isin(field.outer, entries_to_follow(field.density))).tolist()


def _tail(mode: OuterMode, axis: int, far: float) -> Tail | None:
    """Follow the marginal density from a distance ``far`` from the mode to twice that.

    None where it cannot be followed and its own prior is proper.
    """
    here = mode.conditional
    place, values = here.outer[axis], [here.log_marginal]
    for stride in range(1, 2 * STRIDES + 1):
        outer = mode.conditional.outer.copy()
        outer[axis] += far * stride / STRIDES
        try:
            here = conditional_at(here.field, outer, here.latent)
        except LatentModeError as error:
            return _ended(mode, axis, outer, values, error)
        values.append(here.log_marginal)
    return Tail(place + far, place + 2 * far, values[-1] - values[STRIDES])


def _ended(
    mode: OuterMode, axis: int, outer: np.ndarray, values: list[float], error: LatentModeError
) -> Tail | None:
    """Interpret a path that could not be followed beyond its last value."""
    field, step = mode.conditional.field, (outer[axis] - mode.conditional.outer[axis]) / len(values)
    if len(values) > 2 and values[-1] > values[-2] - LEAST_PER_STRIDE:
        end = float(outer[axis] - step)
        return Tail(end - step, end, values[-1] - values[-2], LEAST_PER_STRIDE)
    label = field.outer_labels[axis]
    block = next(b for b in field.density.blocks if field.outer[axis] < b.slice.stop)
    if not is_flat(field.density.model[block.name]):
        return None
    raise ImproperPosteriorError(
        f"The prior of {label} is flat, and the log marginal density was not seen to fall off "
        f"along it: at {outer[axis]:.4g} it cannot be followed, as the latent field has no mode "
        f"there ({error}). Give {label} a proper prior."
    ) from error
