"""Sequential Monte Carlo: the evidence and the posterior, each within its own Monte Carlo error."""

import arviz as az
import numpy as np
import pymc as pm
import pytest

from tripos.approximations import LogDensity, laplace, smc
from tripos.approximations.errors import (
    ArgumentError,
    DataError,
    DiscreteVariableError,
    SamplingError,
)
from tripos.models import globe, linear_regression

# Ready at once, and on one core: what the tests run is small.
QUICK = {"linker": "numpy", "cores": 1}


@pytest.fixture(scope="module")
def water():
    return smc(globe(), 200, chains=6, random_seed=1, **QUICK)


@pytest.fixture(scope="module")
def regression():
    return smc(linear_regression(), 150, chains=6, random_seed=1, **QUICK)


def within(fit, exact):
    error = float(fit["log_evidence_error"])
    assert 0 < error < 0.2  # or the next line would say nothing
    return abs(float(fit["log_evidence"]) - exact) < 4 * error


def test_the_evidence_of_the_globe_is_a_tenth(water):
    assert within(water["fit"], -np.log(10))


def test_the_evidence_of_a_gaussian_model_is_laplaces(regression):
    exact = laplace(linear_regression(), draws=10, random_seed=1)["fit"]
    assert within(regression["fit"], float(exact["log_evidence"]))


@pytest.mark.parametrize(("method", "exact"), [("mean", 7 / 11), ("sd", 0.138866)])
def test_the_posterior_of_the_globe(water, method, exact):
    p = water["posterior"]["p"]
    error = float(az.mcse(water, var_names=["p"], method=method)["p"])
    assert error < 0.02
    estimate = p.mean() if method == "mean" else p.std()
    assert abs(float(estimate) - exact) < 4 * error


def test_the_posterior_of_a_gaussian_model(regression):
    exact = laplace(linear_regression(), draws=10, random_seed=1)["fit"]
    errors = az.mcse(regression, var_names=["b"])["b"].values
    means = regression["posterior"]["b"].mean(("chain", "draw")).values
    assert np.all(np.abs(means - exact["mode"].values) < 4 * errors)


def test_both_of_two_modes_are_found():
    """Shares and evidence in closed form: x ~ N(0, 3), and half a likelihood at -3 and at 3."""
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 3.0)
        left, right = (-0.5 * ((x - place) / 0.3) ** 2 for place in (-3.0, 3.0))
        constant = np.log(0.5) - 0.5 * np.log(2 * np.pi * 0.3**2)
        pm.Potential("modes", pm.math.logaddexp(left, right) + constant)
    tree = smc(model, 100, chains=6, random_seed=3, **QUICK)
    variance = 3.0**2 + 0.3**2
    assert within(tree["fit"], -0.5 * (np.log(2 * np.pi * variance) + 9 / variance))
    right = (tree["posterior"]["x"] > 0).mean("draw").values
    assert abs(right.mean() - 0.5) < 4 * right.std(ddof=1) / np.sqrt(6)


def test_the_error_is_that_of_the_mean_over_the_chains(water):
    fit = water["fit"]
    evidence = np.exp(fit["log_evidence_chain"].values)
    assert evidence.size == 6
    assert float(fit["log_evidence"]) == pytest.approx(np.log(evidence.mean()))
    relative = evidence.std(ddof=1) / np.sqrt(6) / evidence.mean()
    assert float(fit["log_evidence_error"]) == pytest.approx(relative)


def test_stages_end_at_the_posterior_and_are_empty_after(regression):
    fit = regression["fit"]
    for chain in range(6):
        beta = fit["beta"].values[chain]
        told = beta[np.isfinite(beta)]
        assert told[-1] == 1
        assert np.all(np.diff(told) > 0)
        for name in ("accept_rate", "steps"):
            np.testing.assert_array_equal(np.isnan(fit[name].values[chain]), np.isnan(beta))
    steps = int(np.nansum(fit["steps"]))
    spent = regression.attrs["evaluations_value"]
    assert spent == 150 * (6 + steps) + 6 * 150  # those of lp are counted, too


def test_lp_and_the_unconstrained_draws_belong_to_the_draws(water):
    density = LogDensity(globe())
    thetas = water["unconstrained_posterior"][density.blocks[0].value_name].values
    assert thetas.shape == (6, 200)
    lp = density.batched_value(thetas.reshape(-1, 1)).reshape(6, 200)
    np.testing.assert_allclose(water["sample_stats"]["lp"], lp)
    p = density.unravel(thetas.reshape(-1, 1))["p"].reshape(6, 200)
    np.testing.assert_allclose(water["posterior"]["p"], p)


def test_chains_are_labelled_by_the_models_dims(regression):
    assert dict(regression["posterior"]["b"].sizes) == {"chain": 6, "draw": 150, "predictor": 3}
    assert regression.attrs["independent_draws"] == 0


def test_a_flat_prior_cannot_be_drawn_from():
    with pm.Model() as model:
        mu = pm.Flat("mu")
        pm.Normal("y", mu, 1.0, observed=[0.0, 1.0])
    with pytest.raises(SamplingError, match=r"(?s)NotImplementedError.*every prior must be proper"):
        smc(model, 20, chains=2, random_seed=1, **QUICK)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"draws": 0}, "draws must be a whole number of at least 1"),
        ({"chains": 1}, "chains must be a whole number of at least 2"),
        ({"linker": "c"}, "linker must be 'numba' or 'numpy', but 'c'"),
        ({"random_seed": "seven"}, "random_seed must be"),
    ],
)
def test_arguments_out_of_range(arguments, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        smc(globe(), **arguments)


def test_an_argument_that_pymc_does_not_know():
    with pytest.raises(SamplingError, match=r"TypeError.*'power'"):
        smc(globe(), 20, chains=2, power=3, **QUICK)


def test_models_that_it_cannot_serve():
    density = LogDensity(globe())
    density.set_data({"water": 3})
    with pytest.raises(DataError, match="smc takes the model with its own data"):
        smc(density)
    with pm.Model() as counts:
        pm.Poisson("births", 3.0)
    with pytest.raises(DiscreteVariableError):
        smc(counts)


def test_seeds(capfd):
    model = globe()
    before = np.random.get_state()[1].copy()  # noqa: NPY002

    def draws(seed):
        return smc(model, 20, chains=2, random_seed=seed, **QUICK)["posterior"]["p"].values

    rng = np.random.default_rng(5)
    first, second, third = draws(1), draws(rng), draws(rng)
    np.testing.assert_array_equal(first, draws(1))
    assert np.intersect1d(first, second).size == np.intersect1d(second, third).size == 0
    assert np.intersect1d(first[0], first[1]).size == 0
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert capfd.readouterr().out == ""


def test_an_interrupt_passes_through(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(pm, "sample_smc", interrupted)
    with pytest.raises(KeyboardInterrupt):
        smc(globe(), **QUICK)
