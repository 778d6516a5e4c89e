"""Judge an approximation by weighted draws of the posterior."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from ...approximations.errors import NonFiniteDensityError, NoSharedVariableError
from ...approximations.trust import broken_by_weights
from ...approximations.trust_words import said
from ...approximations.weights.kept import weights_of_ratios
from .contrasts import Contrast, contrasts_of_weights
from .discrepancy import measured
from .judging import Tolerances, judge
from .reference import Reference
from .result import Verdict


def judged_by_reference(
    contrasts: Callable[[Reference], dict[str, Contrast]],
    reference: Reference,
    tolerance: Tolerances | None,
    var_names: Sequence[str] | None,
    rng: np.random.Generator,
    remedy: str = "",
    *,
    most: int = 32_000,
    whole: bool = False,
) -> tuple[Verdict, Reference]:
    """Judge an approximation by a weighted sample, which grows while quantities are inconclusive.

    Parameters
    ----------
    contrasts : callable
        The quantities of the approximation and of the sample that is given.
    reference : Reference
    tolerance : Tolerances, optional
    var_names : sequence of str, optional
    rng : Generator
    remedy : str
        Beginning of what is advised about a quantity that differs.
    most : int, default 32000
        Number of pairs to which the sample may grow.
    whole : bool, default False
        Whether only a judgement of "agrees" for all quantities matters, so that a single one that
        differs ends it.

    Returns
    -------
    Verdict
    Reference
        The sample as it has grown.
    """
    while True:
        rows = checked_rows(measured(contrasts(reference), var_names))
        table = judge(rows, tolerance, _distrust(reference), f"{remedy}{_advice(reference)}")
        judgements = set(table["judgement"])
        is_open = "inconclusive" in judgements and not (
            whole and judgements & {"differs", "failed"}
        )
        if reference.size >= most or reference.broken or not is_open:
            return Verdict(table, rows, reference.pairs.pareto_khat, 0, 0.0), reference
        try:
            reference = reference.doubled(rng)
        except NonFiniteDensityError:
            # What the first draws have found holds.
            return Verdict(table, rows, reference.pairs.pareto_khat, 0, 0.0), reference


def judged_by_own_weights(
    tree: xr.DataTree, tolerance: Tolerances | None, var_names: Sequence[str] | None
) -> Verdict:
    """Judge an approximation by its own draws, weighted by the proposal density that it stores.

    Parameters
    ----------
    tree : DataTree
        With ``lp`` and ``log_proposal``, as of `nested_laplace`.
    tolerance : Tolerances, optional
    var_names : sequence of str, optional
    """
    stats = tree["sample_stats"].to_dataset()
    kept = weights_of_ratios((stats["lp"] - stats["log_proposal"]).values.ravel())
    rows = checked_rows(measured(contrasts_of_weights(tree, kept.weights), var_names))
    broken = broken_by_weights(kept.pareto_khat, kept.effective_sample_size)
    table = judge(rows, tolerance, f"{said(broken)}; use NUTS" if broken else None)
    return Verdict(table, rows, kept.pareto_khat, 0, 0.0)


def _distrust(reference: Reference) -> str | None:
    """Say why a weighted sample cannot be trusted, and what to use."""
    why = said(reference.broken)
    if why is None:
        return None
    return f"{why}; {of_modes(reference)}use NUTS"


def _advice(reference: Reference) -> str:
    khat = reference.pairs.pareto_khat
    return f"{of_modes(reference)}use the reweighted draws of importance (k-hat {khat:.1f}) or NUTS"


def of_modes(reference: Reference) -> str:
    """Say where the other modes are; empty where none was found."""
    if not reference.others:
        return ""
    most = reference.others[0]
    others = (
        f"the posterior has another mode, at {most.place}, with {most.relative_mass:.2g} times the "
        "mass of this one by its own normal approximation (see find_modes)"
    )
    symmetry = most.symmetry.removesuffix(".")
    return f"{others}{f' ({symmetry[0].lower()}{symmetry[1:]})' if symmetry else ''}: "


def checked_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Check that there is a quantity to judge.

    Raises
    ------
    NoSharedVariableError
        When there is none.
    """
    if rows.empty:
        raise NoSharedVariableError(
            "There is no quantity to judge: the tree and what it is judged by share no posterior "
            "variable, or var_names leaves none."
        )
    return rows
