"""The cheapest posterior that can be trusted, from its target to a folder: ``tripos fit``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from ...approximations.errors import UntrustedWarning
from ..comparison import Comparison
from ..ladder import fit
from ..storage import check_place, file_name, replace_folder, write_contents
from ..summary import summary_of
from ..target import load_model
from ..verdict.judging import Tolerances
from .printing import MOST_ROWS, console, table_of

_MOST_DRAWN, _MOST_NAMED = 12, 6
_ERRORS = {"mcse_mean": "s.e. of mean", "mcse_sd": "s.e. of sd", "r_hat": "R-hat"}
_ERRORS |= {"ess_bulk": "ESS"}


def run_fit_job(
    target: str,
    output: Path,
    *,
    ask: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    draws: int = 4000,
    random_seed: int | None = None,
    nuts: Mapping[str, Any] | None = None,
    tolerance: Tolerances | None = None,
    pictures: bool = True,
) -> xr.DataTree:
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
    nuts : mapping, optional
        Options of the rung of NUTS.
    tolerance : Tolerances, optional
    pictures : bool, default True

    Returns
    -------
    DataTree
        As `fit` returns it, with attribute ``accepted``.

    Raises
    ------
    TriposError
        When the target, a name that is asked for, a rung or the folder is invalid, all of which is
        checked before a method runs; when there is no tree at all.
    """
    folder = output / file_name(f"{target}-fit")
    check_place(folder)
    model = load_model(target)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UntrustedWarning)  # as it is printed below
        tree = fit(
            model,
            tolerance=tolerance,
            var_names=ask,
            methods=methods or None,
            draws=draws,
            random_seed=random_seed,
            nuts=nuts,
        )
    method = str(tree.attrs["method"])
    asked = [str(quantity) for quantity in tree["ladder"].to_dataset()["quantity"].values]
    summary = summary_of({method: tree}, asked).droplevel("label")
    ladder = _rungs(tree)
    said = [*_rungs_said(ladder), _conclusion(tree, ask)]
    _print(target, method, ladder, summary, said[-1])

    def write(place: Path) -> None:
        summary.to_csv(place / "summary.csv")
        ladder.to_csv(place / "ladder.csv")
        (place / "words.txt").write_text("\n".join(said) + "\n", encoding="utf-8")
        tree.to_netcdf(place / "tree.nc", engine="h5netcdf")
        if pictures:
            drawn = Comparison({method: tree}).pictures(asked[:_MOST_DRAWN])
            for name, figure in drawn.items():
                figure.savefig(place / f"{name}.png", dpi=150)
        write_contents(place)

    replace_folder(folder, write)
    console().print(f"Tables, words and the tree are in {folder}/")
    return tree


def _rungs(tree: xr.DataTree) -> pd.DataFrame:
    """What was tried, a row a rung."""
    ladder = tree["ladder"].to_dataset()
    frame = ladder[[name for name in ladder if ladder[name].dims == ("rung",)]].to_pandas()
    return frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name="rung"))


def _rungs_said(ladder: pd.DataFrame) -> list[str]:
    return [
        f"{rung.method} ({rung.seconds:.1f} s): {'' if rung.accepted else 'not '}accepted. "
        f"{rung.why}"
        for rung in ladder.itertuples()
    ]


def _conclusion(tree: xr.DataTree, ask: Sequence[str] | None) -> str:
    """Say what the answer can be trusted for, or what is the matter with it."""
    method, ladder = tree.attrs["method"], tree["ladder"].to_dataset()
    if tree.attrs["accepted"]:
        return f"{method} can be trusted for {', '.join(ask or ['all quantities'])}."
    best = ladder.isel(rung=np.flatnonzero(ladder["method"].values == method)[-1])
    doubtful = best["quantity"].values[best["judgement"].values != "agrees"]
    more = len(doubtful) - _MOST_NAMED
    names = ", ".join(doubtful[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return (
        f"No method was accepted. The best answer, that of {method}, cannot be trusted for "
        f"{names or 'what was asked'}: {best['why'].item()}"
    )


def _print(
    target: str, method: str, ladder: pd.DataFrame, summary: pd.DataFrame, said: str
) -> None:
    out = console()
    rungs = ladder[["method", "accepted", "seconds", "why"]]
    rungs = rungs.assign(accepted=["yes" if accepted else "no" for accepted in rungs["accepted"]])
    out.print(table_of(rungs, f"Ladder of {target}"))
    shown = summary.drop(columns="tail_k").dropna(axis="columns", how="all").rename(columns=_ERRORS)
    out.print(table_of(shown.head(MOST_ROWS), f"Posterior of {target} by {method}"))
    if len(shown) > MOST_ROWS:
        out.print(f"These are the first {MOST_ROWS} quantities, of {len(shown)} in summary.csv.")
    out.print(said)
