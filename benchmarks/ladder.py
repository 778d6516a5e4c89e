"""Does `fit` keep its promise? Posteriors of known truth and the gallery, against NUTS alone.

`make bench-ladder` runs this. A line a model: the rung at which `fit` ended, in how many of its
fits it was accepted, gave a tree, and was within tolerance of the truth; CPU seconds of the first
fit in this process, of those that follow, of NUTS alone (4 chains of 1,000 draws after 1,000 of
tuning), and their ratio. With ``--cold`` the same for processes that have nothing compiled. A
quantity that was accepted and is outside of its tolerance has a line that begins with WRONG.
"""

from __future__ import annotations

import argparse
import json
import logging
import warnings
from pathlib import Path

from climbs.running import child, cold, warm
from climbs.subjects import SUBJECTS, Subject
from climbs.table import HEADER, Row, as_json, line, remarks, targets

TABLES = ("posteriors", "gallery")


def measured(key: str, subject: Subject, asked: argparse.Namespace) -> Row:
    """Climb with one model; a model that fails is a row, too."""
    row = Row(subject.name, subject.table)
    with_nuts = not asked.without_nuts
    try:
        subject.truth()
        row.climbs, row.nuts, row.size = warm(subject, asked.seeds, with_nuts=with_nuts)
        if asked.cold:
            row.cold, row.cold_nuts = cold(key, with_nuts=with_nuts)
    except Exception as error:
        row.failure = f"{type(error).__name__}: {error}"
    return row


def chosen(asked: argparse.Namespace) -> dict[str, Subject]:
    """The subjects of the tables and names that were asked for."""
    tables = [table for table in TABLES if getattr(asked, table)] or list(TABLES)
    return {
        key: subject
        for key, subject in SUBJECTS.items()
        if subject.table in tables and (not asked.only or subject.name in asked.only)
    }


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--posteriors", action="store_true", help="those of known truth only")
    parser.add_argument("--gallery", action="store_true", help="the gallery only")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="some models")
    parser.add_argument(
        "--seeds", type=int, default=1, help="fits after the first (default: %(default)s)"
    )
    parser.add_argument("--cold", action="store_true", help="in new processes, too; slow")
    parser.add_argument("--without-nuts", action="store_true", help="do not time NUTS alone")
    parser.add_argument("--out", type=Path, help="write all results to this JSON file")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    asked = options()
    warnings.simplefilter("ignore")  # the awkward ones warn, and are meant to
    for package in ("pymc", "pytensor"):
        logging.getLogger(package).setLevel(logging.ERROR)
    if asked.child:
        child(*asked.child)
        return
    print(HEADER, flush=True)
    rows: list[Row] = []
    for key, subject in chosen(asked).items():
        rows.append(measured(key, subject, asked))
        print(line(rows[-1]), *remarks(rows[-1]), sep="\n", flush=True)
        if asked.out:
            asked.out.write_text(json.dumps(as_json(rows), indent=1))
    for table in TABLES:
        of_table = [row for row in rows if row.table == table]
        if of_table:
            print(f"\n{table}, {len(of_table)} models", *targets(of_table), sep="\n  ")


if __name__ == "__main__":
    main()
