"""The matrix of a few quantities: which panel shows what, and in whose style."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_hex
from scipy.stats import norm

from tripos.approximations import grid, laplace
from tripos.approximations.errors import ArgumentError, NoSharedVariableError
from tripos.comparisons import Comparison
from tripos.comparisons.pictures.contours import ellipse, normal_of
from tripos.comparisons.pictures.matrix import plot_matrix
from tripos.models import bioassay

QUANTITIES = ("alpha", "beta", "ld50")


@pytest.fixture(scope="module")
def trees(density_of):
    model = density_of(bioassay)
    return {
        "grid": grid(model, points=61, draws=2000, random_seed=1, progressbar=False),
        "laplace": laplace(model, draws=2000, random_seed=2),
    }


@pytest.fixture(scope="module")
def figure(trees):
    return plot_matrix(trees, QUANTITIES, units={"beta": "per log g/ml"})


def test_panels_below_the_diagonal_are_pairs_and_none_is_above(figure):
    places = [panel.get_subplotspec() for panel in figure.axes]
    rows_columns = {(p.rowspan.start, p.colspan.start) for p in places}
    assert rows_columns == {(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)}


def _panel(figure, row, column):
    [panel] = [
        axes
        for axes in figure.axes
        for place in [axes.get_subplotspec()]
        if (place.rowspan.start, place.colspan.start) == (row, column)
    ]
    return panel


def test_laplace_has_its_own_ellipses_and_curves(figure, trees):
    mean, covariance = normal_of(trees["laplace"], ("alpha", "beta"))
    lines = [x for x in _panel(figure, 1, 0).lines if to_hex(x.get_color()) == "#d55e00"]
    for line, level in zip(lines, (0.5, 0.95), strict=True):
        np.testing.assert_allclose(np.array(line.get_data()), ellipse(mean, covariance, level))
    [curve] = [x for x in _panel(figure, 1, 1).lines if x.get_label() == "laplace"]
    x, density = curve.get_data()
    np.testing.assert_allclose(density, norm(mean[1], np.sqrt(covariance[1, 1])).pdf(x))


def test_a_column_shares_its_range_and_only_the_border_is_labelled(figure):
    assert len({_panel(figure, row, 0).get_xlim() for row in range(3)}) == 1
    assert _panel(figure, 2, 0).get_ylim() == _panel(figure, 2, 1).get_ylim()
    assert _panel(figure, 1, 0).get_ylabel() == "beta (per log g/ml)"
    assert _panel(figure, 2, 1).get_xlabel() == "beta (per log g/ml)"
    assert _panel(figure, 1, 0).get_xlabel() == ""
    assert _panel(figure, 2, 1).get_ylabel() == ""


def test_the_legend_names_each_tree_and_what_contours_hold(figure):
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["grid", "laplace"]
    assert "50 % and 95 %" in legend.get_title().get_text()


@pytest.mark.parametrize(
    "quantities", [("beta",), ("beta", "beta"), ("alpha", "beta", "ld50", *"abcd")]
)
def test_too_few_too_many_or_twice(trees, quantities):
    with pytest.raises(ArgumentError, match="2 to 6 different quantities"):
        plot_matrix(trees, quantities)


def test_an_unknown_quantity(trees):
    with pytest.raises(NoSharedVariableError, match="'gamma'"):
        plot_matrix(trees, ("alpha", "gamma"))


def test_a_pair_that_no_tree_has_stays_empty(trees):
    parts = {
        "one": trees["grid"]["posterior"].to_dataset()[["alpha", "beta"]],
        "two": trees["laplace"]["posterior"].to_dataset()[["beta", "ld50"]],
    }
    halves = {label: xr.DataTree.from_dict({"posterior": part}) for label, part in parts.items()}
    figure = plot_matrix(halves, QUANTITIES)
    empty = _panel(figure, 2, 0)
    assert empty.get_title(loc="left") == "no tree has both"
    assert not empty.collections
    assert _panel(figure, 1, 0).collections


def test_a_comparison_draws_it_for_three_to_six(trees):
    comparison = Comparison(trees)
    assert "matrix" in comparison.pictures(QUANTITIES)
    assert "matrix" not in comparison.pictures(QUANTITIES[:2])
