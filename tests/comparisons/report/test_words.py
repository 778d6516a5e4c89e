"""Verdicts and findings in words."""

import numpy as np
import pandas as pd
import pytest

from tripos.comparisons.report.words import (
    finding_about_intervals,
    finding_about_plane,
    intervals_in_words,
    judged,
    listed,
    minus_signs,
    number,
)
from tripos.comparisons.verdict import Verdict

JUDGEMENTS = ("agrees", "differs", "inconclusive", "failed")


def verdict_of(judgements, sentence="the mean of {q} is -0.5 sd off", k_hat=np.nan):
    names = pd.Index([f"x[{k}]" for k in range(len(judgements))], name="quantity")
    rows = {
        "judgement": judgements,
        "criterion": "mean",
        "discrepancy": np.linspace(0, 1, len(judgements)),
        "error": 0.0,
        "sentence": [sentence.format(q=q) for q in names],
    }
    return Verdict(pd.DataFrame(rows, index=names), pd.DataFrame(), k_hat, 0, 0.0)


def quantiles_of(**by_label):
    """A table of one quantity; median and quartiles are in proportion."""
    rows = {
        ("x", label): [low, low + 0.34 * (high - low), (low + high) / 2, high - 0.34, high]
        for label, (low, high) in by_label.items()
    }
    index = pd.MultiIndex.from_tuples(rows, names=["quantity", "label"])
    columns = ["q2.5", "q25", "q50", "q75", "q97.5"]
    return pd.DataFrame(list(rows.values()), index=index, columns=columns)


def test_a_verdict_is_headed_by_the_gravest():
    found = judged("laplace", verdict_of(["agrees", "differs", "inconclusive"]), "grid")
    assert found.judgement == "differs"
    told = "Agrees in 1, differs in 1, inconclusive in 1 of 3 quantities, judged by grid."
    assert found.headline == told
    assert found.sentences[0] == "The mean of x[0] is −0.5 sd off"


@pytest.mark.parametrize(
    ("judgement", "headline"),
    [
        ("agrees", "Agrees in all 2 quantities"),
        ("differs", "Differs in all 2 quantities"),
        ("inconclusive", "Is inconclusive in all 2 quantities"),
        ("failed", "Could not be judged in all 2 quantities"),
    ],
)
def test_one_judgement_for_all_is_said_once(judgement, headline):
    found = judged("a", verdict_of([judgement] * 2, k_hat=0.31), None)
    assert found.headline == f"{headline}, judged by weighted draws (k-hat 0.31)."
    assert judged("a", verdict_of([judgement]), None).headline.endswith(" in x[0].")


def test_many_sentences_are_folded_and_the_rest_counted():
    found = judged("a", verdict_of(["agrees"] * 50), "grid")
    assert (len(found.sentences), len(found.folded), found.left_out) == (6, 24, 20)


def test_one_reason_for_all_quantities_is_said_once():
    found = judged("a", verdict_of(["failed"] * 50, "{q}: another mode"), None)
    assert found.sentences == ("another mode",)
    assert (found.folded, found.left_out) == ((), 0)


@pytest.mark.parametrize(
    ("interval", "relation"),
    [
        ((3.5, 25.0), "nearly the same as"),
        ((-1.8, 17.3), "to the left of"),
        ((10.0, 40.0), "to the right of"),
        ((-5.0, 40.0), "wider than"),
        ((8.0, 18.0), "narrower than"),
        ((-5.0, 25.4), "further out on the left than"),
        ((3.4, 40.0), "further out on the right than"),
        ((8.0, 25.4), "less far out on the left than"),
        ((3.4, 18.0), "less far out on the right than"),
    ],
)
def test_an_interval_is_set_beside_its_judges(interval, relation):
    table = quantiles_of(grid=(3.4, 25.4), laplace=interval)
    (said,) = finding_about_intervals(table, {"laplace": "grid"}, ["x"])
    low, high = (number(end) for end in interval)
    told = f"The 95 % interval of x is {low} to {high} by laplace, {relation} 3.4 to 25.4 by grid."
    assert said == told


def test_the_finding_is_about_the_quantity_that_is_furthest_off():
    near, far = quantiles_of(a=(0, 1), b=(0, 1)), quantiles_of(a=(0, 1), b=(5, 6))
    table = pd.concat([near, far.rename(index={"x": "y"})])
    assert "interval of y" in finding_about_intervals(table, {"b": "a"}, ["x", "y"])[0]
    assert "interval of x" in finding_about_intervals(table, {"b": "a"}, ["x"])[0]
    assert finding_about_intervals(table, {"b": "c"}, ["x"]) == []


def test_without_a_judge_the_intervals_are_told():
    told = "95 % intervals: x by mine −1 to 2."
    assert intervals_in_words(quantiles_of(mine=(-1, 2)), ["x"]) == told


def test_a_plane_is_told_by_medians_and_rank_correlation(normal_tree):
    tree = normal_tree()
    draws = tree["posterior"]["x"].values
    tree["posterior"] = tree["posterior"].to_dataset().assign(up=(("chain", "draw"), -draws))
    columns = ["q50"]
    index = pd.MultiIndex.from_tuples([("x", "a"), ("up", "a")], names=["quantity", "label"])
    told = finding_about_plane(
        {"a": tree}, pd.DataFrame([[0.25], [-0.25]], index, columns), "x", "up"
    )
    assert told == (
        "x across and up up: a has its medians at (0.25, −0.25) and rank correlation −1."
    )


def test_numbers_have_a_minus_sign():
    assert number(-0.012345) == "−0.0123"
    assert number(-1.2e-7, 2) == "−1.2e−07"
    assert number(np.nan) == "nan"
    assert minus_signs("-0.4 sd, k-hat -1; a-1, x[-1], 2-3") == "−0.4 sd, k-hat −1; a-1, x[−1], 2-3"


def test_names_are_joined():
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
