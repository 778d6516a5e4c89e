"""What a comparison shows, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from ...approximations.scalars.quantities import flatten
from ..comparison import Comparison
from ..monte_carlo import sample_of
from ..verdict.judges import reference_of


def sentences(comparison: Comparison) -> list[str]:
    """Say how far each tree is from the most exact one, in its worst quantity.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    list of str
        One sentence per tree and per failed method; none about distances where no tree is a grid or
        a NUTS run.
    """
    said = [f"{label} could not be run. {why}" for label, why in comparison.failures.items()]
    reference = reference_of(comparison.trees)
    if reference is None:
        return said
    table = comparison.summary()
    others = [label for label in comparison.trees if label != reference]
    return said + [_worst_shift(table, label, reference) for label in others]


def _worst_shift(table: pd.DataFrame, label: str, reference: str) -> str:
    """Name the quantity whose median is furthest off, in units of the reference's spread."""
    one, exact = (table.xs(name, level="label") for name in (label, reference))
    both = one.index.intersection(exact.index)
    # Half the central 50 % interval of a normal distribution is 0.674 sd; it exists without an sd.
    spread = (exact.loc[both, "q75"] - exact.loc[both, "q25"]) / 1.349
    shift = (one.loc[both, "q50"] - exact.loc[both, "q50"]) / spread
    worst = shift.abs().idxmax()
    return (
        f"{label} is furthest from {reference} in {worst}: median {one.at[worst, 'q50']:.4g} "
        f"against {exact.at[worst, 'q50']:.4g} ({shift[worst]:+.2f} sd), 95 % interval "
        f"{_interval(one.loc[worst])} against {_interval(exact.loc[worst])}."
    )


def bioassay_sentences(trees: Mapping[str, xr.DataTree], exact: str, normal: str) -> list[str]:
    """Say what the exercise of BDA3 chapter 4 shows, in numbers of this run.

    Parameters
    ----------
    trees : mapping of str to DataTree
    exact, normal : str
        Labels of the grid and of the Laplace approximation under the same prior.
    """
    draws = flatten(trees[normal]["posterior"].to_dataset())
    beta, ld50 = draws["beta"].ravel(), draws["ld50"].ravel()
    table = Comparison({label: trees[label] for label in (exact, normal)}).summary()
    below = np.mean(beta < 0)
    error = sample_of(draws["beta"], independent=True).error(beta < 0)
    exact_below = _mass_below_zero(trees[exact]["fit"].to_dataset(), axis="axis_1")
    return [
        f"{100 * below:.1f} % (+- {100 * error:.1f}) of the Laplace draws have beta < 0, a dose "
        f"that heals; the exact posterior gives that {100 * exact_below:.4f} %.",
        f"The 95 % interval of beta is {_interval(table.loc['beta', normal])} by Laplace and "
        f"{_interval(table.loc['beta', exact])} exactly: the posterior leans to the right, and a "
        "normal distribution at its mode cannot.",
        f"The 95 % interval of LD50 is {_quantiles(ld50)} with all Laplace draws, "
        f"{_quantiles(ld50[beta > 0])} with those that have beta > 0, and "
        f"{_interval(table.loc['ld50', exact])} exactly; where beta can be 0, LD50 has no mean.",
    ]


def _mass_below_zero(fit: xr.Dataset, axis: str) -> float:
    """Share of a grid's cells, by mass, whose centre is below 0 along an axis."""
    log_density = fit["log_density"]
    weights = log_density.copy(data=np.exp(log_density.values - log_density.values.max()))
    return float(weights.sel({axis: slice(None, 0.0)}).sum() / weights.sum())


def _interval(row: pd.Series) -> str:
    return f"[{row['q2.5']:.3g}, {row['q97.5']:.3g}]"


def _quantiles(values: np.ndarray) -> str:
    low, high = np.quantile(values, (0.025, 0.975))
    return f"[{low:.3g}, {high:.3g}]"
