"""What the ladder of `fit` tried, in the words that its tree keeps."""

from __future__ import annotations

import xarray as xr

from tripos.comparisons.verdict.exact_answers import is_exact

_KINDS = {
    False: "an approximation, judged by its distance from the posterior",
    True: "exact up to Monte Carlo error, and judged by its own diagnostics and that error",
}


def climbed(tree: xr.DataTree) -> str:
    """List the rungs as Markdown: accepted or not, seconds, and why."""
    ladder = tree["ladder"].to_dataset()
    columns = (ladder[name].values for name in ("method", "accepted", "seconds", "why"))
    return "\n".join(
        f"- **{method}**, {'accepted' if accepted else 'not accepted'} ({seconds:.1f} s): {why}"
        for method, accepted, seconds, why in zip(*columns, strict=True)
    )


def where_it_ended(tree: xr.DataTree) -> str:
    """Say which of the two kinds of answer was accepted."""
    return f"So the answer is that of `{tree.attrs['method']}`: {_KINDS[is_exact(tree)]}."


def numbers_of(tree: xr.DataTree, name: str) -> dict[str, object]:
    """Number the rungs for a script: whether each was accepted; and whether the answer is exact."""
    accepted = tree["ladder"]["accepted"].values.astype(int)
    return {f"{name}_accepted": accepted, f"{name}_exact": int(is_exact(tree))}
