"""What draws are worth, against what many runs show."""

import arviz_base
import numpy as np
import pymc as pm
import pytest
from hypothesis import given, strategies as st

from tripos.approximations import LogDensity, grid, importance, laplace, nested_laplace, quadrature
from tripos.comparisons.monte_carlo import (
    Sample,
    effective_draws,
    sample_of,
    samples_of,
    samples_of_posterior,
)
from tripos.comparisons.summary import summary_table
from tripos.models import eight_schools, globe

RUNS = 60
# The share of runs in which mean +- 2 s.e. should hold the truth, less four errors of its own.
FEWEST = 0.954 - 4 * np.sqrt(0.954 * 0.046 / RUNS)


@pytest.fixture(scope="module")
def square():
    """A square of a normal: its mean is 1, and its sd the square root of 2."""
    with pm.Model() as model:
        x = pm.Normal("x", 0, 1)
        pm.Deterministic("y", x**2)
    return LogDensity(model, linker="numpy")


def covered(density, method, quantity, truth, **options):
    rows = []
    for seed in range(RUNS):
        table = summary_table({"": method(density, random_seed=seed, **options)})
        rows.append(table.loc[(quantity, "")])
    return np.mean([abs(row["mean"] - truth) < 2 * row["mcse_mean"] for row in rows])


def test_means_of_independent_draws_cover(square):
    assert covered(square, laplace, "y", 1.0, draws=500) > FEWEST


def test_means_of_resampled_draws_cover(density_of):
    """Many draws of few pairs: whoever counts draws is far too sure."""
    density = density_of(globe)
    options = {"draws": 4000, "pairs": 200}
    assert covered(density, importance, "p", 7 / 11, **options) > FEWEST


def test_a_mean_that_the_heaviest_terms_decide_has_no_error():
    """Along a parabola, where the proposals hardly reach: its arms hold most of the mean."""
    with pm.Model() as model:
        x = pm.Normal("x", 0, 1)
        pm.Normal("y", x**2, 0.3)
    tree = importance(model, random_seed=14)
    row = summary_table({"": tree}).loc[("y", "")]
    assert float(tree["fit"]["pareto_khat"]) < 0.5  # the weights alone do not tell
    assert row["mcse_mean"] == row["mcse_sd"] == np.inf
    assert abs(row["mean"] - 1) > 0.1


def test_the_error_of_resampled_draws_is_that_of_their_pairs(density_of):
    density = density_of(globe)
    tree = importance(density, draws=20_000, pairs=500, random_seed=1)
    row = summary_table({"": tree}).loc[("p", "")]
    sample = samples_of(tree)["p"]
    assert len(sample.values) == 1000
    # REFERENCE: the posterior is beta(7, 5), with mean .636364 and sd .138866.
    assert 0.138866 / np.sqrt(2 * 20_000) < row["mcse_sd"] < 0.138866 / np.sqrt(2 * 500)
    assert row["mcse_mean"] < 0.138866 / np.sqrt(500)  # mirror images leave less noise
    assert row["mean"] == pytest.approx(sample.weights @ sample.values)
    assert abs(row["sd"] - 0.138866) < 4 * row["mcse_sd"]


def test_nested_draws_with_weights_keep_them(density_of):
    density = density_of(eight_schools)
    options = {"latent": ["eta"], "draws": 500, "random_seed": 1}
    tree = nested_laplace(density, weights=True, **options)
    weights = np.exp(tree["weighted_sample_stats"]["log_weight"].values)
    assert weights.sum() == pytest.approx(1.0)
    assert 1 / np.sum(weights**2) == pytest.approx(float(tree["fit"]["effective_sample_size"]))
    row = summary_table({"": tree}).loc[("mu", "")]
    # REFERENCE: 4.39682 (3.31770).
    assert abs(row["mean"] - 4.39682) < 4 * row["mcse_mean"]
    assert row["mcse_mean"] > 0.9 * 3.31770 / np.sqrt(500)


def test_a_grid_is_known_by_its_cells_and_a_quadrature_by_its_weights(density_of):
    density = density_of(globe)
    cells = samples_of_posterior(grid(density, random_seed=1))["p"]
    assert cells.mean == pytest.approx(7 / 11, abs=1e-6)
    assert cells.error(np.ones(len(cells.values))) == 0
    carried = samples_of_posterior(quadrature(density, random_seed=1))["p"]
    assert np.ptp(carried.weights) > 0
    mean, sd, error, sd_error = carried.moments
    assert abs(mean - 7 / 11) < 4 * error
    assert abs(sd - 0.138866) < 4 * sd_error


def autoregressive(rng, memory=0.9, chains=2, size=2000):
    """Chains of sd 1 whose neighbours are correlated."""
    noise = rng.standard_normal((chains, size))
    draws = noise.copy()
    for k in range(1, size):
        draws[:, k] = memory * draws[:, k - 1] + np.sqrt(1 - memory**2) * noise[:, k]
    return draws


def test_means_of_chains_cover():
    hits = 0
    for seed in range(RUNS):
        mean, _, error, _ = sample_of(
            autoregressive(np.random.default_rng(seed)), independent=False
        ).moments
        hits += abs(mean) < 2 * error
    assert hits / RUNS > FEWEST


def test_draws_are_worth_what_their_worst_quantity_is():
    rng = np.random.default_rng(1)
    steady = sample_of(rng.standard_normal((2, 2000)), independent=False)
    chain = sample_of(autoregressive(rng), independent=False)
    constant = sample_of(np.ones((2, 2000)), independent=False)
    # An autoregression with 0.9 is worth a nineteenth.
    assert 100 < effective_draws([steady, chain, constant]) < 450
    assert 3000 < effective_draws([steady, constant]) <= 4000
    assert effective_draws([constant]) == 4000
    assert effective_draws([sample_of(np.ones((4, 3)).cumsum(1), independent=False)]) == 1
    assert effective_draws([sample_of(rng.standard_normal((1, 50)), independent=True)]) == 50


@given(st.integers(2, 40), st.integers(0, 1000))
def test_points_that_come_twice_are_worth_one(size, seed):
    """A pair of equal values with half of the weight each has the error of one draw."""
    rng = np.random.default_rng(seed)
    values, weights = rng.standard_normal(size), rng.dirichlet(np.ones(size))
    once = Sample(values, weights)
    twice = Sample(np.tile(values, 2), np.tile(weights, 2) / 2, np.tile(np.arange(size), 2))
    np.testing.assert_allclose(once.moments[0], twice.moments[0])
    np.testing.assert_allclose(once.moments[2:], twice.moments[2:])


def test_values_without_weight_may_be_anything():
    values, weights = np.array([1.0, np.nan, 3.0]), np.array([0.5, 0.0, 0.5])
    assert Sample(values, weights).moments[0] == 2.0


def test_a_foreign_tree_holds_chains():
    tree = arviz_base.from_dict({"posterior": {"x": autoregressive(np.random.default_rng(1))}})
    assert samples_of(tree)["x"].chains == 2
    assert samples_of(tree)["x"].effective_size < 500
