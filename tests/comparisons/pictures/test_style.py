"""One method, one style; axes that outliers do not stretch."""

import itertools

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_rgb

from tripos.approximations.errors import ArgumentError, NoSharedVariableError
from tripos.comparisons.pictures.axes import as_text, axis_label, shown_range
from tripos.comparisons.pictures.draws import draws_in_plane, draws_with, scalars_of
from tripos.comparisons.pictures.style import style_of, styles_of


def tree_of(method=None):
    tree = xr.DataTree()
    tree.attrs = {"method": method} if method else {}
    return tree


def lightness(style):
    return float(np.dot(to_rgb(style.colour), (0.299, 0.587, 0.114)))


def test_a_method_looks_the_same_whatever_stands_beside_it():
    alone = style_of(tree_of("nuts"), "nuts")
    beside = styles_of({"grid": tree_of("grid"), "mine": tree_of(), "chains": tree_of("nuts")})
    assert beside["chains"] == alone


def test_the_three_methods_have_the_documented_looks():
    styles = styles_of({name: tree_of(name) for name in ("grid", "laplace", "nuts")})
    assert styles["grid"].line == "solid"
    assert styles["grid"].colour == "#000000"
    assert styles["laplace"].colour == "#d55e00"
    assert len(styles["laplace"].line[1]) == 2
    assert styles["nuts"].colour == "#0072b2"
    assert len(styles["nuts"].line[1]) == 4


@pytest.mark.parametrize("method", ["grid", "laplace", "nuts", "another"])
def test_trees_of_one_method_can_be_told_apart_in_grey(method):
    styles = list(styles_of({str(k): tree_of(method) for k in range(6)}).values())
    for one, other in itertools.combinations(styles, 2):
        apart = abs(lightness(one) - lightness(other)) > 0.1 or abs(one.width - other.width) > 0.5
        assert apart or one.line != other.line
    assert len({(style.colour, style.width) for style in styles}) == 6


def test_trees_without_a_method_have_their_own_colours():
    labels = ["grid", "here", "there", "elsewhere", "e", "f", "g", "h"]
    trees = {label: tree_of("grid" if label == "grid" else None) for label in labels}
    styles = list(styles_of(trees).values())
    assert len({style.colour for style in styles}) == len(styles)
    assert len({style.line for style in styles[:5]}) == 5


def test_an_unnamed_tree_called_like_a_method_looks_like_it():
    assert style_of(tree_of(), "laplace") == style_of(tree_of("laplace"), "normal")


def test_thin_lines_lie_on_wide_ones():
    first, second = styles_of({"a": tree_of("grid"), "b": tree_of("grid")}).values()
    assert second.width > first.width
    assert second.zorder < first.zorder


def test_normal_draws_are_shown_to_three_and_a_half_sd(rng):
    low, high = shown_range([rng.standard_normal(20_000)])
    assert (low, high) == pytest.approx((-3.5, 3.5), abs=0.15)


def test_a_cauchy_tail_does_not_stretch_the_axis(rng):
    normal, cauchy = rng.standard_normal(10_000), rng.standard_cauchy(10_000)
    low, high = shown_range([cauchy])
    # The quartiles of a Cauchy variable are -1 and 1.
    assert (low, high) == pytest.approx((-7.0, 7.0), abs=0.6)
    low, high = shown_range([normal, 100 * cauchy])
    assert (low, high) == pytest.approx((-100.0, 100.0), rel=0.06)


def test_a_wide_tree_does_not_squash_a_narrow_one(rng):
    narrow = rng.standard_normal(10_000)
    low, high = shown_range([narrow, 5 * rng.standard_normal(10_000)])
    alone = shown_range([narrow])
    assert high - low == pytest.approx(2.5 * (alone[1] - alone[0]), rel=0.01)


def test_everybodys_quartiles_are_in_the_picture(rng):
    far = 50 + 10 * rng.standard_normal(5000)
    low, high = shown_range([rng.standard_normal(5000), far])
    assert low < -2
    assert high > np.quantile(far, 0.74)


def test_a_positive_quantity_gets_next_to_no_room_below_zero(rng):
    low, high = shown_range([np.abs(rng.standard_normal(5000))])
    assert -0.04 * (high - low) < low < 0


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_a_constant_has_a_range(value):
    low, high = shown_range([np.full(100, value)])
    assert low < value < high


def test_axis_labels_have_units_and_no_mathematics():
    assert axis_label("beta", {"beta": "1 per log g/ml"}) == "beta (1 per log g/ml)"
    assert axis_label("alpha", {"beta": "1"}) == axis_label("alpha", None) == "alpha"
    assert as_text("price [$] in $") == r"price [\$] in \$"


def test_a_missing_quantity_is_named_with_what_there_is(normal_tree):
    trees = {"a": normal_tree(size=20)}
    with pytest.raises(NoSharedVariableError, match=r"'gamma'; there is x, y\[Choate\]"):
        draws_with(scalars_of(trees), ("gamma",))
    with pytest.raises(NoSharedVariableError, match="no tree"):
        draws_with(scalars_of({}), ("gamma",))


def test_draws_that_are_not_finite_in_both_quantities_are_left_out(normal_tree):
    tree = normal_tree(size=20)
    tree["posterior"]["x"].values[0, 3] = np.inf
    tree["posterior"]["y"].values[0, 5, 0] = np.nan
    draws, _ = draws_in_plane({"a": tree}, "x", "y[Choate]")
    assert draws["a"].shape == (2, 18)


def test_a_plane_needs_two_quantities(normal_tree):
    with pytest.raises(ArgumentError, match="both are 'x'"):
        draws_in_plane({"a": normal_tree(size=20)}, "x", "x")
