"""What a verdict found, and how it is printed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..notebook import html_of_judgements
from .judging import JUDGEMENTS

# Largest number of lines printed of a verdict.
_MOST_LINES = 30


@dataclass(frozen=True)
class Verdict:
    """Judgement of each quantity of an approximation.

    Attributes
    ----------
    table : DataFrame
        By quantity: ``judgement`` ("agrees", "differs", "inconclusive" or "failed"), the
        ``criterion`` that decided, its ``discrepancy`` and ``error``, and a ``sentence``.
    discrepancies : DataFrame
        All discrepancies measured; empty where none could be.
    pareto_khat : float
        Of the weights used as reference; NaN where that was a tree. Below 0.7 they can be trusted.
    evaluations : int
        Log densities evaluated for it.
    seconds : float
    second_mode : str
        Where another mode of comparable mass is; empty where none was found.
    heavier_mode : (P,) array or None
        The mode that was used, where a search from the model's initial point ends at another one,
        of negligible mass in comparison.
    """

    table: pd.DataFrame
    discrepancies: pd.DataFrame
    pareto_khat: float
    evaluations: int
    seconds: float
    second_mode: str = ""
    heavier_mode: np.ndarray | None = None

    @property
    def k_hat(self) -> float:
        """Old name of ``pareto_khat``, to be removed in 0.3."""
        message = "Verdict.k_hat is Verdict.pareto_khat since 0.2; the old name goes with 0.3."
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return self.pareto_khat

    @property
    def agrees(self) -> bool:
        """Whether there are quantities, and every one agrees."""
        return len(self.table) > 0 and bool((self.table["judgement"] == "agrees").all())

    @property
    def counts(self) -> dict[str, int]:
        """Number of quantities with each judgement."""
        found = self.table["judgement"].value_counts()
        return {name: int(found.get(name, 0)) for name in JUDGEMENTS}

    def worst(self, most: int = _MOST_LINES) -> pd.DataFrame:
        """Rows of ``table`` that matter most: failed, differing, inconclusive, large discrepancies.

        Parameters
        ----------
        most : int, default 30
            How many rows at most; in the table's own order where all of them fit.
        """
        if len(self.table) <= most:
            return self.table
        grave = {"failed": 0, "differs": 1, "inconclusive": 2, "agrees": 3}
        ranks = self.table["judgement"].map(grave)
        sizes = -self.table["discrepancy"].abs().fillna(np.inf)
        order = np.lexsort((sizes, ranks))[:most]
        return self.table.iloc[order]

    def _common_reason(self) -> str:
        """The common sentence, if all quantities have the same one."""
        rows = zip(self.table.index, self.table["judgement"], self.table["sentence"], strict=True)
        said = {(judged, text.removeprefix(f"{name}: ")) for name, judged, text in rows}
        return "  ".join(said.pop()) if len(said) == 1 else ""

    def __str__(self) -> str:
        """One line per quantity, the worst of many: its judgement and sentence."""
        shown = self.worst()
        reason = self._common_reason()
        if reason and len(shown) < len(self.table):
            return f"{reason}\nThis holds for all {len(self.table)} quantities."
        names = [str(quantity) for quantity in shown.index]
        wide = max((len(name) for name in names), default=0)
        rows = zip(names, shown["judgement"], shown["sentence"], strict=True)
        lines = [f"{name:{wide}}  {judged:12}  {said}" for name, judged, said in rows]
        counts = ", ".join(f"{count} {name}" for name, count in self.counts.items() if count)
        more = len(self.table) - len(shown)
        return "\n".join([*lines, f"{counts}{f' ({more} not shown)' if more else ''}."])

    def __repr__(self) -> str:
        """As text."""
        return str(self)

    def _repr_html_(self) -> str:
        """As a table, in a notebook."""
        return html_of_judgements(self.worst(), self.counts)
