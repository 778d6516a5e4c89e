"""The table's numbers, where they are known."""

import arviz_base
import numpy as np
import pytest
from scipy import stats

from tripos.approximations.errors import ArgumentError, NoSharedVariableError
from tripos.comparisons import Comparison
from tripos.comparisons.summary import most_different, summary_table


def test_moments_and_their_errors_are_those_of_independent_draws(normal_tree):
    table = summary_table({"a": normal_tree(mean=3.0, sd=2.0, size=10_000)})
    row = table.loc[("x", "a")]
    assert abs(row["mean"] - 3.0) < 4 * row["mcse_mean"]
    assert abs(row["sd"] - 2.0) < 4 * row["mcse_sd"]
    assert row["mcse_mean"] == pytest.approx(2.0 / 100, rel=0.05)
    # The sd of n normal draws has standard error sd / sqrt(2 n).
    assert row["mcse_sd"] == pytest.approx(2.0 / np.sqrt(2 * 10_000), rel=0.1)


@pytest.mark.parametrize("probability", [0.025, 0.25, 0.5, 0.75, 0.975])
def test_quantiles_agree_with_the_normal_distribution(normal_tree, probability):
    row = summary_table({"a": normal_tree(size=10_000)}).loc[("x", "a")]
    exact = stats.norm.ppf(probability)
    error = np.sqrt(probability * (1 - probability) / 10_000) / stats.norm.pdf(exact)
    assert abs(row[f"q{100 * probability:g}"] - exact) < 4 * error


def test_rows_follow_the_trees_and_labels_name_coordinates(normal_tree):
    table = summary_table({"b": normal_tree(seed=2), "a": normal_tree()})
    assert list(table.index) == [
        (quantity, label) for quantity in ("x", "y[Choate]", "y[Deerfield]") for label in ("b", "a")
    ]


def test_r_hat_and_ess_stand_for_markov_chains_only(exercise):
    table = exercise.summary()
    chain = table.xs("nuts, weak prior", level="label")
    others = table.drop(index="nuts, weak prior", level="label")
    assert chain["r_hat"].between(0.99, 1.05).all()
    assert (chain["ess_bulk"] > 100).all()
    assert others[["r_hat", "ess_bulk"]].isna().all(axis=None)


def test_a_grid_tells_the_error_of_its_cells(exercise):
    grid = exercise.summary().xs("grid, flat prior", level="label").loc[["alpha", "beta"]]
    assert (grid[["mcse_mean", "mcse_sd"]] > 0).all(axis=None)
    # REFERENCE: means 1.3147 and 11.6356, sds 1.1021 and 5.7731, to the last digit.
    assert np.all(np.abs(grid["mean"] - [1.3147, 11.6356]) < grid["mcse_mean"] + 1e-4)
    assert np.all(np.abs(grid["sd"] - [1.1021, 5.7731]) < grid["mcse_sd"] + 1e-4)
    assert (grid["mcse_mean"] < 1e-4 * grid["sd"]).all()
    fit = exercise.trees["grid, flat prior"]["fit"]
    assert grid.at["beta", "mean"] == float(fit["mean"].sel(quantity="beta"))


def test_a_ratio_without_moments_has_quantiles_only(exercise):
    """By draws that show it, and by cells, in which the slope may be 0 with a density of 1e-6."""
    table = exercise.summary()
    for label in ("laplace, flat prior", "grid, flat prior"):
        row = table.loc["ld50", label]
        assert np.isnan(row[["mean", "sd", "mcse_mean", "mcse_sd"]].astype(float)).all()
        assert row["tail_k"] > 0.7
        assert np.isfinite(row[["q2.5", "q50", "q97.5"]].astype(float)).all()


def test_a_constant_has_no_tail_index_and_no_warning():
    tree = arviz_base.from_dict({"posterior": {"x": np.ones((1, 100))}})
    row = summary_table({"a": tree}).loc[("x", "a")]
    assert row["mean"] == 1.0
    assert row["sd"] == 0.0


def test_seconds_stand_beside_every_row(normal_tree):
    table = Comparison({"a": normal_tree()}).summary()
    assert (table["seconds"] == 0.5).all()


def test_var_names_choose_the_rows(normal_tree):
    table = summary_table({"a": normal_tree()}, var_names=["y"])
    assert list(table.index.unique("quantity")) == ["y[Choate]", "y[Deerfield]"]
    with pytest.raises(ArgumentError, match=r"\['z'\], but the trees have \['x', 'y'\]"):
        summary_table({"a": normal_tree()}, var_names=["z"])


def test_only_shared_variables_are_compared(normal_tree):
    other = arviz_base.from_dict({"posterior": {"x": np.zeros((1, 10)), "w": np.ones((1, 10))}})
    table = summary_table({"a": normal_tree(), "b": other})
    assert list(table.index.unique("quantity")) == ["x"]


def test_trees_without_a_shared_variable_are_refused(normal_tree):
    other = arviz_base.from_dict({"posterior": {"w": np.ones((1, 10))}})
    with pytest.raises(NoSharedVariableError, match=r"a: \['x', 'y'\]; b: \['w'\]"):
        Comparison({"a": normal_tree(), "b": other})


def test_of_many_rows_those_that_differ_most_are_kept(normal_tree):
    table = summary_table({"one": normal_tree(), "other": normal_tree(mean=1.0)})
    assert most_different(table, 6) is table
    assert list(most_different(table, 3).index) == [("x", "one"), ("x", "other")]
