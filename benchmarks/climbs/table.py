"""The table of the ladder: a line a model, and the shares that are wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .running import Climb


@dataclass
class Row:
    """What came of one model.

    Attributes
    ----------
    name, table : str
    size : int
        Number of parameters.
    climbs : list of Climb
        By seed; the first compiled what the others use.
    nuts : list of float
        CPU seconds of NUTS alone, twice.
    cold : Climb, optional
    cold_nuts : float, optional
    failure : str
        Why there is no row, where the model itself failed.
    """

    name: str
    table: str
    size: int = 0
    climbs: list[Climb] = field(default_factory=list)
    nuts: list[float] = field(default_factory=list)
    cold: Climb | None = None
    cold_nuts: float | None = None
    failure: str = ""

    @property
    def all_climbs(self) -> list[Climb]:
        return self.climbs + ([self.cold] if self.cold else [])

    @property
    def warm_cpu(self) -> float:
        """Median CPU seconds of the fits after the first."""
        return float(np.median([c.cpu for c in self.climbs[1:]])) if self.climbs[1:] else np.nan

    @property
    def warm_cost(self) -> float:
        """Of those over the CPU seconds of NUTS's second run."""
        return self.warm_cpu / self.nuts[1] if len(self.nuts) == 2 else np.nan

    @property
    def cold_cost(self) -> float:
        return self.cold.cpu / self.cold_nuts if self.cold and self.cold_nuts else np.nan


HEADER = (
    f"{'model':31} {'P':>4} {'rung':15} {'accepted':>8} {'tree':>5} {'within':>6} "
    f"{'first':>7} {'warm':>7} {'nuts':>7} {'ratio':>6} {'cold':>7} {'nuts':>7} {'ratio':>6}"
)


def line(row: Row) -> str:
    """One line: counts are of all fits; seconds are CPU seconds."""
    if row.failure:
        return f"{row.name:31} {row.failure}"
    climbs = row.all_climbs
    rungs = Counter(c.method or "none" for c in climbs)
    told = [c for c in climbs if c.accepted]
    counts = [f"{sum(chosen)}/{len(climbs)}" for chosen in (
        [c.accepted for c in climbs], [c.has_tree for c in climbs]
    )]  # fmt: skip
    within = f"{sum(not c.wrong for c in told)}/{len(told)}"
    first = climbs[0].cpu if row.climbs else np.nan
    nuts = row.nuts[1] if len(row.nuts) == 2 else np.nan
    cold, cold_nuts = (row.cold.cpu if row.cold else np.nan), row.cold_nuts or np.nan
    seconds = " ".join(
        f"{x:7.2f} {y:7.2f} {ratio:6.3f}"
        for x, y, ratio in ((row.warm_cpu, nuts, row.warm_cost), (cold, cold_nuts, row.cold_cost))
    ).replace("nan", "  -")
    return (
        f"{row.name:31} {row.size:4d} {rungs.most_common(1)[0][0]:15} {counts[0]:>8} "
        f"{counts[1]:>5} {within:>6} {first:7.2f} {seconds}"
    )


def remarks(row: Row) -> list[str]:
    """What is wrong in accepted answers; why there is no tree."""
    found = [
        f"  WRONG seed {c.seed}, {c.method}: {sentence}"
        for c in row.all_climbs
        if c.accepted
        for sentence in c.wrong
    ]
    failures = dict.fromkeys(c.failure for c in row.all_climbs if c.failure)
    return found + [f"  RAISED {failure}" for failure in failures]


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows as numbers and text, with their costs."""
    return [asdict(r) | {"warm_cost": r.warm_cost, "cold_cost": r.cold_cost} for r in rows]


def targets(rows: Sequence[Row]) -> list[str]:
    """The shares and costs of a table, and what is wanted of each."""
    climbs = [(row, c) for row in rows for c in row.all_climbs]
    accepted = [c for _, c in climbs if c.accepted]
    in_nuts = [r for r in rows if r.climbs and all(c.in_nuts for c in r.climbs)]
    failed = sum(bool(row.failure) for row in rows)
    shares: tuple[tuple[str, int, int, str], ...] = (
        ("accepted without NUTS", sum(not c.in_nuts for c in accepted), len(climbs), "70 %"),
        ("accepted", len(accepted), len(climbs), "95 %"),
        ("within tolerance, of accepted", sum(not c.wrong for c in accepted), len(accepted), "all"),
        ("a tree", sum(c.has_tree for _, c in climbs), len(climbs), "all"),
        ("models that failed themselves", failed, len(rows), "none"),
    )
    told = [f"{n}/{of} = {n / max(of, 1):.1%} {what} (wanted: {to})" for what, n, of, to in shares]
    costs: tuple[tuple[str, list[float], Callable[[Sequence[float]], Any], str], ...] = (
        ("median cost, warm", [r.warm_cost for r in rows], np.median, "0.05"),
        ("median cost, cold", [r.cold_cost for r in rows], np.median, "0.3"),
        ("worst cost where it ends in NUTS, warm", [r.warm_cost for r in in_nuts], np.max, "1.15"),
        ("worst cost where it ends in NUTS, cold",
         [r.cold_cost for r in rows if r.cold and r.cold.in_nuts], np.max, "1.15"),
    )  # fmt: skip
    for what, values, summary, to in costs:
        known = [x for x in values if np.isfinite(x)]
        if known:
            told.append(f"{summary(known):.3f} {what}, of {len(known)} (wanted: {to})")
    return told
