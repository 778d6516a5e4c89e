"""From a table to judgements: every rule, every sentence, and what must hold whatever the table."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings, strategies as st

from tripos.approximations.errors import ArgumentError
from tripos.comparisons import Tolerances
from tripos.comparisons.verdict.discrepancy import MEASURES, PROBABILITIES
from tripos.comparisons.verdict.judging import JUDGEMENTS, QUARTILES, Criterion, judge

PERFECT = dict.fromkeys((c for m in MEASURES for c in (m, f"{m}_se")), 0.0) | {
    "mass_50": 0.5,
    "mass_95": 0.95,
    "level_50": 0.5,
    "level_95": 0.95,
    "has_mean": True,
    "finite": True,
}


def one(tolerances=None, distrust=None, **changed):
    rows = pd.DataFrame.from_dict({"beta": PERFECT | changed}, orient="index")
    return judge(rows, tolerances, distrust).loc["beta"]


def test_no_error_at_all_agrees():
    row = one()
    assert row["judgement"] == "agrees"
    assert row["discrepancy"] in (0.0, 0.5, 0.95)
    assert row["error"] == 0.0


@pytest.mark.parametrize("name", ["mean_shift", "log_sd_ratio", "mass_50", "mass_95"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_each_criterion_decides(name, sign):
    """Just inside by four standard errors, between, and just outside by four."""
    limit = {"mean_shift": 0.1, "log_sd_ratio": np.log(1.1)}.get(name, 0.03)
    middle = {"mass_50": 0.5, "mass_95": 0.95}.get(name, 0.0)
    for excess, judgement in ((-4.01, "agrees"), (0, "inconclusive"), (4.01, "differs")):
        row = one(**{name: middle + sign * (limit + excess * 0.001), f"{name}_se": 0.001})
        assert row["judgement"] == judgement
        assert row["criterion"] == name
        assert row["error"] == 0.001


@pytest.mark.parametrize("p", QUARTILES)
def test_without_a_mean_quantiles_decide(p):
    name = f"q{100 * p:g}_shift"
    empty = {"mean_shift": np.nan, "log_sd_ratio": np.nan, "has_mean": False}
    assert one(**empty)["sentence"].endswith("It has no mean to compare: its quartiles were.")
    found = one(**empty, **{name: 0.2, f"{name}_se": 0.01})
    assert (found["judgement"], found["criterion"]) == ("differs", name)
    assert f"the {100 * p:g} % quantile of beta is +0.20 spreads off" in found["sentence"]


def test_with_a_mean_quantiles_do_not_count():
    assert one(**{"q50_shift": 3.0})["judgement"] == "agrees"


def test_without_an_sd_nothing_agrees():
    """Quartiles do not stand for it: tails make an sd larger, and leave them where they are."""
    row = one(log_sd_ratio_se=np.inf)
    assert row["judgement"] == "inconclusive"
    assert row["sentence"].startswith("the tails of beta are too heavy for its sd to be compared")
    assert one(log_sd_ratio_se=np.inf, mean_shift=0.2)["criterion"] == "mean_shift"


def test_infinite_errors_are_inconclusive():
    assert one(mean_shift_se=np.inf)["judgement"] == "inconclusive"


def test_numbers_that_are_none_never_agree():
    assert one(mean_shift=np.nan)["judgement"] == "inconclusive"
    assert one(mass_50_se=np.nan)["judgement"] == "inconclusive"


def test_quantiles_that_cannot_tell():
    row = one(has_mean=False, **{f"q{100 * p:g}_shift": np.nan for p in PROBABILITIES})
    assert row["judgement"] == "inconclusive"
    assert "neither moments nor quantiles can be compared" in row["sentence"]


def test_distrust_comes_before_all_but_failure():
    row = one(mean_shift=5.0, distrust="the judge is asleep")
    assert row["judgement"] == "inconclusive"
    assert row["sentence"] == ("beta: what should judge it cannot be trusted: the judge is asleep")
    assert one(finite=False, distrust="the judge is asleep")["judgement"] == "failed"


def test_what_is_no_number_fails():
    row = one(finite=False, has_mean=False)
    assert row["judgement"] == "failed"
    assert "beta is not a finite number for some draws" in row["sentence"]
    assert np.isnan(row["discrepancy"])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"mean_shift": -0.5}, "the mean of beta is -0.50 sd off; use NUTS."),
        ({"log_sd_ratio": np.log(0.7)}, "the sd of beta is 30 % too narrow"),
        ({"log_sd_ratio": np.log(1.4)}, "the sd of beta is 40 % too wide"),
        ({"mass_95": 0.85}, "the 95 % interval of beta holds 85.0 % of the posterior"),
        ({"mean_shift": np.inf}, "beta is a constant, and another one than in the posterior"),
        ({"log_sd_ratio": np.inf}, "beta varies in the approximation only"),
        ({"log_sd_ratio": -np.inf}, "beta varies in the posterior only"),
    ],
)
def test_sentences(changed, said):
    row = one(**changed)
    assert row["judgement"] == "differs"
    assert said in row["sentence"]
    assert row["sentence"].endswith("; use NUTS.")


def test_a_wrong_interval_is_told_before_a_mean_as_wrong():
    assert one(mean_shift=0.5, mass_95=0.80)["criterion"] == "mass_95"


def test_tied_values_are_held_against_their_own_level():
    assert one(mass_50=0.9, level_50=0.9)["judgement"] == "agrees"
    assert one(mass_50=0.5, level_50=0.9)["judgement"] == "differs"


@pytest.mark.parametrize("name", ["mean", "sd", "mass", "standard_errors"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_tolerances_must_be_positive(name, value):
    with pytest.raises(ArgumentError, match=f"tolerance '{name}' must be a positive number"):
        Tolerances(**{name: value})


def test_each_tolerance_can_be_set():
    assert one(Tolerances(mean=1.0), mean_shift=0.5)["judgement"] == "agrees"
    assert one(Tolerances(sd=1.0), log_sd_ratio=0.5)["judgement"] == "agrees"
    assert one(Tolerances(mass=0.2), mass_95=0.85)["judgement"] == "agrees"
    noisy = {"mean_shift": 0.07, "mean_shift_se": 0.01}
    assert one(**noisy)["judgement"] == "inconclusive"
    assert one(Tolerances(standard_errors=2), **noisy)["judgement"] == "agrees"


# What must hold for any table.

_numbers = st.floats(-2, 2)
_errors = st.floats(0, 0.5)
_sizes = st.floats(1e-3, 1.0)
_tolerances = st.builds(Tolerances, _sizes, _sizes, _sizes, st.floats(0.5, 6))
_rows = st.fixed_dictionaries(
    dict.fromkeys(MEASURES, _numbers)
    | {f"{name}_se": _errors for name in MEASURES}
    | {"level_50": st.just(0.5), "level_95": st.just(0.95)}
    | {"has_mean": st.booleans(), "finite": st.just(True)}
)


@given(_rows, _tolerances, st.floats(1, 5), st.floats(1, 5), st.floats(1, 5))
def test_a_larger_tolerance_never_turns_agrees_into_anything_else(row, limits, mean, sd, mass):
    wider = Tolerances(
        limits.mean * mean, limits.sd * sd, limits.mass * mass, limits.standard_errors
    )
    before, after = one(limits, **row)["judgement"], one(wider, **row)["judgement"]
    if before == "agrees":
        assert after == "agrees"
    if after == "differs":
        assert before == "differs"


@given(_rows, _tolerances, st.floats(1, 5))
def test_more_noise_never_decides(row, limits, factor):
    noisier = row | {k: v * factor for k, v in row.items() if k.endswith("_se")}
    before, after = one(limits, **row)["judgement"], one(limits, **noisier)["judgement"]
    assert after in (before, "inconclusive")


@given(_numbers, _errors, _numbers, _sizes, st.floats(0.5, 6))
def test_inside_and_outside_exclude_each_other(value, error, low, width, count):
    criterion = Criterion("mean_shift", value, error, low, low + width)
    assert not (criterion.is_inside(count) and criterion.is_outside(count))
    if criterion.is_inside(count):
        assert criterion.excess <= 1 + 1e-9
    if criterion.is_outside(count):
        assert criterion.excess >= 1 - 1e-9


@settings(max_examples=30)
@given(st.lists(_rows, min_size=1, max_size=4), _tolerances)
def test_quantities_are_judged_one_by_one(rows, limits):
    table = pd.DataFrame.from_dict({f"x[{k}]": row for k, row in enumerate(rows)}, orient="index")
    found = judge(table, limits)
    assert list(found.index) == list(table.index)
    assert set(found["judgement"]) <= set(JUDGEMENTS)
    for k, row in enumerate(rows):
        assert found["judgement"].iloc[k] == one(limits, **row)["judgement"]


_near = {name: st.floats(-0.1, 0.1) for name in MEASURES if not name.startswith("mass")} | {
    "mass_50": st.floats(0.45, 0.55),
    "mass_95": st.floats(0.9, 1.0),
}


@given(_rows, st.fixed_dictionaries(_near), _tolerances)
def test_agrees_only_when_all_estimates_are_within(row, near, limits):
    row = row | near | {f"{name}_se": 0.001 for name in MEASURES}
    assume(one(limits, **row)["judgement"] == "agrees")
    assert abs(row["mass_95"] - 0.95) <= limits.mass + 1e-12
    if row["has_mean"]:
        assert abs(row["mean_shift"]) <= limits.mean
        assert abs(row["log_sd_ratio"]) <= np.log1p(limits.sd)
