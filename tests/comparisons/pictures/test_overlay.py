"""The points and modes behind the overlay."""

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from tripos.approximations import grid, laplace
from tripos.approximations.errors import NoSharedVariableError
from tripos.comparisons.pictures.overlay import mode_of, plot_overlay, thinned
from tripos.models import bioassay


@pytest.fixture(scope="module")
def trees(density_of):
    model = density_of(bioassay)
    return {
        "grid": grid(model, points=61, draws=3000, random_seed=1, progressbar=False),
        "laplace": laplace(model, draws=400, random_seed=2),
    }


def points_of(axes, label):
    return np.concatenate([c.get_offsets() for c in axes.collections if c.get_label() == label])


def legend_of(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_thinning_is_even_and_keeps_the_ends():
    draws = np.arange(20_000.0).reshape(2, 10_000)
    kept = thinned(draws)
    assert kept.shape == (2, 1500)
    assert kept[0, 0] == 0
    assert kept[0, -1] == 9999
    assert set(np.diff(kept[0])) == {6.0, 7.0}
    assert thinned(draws[:, :1500]).shape == (2, 1500)


def test_each_tree_shows_its_own_draws_up_to_the_most(trees):
    axes = plot_overlay(trees, "alpha", "beta").axes[0]
    assert len(points_of(axes, "grid")) == 1500
    posterior = trees["laplace"]["posterior"]
    expected = np.column_stack([posterior["alpha"].values[0], posterior["beta"].values[0]])
    shown = points_of(axes, "laplace")
    np.testing.assert_array_equal(np.sort(shown, axis=0), np.sort(expected, axis=0))


def test_the_legend_counts_draws_and_names_modes(trees):
    chains = xr.DataTree.from_dict({"posterior": trees["laplace"]["posterior"].to_dataset()})
    figure = plot_overlay({**trees, "chains": chains}, "alpha", "beta")
    assert legend_of(figure) == [
        "grid: 1,500 of 3,000 draws, and mode",
        "laplace: 400 draws, and mode",
        "chains: 400 draws",
    ]


def test_modes_are_marked_in_the_colour_of_their_method(trees):
    axes = plot_overlay(trees, "alpha", "ld50").axes[0]
    marks = axes.lines
    assert [mark.get_marker() for mark in marks] == ["+", "x"]
    assert [to_hex(mark.get_color()) for mark in marks] == ["#000000", "#d55e00"]
    for mark in marks:
        np.testing.assert_allclose(
            [mark.get_xdata()[0], mark.get_ydata()[0]], [0.84658, -0.10926], atol=2e-4
        )


def test_mode_of_an_array_is_found_by_its_label():
    point = xr.Dataset({"y": ("school", [1.0, 2.0])}, coords={"school": ["Choate", "Deerfield"]})
    tree = xr.DataTree.from_dict({"point_estimate": point})
    assert mode_of(tree, "y[Deerfield]", "y[Choate]") == (2.0, 1.0)
    assert mode_of(tree, "y[Deerfield]", "x") is None
    assert mode_of(xr.DataTree(), "x", "y") is None


def test_axes_have_units_and_bounds_that_outliers_spare(trees):
    figure = plot_overlay(trees, "beta", "ld50", units={"ld50": "log g/ml"})
    axes = figure.axes[0]
    assert axes.get_xlabel() == "beta"
    assert axes.get_ylabel() == "ld50 (log g/ml)"
    assert np.ptp(axes.get_ylim()) < 1.5
    # With beta normal around 7.7, sd 4.9, the ratio has a Cauchy tail.
    assert np.ptp(trees["laplace"]["posterior"]["ld50"].values) > 5


def test_a_tree_without_a_quantity_is_left_out(trees, normal_tree):
    figure = plot_overlay({"other": normal_tree(), **trees}, "alpha", "beta")
    assert [text.split(":")[0] for text in legend_of(figure)] == ["grid", "laplace"]
    with pytest.raises(NoSharedVariableError, match="'alpha' and 'x'"):
        plot_overlay({"other": normal_tree(), **trees}, "alpha", "x")


def test_no_figure_is_left_open(trees, tmp_path):
    before = plt.get_fignums()
    plot_overlay(trees, "alpha", "beta").savefig(tmp_path / "overlay.png")
    assert (tmp_path / "overlay.png").stat().st_size > 10_000
    assert plt.get_fignums() == before
