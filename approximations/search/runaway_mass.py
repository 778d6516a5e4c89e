"""Whether mass goes with a density that grows without end, or its peak only gets thinner.

Along the crest the other parameters are integrated out by a normal distribution, which gives
logp - 1/2 log det(their curvature): the marginal density of Tierney and Kadane (1986), section 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..density import LogDensity
from ..gaussian import curvature_scale
from .trust_region import CLOSE, Iterate

# Shares of the way at which the mass is asked for; later ones lose all digits.
_STATIONS = 1 / 2.0 ** np.arange(8, 1, -1)
# Scaled eigenvalue below which too many digits of a log determinant are lost to judge by it.
_DETERMINED = 1e-10


def mass_falls(density: LogDensity, path: Sequence[Iterate], entry: int) -> bool | None:
    """Whether a parameter's density falls along a path, once the others are integrated out.

    Parameters
    ----------
    density : LogDensity
    path : sequence of Iterate
        Of a search whose log density grew without a mode.
    entry : int
        Position in ``theta`` of the parameter that it carried away.

    Returns
    -------
    bool or None
        None when too few places on the way have a crest to integrate across.
    """
    marginals = [
        marginal
        for share in _STATIONS
        if (marginal := _log_marginal(density, _crest(density, path, entry, share), entry))
        is not None
    ]
    if len(marginals) < 3:
        return None
    # Twice as far out, the tail 1 / x, which still holds mass without end, falls by log 2.
    return bool(marginals[-1] < marginals[-2] - 1)


def _crest(density: LogDensity, path: Sequence[Iterate], entry: int, share: float) -> Iterate:
    """Go a share of the way, and up to the crest there, by Newton's method in the other entries."""
    first, last = path[0].theta[entry], path[-1].theta[entry]
    place = first + share * (last - first)
    nearest = min(path, key=lambda point: abs(point.theta[entry] - place))
    theta = nearest.theta.copy()
    theta[entry] = place
    here = Iterate.at(density, theta)
    others = np.arange(density.size) != entry
    for _ in range(10):
        step = _newton_step(here, others)
        if step is None or step @ here.gradient[others] <= CLOSE:
            break
        theta = here.theta.copy()
        theta[others] += step
        there = Iterate.at(density, theta)
        if not there.logp > here.logp:
            break
        here = there
    return here


def _newton_step(here: Iterate, others: np.ndarray) -> np.ndarray | None:
    """Newton step in some entries, or None where the curvature does not determine it."""
    if not here.is_finite or not np.any(others):
        return None
    curvature = here.curvature[np.ix_(others, others)]
    scale = curvature_scale(curvature)
    eigenvalues, vectors = np.linalg.eigh(curvature / np.outer(scale, scale))
    if eigenvalues[0] < _DETERMINED:
        return None
    return vectors @ (vectors.T @ (here.gradient[others] / scale) / eigenvalues) / scale


def _log_marginal(density: LogDensity, crest: Iterate, entry: int) -> float | None:
    """Log density of one parameter, the others integrated out by a normal distribution."""
    if density.size == 1:
        return crest.logp if crest.is_finite else None
    others = np.arange(density.size) != entry
    step = _newton_step(crest, others)
    if step is None or step @ crest.gradient[others] > 0.01:
        return None
    _, log_determinant = np.linalg.slogdet(crest.curvature[np.ix_(others, others)])
    return float(crest.logp - 0.5 * log_determinant)
