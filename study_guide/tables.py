"""Tables of numbers and lists of verdicts as Markdown, rounded for reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from tripos.comparisons import Verdict


def markdown_of(table: pd.DataFrame, digits: int = 2, corner: str = "") -> str:
    """Write a table, with its index as the first column."""
    head = [corner or str(table.index.name or ""), *map(str, table.columns)]
    rows = [[str(label), *(_text(x, digits) for x in row)] for label, *row in table.itertuples()]
    return _joined(head, rows)


def markdown_of_rows(
    head: Sequence[str], rows: Mapping[str, Sequence[object]], digits: int = 2
) -> str:
    """Write rows of text or numbers, by label."""
    return _joined(head, [[label, *(_text(x, digits) for x in row)] for label, row in rows.items()])


def listed(verdict: Verdict) -> str:
    """Write a verdict as a list: each quantity's judgement and the sentence that tells why."""
    rows = zip(verdict.table["judgement"], verdict.table["sentence"], strict=True)
    return "\n".join(f"- *{judgement}*: {sentence}" for judgement, sentence in rows)


def _joined(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = [":--", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def _text(value: object, digits: int) -> str:
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return "–"
    return f"{value:.{digits}f}".replace("-", "−")
