"""Why what an approximation was measured against cannot be trusted: weights, or another tree."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from ...approximations import trust
from ...approximations.weights.pairs import WeightedPairs

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
    why = trust.distrust_of_weights(k_hat, effective_sample_size)
    return None if why is None else f"what should judge it cannot be trusted: {why}; use NUTS"


def distrust_of_tree(against: xr.DataTree, rows: pd.DataFrame) -> str | None:
    """Say why a tree cannot be trusted for the quantities in ``rows``; None where it can."""
    # A quantity that is not a number is judged for itself.
    finite = rows.index[rows["finite"].to_numpy(dtype=bool)]
    why = trust.distrust_of(against, [str(label) for label in finite])
    return None if why is None else f"what should judge it cannot be trusted: {why}"
