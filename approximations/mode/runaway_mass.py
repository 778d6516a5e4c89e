"""Whether mass goes with a density that grows without end, or its peak only gets thinner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..density import LogDensity
from .crest import crest_at
from .trust_region import Iterate

# Shares of the way at which the mass is asked for. The last may have lost all digits.
_STATIONS = np.array([1 / 8, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 1])


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
    # Twice as far out, the tail 1 / x, which still holds mass without end, falls by log 2.
    return bool(before - after > np.log2(far / near))
