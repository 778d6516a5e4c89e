"""One comparison from its target to a folder of results: the main job."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ..approximations.density import LogDensity
from ..models import CATALOGUE
from .comparing import compare
from .comparison import Comparison
from .exercise import (
    CHAIN,
    EXACT,
    JUDGES,
    NORMAL,
    QUANTITIES,
    UNITS,
    bioassay_exercise,
    effects,
)
from .judges import verdicts
from .printing import MOST_ROWS, console, table_of
from .storage import check_place, file_name, replace_folder
from .summary import most_different
from .target import load_model
from .verdict import Verdict
from .words import bioassay_sentences, sentences

_MARK = "contents.json"


@dataclass(frozen=True)
class Outcome:
    """What a job found.

    Attributes
    ----------
    comparison : Comparison
    verdicts : dict of str to Verdict
        By label of the tree that was judged.
    """

    comparison: Comparison
    verdicts: dict[str, Verdict]

    @property
    def all_agree(self) -> bool:
        """Whether no method failed, something was judged, and every quantity agrees."""
        judged = [found.agrees for found in self.verdicts.values()]
        return not self.comparison.failures and bool(judged) and all(judged)


def run_job(
    target: str,
    output: Path,
    *,
    methods: Sequence[str] | None = None,
    random_seed: int | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    pictures: bool = True,
) -> Outcome:
    """Compare, judge, print, and write.

    Parameters
    ----------
    target : str
        As `tripos.comparisons.target.load_model` takes it. ``"bioassay"`` without ``methods`` is
        the exercise: two priors, kept apart.
    output : Path
        The results go to a folder of the target's name in it.
    methods : sequence of str, optional
        All, if None.
    random_seed : int, optional
    options : mapping of str to mapping, optional
        Arguments of each method.
    pictures : bool, default True

    Raises
    ------
    TriposError
        When the target, a method, or the folder does not work out. A folder that cannot be
        written is found out before the work begins.
    """
    folder = output / file_name(target)
    check_place(folder, mark=_MARK)
    exercise = target == "bioassay" and methods is None
    if exercise:
        comparison = bioassay_exercise(random_seed=random_seed, options=options)
        found = verdicts(comparison.trees, judges=JUDGES)
    else:
        model = load_model(target)
        chosen = tuple(methods or ("grid", "laplace", "nuts"))
        applicable = {name: call for name, call in (options or {}).items() if name in chosen}
        comparison = compare(model, chosen, random_seed=random_seed, options=applicable)
        found = verdicts(comparison.trees, LogDensity(model), random_seed=random_seed)
    whole = exercise and {EXACT, NORMAL, CHAIN} <= comparison.trees.keys()
    tables = {"summary": comparison.summary(), "costs": comparison.costs()}
    if whole:
        tables["effects"] = effects(comparison)
    said = sentences(comparison.only([EXACT, NORMAL])) if whole else sentences(comparison)
    said = bioassay_sentences(comparison.trees, EXACT, NORMAL) if whole else said
    quantities = QUANTITIES if target == "bioassay" else _asked(target, comparison)
    said = [*said, *_told(found)]
    if found:
        tables["verdicts"] = pd.concat({x: v.table for x, v in found.items()}, names=["label"])
    _print(target, tables, said)
    replace_folder(
        folder,
        lambda place: _write(place, comparison, tables, said, quantities if pictures else ()),
        mark=_MARK,
    )
    console().print(f"Tables, pictures and trees are in {folder}/")
    return Outcome(comparison, found)


def _told(found: Mapping[str, Verdict]) -> list[str]:
    return [f"Verdict on {label}:\n{verdict}" for label, verdict in found.items()]


def _asked(target: str, comparison: Comparison) -> tuple[str, ...]:
    """Quantities to draw: the catalogue's questions, or the first that the trees share."""
    quantities = comparison.summary().index.unique("quantity")
    if target in CATALOGUE:
        asked = CATALOGUE[target].quantities
        quantities = [q for q in quantities if q.split("[")[0] in asked]
    return tuple(quantities[:12])


def _print(target: str, tables: Mapping[str, pd.DataFrame], said: Sequence[str]) -> None:
    out = console()
    summary = (
        tables["summary"].drop(columns=["mcse_sd", "tail_k"]).dropna(axis="columns", how="all")
    )
    summary = summary.rename(columns={"mcse_mean": "MC s.e.", "r_hat": "R-hat", "ess_bulk": "ESS"})
    shown = most_different(summary, MOST_ROWS)
    out.print(table_of(shown, f"Posterior of {target}"))
    if len(shown) < len(summary):
        told = shown.index.unique("quantity").size, summary.index.unique("quantity").size
        out.print(
            f"These are the {told[0]} quantities that differ most, of {told[1]} in summary.csv."
        )
    if "effects" in tables:
        out.print(
            table_of(tables["effects"], "Error of each method, apart from the prior's effect")
        )
    for sentence in said:
        out.print(sentence)


def _write(
    place: Path,
    comparison: Comparison,
    tables: Mapping[str, pd.DataFrame],
    said: Sequence[str],
    quantities: Sequence[str],
) -> None:
    for name, table in tables.items():
        table.to_csv(place / f"{name}.csv")
    (place / "words.txt").write_text("\n".join(said) + "\n", encoding="utf-8")
    comparison.save(place / "trees")
    if quantities:
        for name, figure in comparison.pictures(quantities, units=UNITS).items():
            figure.savefig(place / f"{name}.png", dpi=150)
    names = sorted(path.name for path in place.iterdir())
    (place / _MARK).write_text(json.dumps({"files": [*names, _MARK]}, indent=2), encoding="utf-8")
