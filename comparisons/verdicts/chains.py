"""Whether Markov chains can be trusted: what ArviZ says of them, against the usual limits.

Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021), "Rank-normalization, folding, and
localization: an improved R-hat".
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from arviz_stats.base import array_stats

from ...approximations.scalars.quantities import flatten

MOST_R_HAT = 1.01
FEWEST_EFFECTIVE = 400


def distrust_of_chains(tree: xr.DataTree) -> str | None:
    """Say why the chains of a tree cannot be trusted, or nothing.

    R-hat is looked at where there are two chains or more, and divergences where they are told.
    """
    draws = flatten(tree["posterior"].to_dataset())
    varying = {label: x for label, x in draws.items() if np.ptp(x) > 0}
    if not varying:
        return None
    statistics = {"r_hat": array_stats.rhat, "ess": array_stats.ess}
    found = {
        name: {label: float(of(x, chain_axis=0, draw_axis=1)) for label, x in varying.items()}
        for name, of in statistics.items()
    }
    r_hat, ess = found["r_hat"], found["ess"]
    worst, least = max(r_hat, key=r_hat.__getitem__), min(ess, key=ess.__getitem__)
    if r_hat[worst] > MOST_R_HAT:
        return (
            f"The chains have not converged: R-hat is {r_hat[worst]:.2f} in {worst}, to be at most "
            f"{MOST_R_HAT}. Run them longer, or write the model in other coordinates."
        )
    if not ess[least] >= FEWEST_EFFECTIVE:
        return (
            f"The chains are worth only {ess[least]:.0f} independent draws in {least}, to be at "
            f"least {FEWEST_EFFECTIVE}. Run them longer."
        )
    stats: Any = tree["sample_stats"] if "sample_stats" in tree.children else {}
    diverging = int(stats["diverging"].sum()) if "diverging" in stats else 0
    if diverging:
        return (
            f"{diverging} draws diverged, so a part of the posterior may be missing. Raise "
            "target_accept, or write the model in other coordinates."
        )
    return None
