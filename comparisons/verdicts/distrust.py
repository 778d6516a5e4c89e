"""Why what an approximation was measured against cannot be trusted: weights, or another tree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.base import array_stats

from ...approximations.scalars.quantities import flatten
from ...approximations.weights.pairs import TRUSTED_K_HAT, WeightedPairs

_FEWEST_EFFECTIVE = 200
_MOST_R_HAT = 1.01
# Heavy weights that can still be trusted leave some mass beyond the largest of them.
_MOST_UNSEEN = 0.05


def distrust_of_weights(pairs: WeightedPairs, unseen: float) -> str | None:
    """Say why weighted pairs cannot be trusted, with the mass beyond them; None where they can."""
    if unseen > _MOST_UNSEEN:
        return (
            f"far out, where no draw fell, there is mass, {unseen:.2g} times that around the mode, "
            "so weights cannot judge it; the mode is a narrow peak upon something wide, or the "
            "posterior has no finite mass at all: look at the priors, and use NUTS"
        )
    return distrust_of(pairs.k_hat, pairs.effective_sample_size)


def distrust_of(k_hat: float, effective_sample_size: float) -> str | None:
    """Say why weights cannot be trusted, by their tail and what they are worth."""
    if not k_hat < TRUSTED_K_HAT:
        return (
            f"the weights that should judge it cannot be trusted (k-hat {k_hat:.2f}, to be "
            f"below {TRUSTED_K_HAT}), as the posterior is far from normal; use NUTS"
        )
    if effective_sample_size < _FEWEST_EFFECTIVE:
        return (
            f"the weighted draws that should judge it are worth only "
            f"{effective_sample_size:.0f} independent ones; use NUTS"
        )
    return None


def distrust_of_tree(against: xr.DataTree, rows: pd.DataFrame) -> str | None:
    """Say why a tree cannot be trusted for the quantities in ``rows``; None where it can."""
    fit = against["fit"].to_dataset() if "fit" in against.children else {}
    if "k_hat" in fit and not float(fit["k_hat"]) < TRUSTED_K_HAT:
        return f"the weighted draws that should judge it have k-hat {float(fit['k_hat']):.2f}"
    size = float(fit.get("effective_sample_size", np.inf))
    if size < _FEWEST_EFFECTIVE:
        return f"the weighted draws that should judge it are worth only {size:.0f} independent ones"
    if against.attrs.get("independent_draws", 0):
        return None
    draws = flatten(against["posterior"].to_dataset())
    varying = [x for x in rows.index if rows.at[x, "finite"] and np.ptp(draws[x]) > 0]
    r_hat = {label: _r_hat(draws[label]) for label in varying}
    worst = max(r_hat, key=lambda label: r_hat[label], default=None)
    if worst is None or r_hat[worst] <= _MOST_R_HAT:
        return None
    return (
        f"the chains that should judge it have not converged (R-hat {r_hat[worst]:.2f} in {worst}, "
        f"to be at most {_MOST_R_HAT}); run them longer"
    )


def _r_hat(draws: np.ndarray) -> float:
    """R-hat of chains (C, S); a single one is held against itself, half against half."""
    if len(draws) == 1 and draws.size > 1:
        draws = draws[0, : draws.size // 2 * 2].reshape(2, -1)
    return float(array_stats.rhat(draws, chain_axis=0, draw_axis=1))
