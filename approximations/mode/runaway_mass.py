"""Whether the mass grows with a density that is unbounded, or its peak only narrows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..density import LogDensity
from .crest import crest_at
from .trust_region import Iterate

# Fractions of the path at which the mass is computed. The last point may be all rounding error.
_STATIONS = np.array([1 / 8, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 1])


def mass_falls(density: LogDensity, path: Sequence[Iterate], entry: int) -> bool | None:
    """Whether a parameter's density falls along a path, once the others are integrated out.

    Parameters
    ----------
    density : LogDensity
    path : sequence of Iterate
        Path of a search whose log density grew without a mode.
    entry : int
        Position in ``theta`` of the parameter that diverges.

    Returns
    -------
    bool or None
        None when the marginal density exists at too few points of the path.
    """
    first, last = path[0].theta[entry], path[-1].theta[entry]
    found = []
    for share in _STATIONS:
        place = float(first + share * (last - first))
        nearest = min(path, key=lambda point: abs(point.theta[entry] - place))
        crest = crest_at(density, nearest.theta, entry, place)
        if crest is not None:
            found.append((share, crest.log_marginal))
    if len(found) < 3:
        return None
    (near, before), (far, after) = found[-2:]
    # At twice the distance, the tail 1 / x, which still has infinite mass, falls by log 2.
    return bool(before - after > np.log2(far / near))
