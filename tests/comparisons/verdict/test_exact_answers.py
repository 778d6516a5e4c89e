"""Answers that are exact up to Monte Carlo error: accepted for what they are, and no more."""

import arviz_base
import numpy as np
import pymc as pm
import pytest
import xarray as xr

from tripos.approximations import (
    LogDensity,
    grid,
    importance,
    laplace,
    nested_laplace,
    skew_laplace,
)
from tripos.approximations.errors import NoSharedVariableError
from tripos.comparisons import Tolerances, verdict
from tripos.comparisons.monte_carlo import sample_of
from tripos.comparisons.verdict.exact_answers import errors_of, judge_exact, own_errors
from tripos.models import bioassay, eight_schools


@pytest.fixture(scope="module")
def regression():
    """Eight coefficients, and the normal posterior of them."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 8))
    with pm.Model() as model:
        b = pm.Normal("b", 0, 10, shape=8)
        pm.Normal("y", pm.math.dot(x, b), 1.0, observed=rng.normal(size=50))
    return LogDensity(model, linker="numpy")


def chains_of(draws, **stats):
    tree = arviz_base.from_dict({"posterior": {"x": draws}, "sample_stats": stats})
    tree.attrs = {"method": "nuts", "independent_draws": 0}
    return tree


def test_perfect_draws_are_accepted(regression):
    """Eight quantities of 4,000 exact draws: some failed by chance in a third of all seeds."""
    for seed in range(5):
        tree = importance(regression, random_seed=seed)
        found = verdict(tree, regression, random_seed=100 + seed)
        assert found.agrees, str(found)
        assert set(found.table["question"]) == {"Monte Carlo error"}


@pytest.mark.parametrize("method", ["laplace", "importance", "nuts"])
@pytest.mark.parametrize(("shift", "width"), [(0.15, 1.0), (0.0, 1.15), (0.0, 0.85)])
def test_wrong_draws_are_never_accepted(regression, method, shift, width):
    """Whatever made them, and whatever their group ``fit`` says."""
    exact = laplace(regression, random_seed=0)
    b = exact["posterior"]["b"]
    mean, sd = b.mean(["chain", "draw"]), b.std(["chain", "draw"])
    for seed in range(2):
        tree = exact.copy(deep=True)
        draws = np.random.default_rng(seed).standard_normal(b.shape)
        wrong = (draws * width + shift) * sd.values + mean.values
        tree["posterior"] = xr.DataTree(xr.Dataset({"b": b.copy(data=wrong)}))
        tree.attrs["method"] = method
        found = verdict(tree, regression, random_seed=seed)
        assert found.counts["agrees"] == 0, str(found)


def test_errors_are_those_of_independent_draws():
    rng = np.random.default_rng(1)
    of_mean, of_sd = errors_of(sample_of(rng.standard_normal((1, 10_000)), independent=True))
    assert of_mean.value == pytest.approx(0.01, rel=0.05)
    assert of_sd.value == pytest.approx(1 / np.sqrt(20_000), rel=0.05)


def test_quartiles_where_there_are_no_moments():
    """In units of the error of a mean: about 1 over the root of the number of draws."""
    rng = np.random.default_rng(1)
    (found,) = errors_of(sample_of(rng.standard_cauchy((1, 10_000)), independent=True))
    assert found.of == "quartiles"
    assert 0.005 < found.value < 0.03


def test_few_draws_are_not_enough():
    draws = np.random.default_rng(1).standard_normal((1, 300))
    tree = arviz_base.from_dict({"posterior": {"x": draws}})
    tree.attrs = {"method": "importance", "independent_draws": 1}
    table = judge_exact(tree)
    assert table.at["x", "judgement"] == "inconclusive"
    assert "the mean of x is known to 0.05" in table.at["x", "sentence"]
    assert "to be at most 0.05 sd; take more draws" in table.at["x", "sentence"]
    assert judge_exact(tree, Tolerances(monte_carlo=0.1)).at["x", "judgement"] == "agrees"


def test_chains_are_judged_quantity_by_quantity():
    """One that has not converged does not speak against another; divergences speak for all."""
    rng = np.random.default_rng(1)
    draws = rng.standard_normal((4, 1000, 2))
    draws[..., 1] += np.arange(4)[:, None]
    table = judge_exact(chains_of(draws))
    assert table["judgement"].tolist() == ["agrees", "inconclusive"]
    assert "R-hat is" in table.at["x[1]", "sentence"]
    assert judge_exact(chains_of(draws), var_names=["x[0]"])["judgement"].tolist() == ["agrees"]
    diverging = np.zeros((4, 1000), dtype=bool)
    diverging[0, 0] = True
    table = judge_exact(chains_of(draws, diverging=diverging))
    assert table["judgement"].tolist() == ["inconclusive", "inconclusive"]


def test_a_grid_is_judged_by_the_error_of_its_rule(density_of):
    density = density_of(bioassay)
    fine = grid(density, random_seed=1, progressbar=False)
    assert {error.of for found in own_errors(fine, ["beta"]).values() for error in found} == {
        "mean",
        "sd",
    }
    assert verdict(fine, density, var_names=["alpha", "beta"], random_seed=1).agrees
    coarse = grid(density, points=8, random_seed=1, progressbar=False)
    assert not verdict(coarse, density, var_names=["alpha", "beta"], random_seed=1).agrees


def test_a_skewed_normal_is_judged_as_a_distribution(density_of):
    """Two samples of it have the same verdict, since the noise of neither counts."""
    density = density_of(bioassay)
    rows = [
        verdict(skew_laplace(density, draws=200, random_seed=seed), density, random_seed=5)
        for seed in (1, 2)
    ]
    assert rows[0].discrepancies.equals(rows[1].discrepancies)


def test_a_quantity_without_a_finite_value_in_some_cells_fails():
    with pm.Model() as model:
        x = pm.Normal("x")
        pm.Deterministic("r", pm.math.switch(x > 1, np.inf, x))
    table = judge_exact(grid(model, points=201, random_seed=1, progressbar=False))
    assert table["judgement"].tolist() == ["agrees", "failed"]


def test_draws_that_are_not_of_their_weights_are_judged_by_themselves(density_of):
    density = density_of(bioassay)
    for method in (grid, importance):
        tree = method(density, random_seed=1)
        tree["posterior"]["beta"] = tree["posterior"]["beta"] + 5
        found = verdict(tree, density, var_names=["beta"], random_seed=1)
        assert found.table["judgement"].tolist() == ["differs"], method.__name__


def test_resampled_nested_draws_that_are_not_of_their_weights(density_of):
    """They store no proposal density any more, and there was a KeyError."""
    density = density_of(eight_schools)
    tree = nested_laplace(density, latent=["eta"], weights=True, random_seed=1)
    tree["posterior"]["mu"] = tree["posterior"]["mu"] + 20
    found = verdict(tree, density, var_names=["mu"], random_seed=1)
    assert found.table["judgement"].tolist() == ["differs"]


def test_a_tree_of_another_model_has_nothing_to_judge():
    with pm.Model() as other:
        pm.Normal("z")
    draws = np.random.default_rng(1).standard_normal((4, 1000))
    with pytest.raises(NoSharedVariableError):
        verdict(chains_of(draws), other)


def test_chains_worth_little_are_not_accepted_beyond_the_tolerance():
    """Twice the tolerance off, which is four of their own standard errors."""
    with pm.Model() as model:
        pm.Normal("x")
    density = LogDensity(model, linker="numpy")
    agreeing = 0
    for seed in range(20):
        draws = 0.2 + np.random.default_rng(seed).standard_normal((4, 120))
        agreeing += verdict(chains_of(draws), density, random_seed=seed).agrees
    assert agreeing <= 1
