"""What each tree of a comparison is judged by: the most exact tree, or weighted draws."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from ...approximations.density import LogDensity
from ...approximations.errors import NoSharedVariableError
from ...approximations.method import method_of
from ...approximations.trust import broken_limits
from . import verdict
from .judging import Tolerances
from .result import Verdict


def reference_of(trees: Mapping[str, xr.DataTree]) -> str | None:
    """Label of the most exact tree: a grid, or else a NUTS run; a trusted one if possible."""
    methods = {label: method_of(tree) for label, tree in trees.items()}
    ranks = {x: m.judge_rank for x, m in methods.items() if m and m.judge_rank is not None}
    labels = sorted(ranks, key=ranks.__getitem__)
    trusted = (x for x in labels if len(labels) == 1 or not broken_limits(trees[x]))
    return next(trusted, next(iter(labels), None))


def verdicts(
    trees: Mapping[str, xr.DataTree],
    density: LogDensity | None = None,
    judges: Mapping[str, str] | None = None,
    *,
    tolerance: Tolerances | None = None,
    random_seed: int | np.random.Generator | None = None,
) -> dict[str, Verdict]:
    """Judge the trees of a comparison.

    Parameters
    ----------
    trees : mapping of str to DataTree
    density : LogDensity, optional
        Density of the model: where no tree can judge, weighted draws from it do.
    judges : mapping of str to str, optional
        Label of a tree to label of the one that judges it; the most exact one judges all others,
        if None.
    tolerance : Tolerances, optional
    random_seed : int or Generator, optional

    Returns
    -------
    dict of str to Verdict
        Keyed by label; no entry for the judge, or a tree that shares no quantity with it.
    """
    if judges is None:
        reference = reference_of(trees)
        others = [label for label in trees if label != reference]
        judges = {} if reference is None else dict.fromkeys(others, reference)
        if reference is None and density is not None:
            return {
                label: verdict(tree, density, tolerance=tolerance, random_seed=random_seed)
                for label, tree in trees.items()
            }
    found = {}
    for label, judge in judges.items():
        if label not in trees or judge not in trees:
            continue
        try:
            found[label] = verdict(trees[label], against=trees[judge], tolerance=tolerance)
        except NoSharedVariableError:
            continue
    return found
