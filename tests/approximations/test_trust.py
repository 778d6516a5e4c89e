"""Who can be taken for the posterior, and who cannot: chains, weights, grids and quadratures."""

import warnings

import arviz_base
import numpy as np
import pytest
import xarray as xr

from tripos.approximations import LogDensity, grid, importance, laplace, quadrature
from tripos.approximations.errors import GridEdgeWarning, UntrustedWeightsWarning
from tripos.approximations.trust_words import distrust_of, warn_of_weights
from tripos.models import globe


def tree_of(draws, stats=None, fit=None, **attrs):
    """Draws (C, S) of ``x``: Markov chains, unless ``independent_draws`` says otherwise."""
    dims = ("chain", "draw")
    groups = {"posterior": xr.Dataset({"x": (dims, draws)})}
    if stats is not None:
        groups["sample_stats"] = xr.Dataset({name: (dims, value) for name, value in stats.items()})
    if fit is not None:
        groups["fit"] = xr.Dataset(fit)
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = attrs
    return tree


@pytest.fixture
def draws():
    return np.random.default_rng(3).normal(size=(4, 500))


def test_chains_that_mix_are_trusted(draws):
    assert distrust_of(tree_of(draws)) is None
    assert distrust_of(tree_of(draws, {"diverging": np.zeros(draws.shape, dtype=bool)})) is None


def test_chains_in_two_places(draws):
    draws[2] += 5
    assert "R-hat is 1." in distrust_of(tree_of(draws))


def test_a_single_chain_is_held_against_itself():
    steady = np.random.default_rng(1).normal(size=(1, 2000))
    assert distrust_of(tree_of(steady)) is None
    drifting = steady + np.linspace(0, 3, 2000)
    assert "R-hat is" in distrust_of(tree_of(drifting))


@pytest.mark.parametrize("size", [1, 3, 80])
def test_chains_that_are_short(draws, size):
    """With so few draws that there is no R-hat, too."""
    assert "is worth" in distrust_of(tree_of(draws[:, :size]))


def test_chains_that_do_not_move(draws):
    """No variance within a chain: R-hat is not a number, or infinite."""
    stuck = np.repeat(np.arange(4.0)[:, None], 500, axis=1)
    assert "R-hat is" in distrust_of(tree_of(stuck))
    assert distrust_of(tree_of(np.ones((4, 500)))) == "nothing varies in its draws"
    assert distrust_of(tree_of(np.ones((1, 500)), independent_draws=1)) is not None


def test_divergences(draws):
    diverging = np.zeros(draws.shape, dtype=bool)
    diverging[0, :3] = True
    assert "3 draws diverged" in distrust_of(tree_of(draws, {"diverging": diverging}))


def test_energies_that_are_not_explored(draws):
    energy = np.cumsum(draws, axis=1)
    assert "BFMI is 0.0" in distrust_of(tree_of(draws, {"energy": energy}))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_draw_that_is_not_a_number(draws, value):
    tree = arviz_base.from_dict({"posterior": {"x": draws, "y": draws.copy()}})
    tree["posterior"]["y"].values[1, 7] = value
    assert "y is not a finite number in some draws" in distrust_of(tree)
    assert distrust_of(tree, ["x"]) is None


@pytest.mark.parametrize(
    ("fit", "told"),
    [
        ({"k_hat": 1.0, "effective_sample_size": 900.0}, "k-hat of 1.00"),
        ({"k_hat": np.nan}, "k-hat of nan"),
        ({"k_hat": 0.1, "effective_sample_size": 50.0}, "worth only 50"),
        ({"k_hat": 0.1, "effective_sample_size": np.nan}, "worth only nan"),
        ({"k_hat": 0.1, "effective_sample_size": 900.0}, None),
    ],
)
def test_weights(draws, fit, told):
    why = distrust_of(tree_of(draws, fit=fit, independent_draws=1))
    assert (why is None) if told is None else (told in why)


def test_few_independent_draws(draws):
    assert "worth only 199" in distrust_of(tree_of(draws[:1, :199], independent_draws=1))
    assert distrust_of(tree_of(draws, independent_draws=1)) is None


@pytest.fixture(scope="module")
def density():
    return LogDensity(globe())


def test_methods_that_are_exact_are_trusted(density):
    for method in (grid, quadrature, importance):
        assert distrust_of(method(density, random_seed=1)) is None, method.__name__


def test_approximations_are_not(density, draws):
    assert "laplace is an approximation" in distrust_of(laplace(density))
    for method in ("skew_laplace", "nested_laplace", "advi", "dadvi"):
        tree = tree_of(draws, fit={"k_hat": 0.1}, method=method, independent_draws=1)
        assert f"{method} is an approximation" in distrust_of(tree)


def test_a_box_that_cuts_the_posterior_off(density):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GridEdgeWarning)
        tree = grid(density, bounds={"p": (0.5, 0.9)}, random_seed=1)
    assert "cuts the posterior off" in distrust_of(tree)


@pytest.mark.parametrize("points", [3, 6])
def test_cells_that_are_too_wide(density, points):
    assert "cells are too wide" in distrust_of(grid(density, points=points, random_seed=1))


def test_a_quadrature_that_missed_the_posterior(density):
    tree = quadrature(density, random_seed=1)
    noise = np.random.default_rng(1).standard_cauchy((1, 4000))
    tree["sample_stats"]["lp"] = tree["sample_stats"]["lp"] + 3 * noise
    assert "k-hat" in distrust_of(tree)
    tree["sample_stats"]["lp"][:] = -np.inf
    assert "zero at all" in distrust_of(tree)


def test_warnings_are_given_by_the_same_limits():
    with pytest.warns(UntrustedWeightsWarning, match=r"Their weights cannot be .* k-hat of 0\.80"):
        warn_of_weights("Their weights", 0.8, 900.0, 1000, "Use nuts.")
    with pytest.warns(UntrustedWeightsWarning, match=r"only 9 .* least 10 .* Use nuts"):
        warn_of_weights("Their weights", 0.1, 9.0, 100, "Use nuts.")
    warn_of_weights("Of few draws", 0.1, 90.0, 100, "")
