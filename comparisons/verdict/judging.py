"""From measured discrepancies and stated tolerances to one judgement a quantity.

A pure function of a table, without random draws or a model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from ...approximations.errors import ArgumentError

Judgement = Literal["agrees", "differs", "inconclusive", "failed"]
# What is compared where tails are too heavy for moments. Outer quantiles are as noisy as the
# moments there; the mass of the 95 % interval is used instead.
QUARTILES = (0.25, 0.5, 0.75)
DISTANCE, MONTE_CARLO = "distance from the posterior", "Monte Carlo error"
"""What is asked of an approximation, and of an answer that is exact up to Monte Carlo error."""
JUDGEMENTS: tuple[Judgement, ...] = ("agrees", "differs", "inconclusive", "failed")


@dataclass(frozen=True)
class Tolerances:
    """Acceptable discrepancies.

    Attributes
    ----------
    mean : float, default 0.1
        Shift of the mean, in exact sds; of the quartiles where moments do not exist.
    sd : float, default 0.1
        Relative error of the standard deviation.
    mass : float, default 0.03
        How far the exact mass of the central 50 % and 95 % intervals may be from nominal.
    standard_errors : float, default 4
        How many standard errors must lie between a discrepancy and its tolerance, for a judgement
        on either side. With some hundred discrepancies tested, two would let several just outside
        their tolerance pass.
    monte_carlo : float, default 0.05
        Largest Monte Carlo standard error of an answer that is exact up to such errors: of the
        mean, in sds; of the sd, relative to it; of the quartiles where moments do not exist.

    Raises
    ------
    ArgumentError
        When one of them is not positive.
    """

    mean: float = 0.1
    sd: float = 0.1
    mass: float = 0.03
    standard_errors: float = 4.0
    monte_carlo: float = 0.05

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name, value in vars(self).items():
            if not (np.isfinite(value) and value > 0):
                raise ArgumentError(
                    f"The tolerance {name!r} must be a positive number; {value!r} was given."
                )


@dataclass(frozen=True)
class Criterion:
    """One discrepancy of one quantity, with its tolerance.

    Attributes
    ----------
    name : str
        A measure of `tripos.comparisons.verdict.discrepancy`.
    discrepancy, error : float
        With its standard error.
    low, high : float
        The tolerated range.
    """

    name: str
    discrepancy: float
    error: float
    low: float
    high: float

    def is_inside(self, standard_errors: float) -> bool:
        """Whether the discrepancy is inside by that many standard errors."""
        reach = standard_errors * self.error
        return self.low <= self.discrepancy - reach and self.discrepancy + reach <= self.high

    def is_outside(self, standard_errors: float) -> bool:
        """Whether the discrepancy is outside by that many standard errors."""
        reach = standard_errors * self.error
        return self.discrepancy - reach > self.high or self.discrepancy + reach < self.low

    @property
    def distance(self) -> float:
        """Distance from the middle of the range, which is where an exact answer is."""
        return abs(self.discrepancy - (self.low + self.high) / 2)

    @property
    def excess(self) -> float:
        """Distance in half ranges: above 1 is outside."""
        return self.distance / ((self.high - self.low) / 2)


def judge(
    rows: pd.DataFrame,
    tolerance: Tolerances | None = None,
    distrust: str | None = None,
    remedy: str = "use NUTS",
) -> pd.DataFrame:
    """Judge each quantity of a table of discrepancies.

    Parameters
    ----------
    rows : DataFrame
        As `tripos.comparisons.verdict.discrepancy.discrepancies` makes it.
    tolerance : Tolerances, optional
    distrust : str, optional
        Why the reference cannot be trusted; every quantity is then inconclusive.
    remedy : str
        What to do about a quantity that differs: the end of its sentence.

    Returns
    -------
    DataFrame
        By quantity: ``question``, the "distance from the posterior"; ``judgement``; ``criterion``,
        ``discrepancy`` and ``error`` of the decisive measure; and a ``sentence``.
    """
    limits = tolerance or Tolerances()
    judged = {
        quantity: judged_distance(str(quantity), row, limits, distrust, remedy)
        for quantity, row in rows.iterrows()
    }
    return pd.DataFrame.from_dict(judged, orient="index").rename_axis("quantity")


def judged_distance(
    quantity: str,
    row: pd.Series,
    limits: Tolerances,
    distrust: str | None = None,
    remedy: str = "use NUTS",
) -> dict[str, Any]:
    """Judge one quantity by its row of discrepancies: a row of the table of `judge`."""
    if not row["finite"]:
        return judged_not_finite(quantity, DISTANCE)
    criteria = list(criteria_of(row, limits))
    worst = max(criteria, key=lambda criterion: criterion.excess)
    if distrust is not None:
        why = f"{quantity}: what should judge it cannot be trusted: {distrust}"
        return _verdict("inconclusive", worst, why)
    count = limits.standard_errors
    outside = [criterion for criterion in criteria if criterion.is_outside(count)]
    if outside:
        most = max(outside, key=_clarity)
        return _verdict("differs", most, f"{_said(quantity, most, row)}; {remedy}.")
    if all(criterion.is_inside(count) for criterion in criteria):
        note = "" if row["has_mean"] else " It has no mean to compare: its quartiles were."
        return _verdict("agrees", worst, f"{_said(quantity, worst, row)}.{note}")
    if any(np.isnan(criterion.discrepancy) for criterion in criteria):
        why = (
            f"{quantity} has no mean, and nearly all of its draws are the same, so neither moments "
            "nor quantiles can be compared; ask about another quantity."
        )
        return _verdict("inconclusive", None, why)
    close = max(criteria, key=lambda c: c.excess + count * c.error / (c.high - c.low))
    return _verdict("inconclusive", close, f"{_unclear(quantity, close, row)}; {remedy}.")


def criteria_of(row: pd.Series, limits: Tolerances) -> Iterator[Criterion]:
    """Pair the discrepancies of a quantity, a row of their table, with the tolerances."""

    def of(name: str, low: float, high: float) -> Criterion:
        return Criterion(name, float(row[name]), float(row[f"{name}_se"]), low, high)

    if row["has_mean"]:
        yield of("mean_shift", -limits.mean, limits.mean)
        yield of("log_sd_ratio", -np.log1p(limits.sd), np.log1p(limits.sd))
    else:
        for p in QUARTILES:
            yield of(f"q{100 * p:g}_shift", -limits.mean, limits.mean)
    for name, level in (("mass_50", row["level_50"]), ("mass_95", row["level_95"])):
        yield of(name, level - limits.mass, level + limits.mass)


def _clarity(criterion: Criterion) -> float:
    """Rank criteria for the sentence: a clearly wrong interval matters most."""
    return criterion.excess * (1.5 if criterion.name == "mass_95" else 1.0)


def judged_not_finite(quantity: str, question: str) -> dict[str, Any]:
    """Judge a quantity that is NaN or infinite in some draws: a row of the table of `judge`."""
    why = (
        f"{quantity} is not a finite number for some draws, so it has no moments to compare; "
        "ask about another quantity, or bound its denominator away from zero."
    )
    return _verdict("failed", None, why) | {"question": question}


def _verdict(judgement: Judgement, criterion: Criterion | None, sentence: str) -> dict[str, Any]:
    return {
        "question": DISTANCE,
        "judgement": judgement,
        "criterion": "" if criterion is None else criterion.name,
        "discrepancy": np.nan if criterion is None else criterion.discrepancy,
        "error": np.nan if criterion is None else criterion.error,
        "sentence": sentence,
    }


def _said(quantity: str, criterion: Criterion, row: pd.Series) -> str:
    value, error = criterion.discrepancy, criterion.error
    match criterion.name:
        case "mean_shift" if np.isinf(value):
            return f"{quantity} is a constant, and another one than in the posterior"
        case "log_sd_ratio" if np.isinf(value):
            return (
                f"{quantity} varies in {'the approximation' if value > 0 else 'the posterior'} only"
            )
        case "mean_shift":
            return f"the mean of {quantity} is {value:+.2f} sd off{_with_error(error)}"
        case "log_sd_ratio":
            word, percent = "wide" if value > 0 else "narrow", 100 * abs(np.expm1(value))
            error_text = _with_error(100 * error, " %")
            return f"the sd of {quantity} is {percent:.0f} % too {word}{error_text}"
        case "mass_50" | "mass_95":
            level, error_text = criterion.name.removeprefix("mass_"), _with_error(100 * error, " %")
            return (
                f"the {level} % interval of {quantity} holds {100 * value:.1f} % of the posterior"
                f"{error_text}"
            )
        case _:
            level = criterion.name.removeprefix("q").removesuffix("_shift")
            return f"the {level} % quantile of {quantity} is {value:+.2f} spreads off"


def _with_error(error: float, unit: str = "") -> str:
    """Format a standard error, where there is one."""
    return f" (s.e. {error:.2g}{unit})" if error > 1e-6 else ""


def _unclear(quantity: str, criterion: Criterion, row: pd.Series) -> str:
    if np.isposinf(criterion.error):
        return f"the tails of {quantity} are too heavy for its sd to be compared"
    return f"{_said(quantity, criterion, row)}, too close to its tolerance, or too noisy, to decide"
