"""What a report says in words: its first lines, and the finding that a picture shows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import spearmanr

from ..pictures.draws import draws_with, scalars_of
from ..verdict.result import Verdict

# Share of the judge's 95 % interval by which an end must be off to be reported: more than the Monte
# Carlo error of an end with 400 effective draws.
_OFF = 0.08
_MOST_SENTENCES = 6


@dataclass(frozen=True)
class Judged:
    """The verdict on one tree, as a report words it.

    Attributes
    ----------
    label : str
    judgement : str
        The most serious: "agrees", "differs", "inconclusive" or "failed".
    headline : str
    sentences : tuple of str
        On the quantities that matter most.
    folded : tuple of str
        On further quantities.
    left_out : int
        Quantities about which nothing is said.
    """

    label: str
    judgement: str
    headline: str
    sentences: tuple[str, ...]
    folded: tuple[str, ...]
    left_out: int


def judged(label: str, verdict: Verdict, judge: str | None) -> Judged:
    """Word a verdict.

    Parameters
    ----------
    label : str
    verdict : Verdict
    judge : str or None
        Label of the tree that judged; None for weighted draws.
    """
    counts = {name: count for name, count in verdict.counts.items() if count}
    total = sum(counts.values())
    grave = next((g for g in ("failed", "differs", "inconclusive") if g in counts), "agrees")
    by = _judged_by(verdict, judge)
    if len(counts) == 1:
        every = f"all {total} quantities" if total > 1 else str(verdict.table.index[0])
        headline = f"{_verb(grave)} in {every}{by}."
    else:
        parts = ", ".join(f"{name} in {count}" for name, count in counts.items())
        headline = f"{parts} of {total} quantities{by}."
    headline = headline[0].upper() + headline[1:]
    worst = verdict.worst()
    said = _without_repetition(worst)
    left_out = 0 if len(said) == 1 else len(verdict.table) - len(worst)
    return Judged(label, grave, headline, said[:_MOST_SENTENCES], said[_MOST_SENTENCES:], left_out)


def finding_about_intervals(
    quantiles: pd.DataFrame, judges: Mapping[str, str], quantities: Sequence[str]
) -> list[str]:
    """Say for each tree where it is furthest from its judge, of some quantities."""
    said = []
    for label, judge in judges.items():
        compared = _compared(quantiles, label, judge, quantities)
        if compared is None:
            continue
        one, other = compared
        width = other["q97.5"] - other["q2.5"]
        ends = (one - other)[["q2.5", "q50", "q97.5"]].abs().max(axis=1)
        off = (ends / width).fillna(-np.inf)
        quantity = str(off.idxmax())
        a, b = one.loc[quantity], other.loc[quantity]
        said.append(
            f"The 95 % interval of {quantity} is {_interval(a)} by {label}, {_relation(a, b)} "
            f"{_interval(b)} by {judge}."
        )
    return said


def intervals_in_words(quantiles: pd.DataFrame, quantities: Sequence[str]) -> str:
    """Name the 95 % intervals of the first few quantities, where no tree has a judge."""
    rows = quantiles.loc[quantiles.index.get_level_values("quantity").isin(quantities)]
    intervals = [f"{q} by {label} {_interval(row)}" for (q, label), row in rows.iterrows()]
    return f"95 % intervals: {'; '.join(intervals[:_MOST_SENTENCES])}."


def finding_about_plane(
    trees: Mapping[str, xr.DataTree], quantiles: pd.DataFrame, x: str, y: str
) -> str:
    """Say where each tree's draws centre in a plane, and how they are correlated."""
    draws = draws_with(scalars_of(trees), (x, y))
    said = []
    for label, values in draws.items():
        where = ", ".join(number(quantiles.at[(q, label), "q50"]) for q in (x, y))
        varies = bool(np.all(np.ptp(values, axis=1) > 0))
        rank = spearmanr(values[0], values[1]).statistic if varies else np.nan
        said.append(
            f"{label} has its medians at ({where})"
            + (f" and rank correlation {number(float(rank), 2)}" if varies else "")
        )
    return f"{x} across and {y} up: " + "; ".join(said) + "."


def number(value: float, digits: int = 3) -> str:
    """Write a number in some significant digits, with a minus sign that is read as one."""
    return f"{value:.{digits}g}".replace("-", "−") if np.isfinite(value) else str(value)


def minus_signs(text: str) -> str:
    """Give negative numbers a minus sign, where a hyphen would be skipped by a screen reader."""
    return re.sub(r"(?<![\w.)\]])-(?=\.?\d)", "−", text)


def listed(names: Sequence[str]) -> str:
    """Join names: ``"a, b and c"``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _compared(
    quantiles: pd.DataFrame, label: str, judge: str, quantities: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    rows = quantiles.loc[quantiles.index.get_level_values("quantity").isin(quantities)]
    labels = rows.index.get_level_values("label")
    if not {label, judge} <= set(labels):
        return None
    one, other = (rows.xs(name, level="label") for name in (label, judge))
    both = one.index.intersection(other.index)
    return (one.loc[both], other.loc[both]) if len(both) else None


def _relation(one: pd.Series, other: pd.Series) -> str:
    """Describe an interval relative to another."""
    width = other["q97.5"] - other["q2.5"]
    low, high = ((one[end] - other[end]) / width for end in ("q2.5", "q97.5"))
    if not np.isfinite(low + high):
        return "set beside"
    words = {
        (0, 0): "nearly the same as",
        (-1, -1): "to the left of",
        (1, 1): "to the right of",
        (-1, 1): "wider than",
        (1, -1): "narrower than",
        (-1, 0): "further out on the left than",
        (0, 1): "further out on the right than",
        (1, 0): "less far out on the left than",
        (0, -1): "less far out on the right than",
    }
    return words[_side(low), _side(high)]


def _side(off: float) -> int:
    return 0 if abs(off) <= _OFF else int(np.sign(off))


def _interval(row: pd.Series) -> str:
    return f"{number(row['q2.5'])} to {number(row['q97.5'])}"


def _judged_by(verdict: Verdict, judge: str | None) -> str:
    """Name the judge, where it is known."""
    if np.isfinite(verdict.pareto_khat):
        return f", judged by weighted draws (k-hat {number(verdict.pareto_khat, 2)})"
    return f", judged by {judge}" if judge else ""


def _verb(judgement: str) -> str:
    return {"failed": "could not be judged", "inconclusive": "is inconclusive"}.get(
        judgement, judgement
    )


def _without_repetition(worst: pd.DataFrame) -> tuple[str, ...]:
    """Sentences of a verdict; where all say the same of different quantities, once."""
    said = [minus_signs(str(sentence)) for sentence in worst["sentence"]]
    bare = {s.removeprefix(f"{q}: ") for q, s in zip(worst.index, said, strict=True)}
    chosen = bare if len(bare) == 1 else said
    # A sentence may begin with a quantity, which keeps its letters.
    return tuple(f"T{s[1:]}" if s.startswith("the ") else s for s in chosen)
