"""The cheapest posterior that can be trusted, from its target to a folder: ``tripos fit``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from ...approximations.density import LogDensity
from ...approximations.errors import NoTrustedMethodError
from ..comparison import Comparison
from ..ladder import LADDER, fit
from ..storage import check_place, file_name, replace_folder, write_contents
from ..summary import summary_of
from ..target import load_model
from ..verdict.judging import Tolerances
from ..verdict.quantities import quantities_asked
from .printing import MOST_ROWS, console, table_of

_MOST_DRAWN = 12
_ERRORS = {"mcse_mean": "s.e. of mean", "mcse_sd": "s.e. of sd", "r_hat": "R-hat"}
_ERRORS |= {"ess_bulk": "ESS"}


@dataclass(frozen=True)
class Outcome:
    """What a job found.

    Attributes
    ----------
    tree : DataTree
        As `fit` returns it.
    trouble : str
        Why it cannot be trusted; empty where it was accepted.
    """

    tree: xr.DataTree
    trouble: str

    @property
    def ladder(self) -> pd.DataFrame:
        """What was tried, a row a rung."""
        record = self.tree["ladder"].to_dataset().to_dataframe().reset_index(drop=True)
        return record.set_axis(pd.RangeIndex(1, len(record) + 1, name="rung"))


def run_fit_job(
    target: str,
    output: Path,
    *,
    ask: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    draws: int = 4000,
    random_seed: int | None = None,
    time_limit: float | None = None,
    tolerance: Tolerances | None = None,
    pictures: bool = True,
) -> Outcome:
    """Climb the ladder, print what it found rung by rung, and write it.

    Parameters
    ----------
    target : str
        As `tripos.comparisons.target.load_model` takes it.
    output : Path
        Results go to a subfolder named after the target.
    ask : sequence of str, optional
        Variables, or labels of their entries, that matter; all, if None.
    methods : sequence of str, optional
        The rungs to climb; all, if None.
    draws : int, default 4000
    random_seed : int, optional
    time_limit : float, optional
        Seconds that NUTS may take.
    tolerance : Tolerances, optional
    pictures : bool, default True

    Raises
    ------
    TriposError
        When the target, a name that is asked for, a rung or the folder is invalid, all of which is
        checked before a method runs; when there is no tree at all.
    """
    folder = output / file_name(f"{target}-fit")
    check_place(folder)
    density = LogDensity(load_model(target))
    asked = quantities_asked(density, ask)
    options: dict[str, Any] = {} if time_limit is None else {"nuts": {"time_limit": time_limit}}
    found = _climbed(
        density,
        tolerance=tolerance,
        var_names=ask,
        methods=tuple(methods or LADDER),
        draws=draws,
        random_seed=random_seed,
        **options,
    )
    method = str(found.tree.attrs["method"])
    summary = summary_of({method: found.tree}, asked).droplevel("label")
    said = [*_rungs_said(found.ladder), found.trouble or _praise(method, ask)]
    _print(target, found, summary, said[-1])

    def write(place: Path) -> None:
        summary.to_csv(place / "summary.csv")
        found.ladder.to_csv(place / "ladder.csv")
        (place / "words.txt").write_text("\n".join(said) + "\n", encoding="utf-8")
        found.tree.to_netcdf(place / "tree.nc", engine="h5netcdf")
        if pictures:
            drawn = Comparison({method: found.tree}).pictures(asked[:_MOST_DRAWN])
            for name, figure in drawn.items():
                figure.savefig(place / f"{name}.png", dpi=150)
        write_contents(place)

    replace_folder(folder, write)
    console().print(f"Tables, words and the tree are in {folder}/")
    return found


def _climbed(density: LogDensity, **options: Any) -> Outcome:
    try:
        return Outcome(fit(density, **options), "")
    except NoTrustedMethodError as failure:
        if failure.tree is None:
            raise
        return Outcome(failure.tree, str(failure))


def _rungs_said(ladder: pd.DataFrame) -> list[str]:
    return [
        f"{rung.method} ({rung.seconds:.1f} s): {'' if rung.accepted else 'not '}accepted. "
        f"{rung.why}"
        for rung in ladder.itertuples()
    ]


def _praise(method: str, ask: Sequence[str] | None) -> str:
    return f"{method} can be trusted for {', '.join(ask or ['all quantities'])}."


def _print(target: str, found: Outcome, summary: pd.DataFrame, said: str) -> None:
    out = console()
    ladder = found.ladder[["method", "accepted", "seconds", "why"]]
    ladder = ladder.assign(accepted=ladder["accepted"].map({True: "yes", False: "no"}))
    out.print(table_of(ladder, f"Ladder of {target}"))
    shown = summary.drop(columns="tail_k").dropna(axis="columns", how="all").rename(columns=_ERRORS)
    method = found.tree.attrs["method"]
    out.print(table_of(shown.head(MOST_ROWS), f"Posterior of {target} by {method}"))
    if len(shown) > MOST_ROWS:
        out.print(f"These are the first {MOST_ROWS} quantities, of {len(shown)} in summary.csv.")
    out.print(said)
