"""Mass of outer parameters far out, where weighted draws have next to none.

The interpolant that outer parameters are drawn from ends not far beyond its nodes, and the latent
field at a far draw is predicted from the nearest node. Where the marginal density has a long tail,
as of the log of a scale that may be 0, draws miss it, and their weights cannot tell.
"""

from __future__ import annotations

import numpy as np

from ..errors import LatentModeError
from .conditional import conditional_at
from .outer_mode import OuterMode

# In sds of an outer parameter: where its tail starts, and how far it is followed.
_START, _FURTHEST, _STEP = 3.5, 8.0, 0.75
# Log density below that at the mode from which nothing is to be found.
_NOTHING = -12.0


def unseen_tail(mode: OuterMode, thetas: np.ndarray, weights: np.ndarray) -> tuple[float, str]:
    """Find the largest mass in a tail of an outer parameter that weighted draws lack.

    The marginal density by Laplace is followed from the mode along each outer parameter, with the
    others at their conditional means, and integrated along that line.

    Parameters
    ----------
    mode : OuterMode
    thetas : (S, P) array
    weights : (S,) array
        They sum to 1.

    Returns
    -------
    float
        The share of the posterior that is missing there.
    str
        Label of the outer parameter.
    """
    field, covariance = mode.conditional.field, mode.gaussian.covariance
    sds = np.sqrt(np.diag(covariance))
    found = [(0.0, "")]
    for axis, label in enumerate(field.outer_labels):
        away = (thetas[:, field.outer[axis]] - mode.conditional.outer[axis]) / sds[axis]
        for side in (-1, 1):
            held = float(weights[side * away > _START].sum())
            mass = _mass_of_tail(mode, side * covariance[:, axis] / sds[axis])
            found.append((mass - held, label))
    return max(found)


def _mass_of_tail(mode: OuterMode, direction: np.ndarray) -> float:
    """Share of a line's mass from the tail's start on; the line has unit sd along it."""
    here, values, places = mode.conditional, [0.0], [0.0]
    while places[-1] < _FURTHEST and values[-1] > _NOTHING:
        places.append(places[-1] + _STEP)
        try:
            here = conditional_at(
                here.field, mode.conditional.outer + places[-1] * direction, here.latent
            )
        except LatentModeError:
            places.pop()
            break
        values.append(here.log_marginal - mode.conditional.log_marginal)
    fine = np.linspace(0.0, places[-1], 400)
    heights = np.exp(np.interp(fine, places, values))
    tail = float(np.trapezoid(np.where(fine >= _START, heights, 0.0), fine))
    return tail / float(np.sqrt(2 * np.pi))
