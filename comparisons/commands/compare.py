"""One comparison from its target to a folder of results: the main job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ...approximations.density import LogDensity
from ...models import CATALOGUE, bioassay
from ..compare import compare
from ..comparison import Comparison
from ..exercise import (
    CHAIN,
    EXACT,
    JUDGES,
    NORMAL,
    QUANTITIES,
    UNITS,
    bioassay_exercise,
    effects,
)
from ..report.model import Models
from ..report.origin import lines_of_job
from ..storage import check_place, file_name, replace_folder, write_contents
from ..summary import most_different
from ..target import load_model
from ..verdict import Verdict
from ..verdict.judges import verdicts
from .printing import MOST_ROWS, console, table_of
from .words import bioassay_sentences, sentences


@dataclass(frozen=True)
class Outcome:
    """What a job found.

    Attributes
    ----------
    comparison : Comparison
    verdicts : dict of str to Verdict
        Keyed by the label of the judged tree.
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
    picture_format: str = "png",
    report: bool = False,
) -> Outcome:
    """Compare, judge, print, and write.

    Parameters
    ----------
    target : str
        As `tripos.comparisons.target.load_model` takes it. ``"bioassay"`` without ``methods`` is
        the exercise under two priors.
    output : Path
        Results go to a subfolder named after the target.
    methods : sequence of str, optional
        All, if None.
    random_seed : int, optional
    options : mapping of str to mapping, optional
        Arguments of each method.
    pictures : bool, default True
    picture_format : {"png", "svg", "pdf"}, default "png"
    report : bool, default False
        Whether to write ``report.html`` too; see `Comparison.to_html`.

    Raises
    ------
    TriposError
        When the target, a method, or the folder is invalid. Whether the folder can be written is
        checked before the work begins.
    """
    folder = output / file_name(target)
    check_place(folder)
    if target == "bioassay" and methods is None:
        fitted = _exercise(random_seed, options or {})
    else:
        fitted = _compared(target, methods, random_seed, options or {})
    comparison, found = fitted.comparison, fitted.verdicts
    whole = fitted.is_exercise and {EXACT, NORMAL, CHAIN} <= comparison.trees.keys()
    tables = {"summary": comparison.summary(), "costs": comparison.costs()}
    if whole:
        tables["effects"] = effects(comparison)
    exercise = bioassay_sentences(comparison.trees, EXACT, NORMAL) if whole else []
    judgements = [f"Verdict on {label}:\n{verdict}" for label, verdict in found.items()]
    said = [*(exercise or sentences(comparison)), *judgements]
    if found:
        tables["verdicts"] = pd.concat({x: v.table for x, v in found.items()}, names=["label"])
    _print(target, tables, said)
    drawing = _Drawing(
        QUANTITIES if target == "bioassay" else _asked(target, comparison),
        UNITS if target == "bioassay" else {},
        picture_format,
    )

    def write(place: Path) -> None:
        for name, table in tables.items():
            table.to_csv(place / f"{name}.csv")
        (place / "words.txt").write_text("\n".join(said) + "\n", encoding="utf-8")
        comparison.save(place / "trees")
        if pictures:
            _write_pictures(place, comparison, drawing)
        if report:
            _write_report(place, target, fitted, drawing, exercise)
        write_contents(place)

    replace_folder(folder, write)
    console().print(f"Tables, pictures and trees are in {folder}/")
    return Outcome(comparison, found)


@dataclass(frozen=True)
class _Fitted:
    """A comparison and its origin; the exercise has two models."""

    comparison: Comparison
    verdicts: dict[str, Verdict]
    model: Models
    judges: Mapping[str, str] | None
    code: str
    is_exercise: bool


@dataclass(frozen=True)
class _Drawing:
    quantities: tuple[str, ...]
    units: Mapping[str, str]
    picture_format: str


def _exercise(random_seed: int | None, options: Mapping[str, Mapping[str, Any]]) -> _Fitted:
    comparison = bioassay_exercise(random_seed=random_seed, options=options)
    there = comparison.trees.keys()
    return _Fitted(
        comparison,
        verdicts(comparison.trees, judges=JUDGES),
        {"flat prior": bioassay("flat"), "weak prior": bioassay("weak")},
        {label: judge for label, judge in JUDGES.items() if {label, judge} <= there},
        lines_of_job("bioassay", None, random_seed, options),
        is_exercise=True,
    )


def _compared(
    target: str,
    methods: Sequence[str] | None,
    random_seed: int | None,
    options: Mapping[str, Mapping[str, Any]],
) -> _Fitted:
    model = load_model(target)
    chosen = tuple(methods or ("grid", "laplace", "nuts"))
    applicable = {name: call for name, call in options.items() if name in chosen}
    comparison = compare(model, chosen, random_seed=random_seed, options=applicable)
    return _Fitted(
        comparison,
        verdicts(comparison.trees, LogDensity(model), random_seed=random_seed),
        model,
        None,
        lines_of_job(target, chosen, random_seed, applicable),
        is_exercise=False,
    )


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
    summary = summary.rename(columns={"mcse_mean": "s.e.", "r_hat": "R-hat", "ess_bulk": "ESS"})
    shown = most_different(summary, MOST_ROWS)
    out.print(table_of(shown, f"Posterior of {target}"))
    if len(shown) < len(summary):
        counts = shown.index.unique("quantity").size, summary.index.unique("quantity").size
        out.print(
            f"These are the {counts[0]} quantities that differ most, of {counts[1]} in summary.csv."
        )
    if "effects" in tables:
        out.print(
            table_of(tables["effects"], "Error of each method, apart from the prior's effect")
        )
    for sentence in said:
        out.print(sentence)


def _write_pictures(place: Path, comparison: Comparison, drawing: _Drawing) -> None:
    if drawing.quantities:
        for name, figure in comparison.pictures(drawing.quantities, units=drawing.units).items():
            figure.savefig(place / f"{name}.{drawing.picture_format}", dpi=150)


def _write_report(
    place: Path, target: str, fitted: _Fitted, drawing: _Drawing, findings: Sequence[str]
) -> None:
    fitted.comparison.to_html(
        place / "report.html",
        title=f"Posterior of {target}",
        model=fitted.model,
        verdicts=fitted.verdicts,
        judges=fitted.judges,
        findings=findings,
        quantities=drawing.quantities or None,
        units=drawing.units,
        code=fitted.code,
    )
