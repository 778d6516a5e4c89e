"""Samples on both sides, and the standard errors that their makers imply."""

import arviz_base
import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from tripos.approximations import find_mode, grid, importance, laplace
from tripos.approximations.linear_algebra.gaussian import Gaussian
from tripos.approximations.weights.weighting import weighted_pairs
from tripos.comparisons.verdict.contrasts import (
    Sample,
    contrasts_of_pairs,
    contrasts_of_tree_and_pairs,
    contrasts_of_trees,
    samples_of_pairs,
)
from tripos.comparisons.verdict.discrepancy import discrepancies, measures
from tripos.models import bioassay, linear_regression

RUNS = 60


def tree_of(draws, *, independent):
    tree = arviz_base.from_dict({"posterior": {"x": np.atleast_2d(draws)}})
    tree.attrs = {"independent_draws": int(independent)}
    return tree


def evenly(shift=0.1, size=5001):
    return tree_of(shift + norm.ppf((np.arange(size) + 0.5) / size), independent=True)


def autoregressive(seed, memory=0.6, chains=4, size=500):
    """Chains of sd 1 whose neighbours are correlated."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((chains, size))
    draws = noise.copy()
    for k in range(1, size):
        draws[:, k] = memory * draws[:, k - 1] + np.sqrt(1 - memory**2) * noise[:, k]
    return draws


def independent(seed):
    return tree_of(np.random.default_rng(seed).standard_normal(2000), independent=True)


def chains(seed):
    return tree_of(autoregressive(seed), independent=False)


@pytest.mark.parametrize("make", [independent, chains])
def test_standard_errors_of_a_trusted_tree_are_calibrated(make):
    """The approximation is taken as it is; only the judge's draws have an error."""
    rows = [measures(contrasts_of_trees(evenly(), make(seed))["x"]) for seed in range(RUNS)]
    ends = 0.1 + norm.ppf([[0.25, 0.75], [0.025, 0.975]])
    masses = np.diff(norm.cdf(ends), axis=1).ravel()
    truth = {"mean_shift": 0.1, "log_sd_ratio": 0, "mass_50": masses[0], "mass_95": masses[1]}
    truth |= {"q25_shift": 0.1, "q50_shift": 0.1}
    for name, value in truth.items():
        scores = np.array([(row[name] - value) / row[f"{name}_se"] for row in rows])
        assert abs(np.sqrt(np.mean(scores**2)) - 1) < 4 / np.sqrt(2 * RUNS), name


def test_neighbours_that_are_correlated_widen_the_error():
    draws = autoregressive(1, memory=0.9)
    errors = [
        measures(contrasts_of_trees(evenly(), tree_of(draws, independent=flag))["x"])[
            "mean_shift_se"
        ]
        for flag in (True, False)
    ]
    # sqrt((1 + 0.9) / (1 - 0.9)) = 4.4, as such chains themselves tell it.
    assert 3 < errors[1] / errors[0] < 6


def test_a_grid_has_no_error():
    trusted = grid(bioassay(), random_seed=1)
    draws = trusted["posterior"]["beta"].values
    side = contrasts_of_trees(trusted, trusted)["beta"]
    assert side.exact.mean == pytest.approx(11.6356, abs=2e-3)
    assert side.error(np.ones(3), np.ones(3)) == 0
    one = xr.DataTree.from_dict({"posterior": trusted["posterior"].to_dataset()[["beta"]]})
    row = discrepancies(one, trusted).loc["beta"]
    expected = (draws.mean() - side.exact.mean) / side.exact.sd
    assert row["mean_shift"] == pytest.approx(expected, abs=1e-9)
    assert row["mean_shift_se"] < 1e-8


def test_an_importance_tree_judges_by_its_weighted_points(density_of):
    """Not by the draws resampled from them, whose number says too much."""
    density = density_of(bioassay)
    tree = importance(density, draws=20_000, pairs=1000, random_seed=1)
    side = contrasts_of_trees(tree, tree)["beta"]
    assert len(side.exact.values) == 2000
    assert side.exact.weights.sum() == pytest.approx(1.0)
    error = measures(side)["mean_shift_se"]
    least = 1 / np.sqrt(2 * 1000)
    assert least < error < 0.1
    runs = [
        measures(contrasts_of_trees(tree, importance(density, pairs=1000, random_seed=s))["beta"])
        for s in range(2, 22)
    ]
    shifts = np.array([row["mean_shift"] for row in runs])
    scores = (shifts - shifts.mean()) / np.array([row["mean_shift_se"] for row in runs])
    assert abs(np.sqrt(np.mean(scores**2)) - 1) < 4 / np.sqrt(2 * 20)


@pytest.fixture(scope="module")
def regression(density_of):
    density = density_of(linear_regression)
    mode = find_mode(density)
    gaussian = Gaussian.from_precision(mode.theta, -mode.hessian, mode.parameters)
    return density, weighted_pairs(density, mode, gaussian, rng=np.random.default_rng(1))


def test_gaussian_target_agrees_without_error(regression):
    """Both sides are the same draws with the same weights."""
    density, pairs = regression
    for side in contrasts_of_pairs(samples_of_pairs(density, pairs), pairs).values():
        row = measures(side)
        assert abs(row["mean_shift"]) < 1e-7
        assert abs(row["log_sd_ratio"]) < 1e-7
        assert row["mass_95"] == pytest.approx(0.95, abs=1e-3)
        assert max(row[f"{n}_se"] for n in ("mean_shift", "log_sd_ratio", "mass_95")) < 1e-6


def test_a_tree_from_elsewhere_is_taken_by_its_draws(regression):
    density, pairs = regression
    tree = laplace(density, draws=300, random_seed=3)
    tree.attrs["method"] = "another"
    sides = contrasts_of_tree_and_pairs(tree, density, pairs, samples_of_pairs(density, pairs))
    assert list(sides) == list(contrasts_of_pairs(samples_of_pairs(density, pairs), pairs))
    for side in sides.values():
        assert len(side.approximation.values) == 300
        noise = np.random.default_rng(1).standard_normal(300)
        assert side.error(noise, np.zeros(side.exact.values.size)) == 0


def test_distribution_and_quantiles_of_a_sample():
    sample = Sample(np.array([2.0, 1.0, 4.0]), np.array([0.5, 0.2, 0.3]))
    np.testing.assert_allclose(sample.probability_below(np.array([0, 1, 3, 4])), [0, 0.2, 0.7, 1])
    np.testing.assert_allclose(sample.quantiles([0.1, 0.45, 0.85]), [1, 2, 4])
