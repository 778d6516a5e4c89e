"""The regions behind the contours: each holds the mass that it says."""

import arviz_base
import numpy as np
import pytest
import xarray as xr
from matplotlib.path import Path
from scipy.stats import chi2, multivariate_normal

from tripos.approximations import laplace
from tripos.approximations.errors import ArgumentError, NoSharedVariableError
from tripos.comparisons.pictures.axes import shown_range
from tripos.comparisons.pictures.contours import (
    ellipse,
    grid_mass,
    hard_edges,
    normal_of,
    plane_of_draws,
    plane_of_grid,
    plot_contours,
)
from tripos.models import bioassay

MEAN = np.array([1.0, -2.0])
COVARIANCE = np.array([[1.0, 1.2], [1.2, 4.0]])
LEVELS = (0.5, 0.95)


def tree_of_draws(draws, method=None, **groups):
    tree = arviz_base.from_dict({"posterior": {"a": draws[None, 0], "b": draws[None, 1]}})
    for name, group in groups.items():
        tree[name] = xr.DataTree(group)
    tree.attrs = {"method": method} if method else {}
    return tree


@pytest.fixture
def draws(rng):
    return rng.multivariate_normal(MEAN, COVARIANCE, size=10_000).T


@pytest.fixture
def grid_fit():
    """A normal density on a grid of three parameters, the last one independent."""
    sides = [np.linspace(-5, 7, 121), np.linspace(-14, 10, 121), np.linspace(-4, 4, 9)]
    a, b, c = np.meshgrid(*sides, indexing="ij")
    density = multivariate_normal(MEAN, COVARIANCE).logpdf(np.stack([a, b], axis=-1)) - c**2 / 2
    axes = [f"axis_{k}" for k in range(3)]
    return xr.Dataset(
        {"log_density": (axes, density - 100.0)},
        coords=dict(zip(axes, sides, strict=True)) | {"parameter": ["a", "b", "c"]},
    )


@pytest.fixture
def laplace_fit():
    labels = ["c", "a", "b"]
    covariance = np.eye(3)
    covariance[1:, 1:] = COVARIANCE
    return xr.Dataset(
        {
            "mode": ("parameter", [0.0, *MEAN]),
            "covariance": (("parameter", "parameter_bis"), covariance),
        },
        coords={"parameter": labels, "parameter_bis": labels},
    )


def mass_of(vertices):
    """Normal mass inside a closed line, from points that are evenly spread in probability."""
    rng = np.random.default_rng(3)
    points = rng.multivariate_normal(MEAN, COVARIANCE, size=200_000)
    return Path(vertices).contains_points(points).mean()


def radii(points):
    centred = points - MEAN[:, None]
    return np.sqrt(np.sum(centred * np.linalg.solve(COVARIANCE, centred), axis=0))


@pytest.mark.parametrize("level", LEVELS)
def test_points_of_an_ellipse_have_the_mahalanobis_radius(level):
    expected = np.sqrt(chi2(2).ppf(level))
    np.testing.assert_allclose(radii(ellipse(MEAN, COVARIANCE, level)), expected, rtol=1e-12)


def test_a_laplace_tree_is_drawn_as_the_ellipses_of_its_covariance(draws, laplace_fit):
    # Draws from elsewhere, to see that they are not used.
    tree = tree_of_draws(draws + 5.0, "laplace", fit=laplace_fit)
    lines = plot_contours({"laplace": tree}, "a", "b").axes[0].lines
    assert len(lines) == 2
    for line, level in zip(lines, LEVELS, strict=True):
        np.testing.assert_allclose(radii(line.get_xydata().T), np.sqrt(chi2(2).ppf(level)))


def test_a_grid_tree_is_drawn_by_its_mass(draws, grid_fit):
    tree = tree_of_draws(draws + 5.0, "grid", fit=grid_fit)
    (contours,) = plot_contours({"grid": tree}, "b", "a").axes[0].collections
    # Matplotlib sorts by height: the outer region comes first.
    for path, level in zip(contours.get_paths(), (0.95, 0.5), strict=True):
        assert mass_of(path.vertices[:, ::-1]) == pytest.approx(level, abs=0.01)


def test_a_grids_other_axes_are_summed_out(draws, grid_fit):
    mass = grid_mass(tree_of_draws(draws, "grid", fit=grid_fit), ("b", "a"))
    assert mass.dims == ("axis_1", "axis_0")
    assert float(mass.sum()) == pytest.approx(1.0)
    heights = plane_of_grid(mass, LEVELS).heights
    cell = 0.1 * 0.2
    density = multivariate_normal(MEAN, COVARIANCE).pdf(MEAN)
    expected = [cell * density * (1 - level) for level in LEVELS]
    np.testing.assert_allclose(heights, expected, rtol=0.03)


def test_transformed_parameters_are_drawn_from_draws(draws, grid_fit, laplace_fit):
    renamed = ["a", "b_log__", "c"]
    tree = tree_of_draws(draws, "grid", fit=grid_fit.assign_coords(parameter=renamed))
    assert grid_mass(tree, ("a", "b")) is None
    tree = tree_of_draws(draws, "laplace", fit=laplace_fit.assign_coords(parameter=renamed))
    assert normal_of(tree, ("a", "b")) is None
    assert normal_of(tree_of_draws(draws, "nuts", fit=laplace_fit), ("a", "b")) is None


def test_regions_of_draws_hold_the_mass(draws):
    plane = plane_of_draws(draws, LEVELS, (shown_range(draws[:1]), shown_range(draws[1:])))
    expected = [1 - level for level in LEVELS]
    np.testing.assert_allclose(plane.heights / plane.density.max(), expected, rtol=0.25)
    (contours,) = plot_contours({"mine": tree_of_draws(draws)}, "a", "b").axes[0].collections
    for path, level in zip(contours.get_paths(), (0.95, 0.5), strict=True):
        assert mass_of(path.vertices) == pytest.approx(level, abs=0.02)


def test_far_outliers_do_not_move_the_regions(draws):
    polluted = draws.copy()
    polluted[:, ::200] *= 1e6
    ranges = (shown_range(draws[:1]), shown_range(draws[1:]))
    one, other = (plane_of_draws(d, (0.5,), ranges) for d in (draws, polluted))
    np.testing.assert_allclose(
        other.heights / other.density.max(), one.heights / one.density.max(), rtol=0.03
    )


def test_a_scale_is_not_drawn_below_zero(rng):
    draws = np.array([rng.standard_normal(8000), np.abs(rng.standard_normal(8000))])
    axes = plot_contours({"mine": tree_of_draws(draws)}, "a", "b").axes[0]
    vertices = np.concatenate([path.vertices for path in axes.collections[0].get_paths()])
    assert vertices[:, 1].min() >= 0
    # Mirrored, the density is at its highest at the edge, as it is for a half-normal variable.
    plane = plane_of_draws(draws, (0.5,), (shown_range(draws[:1]), shown_range(draws[1:])))
    across = plane.density.sum(axis=0)
    assert across[0] == pytest.approx(across.max(), rel=0.05)


def test_hard_edges_are_told_from_tails(rng):
    assert hard_edges(rng.standard_normal(10_000)) == (-np.inf, np.inf)
    assert hard_edges(rng.standard_cauchy(10_000)) == (-np.inf, np.inf)
    low, high = hard_edges(rng.exponential(size=10_000))
    assert 0 < low < 0.01
    assert high == np.inf
    low, high = hard_edges(-rng.uniform(size=10_000))
    assert (low, high) == pytest.approx((-1.0, 0.0), abs=0.01)


def test_the_legend_names_trees_levels_and_what_is_not_shown(draws, laplace_fit):
    line = np.array([draws[0], 2 * draws[0]])
    trees = {
        "laplace": tree_of_draws(draws, "laplace", fit=laplace_fit),
        "chains": tree_of_draws(draws, "nuts"),
        "on a line": tree_of_draws(line),
    }
    figure = plot_contours(trees, "a", "b", units={"a": "m"})
    legend = figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == [
        "laplace",
        "chains",
        "on a line (50 % and 95 % not shown)",
    ]
    assert "50 % and 95 % of the mass" in legend.get_title().get_text()
    assert figure.axes[0].get_xlabel() == "a (m)"
    styles = {(handle.get_color(), handle.get_linestyle()) for handle in legend.get_lines()}
    assert len(styles) == 3


def test_a_coarse_grid_draws_what_it_can(draws):
    fit = xr.Dataset(
        {"log_density": (("axis_0", "axis_1"), np.log([[0.8, 0.05], [0.05, 0.1]]))},
        coords={"axis_0": [0.0, 1.0], "axis_1": [0.0, 1.0], "parameter": ["a", "b"]},
    )
    legends = plot_contours({"grid": tree_of_draws(draws, "grid", fit=fit)}, "a", "b").legends
    assert legends[0].get_texts()[0].get_text() == "grid (50 % not shown)"
    single = fit.isel(axis_0=[0])
    assert plane_of_grid(grid_mass(tree_of_draws(draws, fit=single), ("a", "b")), LEVELS) is None


def test_real_laplace_tree(tmp_path):
    tree = laplace(bioassay(), draws=500, random_seed=1)
    figure = plot_contours({"laplace": tree}, "alpha", "beta", levels=[0.9])
    mode, covariance = tree["fit"]["mode"].values, tree["fit"]["covariance"].values
    np.testing.assert_allclose(
        figure.axes[0].lines[0].get_xydata(), ellipse(mode, covariance, 0.9).T
    )
    assert figure.legends[0].get_title().get_text() == "Contours hold 90 % of the mass"
    figure.savefig(tmp_path / "contours.png")
    # ld50 is no parameter: its region is estimated.
    assert not plot_contours({"laplace": tree}, "beta", "ld50").axes[0].lines


def test_arguments_are_checked(draws):
    tree = tree_of_draws(draws)
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        plot_contours({"a": tree}, "a", "b", levels=(50, 95))
    with pytest.raises(ArgumentError, match="two quantities"):
        plot_contours({"a": tree}, "a", "a")
    with pytest.raises(NoSharedVariableError, match="'a' and 'z'; there is a, b"):
        plot_contours({"a": tree}, "a", "z")
