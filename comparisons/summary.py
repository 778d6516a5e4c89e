"""One tidy table of posteriors: a row for every quantity of every tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import arviz_base
import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats import ess, mcse, rhat
from arviz_stats.base import array_stats

from ..approximations.errors import ArgumentError, NoSharedVariableError
from ..approximations.scalars.quantities import flatten

QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)
COLUMNS = (
    *("mean", "sd"),
    *(f"q{100 * p:g}" for p in QUANTILES),
    *("mcse_mean", "mcse_sd", "tail_k", "ess_bulk", "r_hat"),
)
# A sample mean settles down to its standard error only while the tail index is below this
# (Vehtari et al. 2024, "Pareto smoothed importance sampling", section 3).
HEAVY_TAIL = 0.7
_FEWEST_VALUES = 50


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
        and 95 % intervals, and the median), Monte Carlo standard errors of mean and sd, tail index
        of the draws, and for Markov chains effective sample size and R-hat. Mean and sd are empty
        where the draws say that they may not exist (tail index above 0.7).

    Raises
    ------
    NoSharedVariableError
        When the trees have no variable in common.
    ArgumentError
        When ``var_names`` holds a name that no tree has.
    """
    names = shared_variables(trees) if var_names is None else checked_names(trees, var_names)
    rows = {}
    for label, tree in trees.items():
        for quantity, row in _rows_of(tree, names).items():
            rows[quantity, label] = row
    quantities = list(dict.fromkeys(quantity for quantity, _ in rows))
    order = [(q, label) for q in quantities for label in trees if (q, label) in rows]
    index = pd.MultiIndex.from_tuples(order, names=["quantity", "label"])
    return pd.DataFrame([rows[key] for key in order], index=index, columns=list(COLUMNS))


def most_different(summary: pd.DataFrame, most: int) -> pd.DataFrame:
    """Rows of the quantities that the trees differ about most; all, in their order, where they fit.

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


def _rows_of(tree: xr.DataTree, names: Sequence[str]) -> dict[str, dict[str, float]]:
    posterior = tree["posterior"].to_dataset()
    posterior = posterior[[name for name in names if name in posterior]]
    if not posterior.data_vars:
        return {}
    rows = _draw_rows(posterior, markov_chain=not tree.attrs.get("independent_draws", 0))
    if "fit" in tree.children and "quantiles" in tree["fit"]:
        fit = tree["fit"].to_dataset()
        rows |= _exact_rows(fit, [q for q in rows if q in fit["quantity"].values])
    return rows


def _exact_rows(fit: xr.Dataset, quantities: Sequence[str]) -> dict[str, dict[str, float]]:
    """Rows of a tree that knows its moments: they carry no Monte Carlo error."""
    rows = {}
    for quantity in quantities:
        at = fit.sel(quantity=quantity)
        row = {"mean": float(at["mean"]), "sd": float(at["sd"]), "mcse_mean": 0.0, "mcse_sd": 0.0}
        row |= {f"q{100 * p:g}": float(at["quantiles"].sel(probability=p)) for p in QUANTILES}
        rows[quantity] = row
    return rows


def _draw_rows(posterior: xr.Dataset, *, markov_chain: bool) -> dict[str, dict[str, float]]:
    scalars = flatten(posterior)
    # Of independent draws it is known that none is wasted; to estimate that takes longest.
    efficiency = None if markov_chain else 1.0
    rows = {quantity: _moments(draws, efficiency) for quantity, draws in scalars.items()}
    # Of a constant there is nothing to diagnose.
    varying = {quantity: draws for quantity, draws in scalars.items() if np.ptp(draws) > 0}
    if markov_chain and varying:
        for column, values in _chain_diagnostics(varying).items():
            for quantity in varying:
                rows[quantity][column] = float(values[quantity])
    for row in rows.values():
        if row["tail_k"] > HEAVY_TAIL:
            row |= dict.fromkeys(("mean", "sd", "mcse_mean", "mcse_sd"), np.nan)
    return rows


def _tail_index(draws: np.ndarray, efficiency: float | None) -> float:
    """Index of the heavier tail; NaN where the draws take too few values to have tails."""
    if len(np.unique(draws)) < _FEWEST_VALUES:
        return np.nan
    return float(array_stats.pareto_khat(draws, chain_axis=0, draw_axis=1, r_eff=efficiency))


def _chain_diagnostics(scalars: Mapping[str, np.ndarray]) -> dict[str, xr.Dataset]:
    posterior = arviz_base.dict_to_dataset(dict(scalars))
    return {
        "mcse_mean": mcse(posterior, method="mean"),
        "mcse_sd": mcse(posterior, method="sd"),
        "ess_bulk": ess(posterior, method="bulk"),
        "r_hat": rhat(posterior),
    }


def _moments(draws: np.ndarray, efficiency: float | None) -> dict[str, float]:
    """Moments of draws (C, S), with the standard errors that independent draws have."""
    mean, sd, size = draws.mean(), draws.std(ddof=1), draws.size
    kurtosis = np.mean((draws - mean) ** 4) / sd**4 if sd > 0 else 1.0
    row = {
        "mean": mean,
        "sd": sd,
        "mcse_mean": sd / np.sqrt(size),
        "mcse_sd": sd * np.sqrt(max(kurtosis - 1, 0.0) / (4 * size)),
        "tail_k": _tail_index(draws, efficiency),
    }
    row |= {
        f"q{100 * p:g}": q for p, q in zip(QUANTILES, np.quantile(draws, QUANTILES), strict=True)
    }
    return {name: float(value) for name, value in row.items()}
