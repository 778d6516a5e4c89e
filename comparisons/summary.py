"""One tidy table of posteriors: a row per quantity and tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from ..approximations.errors import ArgumentError, NoSharedVariableError
from ..approximations.limits import HEAVY_TAIL
from ..approximations.result import group_of
from ..approximations.scalars.quantities import flatten
from ..approximations.scalars.tails import tail_index
from .monte_carlo import Sample, samples_of

QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)
QUANTILE_COLUMNS = tuple(f"q{100 * p:g}" for p in QUANTILES)
COLUMNS = (
    *("mean", "sd"),
    *QUANTILE_COLUMNS,
    *("mcse_mean", "mcse_sd", "tail_k", "ess_bulk", "r_hat"),
)


def summary_table(
    trees: Mapping[str, xr.DataTree], var_names: Sequence[str] | None = None
) -> pd.DataFrame:
    """Tabulate the posteriors of several trees.

    Parameters
    ----------
    trees : mapping of str to DataTree
    var_names : sequence of str, optional
        Variables to show; those that at least two trees have (or the only tree), if None.

    Returns
    -------
    DataFrame
        Indexed by quantity and label, with mean, sd, five quantiles (the ends of the central 50 %
        and 95 % intervals, and the median), Monte Carlo standard errors of mean and sd, tail index,
        and for Markov chains effective sample size and R-hat. Mean and sd are empty where the tail
        index says that they may not exist (above 0.7).

        For resampled draws, the numbers are those of the weighted points, which the tree keeps. For
        a grid or a quadrature they come from the rule, whose errors replace Monte Carlo errors.

    Raises
    ------
    NoSharedVariableError
        When the trees have no variable in common.
    ArgumentError
        When ``var_names`` holds a name that no tree has.
    """
    names = shared_variables(trees) if var_names is None else checked_names(trees, var_names)
    return summary_of(trees, quantities_of(trees, names))


def summary_of(trees: Mapping[str, xr.DataTree], quantities: Sequence[str]) -> pd.DataFrame:
    """Tabulate some quantities as `summary_table` does whole variables.

    Parameters
    ----------
    trees : mapping of str to DataTree
    quantities : sequence of str
        Labels such as ``"theta[Choate]"``; a tree without that quantity has no row.
    """
    rows = {
        (quantity, label): row
        for label, tree in trees.items()
        for quantity, row in _rows_of(tree, quantities).items()
    }
    keys = [(q, label) for q in quantities for label in trees if (q, label) in rows]
    index = pd.MultiIndex.from_tuples(keys, names=["quantity", "label"])
    return pd.DataFrame([rows[key] for key in keys], index=index, columns=list(COLUMNS))


def quantities_of(trees: Mapping[str, xr.DataTree], var_names: Sequence[str]) -> list[str]:
    """Labels of the quantities of some variables, those of all trees, in their order."""
    labels: dict[str, None] = {}
    for tree in trees.values():
        posterior = tree["posterior"].to_dataset().isel(chain=slice(1), draw=slice(1))
        labels |= dict.fromkeys(flatten(posterior[[x for x in var_names if x in posterior]]))
    return list(labels)


def most_different(summary: pd.DataFrame, most: int) -> pd.DataFrame:
    """Rows of the quantities that differ most; all, in their order, where they fit.

    Parameters
    ----------
    summary : DataFrame
        As `summary_table` makes it.
    most : int
        How many rows at most.
    """
    if len(summary) <= most:
        return summary
    by_quantity = summary.groupby(level="quantity", sort=False)
    medians, widths = by_quantity["q50"], summary["q97.5"] - summary["q2.5"]
    widths = widths.groupby(level="quantity", sort=False)
    shift = (medians.max() - medians.min()) / (widths.mean() / 4)
    ratio = np.log(widths.max() / widths.min())
    apart = shift.fillna(0.0) + ratio.replace(np.inf, np.nan).fillna(0.0)
    labels = int(by_quantity.size().max())
    chosen = apart.sort_values(ascending=False, kind="stable").index[: max(1, most // labels)]
    return summary.loc[summary.index.get_level_values("quantity").isin(chosen)]


def shared_variables(trees: Mapping[str, xr.DataTree]) -> list[str]:
    """Names of the posterior variables that at least two of the trees have, in their order.

    Raises
    ------
    NoSharedVariableError
        When there are none.
    """
    names = [str(name) for tree in trees.values() for name in tree["posterior"].data_vars]
    least = min(2, len(trees))
    shared = [name for name in dict.fromkeys(names) if names.count(name) >= least]
    if not shared:
        have = "; ".join(f"{label}: {list(t['posterior'].data_vars)}" for label, t in trees.items())
        raise NoSharedVariableError(
            f"The trees have no posterior variable in common, so there is nothing to compare "
            f"({have}). Rename the variables of one of them."
        )
    return shared


def checked_names(trees: Mapping[str, xr.DataTree], var_names: Sequence[str]) -> list[str]:
    """Check that each name is a posterior variable of some tree.

    Raises
    ------
    ArgumentError
        When a name is not.
    """
    known = {str(name) for tree in trees.values() for name in tree["posterior"].data_vars}
    if unknown := [name for name in var_names if name not in known]:
        raise ArgumentError(f"var_names hold {unknown}, but the trees have {sorted(known)}.")
    return list(var_names)


def _rows_of(tree: xr.DataTree, quantities: Sequence[str]) -> dict[str, dict[str, float]]:
    draws, samples = flatten(tree["posterior"].to_dataset()), samples_of(tree)
    fit = group_of(tree, "fit")
    known = set(map(str, fit["quantity"].values)) if "quantiles" in fit else set()
    return {
        label: _row_of_rule(fit.sel(quantity=label))
        if label in known
        else _row_of_sample(samples[label], draws[label])
        for label in quantities
        if label in draws
    }


def _row_of_rule(known: xr.Dataset) -> dict[str, float]:
    """Row of a quantity whose moments come from a rule, with the rule's errors."""
    found = {
        "mean": "mean",
        "sd": "sd",
        "mcse_mean": "mean_error",
        "mcse_sd": "sd_error",
        "tail_k": "tail_k",
    }
    row = {column: float(known.get(name, np.nan)) for column, name in found.items()}
    quantiles = known["quantiles"].sel(probability=list(QUANTILES)).values
    return row | dict(zip(QUANTILE_COLUMNS, quantiles, strict=True))


def _row_of_sample(sample: Sample, draws: np.ndarray) -> dict[str, float]:
    """Row of a quantity from draws (C, S), or from the weighted points behind them."""
    columns = ("mean", "sd", "mcse_mean", "mcse_sd")
    row = dict.fromkeys(columns, np.nan)
    row |= {"tail_k": tail_index(draws, independent=not sample.chains)}
    row |= dict(zip(QUANTILE_COLUMNS, _quantiles(sample), strict=True))
    if not row["tail_k"] > HEAVY_TAIL:
        row |= dict(zip(columns, sample.moments, strict=True))
    # A constant has no diagnostics.
    if sample.chains and np.ptp(draws) > 0:
        row |= {"ess_bulk": sample.bulk_size, "r_hat": sample.r_hat}
    return row


def _quantiles(sample: Sample) -> np.ndarray:
    """Quantiles; for draws of equal weight they are NumPy's."""
    if sample.pair is None:
        return np.quantile(sample.values, QUANTILES)
    return sample.quantiles(QUANTILES)
