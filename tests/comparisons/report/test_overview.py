"""Which quantities are shown in full, and that quick numbers are the slow ones."""

import arviz_base
import numpy as np
import pandas as pd
import pytest

from tripos.approximations import grid, importance, laplace
from tripos.comparisons.report.overview import (
    MOST_DRAWN,
    MOST_SHOWN,
    overview_of,
    quantile_table,
)
from tripos.comparisons.summary import QUANTILE_COLUMNS, summary_of, summary_table
from tripos.models import bioassay

GROUPS = [f"a/b {k}" for k in range(300)]
APART = [17, 203]


@pytest.fixture(scope="module")
def many():
    """Two trees of 301 quantities, far apart in two of them."""
    rng = np.random.default_rng(3)

    def tree(shift):
        values = rng.standard_normal((2, 400, len(GROUPS)))
        values[:, :, APART] += shift
        made = arviz_base.from_dict(
            {"posterior": {"mu": rng.standard_normal((2, 400)), "theta": values}},
            dims={"theta": ["group"]},
            coords={"group": GROUPS},
        )
        made.attrs = {"independent_draws": 1}
        return made

    return {"a": tree(0.0), "b": tree(3.0)}


@pytest.fixture(scope="module")
def few(density_of):
    model = density_of(bioassay)
    return {
        "grid": grid(model, points=61, draws=500, random_seed=1, progressbar=False),
        "laplace": laplace(model, draws=500, random_seed=1),
        "importance": importance(model, draws=500, pairs=1000, random_seed=1),
    }


def test_quick_quantiles_are_those_of_the_summary(few):
    table = summary_table(few)
    pd.testing.assert_frame_equal(
        quantile_table(few), table[list(QUANTILE_COLUMNS)], check_names=False
    )


def test_few_quantities_are_tabulated_as_whole_variables_are(few):
    pd.testing.assert_frame_equal(
        summary_of(few, ["ld50", "beta"]), summary_table(few, ["ld50", "beta"])
    )


def test_a_slash_in_a_label_is_no_path(many):
    table = summary_of(many, ["theta[a/b 5]"])
    assert list(table.index) == [("theta[a/b 5]", "a"), ("theta[a/b 5]", "b")]
    draws = many["b"]["posterior"]["theta"].values[:, :, 5]
    assert table.at[("theta[a/b 5]", "b"), "mean"] == pytest.approx(draws.mean())


def test_of_many_the_most_different_are_shown_and_the_rest_is_folded(many):
    overview = overview_of(many)
    shown = overview.summary.index.unique("quantity")
    assert len(shown) == MOST_SHOWN
    assert len(overview.drawn) == MOST_DRAWN
    apart = {f"theta[{GROUPS[k]}]" for k in APART}
    assert apart <= set(shown)
    assert apart <= set(overview.drawn)
    folded = overview.folded.index.unique("quantity")
    assert len(folded) == 301 - MOST_SHOWN
    assert set(folded).isdisjoint(shown)
    np.testing.assert_allclose(
        overview.folded.loc[(folded[0], "a")],
        np.quantile(many["a"]["posterior"][folded[0]], [0.025, 0.25, 0.5, 0.75, 0.975])
        if folded[0] == "mu"
        else np.quantile(
            many["a"]["posterior"]["theta"].values[:, :, 0], [0.025, 0.25, 0.5, 0.75, 0.975]
        ),
    )


def test_what_is_asked_for_is_drawn_and_shown_in_full(many):
    overview = overview_of(many, ["theta[a/b 299]", "mu"])
    assert overview.drawn == ("theta[a/b 299]", "mu")
    assert {"mu", "theta[a/b 299]"} <= set(overview.summary.index.unique("quantity"))


def test_what_is_drawn_by_default_has_one_tree_with_all_of_it(few, normal_tree):
    """Of a pair that no tree has there is no plane to draw."""
    trees = {**few, "a": normal_tree(), "b": normal_tree(seed=2)}
    overview = overview_of(trees)
    assert overview.quantiles.index.unique("quantity").size == 6
    assert overview.drawn in {("alpha", "beta", "ld50"), ("x", "y[Choate]", "y[Deerfield]")}


def test_few_quantities_leave_nothing_folded(few):
    overview = overview_of(few)
    assert overview.drawn == ("alpha", "beta", "ld50")
    assert overview.folded.empty
