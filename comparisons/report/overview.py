"""Which quantities a report shows in full, and the quantiles of those that it folds away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from ...approximations.result import group_of
from ...approximations.scalars.quantities import flatten
from ...approximations.weights.kept import weights_of_points
from ..monte_carlo import samples_of
from ..summary import (
    QUANTILE_COLUMNS,
    QUANTILES,
    checked_names,
    most_different,
    shared_variables,
    summary_of,
)

MOST_SHOWN = 30
"""Largest number of quantities in the open table: those that differ most."""
MOST_DRAWN = 12
"""Quantities in the pictures, where none are named."""

_AT_ONCE = 256


@dataclass(frozen=True)
class Overview:
    """The numbers of a report.

    Attributes
    ----------
    quantiles : DataFrame
        Five quantiles of every quantity, by quantity and label: cheap to compute, and defined where
        a mean is not.
    summary : DataFrame
        As `summary_table` makes it, of the quantities shown in full.
    drawn : tuple of str
        Quantities in the pictures.
    """

    quantiles: pd.DataFrame
    summary: pd.DataFrame
    drawn: tuple[str, ...]

    @property
    def folded(self) -> pd.DataFrame:
        """Rows of ``quantiles`` that are not in ``summary``."""
        return self.quantiles.loc[self.quantiles.index.difference(self.summary.index, sort=False)]


def overview_of(
    trees: Mapping[str, xr.DataTree], quantities: Sequence[str] | None = None
) -> Overview:
    """Take quantiles of all shared quantities, and full summaries of a few.

    A tail index and Monte Carlo errors take some milliseconds a quantity; they are computed only
    for the quantities shown in full.

    Parameters
    ----------
    trees : mapping of str to DataTree
    quantities : sequence of str, optional
        Labels such as ``"beta"`` to draw, and to show in full. Those that differ most, if None.
    """
    quantiles = quantile_table(trees)
    labels = len(trees)
    known = set(quantiles.index.unique("quantity"))
    asked = tuple(q for q in quantities or () if q in known)
    shown = most_different(quantiles, MOST_SHOWN * labels).index.unique("quantity")
    chosen = list(dict.fromkeys([*asked, *shown]))[: max(MOST_SHOWN, len(asked))]
    kept = [q for q in quantiles.index.unique("quantity") if q in set(chosen)]
    return Overview(
        quantiles,
        summary_of(trees, kept),
        tuple(quantities) if quantities else _drawn_by_default(quantiles, labels),
    )


def quantile_table(trees: Mapping[str, xr.DataTree]) -> pd.DataFrame:
    """Quantiles of all quantities that at least two of the trees have, by quantity and label.

    They are `summary_table`'s: those of a grid come from its cells, of resampled draws from the
    weighted points, all others from draws.
    """
    names = checked_names(trees, shared_variables(trees))
    tables = {}
    for label, tree in trees.items():
        posterior = tree["posterior"].to_dataset()
        scalars = flatten(posterior[[name for name in names if name in posterior]])
        tables[label] = _quantiles_of(scalars)
        tables[label].update(_better_quantiles(tree))
    found = pd.concat(tables, names=["label"]).swaplevel()
    order = list(dict.fromkeys(q for table in tables.values() for q in table.index))
    index = [(q, label) for q in order for label in trees if q in tables[label].index]
    return found.loc[pd.MultiIndex.from_tuples(index, names=["quantity", "label"])]


def _drawn_by_default(quantiles: pd.DataFrame, labels: int) -> tuple[str, ...]:
    """Quantities that one tree has together, so that each pair can be drawn."""
    differing = most_different(quantiles, MOST_DRAWN * labels).index.unique("quantity")[:MOST_DRAWN]
    rows = quantiles.loc[quantiles.index.get_level_values("quantity").isin(differing)]
    richest = rows.groupby(level="label", sort=False).size().idxmax()
    return tuple(rows.xs(richest, level="label").index)


def _quantiles_of(scalars: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Quantiles of draws (C, S), many quantities at once."""
    labels = list(scalars)
    parts = [
        np.quantile(
            np.stack([np.ravel(scalars[q]) for q in labels[k : k + _AT_ONCE]], axis=1),
            QUANTILES,
            axis=0,
        ).T
        for k in range(0, len(labels), _AT_ONCE)
    ]
    values = np.concatenate(parts) if parts else np.empty((0, len(QUANTILES)))
    return pd.DataFrame(
        values, index=pd.Index(labels, name="quantity"), columns=list(QUANTILE_COLUMNS)
    )


def _better_quantiles(tree: xr.DataTree) -> pd.DataFrame:
    """Quantiles that are more accurate than the draws': by a rule, or by weighted points."""
    if (known := group_of(tree, "fit").get("quantiles")) is not None:
        known = known.sel(probability=list(QUANTILES))
        return pd.DataFrame(
            known.values, index=known["quantity"].values, columns=list(QUANTILE_COLUMNS)
        )
    if weights_of_points(tree) is None:
        return pd.DataFrame(columns=list(QUANTILE_COLUMNS), dtype=float)
    rows = {label: sample.quantiles(QUANTILES) for label, sample in samples_of(tree).items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(QUANTILE_COLUMNS))
