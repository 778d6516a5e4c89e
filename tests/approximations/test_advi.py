"""ADVI: exact on normal posteriors, by its ELBO; and what happens when it does not converge."""

import numpy as np
import pymc as pm
import pytest

from tripos.approximations import LogDensity, advi, fullrank_advi, laplace
from tripos.approximations.errors import (
    ArgumentError,
    ConvergenceError,
    DataError,
    DiscreteVariableError,
    MemoryLimitError,
    NoFreeVariableError,
)
from tripos.approximations.result import parameter_array
from tripos.approximations.variational import ascent
from tripos.models import globe, linear_regression


@pytest.fixture(scope="module")
def density():
    return LogDensity(linear_regression())


@pytest.fixture(scope="module")
def exact(density):
    """The posterior is normal: Laplace's mode, precision and evidence are the truth."""
    return laplace(density, draws=10, random_seed=1)["fit"].to_dataset()


@pytest.fixture(scope="module")
def full(density):
    return fullrank_advi(density, random_seed=7, tolerance=0.1)


@pytest.fixture(scope="module")
def mean_field(density):
    return advi(density, random_seed=7, tolerance=0.1)


@pytest.fixture(params=["full", "mean_field"])
def tree(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def hasty(monkeypatch):
    """Take everything for settled at once, after 40 steps: a poor approximation."""
    monkeypatch.setattr(ascent, "BLOCK", 20)
    monkeypatch.setattr(ascent, "_rises", lambda blocks: False)
    monkeypatch.setattr(ascent, "_is_settled", lambda *arguments: True)


def test_means_are_exact_within_their_errors(tree, exact):
    fit = tree["fit"]
    assert float((fit["mean_error"] / fit["sd"]).max()) <= 0.1
    assert np.all(np.abs(fit["mean"] - exact["mode"]) < 4 * fit["mean_error"])


def test_full_rank_has_the_evidence_and_the_covariance(full, exact):
    fit = full["fit"]
    # Where log p - log q is constant the ELBO has no noise: what it has is the fit's own error.
    assert float(fit["elbo_error"]) < 0.005
    assert abs(float(fit["elbo"] - exact["log_evidence"])) < 0.01
    product = exact["precision"].values @ fit["covariance"].values
    shift = (fit["mean"] - exact["mode"]).values
    divergence = 0.5 * (np.trace(product) - 3 - np.linalg.slogdet(product)[1])
    divergence += 0.5 * shift @ exact["precision"].values @ shift
    assert 0 <= divergence < 0.01
    assert float(fit["elbo"]) == pytest.approx(
        float(exact["log_evidence"]) - divergence, abs=4 * float(fit["elbo_error"])
    )


def test_mean_field_has_the_conditional_sds_and_their_elbo(mean_field, exact):
    """In closed form: sd 1 / root of the precision's diagonal, and the divergence that is left."""
    fit, precision = mean_field["fit"], exact["precision"].values
    conditional = 1 / np.sqrt(np.diag(precision))
    assert np.min(conditional / exact["sd"]) < 0.75  # or there would be nothing to get wrong
    relative = (fit["mean_error"] / fit["sd"]).values
    assert np.all(np.abs(np.log(fit["sd"] / conditional)) < 4 * relative)
    divergence = 0.5 * (np.sum(np.log(np.diag(precision))) - np.linalg.slogdet(precision)[1])
    gap = float(exact["log_evidence"] - fit["elbo"]) - divergence
    assert abs(gap) < 4 * float(fit["elbo_error"]) + 0.01


def test_the_trace_of_the_elbo_rises_to_that_of_the_draws(tree):
    """But for what the iterates, which wander about their average, fall short of it."""
    fit = tree["fit"]
    last = float(fit["elbo"] - fit["elbo_trace"][-1])
    error = np.hypot(float(fit["elbo_trace_error"][-1]), float(fit["elbo_error"]))
    assert -4 * error < last < 4 * error + 0.05
    assert int(fit["iteration"][-1]) == tree.attrs["evaluations_gradient"]
    assert float(fit["elbo_trace"][0]) < float(fit["elbo"]) - 1


def test_draws_are_those_of_the_approximation_and_know_their_density(tree, density):
    thetas = tree["unconstrained_posterior"]["b"].values[0]
    fit, stats = tree["fit"], tree["sample_stats"]
    np.testing.assert_allclose(stats["lp"][0], density.batched_value(thetas))
    errors = fit["sd"].values / np.sqrt(len(thetas))
    assert np.all(np.abs(thetas.mean(axis=0) - fit["mean"].values) < 4 * errors)
    ratios = (stats["lp"] - stats["log_proposal"]).values
    assert float(fit["elbo"]) == pytest.approx(ratios.mean())
    known = "covariance" in fit
    covariance = fit["covariance"].values if known else np.diag(fit["sd"].values ** 2)
    apart = thetas - fit["mean"].values
    quadratic = np.sum(apart @ np.linalg.inv(covariance) * apart, axis=1)
    constant = np.linalg.slogdet(2 * np.pi * covariance)[1]
    np.testing.assert_allclose(stats["log_proposal"][0], -0.5 * (quadratic + constant))


def test_scales_far_apart_are_found():
    """A step is as long as the approximation is wide: 1e3 and 1e-3 take the same number of them."""
    scales, means = np.array([1e3, 1.0, 1e-3]), np.array([5e2, -1.0, 2e-3])
    with pm.Model() as model:
        pm.Normal("x", means, scales, shape=3)
    fit = advi(model, start={"x": np.zeros(3)}, random_seed=1, tolerance=0.1)["fit"]
    assert np.all(np.abs(fit["mean"] - means) < 4 * fit["mean_error"])
    relative = (fit["mean_error"] / fit["sd"]).values
    assert np.all(np.abs(np.log(fit["sd"] / scales)) < 4 * relative)


def test_too_few_iterations_are_an_error():
    sentence = r"not settled after 750 iterations: the ELBO was .*standard error .* in the last 250"
    with pytest.raises(ConvergenceError, match=sentence):
        fullrank_advi(globe(), random_seed=1, iterations=750)


def test_the_sentence_tells_how_far_it_came(monkeypatch):
    monkeypatch.setattr(ascent, "_rises", lambda blocks: False)
    with pytest.raises(ConvergenceError, match=r"mean of p_\w+__ is known to 0\.\d+ sd, and R-hat"):
        advi(globe(), random_seed=1, iterations=750)


def test_an_elbo_that_is_not_finite_is_an_error():
    with pm.Model() as model:
        x = pm.Normal("x")
        pm.Potential("wall", pm.math.switch(x > 0.0, 0.0, -np.inf))
    with pytest.raises(ConvergenceError, match=r"The ELBO is -inf at iteration \d+"):
        advi(model, random_seed=1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"draws": 0}, "draws must be a whole number of at least 1"),
        ({"iterations": 10}, "iterations must be a whole number of at least 250"),
        ({"learning_rate": 0.0}, "learning_rate must be positive, but 0.0"),
        ({"tolerance": -1.0}, "tolerance must be positive"),
        ({"random_seed": "seven"}, "random_seed must be"),
    ],
)
def test_arguments_out_of_range(arguments, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        advi(globe(), **arguments)


def test_new_data_are_refused():
    density = LogDensity(globe())
    density.set_data({"water": 3})
    with pytest.raises(DataError, match="advi takes the model with its own data"):
        advi(density)


def test_models_that_it_cannot_serve():
    with pm.Model() as counts:
        pm.Poisson("births", 3.0)
    with pytest.raises(DiscreteVariableError):
        advi(counts)
    with pm.Model() as nothing:
        pm.Normal("y", 0.0, 1.0, observed=[1.0])
    with pytest.raises(NoFreeVariableError):
        fullrank_advi(nothing)


def test_seeds(hasty):
    model = globe()

    def draws(seed):
        return fullrank_advi(model, 20, random_seed=seed)["posterior"]["p"].values

    rng = np.random.default_rng(5)
    first, second, third = draws(1), draws(rng), draws(rng)
    np.testing.assert_array_equal(first, draws(1))
    np.testing.assert_array_equal(second, draws(np.random.default_rng(5)))
    assert np.intersect1d(first, second).size == np.intersect1d(second, third).size == 0


def test_nothing_is_printed_or_warned_of_and_the_global_generator_is_left_alone(hasty, capfd):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    advi(globe(), 20, random_seed=1)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert capfd.readouterr().out == ""


def test_an_interrupt_passes_through(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ascent, "_block", interrupted)
    with pytest.raises(KeyboardInterrupt):
        advi(globe(), random_seed=1)


def test_the_order_of_the_parameters_is_ours(hasty):
    """PyMC has an order of its own, and several variables tell it from ours."""
    with pm.Model() as model:
        pm.Normal("b", [1e3, 2e3], 1.0)
        pm.HalfNormal("a", 1.0)
        pm.Normal("c", -1e3, 1.0)
    start = {"b": [1e3, 2e3], "c": -1e3}
    tree = fullrank_advi(model, 50, start=start, random_seed=1)
    expected = parameter_array(LogDensity(model), np.array([1e3, 2e3, 0.0, -1e3]))
    assert np.all(np.abs(tree["fit"]["mean"] - expected) < 30)
    assert tree["fit"]["parameter"].values.tolist() == ["b[0]", "b[1]", "a_log__", "c"]


def test_memory_is_asked_for_before_it_is_taken(monkeypatch):
    monkeypatch.setattr("tripos.approximations.memory.available_memory", lambda: 2**20)
    with pm.Model() as model:
        pm.Normal("x", shape=200)
    with pytest.raises(MemoryLimitError, match="Use advi, which knows no corr"):
        fullrank_advi(model)
