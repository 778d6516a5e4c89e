"""The numbers behind the intervals."""

import arviz_base
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from tripos.approximations import grid, laplace
from tripos.approximations.errors import ArgumentError, NoSharedVariableError
from tripos.comparisons.pictures.intervals import (
    PROBABILITIES,
    intervals_of,
    panel_range,
    plot_intervals,
    shown_quantities,
)
from tripos.models import bioassay


@pytest.fixture(scope="module")
def trees(density_of):
    model = density_of(bioassay)
    return {
        "grid": grid(model, points=61, draws=1000, random_seed=1, progressbar=False),
        "laplace": laplace(model, draws=1000, random_seed=2),
    }


def many(size, seed=1):
    draws = np.random.default_rng(seed).standard_normal((1, 50, size))
    return arviz_base.from_dict({"posterior": {"theta": draws}})


def drawn_interval(axes, label):
    (line,) = [c for c in axes.collections if c.get_label() == label]
    (segment,) = line.get_segments()
    return segment[:, 0], line


def test_intervals_and_medians_are_the_quantiles_of_the_draws(trees):
    axes = plot_intervals(trees, ["ld50", "beta"]).axes[1]
    draws = trees["laplace"]["posterior"]["beta"].values.ravel()
    expected = np.quantile(draws, PROBABILITIES)
    wide, wide_line = drawn_interval(axes, "95 %, laplace")
    thick, thick_line = drawn_interval(axes, "50 %, laplace")
    np.testing.assert_allclose(wide, expected[[0, 4]])
    np.testing.assert_allclose(thick, expected[[1, 3]])
    assert thick_line.get_linewidth()[0] > 2 * wide_line.get_linewidth()[0]
    medians = {line.get_label(): line.get_xdata()[0] for line in axes.lines}
    assert medians["median, laplace"] == expected[2]


def test_a_grids_intervals_are_those_of_its_cells(trees):
    draws = trees["grid"]["posterior"]["beta"].values.ravel()
    five = intervals_of(trees["grid"], "beta", draws)
    exact = trees["grid"]["fit"]["quantiles"].sel(quantity="beta")
    np.testing.assert_array_equal(five, exact.sel(probability=list(PROBABILITIES)))
    assert not np.any(five == np.quantile(draws, PROBABILITIES))


def test_other_peoples_fit_groups_are_no_obstacle(trees):
    tree = trees["grid"].copy()
    tree["fit"] = tree["fit"].to_dataset().drop_vars(["quantity", "probability"])
    draws = tree["posterior"]["beta"].values.ravel()
    np.testing.assert_array_equal(
        intervals_of(tree, "beta", draws), np.quantile(draws, PROBABILITIES)
    )


def test_each_quantity_has_its_own_axis_and_each_tree_its_row(trees, normal_tree, tmp_path):
    before = plt.get_fignums()
    trees = {**trees, "other": normal_tree()}
    figure = plot_intervals(trees, ["beta", "ld50", "x"], units={"ld50": "log g/ml"})
    assert [axes.get_xlabel() for axes in figure.axes] == ["beta", "ld50 (log g/ml)", "x"]
    rows = [[text.get_text() for text in axes.get_yticklabels()] for axes in figure.axes]
    assert rows == [["grid", "laplace"], ["grid", "laplace"], ["other"]]
    beta, ld50, _ = figure.axes
    assert np.ptp(beta.get_xlim()) > 10 * np.ptp(ld50.get_xlim())
    colours = [to_hex(line.get_color()) for line in beta.lines]
    assert colours == ["#000000", "#d55e00"]
    figure.savefig(tmp_path / "intervals.png")
    assert plt.get_fignums() == before


def test_at_most_thirty_rows_are_shown_and_the_rest_is_counted():
    trees = {"a": many(40), "b": many(40, seed=2)}
    quantities = [f"theta[{k}]" for k in range(40)]
    figure = plot_intervals(trees, quantities)
    assert len(figure.axes) == 15
    assert "25 more quantities are not shown" in figure.get_suptitle()
    assert "not shown" not in plot_intervals(trees, quantities[:15]).get_suptitle()
    assert "1 more quantity is not shown" in plot_intervals(trees, quantities[:16]).get_suptitle()


def test_one_quantity_of_very_many_trees_is_still_shown():
    assert shown_quantities({"a": 50, "b": 2}) == ["a"]
    assert shown_quantities({"a": 3, "b": 27, "c": 1}) == ["a", "b"]


def test_an_interval_that_runs_out_ends_in_its_number():
    near = np.array([-2.0, -0.7, 0.0, 0.7, 2.0])
    far = np.array([-500.0, -3.0, 0.0, 3.0, 400.0])
    low, high = panel_range([near, far])
    assert -20 < low < -15
    assert 15 < high < 20
    draws = {
        "near": np.interp(np.linspace(0, 1, 801), [0, *PROBABILITIES, 1], [-3, *near, 3]),
        "far": np.interp(np.linspace(0, 1, 801), [0, *PROBABILITIES, 1], [-900, *far, 900]),
    }
    trees = {
        label: arviz_base.from_dict({"posterior": {"r": d[None]}}) for label, d in draws.items()
    }
    axes = plot_intervals(trees, ["r"]).axes[0]
    assert [text.get_text() for text in axes.texts] == ["−500", "400"]


def test_a_range_holds_every_half():
    far = np.array([90.0, 99.0, 100.0, 101.0, 110.0])
    low, high = panel_range([np.array([-0.2, -0.1, 0.0, 0.1, 0.2]), far])
    assert low < -0.2
    assert high > 101
    assert panel_range([np.full(5, 3.0)]) == pytest.approx((2.7, 3.3))


def test_arguments_are_checked(trees):
    with pytest.raises(ArgumentError, match="at least one"):
        plot_intervals(trees, [])
    with pytest.raises(NoSharedVariableError, match="'gamma'"):
        plot_intervals(trees, ["gamma"])
