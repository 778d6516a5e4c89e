"""The curves behind the marginals: true to the density, and to what lies outside the panel."""

import arviz_base
import numpy as np
import pytest
from matplotlib import pyplot as plt
from scipy import stats

from tripos.approximations import grid, laplace
from tripos.approximations.errors import ArgumentError, NoSharedVariableError
from tripos.comparisons.pictures.axes import shown_range
from tripos.comparisons.pictures.marginals import (
    columns_of,
    density_curve,
    outside_note,
    plot_marginals,
)
from tripos.models import bioassay


@pytest.fixture(scope="module")
def trees(density_of):
    model = density_of(bioassay)
    return {
        "grid": grid(model, points=101, draws=3000, random_seed=1, progressbar=False),
        "laplace": laplace(model, draws=3000, random_seed=2),
    }


def tree_of(**draws):
    return arviz_base.from_dict({"posterior": {name: d[None] for name, d in draws.items()}})


def curve_of(axes, label):
    (line,) = [line for line in axes.lines if line.get_label() == label]
    return line.get_xydata().T


def test_the_curve_of_normal_draws_is_the_normal_density(rng):
    x, density = density_curve(rng.standard_normal(20_000), -3.5, 3.5)
    # A kernel estimate from 20,000 draws has a standard error of about 0.006 at the top.
    np.testing.assert_allclose(density, stats.norm.pdf(x), atol=0.025)


@pytest.mark.parametrize("distribution", [stats.cauchy, stats.t(2)])
def test_heavy_tails_neither_smear_nor_raise_the_curve(distribution):
    draws = distribution.rvs(size=40_000, random_state=4)
    low, high = shown_range([draws])
    x, density = density_curve(draws, low, high)
    np.testing.assert_allclose(density, distribution.pdf(x), atol=0.02)
    inside = np.mean((draws >= low) & (draws <= high))
    assert np.sum(density) * (x[1] - x[0]) == pytest.approx(inside, abs=0.01)


def test_a_density_stays_high_at_a_hard_edge(rng):
    draws = rng.exponential(size=20_000)
    x, density = density_curve(draws, *shown_range([draws]))
    assert x.min() >= 0
    assert density[0] == pytest.approx(1.0, abs=0.1)


def test_shares_outside_are_stated_above_half_a_percent():
    inside, some = np.zeros(1000), np.r_[np.zeros(980), np.full(20, 9.0)]
    few = np.r_[np.zeros(996), np.full(4, -9.0)]
    assert outside_note({"a": inside, "b": some, "c": few}, -1, 1) == "outside: b 2.0 %"
    assert outside_note({"a": inside, "c": few}, -1, 1) == ""


def test_the_panel_says_what_it_does_not_show(trees):
    figure = plot_marginals(trees, ["alpha", "ld50"])
    alpha, ld50 = figure.axes
    assert alpha.get_title("left") == ""
    low, high = ld50.get_xlim()
    draws = trees["laplace"]["posterior"]["ld50"].values
    share = np.mean((draws < low) | (draws > high))
    assert share > 0.02
    assert f"laplace {100 * share:.1f} %" in ld50.get_title("left").replace("\n", " ")


def test_a_grid_and_a_laplace_approximation_show_their_own_densities(trees):
    axes = plot_marginals(trees, ["beta"]).axes[0]
    fit = trees["laplace"]["fit"].sel(parameter="beta")
    x, density = curve_of(axes, "laplace")
    np.testing.assert_allclose(density, stats.norm(fit["mode"], fit["sd"]).pdf(x), rtol=1e-10)
    x, density = curve_of(axes, "grid")
    mean = np.sum(x * density) / np.sum(density)
    # The axis ends at about 3.5 sd of the skewed posterior.
    assert mean == pytest.approx(11.6356, abs=0.2)
    assert np.sum(density) * (x[1] - x[0]) == pytest.approx(1.0, abs=0.01)


def test_panels_have_labels_and_one_legend(trees, normal_tree, tmp_path):
    trees = {**trees, "other": normal_tree()}
    before = plt.get_fignums()
    figure = plot_marginals(trees, ["alpha", "beta", "x"], units={"x": "m"})
    assert [axes.get_xlabel() for axes in figure.axes] == ["alpha", "beta", "x (m)"]
    assert [[line.get_label() for line in axes.lines] for axes in figure.axes] == [
        ["grid", "laplace"],
        ["grid", "laplace"],
        ["other"],
    ]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [*trees]
    figure.savefig(tmp_path / "marginals.png")
    assert plt.get_fignums() == before


def test_a_constant_is_a_line_where_it_is(rng):
    figure = plot_marginals(
        {"a": tree_of(r=np.ones(50)), "b": tree_of(r=rng.uniform(0, 1, 50))}, ["r"]
    )
    assert set(curve_of(figure.axes[0], "a")[0]) == {1.0}


def test_panels_fill_their_rows():
    assert [columns_of(n, most=3) for n in (1, 2, 3, 4, 5, 7, 10)] == [1, 2, 3, 2, 3, 3, 3]


def test_arguments_are_checked(trees):
    with pytest.raises(ArgumentError, match="at least one"):
        plot_marginals(trees, [])
    with pytest.raises(NoSharedVariableError, match="'gamma'; there is alpha, beta, ld50"):
        plot_marginals(trees, ["alpha", "gamma"])
