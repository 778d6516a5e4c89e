"""Which method, over a whole suite: its accuracy, cost and failures."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..approximations.arguments import checked_arguments
from ..approximations.errors import ArgumentError, NoSharedVariableError, UntrustedReferenceWarning
from ..approximations.trust_words import distrust_of
from ..models import CATALOGUE, Truth
from .suite.table import Suite
from .verdict.discrepancy import discrepancies
from .verdict.judging import Tolerances, criteria_of

_KEYS = ["model", "method", "repeat"]
_COLUMNS = ["judge", "mean_shift", "log_sd_ratio", "error", "within"]


@checked_arguments
def errors_of(
    suite: Suite, reference: str | None = None, tolerance: Tolerances | None = None
) -> pd.DataFrame:
    """Measure every quantity of a suite's posteriors against the truth, or against a method.

    Parameters
    ----------
    suite : Suite
    reference : str, optional
        A method of the suite. Where the catalogue has no exact mean and sd of a quantity, the
        reference's tree of the same model and repeat is taken as exact: mean and sd (quartiles
        where there is no mean) and the mass of the central 50 % and 95 % intervals. Quantities with
        neither are left out.
    tolerance : Tolerances, optional

    Returns
    -------
    DataFrame
        Indexed by model, method, repeat and quantity: ``judge`` ("truth", or the reference's name),
        ``mean_shift`` in exact sds, ``log_sd_ratio``, ``error`` (the largest discrepancy, in
        tolerances; infinite where a quantity has no finite value or a method gives no mean where
        one exists) and ``within`` (whether ``error`` is at most 1). Monte Carlo errors of the
        draws, and of the reference's, are included.

    Raises
    ------
    ArgumentError
        When the reference is no method of the suite, or nothing can be judged.

    Warns
    -----
    UntrustedReferenceWarning
        When a tree of the reference fails its own diagnostics; that tree is not used.
    """
    methods = {record["cell"]["method"] for record in suite.records.values()}
    if reference is not None and reference not in methods:
        raise ArgumentError(
            f"The reference must be a method of the suite, {', '.join(sorted(methods))}, but "
            f"{reference!r} was given."
        )
    distrusted: dict[str, str] = {}
    rows = list(_rows(suite, reference, tolerance or Tolerances(), distrusted))
    reasons = "; ".join(f"on {model}, {why}" for model, why in distrusted.items())
    if not rows:
        raise ArgumentError(
            "There is nothing to judge: no model of the suite has a known truth, or no cell has "
            "ended well. Name a method to be taken as exact, with reference=."
            + (f" Trees of {reference} cannot be trusted: {reasons}." if reasons else "")
        )
    if reasons:
        warnings.warn(
            f"Some trees of {reference} cannot be trusted, and are not used: {reasons}.",
            UntrustedReferenceWarning,
            stacklevel=3,
        )
    table = pd.DataFrame(rows).set_index([*_KEYS, "quantity"])
    return table.assign(within=table["error"] <= 1)[_COLUMNS]


@checked_arguments
def scoreboard(
    suite: Suite, reference: str | None = None, tolerance: Tolerances | None = None
) -> pd.DataFrame:
    """Tabulate the accuracy and cost of each method of a suite.

    Parameters
    ----------
    suite : Suite
    reference : str, optional
    tolerance : Tolerances, optional
        See `errors_of`.

    Returns
    -------
    DataFrame
        Indexed by method: ``within`` (share of the judged quantities within tolerance), ``judged``
        (number of quantities judged), ``error`` (median over models of the largest error of a
        quantity, in tolerances), ``seconds`` and ``evaluations`` (medians over models), ``cells``
        and ``failures`` (numbers), ``models`` (number on which it gave a posterior). A method that
        fails on hard models is judged on the easy ones: read ``within`` beside ``failures``.

    Raises
    ------
    ArgumentError
        See `errors_of`.
    """
    return board_of(suite.cells(), errors_of(suite, reference, tolerance))


def board_of(cells: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """Tabulate methods from a suite's cells and `errors_of`; see `scoreboard`."""
    failed = cells["failure"] != ""
    points = points_of(cells, errors)
    by_method = points.groupby("method", sort=False)
    judged = errors.groupby("method")["within"]
    every = cells.groupby("method", sort=False)
    board = pd.DataFrame(
        {
            "within": judged.mean(),
            "judged": judged.size(),
            "error": by_method["error"].median(),
            "seconds": by_method["seconds"].median(),
            "evaluations": by_method["evaluations"].median(),
            "cells": every.size(),
            "failures": failed.groupby("method").sum(),
            "models": by_method.size(),
        },
        index=pd.Index(every.size().index, name="method"),
    )
    return board.fillna({"judged": 0, "models": 0}).astype({"judged": int, "models": int})


def points_of(cells: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """Give a row to every model and method: medians over repeats of its costs and largest error.

    Parameters
    ----------
    cells : DataFrame
        As `Suite.cells` makes it.
    errors : DataFrame
        As `errors_of` makes it.

    Returns
    -------
    DataFrame
        Indexed by method and model: ``seconds``, ``evaluations``, ``error`` (NaN where no quantity
        was judged).
    """
    costs = cells.loc[cells["failure"] == "", ["seconds", "evaluations"]]
    worst = errors.groupby(_KEYS)["error"].max()
    each = costs.join(worst).groupby(["method", "model"], sort=False)
    return each.median()


def frontier_of(costs: Sequence[float], errors: Sequence[float]) -> list[int]:
    """Pareto frontier: points that no other beats in both, by increasing cost.

    Parameters
    ----------
    costs, errors : sequence of float
        Finite.
    """
    order = sorted(range(len(costs)), key=lambda k: (costs[k], errors[k]))
    best, chosen = np.inf, []
    for k in order:
        if errors[k] < best:
            best = errors[k]
            chosen.append(k)
    return chosen


def _rows(
    suite: Suite, reference: str | None, limits: Tolerances, distrusted: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """Measure each cell, and note for which models the reference is untrusted, and why."""
    exact = {
        (record["cell"]["model"], record["cell"]["repeat"]): name
        for name, record in suite.records.items()
        if record["cell"]["method"] == reference and not record["failure"]
    }
    trees: dict[str, Any] = {}
    for name, record in suite.records.items():
        cell = record["cell"]
        key = {column: cell[column] for column in _KEYS}
        known = _against_truth(record["rows"], _truth_of(cell), limits)
        for quantity, row in known.items():
            yield key | {"quantity": quantity, "judge": "truth"} | row
        judge = exact.get((cell["model"], cell["repeat"]))
        if record["failure"] or judge in (None, name):
            continue
        if judge not in trees:
            trees = {judge: suite.store.tree(judge)}
            why = distrust_of(trees[judge])
            if why is not None:
                distrusted[cell["model"]] = why
                trees[judge] = None
        if trees[judge] is None:
            continue
        try:
            measured = discrepancies(suite.store.tree(name), trees[judge])
        except NoSharedVariableError:
            continue
        for quantity, row in measured.iterrows():
            if quantity not in known:
                found = {
                    "mean_shift": row["mean_shift"],
                    "log_sd_ratio": row["log_sd_ratio"],
                    "error": _error(row, limits),
                }
                yield key | {"quantity": quantity, "judge": reference} | found


def _truth_of(cell: Mapping[str, Any]) -> Truth | None:
    """The catalogue's truth for a model called without arguments."""
    entry = CATALOGUE.get(cell["model"])
    return None if entry is None or cell["arguments"] else entry.truth


def _against_truth(
    rows: Mapping[str, Mapping[str, float]], truth: Truth | None, limits: Tolerances
) -> dict[str, dict[str, float]]:
    found = {}
    for quantity, row in rows.items():
        if truth is None or quantity not in truth.mean or quantity not in truth.sd:
            continue
        mean, sd = truth.mean[quantity], truth.sd[quantity]
        shift, ratio = (row["mean"] - mean) / sd, float(np.log(row["sd"] / sd))
        error = max(abs(shift) / limits.mean, abs(ratio) / np.log1p(limits.sd))
        # An approximation without moments, of a quantity that has them, has infinite error.
        error = np.inf if np.isnan(shift) or np.isnan(ratio) else error
        found[quantity] = {"mean_shift": shift, "log_sd_ratio": ratio, "error": error}
    return found


def _error(row: pd.Series, limits: Tolerances) -> float:
    """Largest discrepancy of a row of `discrepancies`, in tolerances."""
    if not row["finite"]:
        return np.inf
    return float(np.max([criterion.excess for criterion in criteria_of(row, limits)]))
