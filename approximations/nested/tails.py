"""Whether the posterior falls off along an outer parameter whose prior does not.

With a flat prior it may not: as the sd of group effects goes to 0, their
likelihood goes to that of no effects at all, and a prior that is flat in the log of the sd leaves
an infinite mass there (Gelman et al. 2013, Bayesian Data Analysis, section 5.4), which no node
around the mode sees.
"""

from __future__ import annotations

import numpy as np
from pymc.distributions.continuous import FlatRV, HalfFlatRV

from ..errors import LatentModeError, QuadratureError
from .conditional import conditional_at
from .latent_field import LatentField
from .outer_mode import OuterMode

# Distances from the mode, in sds and in unconstrained units, whichever is more: twice as far out.
_SDS, _UNITS = 6.0, 10.0
_STRIDES = 4
# By how much the log density must fall from one to the other: a tail like 1 / x falls by 10.
_LEAST_FALL = 1.0


def check_tails(mode: OuterMode) -> None:
    """Follow outer parameters with improper priors far out.

    Raises
    ------
    QuadratureError
        When the log marginal density does not fall there, or cannot be had.
    """
    sds = mode.gaussian.sd
    for axis in improper_axes(mode.conditional.field):
        for side in (-1, 1):
            far = side * max(_SDS * float(sds[axis]), _UNITS)
            try:
                fall = _fall(mode, axis, far)
            except LatentModeError as error:
                seen = f"cannot be followed, as the latent field has no mode there ({error})"
                raise QuadratureError(_sentence(mode, axis, far, seen)) from error
            if fall < _LEAST_FALL:
                seen = f"changes by {-fall:.2g}, so that the posterior is improper"
                raise QuadratureError(_sentence(mode, axis, far, seen))


def improper_axes(field: LatentField) -> list[int]:
    """Outer parameters (indices below K) whose own prior is flat."""
    inside = np.zeros(field.density.size, dtype=bool)
    for block in field.density.blocks:
        inside[block.slice] = _is_flat(field, block.name)
    return np.flatnonzero(inside[field.outer]).tolist()


def _is_flat(field: LatentField, name: str) -> bool:
    return isinstance(field.density.model[name].owner.op, FlatRV | HalfFlatRV)


def _fall(mode: OuterMode, axis: int, far: float) -> float:
    """Fall of the log marginal density from ``far`` off the mode to twice as far."""
    here, values = mode.conditional, []
    for stride in range(1, 2 * _STRIDES + 1):
        outer = mode.conditional.outer.copy()
        outer[axis] += far * stride / _STRIDES
        here = conditional_at(here.field, outer, here.latent)
        values.append(here.log_marginal)
    return values[_STRIDES - 1] - values[-1]


def _sentence(mode: OuterMode, axis: int, far: float, seen: str) -> str:
    label, place = mode.conditional.field.outer_labels[axis], mode.conditional.outer[axis]
    return (
        f"The prior of {label} is flat, and the log marginal density was not seen to fall off "
        f"along it: from {place + far:.4g} to {place + 2 * far:.4g} it {seen}. Give {label} a "
        "proper prior."
    )
