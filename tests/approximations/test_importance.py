"""Importance sampling as a method: its tree, its draws, and what it refuses or warns of."""

import arviz as az
import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
import xarray as xr

from tripos.approximations import LogDensity, find_mode, importance
from tripos.approximations.errors import (
    ArgumentError,
    ModeAtInfinityError,
    NonFiniteDensityError,
    UntrustedWeightsWarning,
)
from tripos.approximations.importance import resampled, tree_of_pairs
from tripos.approximations.result import Record
from tripos.approximations.weights.pairs import WeightedPairs
from tripos.approximations.weights.weighting import weighted_pairs
from tripos.models import bioassay, eight_schools, globe, linear_regression, windshield
from tripos.models.linear_regression import exact_posterior, example_data


@pytest.fixture(scope="module")
def tree():
    return importance(bioassay(), random_seed=1)


def test_draws_of_the_bioassay(tree):
    """Mean and sd of beta, within four standard errors of weights and resampling together."""
    beta = tree["posterior"]["beta"].values.ravel()
    size = 1 / (1 / float(tree["fit"]["effective_sample_size"]) + 1 / beta.size)
    assert abs(beta.mean() - 11.6356) < 4 * 5.7731 / np.sqrt(size)
    centred = (beta - 11.6356) ** 2
    error = centred.std() / np.sqrt(size) / (2 * 5.7731)
    assert abs(beta.std() - 5.7731) < 4 * error


def test_quantiles_of_ld50(tree):
    """By the share of draws below the exact quantiles, which has a simple standard error."""
    ld50 = tree["posterior"]["ld50"].values.ravel()
    size = 1 / (1 / float(tree["fit"]["effective_sample_size"]) + 1 / ld50.size)
    for p, quantile in ((0.025, -0.2758), (0.25, -0.1624), (0.5, -0.1117), (0.975, 0.1034)):
        assert abs(np.mean(ld50 < quantile) - p) < 4 * np.sqrt(p * (1 - p) / size)


def test_fit(tree):
    fit = tree["fit"]
    assert float(fit["pareto_khat"]) < 0.5
    error = float(fit["log_evidence_error"])
    assert abs(float(fit["log_evidence"]) - 1.18324) < 4 * error
    assert error < 0.02
    assert float(fit["log_evidence_laplace"]) == pytest.approx(1.10143, abs=6e-6)
    np.testing.assert_allclose(fit["sd"], (1.0190854, 4.8727677), atol=6e-8)
    assert fit["trial"].values[-1].startswith("t5")
    assert fit["trial_pairs"].values[-1] == 4000
    assert fit["trial_k_hat"].values[-1] == float(fit["pareto_khat"])


def test_weighted_points(tree):
    """Normalised weights, whose means are the posterior's."""
    stats, points = tree["weighted_sample_stats"], tree["weighted_posterior"]
    weights = np.exp(stats["log_weight"].values)
    assert weights.sum() == pytest.approx(1.0)
    assert points.sizes["draw"] == 2 * 4000
    mean = float(np.sum(weights * points["beta"].values))
    assert abs(mean - 11.6356) < 4 * 0.15
    # Mirror images lie one half after the other.
    beta = tree["weighted_unconstrained_posterior"]["beta"].values[0]
    np.testing.assert_allclose(beta[:4000] + beta[4000:], 2 * tree["fit"]["mode"].values[1])
    np.testing.assert_array_equal(stats["pair"].values[0, :4000], stats["pair"].values[0, 4000:])


def test_log_weight_and_lp_are_those_of_the_draws(tree):
    whole = tree["weighted_sample_stats"]
    beta = tree["weighted_posterior"]["beta"].values[0]
    place = {value: k for k, value in enumerate(beta)}
    rows = [place[value] for value in tree["posterior"]["beta"].values[0]]
    for name in ("lp", "log_weight"):
        drawn = tree["sample_stats"][name].values[0]
        np.testing.assert_array_equal(drawn, whole[name].values[0, rows])


def test_arviz_takes_the_tree(tree):
    table = az.summary(tree, round_to="none")
    assert table.loc["beta", "mean"] == pytest.approx(float(tree["posterior"]["beta"].mean()))
    assert "beta" in az.summary(tree, group="weighted_posterior").index


def test_gaussian_target_is_exact(density_of):
    mean, covariance, evidence = exact_posterior(example_data())
    fit = importance(density_of(linear_regression), draws=1000, random_seed=2)["fit"]
    assert float(fit["pareto_khat"]) == -np.inf
    assert float(fit["effective_sample_size"]) == pytest.approx(1000)
    assert float(fit["log_evidence"]) == pytest.approx(evidence, rel=1e-8)
    assert float(fit["log_evidence_error"]) < 1e-8
    np.testing.assert_allclose(fit["mode"], mean, rtol=1e-8)
    np.testing.assert_allclose(fit["covariance"], covariance, rtol=0, atol=1e-9)


@pytest.mark.parametrize("line", [1, 2])
def test_evidence_of_the_windshields(golden, line, density_of):
    fit = importance(density_of(windshield, line), random_seed=3)["fit"]
    expected = golden["windshield"][str(line)]["log_evidence"]
    assert float(fit["pareto_khat"]) < 0.5
    assert abs(float(fit["log_evidence"]) - expected) < 4 * float(fit["log_evidence_error"])


def test_evaluations_are_counted():
    density = LogDensity(globe())
    tree = importance(density, draws=100)
    # Seven pilots of 500 pairs, and a thousand pairs: two densities each.
    assert tree.attrs["evaluations_value"] >= 2 * (7 * 500 + 1000)
    assert tree["weighted_posterior"].sizes["draw"] == 2000
    assert tree["posterior"].sizes["draw"] == 100


def test_the_same_seed_gives_the_same_draws(density_of):
    density = density_of(globe)
    one, two, other = (importance(density, draws=50, random_seed=s)["posterior"] for s in (1, 1, 2))
    np.testing.assert_array_equal(one["p"], two["p"])
    assert np.intersect1d(one["p"], other["p"]).size == 0


def test_a_tree_of_pairs_that_exist_evaluates_no_more_densities(density_of):
    density, rng = density_of(globe), np.random.default_rng(4)
    mode = find_mode(density)
    weighted = weighted_pairs(density, mode, mode.gaussian, pairs=1000, rng=rng)
    before = dict(density.evaluations)
    tree = tree_of_pairs(density, mode, weighted, 200, rng, Record("importance"))
    assert density.evaluations == before
    one = importance(density, 200, random_seed=4)
    for group in ("posterior", "weighted_posterior", "sample_stats", "fit"):
        xr.testing.assert_identical(tree[group].to_dataset(), one[group].to_dataset())


# Resampling.


def pairs_with(weights):
    """Weighted pairs whose two points have the given weights (2, S)."""
    weights = np.asarray(weights) / np.sum(weights)
    none = np.zeros(weights.shape[1])
    with np.errstate(divide="ignore"):
        logp, sums = np.log(weights), np.log(weights.sum(axis=0))
    return WeightedPairs(none, logp, none, none, none, None, sums, 0.0, 0.0, 0.0, 0.0)


def test_resampling_takes_each_point_as_often_as_its_weight_says():
    weights = np.random.default_rng(1).exponential(size=(2, 500))
    weights[0, :100] = 0
    chosen = resampled(pairs_with(weights), 2000, np.random.default_rng(2))
    counts = np.bincount(chosen, minlength=1000)
    expected = 2000 * (weights / weights.sum()).ravel()
    assert np.all(np.abs(counts - expected) < 1 + 1e-9)
    assert np.all(counts[:100] == 0)


def test_equal_weights_give_no_point_twice():
    chosen = resampled(pairs_with(np.ones((2, 500))), 1000, np.random.default_rng(3))
    assert len(np.unique(chosen)) == 1000
    assert not np.all(np.diff(chosen) > 0)  # shuffled


def test_distinct_draws_are_counted(tree):
    beta = tree["posterior"]["beta"].values
    assert len(np.unique(beta)) == int(tree["fit"]["distinct_draws"])
    assert len(np.unique(beta)) > 0.9 * beta.size


# Errors and warnings.


def horseshoe():
    """Scales times scales, each near 0: a posterior of many ridges, which no mode describes."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=(30, 8))
    with pm.Model() as model:
        overall = pm.HalfCauchy("overall", 0.1)
        own = pm.HalfCauchy("own", 1, shape=8)
        slopes = pm.Normal("slopes", shape=8) * own * overall
        pm.Normal("y", x @ slopes, 1.0, observed=2 * x[:, 0] + rng.normal(size=30))
    return model


def test_a_heavy_tail_is_warned_of():
    with pytest.warns(UntrustedWeightsWarning, match="cannot be trusted.* k-hat of"):
        tree = importance(horseshoe(), draws=500, random_seed=1)
    assert float(tree["fit"]["pareto_khat"]) >= 0.7
    assert len(tree["fit"]["trial"]) > 8  # it tried


def test_a_density_that_is_not_a_number():
    with pm.Model() as model:
        slope = pm.Normal("slope")
        pm.Potential("p", pt.switch(slope > 2.5, np.nan, 0.0))
    with pytest.raises(NonFiniteDensityError, match=r"nan at .* with slope = "):
        importance(model, random_seed=1)


def test_no_mode_is_told(density_of):
    with pytest.raises(ModeAtInfinityError, match="tau"):
        importance(density_of(eight_schools, centred=True))


@pytest.mark.parametrize(("name", "value"), [("draws", 0), ("pairs", 99), ("pairs", 2.5)])
def test_counts_out_of_range(name, value, density_of):
    with pytest.raises(ArgumentError, match=f"{name} must be a whole number .* but {value} was"):
        importance(density_of(globe), **{name: value})
