"""NUTS, against quadrature and its own Monte Carlo errors, with two samplers."""

from importlib.util import find_spec

import arviz as az
import numpy as np
import pymc as pm
import pytest

from tripos.approximations import nuts
from tripos.approximations.errors import (
    ArgumentError,
    DiscreteVariableError,
    MissingExtraError,
    NoFreeVariableError,
    SamplingError,
)
from tripos.comparisons import compare
from tripos.models import bioassay, globe

ON_JAX = ("numpyro", "blackjax")


@pytest.fixture(scope="module")
def weak_pymc():
    return nuts(
        bioassay("weak"),
        draws=2000,
        chains=4,
        cores=1,
        random_seed=2,
        nuts_sampler="pymc",
        target_accept=0.9,
    )


@pytest.fixture(params=["nutpie", "pymc"])
def weak(request):
    return request.getfixturevalue(f"weak_{request.param}")


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_mean_and_sd_under_the_same_prior(golden, weak, name):
    """The grid's numbers under N(0, 100): within four Monte Carlo errors."""
    exact = golden["bioassay"]["weak"]["exact"][name]
    draws = weak["posterior"][name]
    for method, estimate in (("mean", draws.mean()), ("sd", draws.std())):
        error = float(az.mcse(weak, var_names=[name], method=method)[name])
        assert error < 0.05 * exact["sd"]  # or the next line would say nothing
        assert abs(float(estimate) - exact[method]) < 4 * error


@pytest.mark.parametrize("p", [0.025, 0.5, 0.975])
def test_quantiles_of_ld50(golden, weak, p):
    """Of the flat prior, which N(0, 100) is to the third decimal in these."""
    quantile = np.interp(
        p,
        golden["settings"]["probabilities"],
        golden["bioassay"]["flat"]["exact"]["ld50"]["quantiles_given_beta_positive"],
    )
    below = (weak["posterior"]["ld50"] < quantile).astype(float)
    error = float(az.mcse(below.to_dataset(name="below"), method="mean")["below"])
    assert abs(float(below.mean()) - p) < 4 * error


def test_chains_agree(weak):
    assert float(az.rhat(weak)["beta"]) < 1.01
    assert weak["posterior"].sizes["chain"] == 4


def test_every_sampler_has_the_same_statistics(weak):
    stats = weak["sample_stats"]
    assert {"lp", "diverging", "n_steps", "tree_depth"} <= set(stats.data_vars)
    assert stats["lp"].dims == ("chain", "draw")
    assert stats["diverging"].dtype == bool
    assert all(value.dtype != object for value in stats.data_vars.values())


def test_costs_are_counted(weak):
    steps = int(weak["sample_stats"]["n_steps"].sum())
    assert weak.attrs["evaluations_gradient"] == steps
    assert weak.attrs["independent_draws"] == 0


def test_lp_is_the_log_density(weak):
    """Up to a constant, which samplers may leave out."""
    posterior = weak["posterior"].isel(chain=0, draw=slice(0, 50))
    eta = posterior["alpha"] + posterior["beta"] * weak["constant_data"]["log_dose"]
    deaths, animals = weak["observed_data"]["deaths"], weak["constant_data"]["animals"]
    logp = (deaths * eta - animals * np.log1p(np.exp(eta))).sum("dose")
    logp = logp - (posterior["alpha"] ** 2 + posterior["beta"] ** 2) / (2 * 100.0**2)
    lp = weak["sample_stats"]["lp"].isel(chain=0, draw=slice(0, 50))
    np.testing.assert_allclose(lp - lp[0], logp - logp[0], atol=1e-6)


@pytest.mark.parametrize("argument", ["draws", "tune", "chains"])
def test_counts_below_one(argument):
    with pytest.raises(ArgumentError, match=f"{argument} must be a whole number .* but 0 was"):
        nuts(globe(), **{argument: 0})


def test_a_misspelt_option_is_found_before_any_leg_runs():
    sentence = "nuts takes no argument 'target_acept'. Did you mean target_accept"
    with pytest.raises(ArgumentError, match=sentence):
        nuts(globe(), target_acept=0.9)
    with pytest.raises(ArgumentError, match=sentence):
        compare(globe(), ["laplace", "nuts"], options={"nuts": {"target_acept": 0.9}})
    with pytest.raises(ArgumentError, match=r"'blub'\. It takes model, draws, .*, cores, .*, nuts"):
        nuts(globe(), blub=1)


def test_an_unknown_sampler():
    with pytest.raises(SamplingError, match="nuts_sampler='gibbs' failed: ValueError"):
        nuts(globe(), draws=5, tune=5, nuts_sampler="gibbs")


@pytest.mark.skipif(find_spec("jax") is not None, reason="the extras are here")
@pytest.mark.parametrize("sampler", ON_JAX)
def test_a_sampler_that_is_not_installed_is_named_with_its_extra(sampler):
    sentence = rf"nuts_sampler='{sampler}' needs {sampler}.*pip install \"tripos\[{sampler}\]\""
    with pytest.raises(MissingExtraError, match=sentence):
        nuts(globe(), nuts_sampler=sampler)


@pytest.mark.skipif(find_spec("jax") is None, reason="needs the extras numpyro and blackjax")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("sampler", ON_JAX)
def test_samplers_on_jax(sampler):
    """The globe, within four Monte Carlo errors, and the same statistics as the others have."""
    tree = nuts(globe(), draws=500, tune=300, chains=4, random_seed=1, nuts_sampler=sampler)
    p = tree["posterior"]["p"]
    for method, estimate, exact in (("mean", p.mean(), 7 / 11), ("sd", p.std(), 0.138866)):
        error = float(az.mcse(tree, var_names=["p"], method=method)["p"])
        assert error < 0.02
        assert abs(float(estimate) - exact) < 4 * error
    assert {"lp", "diverging", "n_steps", "tree_depth"} <= set(tree["sample_stats"].data_vars)
    assert tree.attrs["evaluations_gradient"] >= 2000


def test_a_start_that_no_sampler_takes(quick_nuts):
    with pm.Model() as model:
        x = pm.Normal("x")
        pm.Potential("wall", pm.math.switch(x > 1e6, 0.0, -np.inf))
    with pytest.raises(SamplingError, match="nuts_sampler='pymc' failed: SamplingError"):
        nuts(model, draws=5, tune=5, chains=1, **quick_nuts)


def test_interrupted_chains_are_no_posterior(monkeypatch, weak_nutpie):
    """PyMC returns what it has after Ctrl-C, which would pass for the whole."""
    part = weak_nutpie.isel(draw=slice(0, 7))
    monkeypatch.setattr(pm, "sample", lambda *_, **__: part)
    with pytest.raises(KeyboardInterrupt):
        nuts(globe(), draws=10)


def test_a_discrete_variable():
    with pm.Model() as model:
        pm.Poisson("births", 3.0)
    with pytest.raises(DiscreteVariableError, match="'births' is discrete"):
        nuts(model)


def test_no_free_variable():
    with pm.Model() as model:
        pm.Normal("y", 0.0, 1.0, observed=[1.0])
    with pytest.raises(NoFreeVariableError, match="no free variable"):
        nuts(model)


def test_sampler_by_the_environment_of_the_model(quick_nuts):
    """The model in context is taken, as by the other methods."""
    with globe():
        tree = nuts(draws=5, tune=5, chains=1, random_seed=1, **quick_nuts)
    assert list(tree["posterior"].data_vars) == ["p"]
