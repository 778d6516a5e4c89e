"""Is the verdict right? Every posterior of the table, many seeds, against the truth.

`make bench-verdict` runs this. A quantity whose true error is outside its tolerance must never be
called "agrees"; of those well inside (half of every tolerance), nine in ten should be. The verdict
should cost less than a tenth of a NUTS run, in one process.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from measuring import timed
from posteriors import POSTERIORS
from posteriors.errors import Discrepancy, true_errors

from tripos.approximations import LogDensity, laplace, nuts
from tripos.approximations.errors import TriposError
from tripos.comparisons import verdict
from tripos.comparisons.verdict.judging import JUDGEMENTS

PLACES = ("well inside", "inside", "outside", "undecided")
# A quantity whose true error is this near its tolerance, in standard errors of the truth, is
# neither inside nor outside as far as anyone knows.
CERTAIN = 3.0


@dataclass
class Row:
    """What the verdicts on one posterior were."""

    size: int
    counts: Counter = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    pareto_khats: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    seconds_nuts: float = np.nan


def place(true: Discrepancy) -> str:
    sure = abs(true.worst - 1) > CERTAIN * true.worst_error
    return true.place if sure or true.place == "well inside" else "undecided"


def judged(name: str, seeds: int, *, with_nuts: bool) -> Row:
    """Judge one Laplace approximation with many seeds. Raises what `laplace` raises."""
    model = POSTERIORS[name].build()
    density = LogDensity(model)
    row = Row(density.size)
    tree = laplace(density, random_seed=0)
    truth = true_errors(name)
    for seed in range(seeds):
        seconds, found = timed(partial(verdict, tree, density, random_seed=seed))
        row.seconds.append(seconds)
        row.pareto_khats.append(found.pareto_khat)
        for quantity, true in truth.items():
            judgement = found.table.at[quantity, "judgement"]
            row.counts[place(true), judgement] += 1
            if judgement == "agrees" and place(true) == "outside":
                row.wrong.append(f"seed {seed}: {found.table.at[quantity, 'sentence']} ({true})")
    if with_nuts:
        row.seconds_nuts, _ = timed(lambda: nuts(model, random_seed=0, progressbar=False))
    return row


def line(name: str, row: Row) -> str:
    cells = ["/".join(str(row.counts[p, j]) for j in JUDGEMENTS) for p in PLACES]
    pareto_khats = np.array(row.pareto_khats)
    k = "" if np.all(np.isnan(pareto_khats)) else f"{np.nanmedian(pareto_khats):5.2f}"
    seconds = np.median(row.seconds)
    return (
        f"{name:28} {row.size:2d} "
        + " ".join(f"{cell:>15}" for cell in cells)
        + f" {k:>6} {seconds:7.2f} {row.seconds_nuts:8.1f} {seconds / row.seconds_nuts:7.3f}"
    )


def main() -> None:
    asked = options()
    warnings.simplefilter("ignore")  # the awkward ones warn, and are meant to
    print(
        f"{'agrees/differs/inconclusive/failed':32}" + " ".join(f"{p:>15}" for p in PLACES), end=""
    )
    print(f" {'k-hat':>6} {'seconds':>7} {'nuts':>8} {'ratio':>7}")
    rows = {}
    for name in asked.only:
        try:
            rows[name] = judged(name, asked.seeds, with_nuts=not asked.without_nuts)
        except TriposError as failure:
            print(f"{name:31} laplace: {type(failure).__name__}", flush=True)
            continue
        print(line(name, rows[name]), *rows[name].wrong, sep="\n  WRONG ", flush=True)
    print_targets(rows)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, help="default: %(default)s")
    parser.add_argument("--only", nargs="+", default=list(POSTERIORS), metavar="POSTERIOR")
    parser.add_argument("--without-nuts", action="store_true", help="do not time NUTS")
    return parser.parse_args()


def print_targets(rows: dict[str, Row]) -> None:
    easy = [row for name, row in rows.items() if POSTERIORS[name].unimodal and row.size <= 20]
    well: Counter[Any] = Counter()
    for row in easy:
        well.update({j: row.counts["well inside", j] for j in JUDGEMENTS})
    outside = sum(row.counts["outside", j] for row in rows.values() for j in JUDGEMENTS)
    wrong = sum(len(row.wrong) for row in rows.values())
    ratios = [np.median(row.seconds) / row.seconds_nuts for row in rows.values()]
    print(f"\nOutside the tolerance, called agrees: {wrong} of {outside} (wanted 0)")
    share = well["agrees"] / max(sum(well.values()), 1)
    print(f"Well inside, unimodal, P up to 20, called agrees: {100 * share:.1f} % (wanted 90)")
    print(f"Seconds of a verdict over those of NUTS, median: {np.median(ratios):.3f} (wanted 0.1)")


if __name__ == "__main__":
    main()
