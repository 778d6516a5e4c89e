"""What the ranks of true values say about a method, in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from .bands import Visible, p_value, visible

NOTHING, UNDEFINED, MISSHAPEN = "nothing seen", "not a number", "misshapen"

# Standard errors beyond which a shift or a width is named as what is wrong.
_NAMED_FROM = 2.6
_WIDE_FROM = 0.9


def judged(pits: pd.DataFrame, level: float) -> pd.DataFrame:
    """Judge every quantity by the PIT values (N, Q) of its true values.

    Parameters
    ----------
    pits : DataFrame
        One column per quantity.
    level : float
        Probability that a correct method fails in any quantity. Each is tested at ``level / Q``
        (Bonferroni), which holds under any dependence between them.

    Returns
    -------
    DataFrame
        See `tripos.comparisons.calibration.Calibration.table`.
    """
    share = level / pits.shape[1]
    rows = [
        {"quantity": name, **_row(str(name), column.values, share)} for name, column in pits.items()
    ]
    return pd.DataFrame(rows).set_index("quantity")


def _row(name: str, pits: np.ndarray, level: float) -> dict[str, object]:
    if np.isnan(pits).any():
        undefined = int(np.isnan(pits).sum())
        numbers = dict.fromkeys(
            ("p_value", "shift", "spread", "above_median", "coverage_50", "coverage_95"), np.nan
        )
        said = f"{name}: not a number in {undefined} of {len(pits)} fits, so it cannot be ranked."
        return {"judgement": UNDEFINED, **numbers, "sentence": said}
    numbers = _numbers(pits)
    passes = numbers["p_value"] > level
    judgement = NOTHING if passes else _fault(numbers, len(pits))
    if passes:
        said = f"{name}: nothing seen at {len(pits):,} simulations ({unseen(len(pits), level)})."
    else:
        said = f"{name}: {judgement}. {_evidence(numbers)}"
    return {"judgement": judgement, **numbers, "sentence": said}


def _numbers(pits: np.ndarray) -> dict[str, float]:
    scores = norm.ppf(pits)
    from_middle = np.abs(pits - 0.5)
    return {
        "p_value": p_value(pits),
        "shift": float(np.mean(scores)),
        "spread": float(np.std(scores)),
        "above_median": float(np.mean(pits > 0.5)),
        "coverage_50": float(np.mean(from_middle < 0.25)),
        "coverage_95": float(np.mean(from_middle < 0.475)),
    }


def _fault(numbers: dict[str, float], size: int) -> str:
    """Name what is wrong with the draws, the worst first."""
    shift, spread = numbers["shift"], numbers["spread"]
    sizes = {
        "biased low" if shift > 0 else "biased high": abs(shift) / spread * np.sqrt(size),
        "too narrow" if spread > 1 else "too wide": abs(np.log(spread)) * np.sqrt(2 * size),
    }
    if numbers["coverage_95"] < _WIDE_FROM:
        # True values beyond all draws have nearly equal scores, as if the draws were too wide.
        sizes.pop("too wide", None)
    named = [word for word, z in sizes.items() if z > _NAMED_FROM]
    return ", ".join(sorted(named, key=lambda word: -sizes[word])) or MISSHAPEN


def _evidence(numbers: dict[str, float]) -> str:
    above = 100 * numbers["above_median"]
    half, most = 100 * numbers["coverage_50"], 100 * numbers["coverage_95"]
    p = numbers["p_value"]
    return (
        f"The true value is above the draws' median in {above:.0f} % of the simulations, and the "
        f"central 50 % and 95 % intervals hold it in {half:.0f} % and {most:.0f} % "
        f"(p {'< 1e-6' if p < 1e-6 else f'= {p:.2g}'})."
    )


def unseen(size: int, level: float) -> str:
    """Say which errors would have been too small to detect."""
    least: Visible = visible(size, level)
    return (
        f"a bias below {least.shift:.2f} sd, or an sd too small by less than "
        f"{100 * (1 - least.too_small):.0f} % or too large by less than "
        f"{100 * (least.too_large - 1):.0f} %, would often not have been seen"
    )
