"""What was tried on the ladder, rung by rung, and what each rung has found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from ..verdict.judging import JUDGEMENTS


@dataclass(frozen=True)
class Rung:
    """One method that was tried, or why it was not.

    Attributes
    ----------
    method : str
    accepted : bool
    why : str
        A sentence.
    seconds : float
    evaluations : int
        What the method and its verdict took. What rungs share counts where it was made.
    """

    method: str
    accepted: bool
    why: str
    seconds: float = 0.0
    evaluations: int = 0

    def __str__(self) -> str:
        """A line about it."""
        verb = "accepted" if self.accepted else "not accepted"
        spent = f"{self.evaluations:,} evaluations, {self.seconds:.1f} s"
        return f"{self.method}: {verb} ({spent}). {self.why}"


@dataclass(frozen=True)
class Attempt:
    """What a rung has found.

    Attributes
    ----------
    table : DataFrame
        The judgements of the quantities asked about, as in a `Verdict`; empty where there are none.
    make : callable or None
        Makes the tree, which costs nothing unless it is wanted. None where there is none to make.
    why_not : str
        Why there are no judgements, or why it is not accepted whatever these say.
    evaluations : int
        Those of other packages, which no density counts.
    is_interrupted : bool
    """

    table: pd.DataFrame
    make: Callable[[], xr.DataTree] | None = None
    why_not: str = ""
    evaluations: int = 0
    is_interrupted: bool = False

    @property
    def accepted(self) -> bool:
        """Whether every quantity agrees."""
        return not self.why_not and self.agreeing == len(self.table) > 0

    @property
    def agreeing(self) -> int:
        """Number of quantities that agree."""
        return int((self.table["judgement"] == "agrees").sum()) if len(self.table) else 0

    @property
    def why(self) -> str:
        """A sentence: how many quantities have each judgement, and the worst of them."""
        if self.why_not:
            return self.why_not
        if self.accepted:
            verb = "agree" if self.agreeing > 1 else "agrees"
            return f"{self.agreeing} {verb}, by the {self.table['question'].iloc[0]}."
        found = self.table["judgement"].value_counts()
        counts = ", ".join(f"{found[name]} {name}" for name in JUDGEMENTS if name in found)
        against = self.table[self.table["judgement"] != "agrees"]
        return f"{counts}: {against['sentence'].iloc[0]}"


def no_attempt(why: str) -> Attempt:
    """Record that a rung has nothing to judge, and why."""
    return Attempt(pd.DataFrame(), why_not=why)


def said_of_none(best: Attempt, method: str) -> str:
    """Say what is the matter with which quantities, where no rung was accepted."""
    if best.why_not:
        return f"The tree of {method} is returned with accepted = 0. {best.why_not}"
    doubtful = [str(q) for q, row in best.table.iterrows() if row["judgement"] != "agrees"]
    names = f"{', '.join(doubtful[:6])}{', ...' if len(doubtful) > 6 else ''}"
    return (
        f"No method was accepted: the best tree, of {method}, is returned with accepted = 0, and "
        f"cannot be trusted for {len(doubtful)} of {len(best.table)} quantities ({names}). "
        f"{best.why}"
    )


def ladder_group(
    rungs: Sequence[Rung], attempts: Sequence[Attempt], quantities: Sequence[str]
) -> xr.Dataset:
    """Make the group ``ladder`` of a tree.

    Returns
    -------
    Dataset
        By ``rung``: the fields of `Rung`. By ``rung`` and ``quantity``: ``judgement`` and
        ``sentence``, empty where a rung judged nothing.
    """
    names = [field.name for field in fields(Rung)]
    group: dict[str, Any] = {
        name: ("rung", [getattr(rung, name) for rung in rungs]) for name in names
    }
    both = ("rung", "quantity")
    for name in ("judgement", "sentence"):
        rows = [
            [attempt.table[name].get(q, "") if len(attempt.table) else "" for q in quantities]
            for attempt in attempts
        ]
        group[name] = both, np.array(rows, dtype=str).reshape(len(rungs), len(quantities))
    return xr.Dataset(group, coords={"quantity": list(quantities)})
