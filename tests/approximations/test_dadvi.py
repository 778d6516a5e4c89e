"""Deterministic ADVI: in closed form on a Gaussian model, fixed draws and all."""

from importlib.util import find_spec

import numpy as np
import pytest

from tripos.approximations import LogDensity, dadvi, laplace
from tripos.approximations.errors import (
    ArgumentError,
    ConvergenceError,
    DataError,
    MissingExtraError,
)
from tripos.models import globe, linear_regression

INSTALLED = find_spec("pymc_extras") is not None
needs_extra = pytest.mark.skipif(not INSTALLED, reason="needs the extra pymc-extras")
# pymc-extras and what it stands on use names that will go.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.mark.skipif(INSTALLED, reason="the extra pymc-extras is here")
def test_without_the_extra_the_sentence_names_it():
    sentence = r'dadvi needs pymc_extras, .*not installed: pip install "tripos\[pymc-extras\]"'
    with pytest.raises(MissingExtraError, match=sentence):
        dadvi(globe())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"draws": 0}, "draws must be a whole number of at least 1"),
        ({"fixed_draws": 1}, "fixed_draws must be a whole number of at least 2"),
        ({"random_seed": "seven"}, "random_seed must be"),
    ],
)
def test_arguments_out_of_range(arguments, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        dadvi(globe(), **arguments)


def test_new_data_are_refused():
    density = LogDensity(globe())
    density.set_data({"water": 3})
    with pytest.raises(DataError, match="dadvi takes the model with its own data"):
        dadvi(density)


@pytest.fixture(scope="module")
def tree():
    return dadvi(linear_regression(), random_seed=1)


@needs_extra
def test_the_maximum_on_a_gaussian_model_in_closed_form(tree):
    """Of the ELBO over fixed draws z: gradients in means and log sds vanish at once.

    With precision A and theta_n = m + s z_n, they are A (mean of theta - mu) = 0, so that the mean
    m is mu - s zbar exactly; and s_i times the mean of z_ni (A (theta_n - mu))_i = 1.
    """
    exact = laplace(linear_regression(), draws=10, random_seed=1)["fit"]
    fit, precision = tree["fit"], exact["precision"].values
    seed = int(np.random.default_rng(1).integers(2**30))
    z = np.random.default_rng(seed).standard_normal((400, 3))
    mean, sd = fit["mean"].values, fit["sd"].values
    # To what the optimiser's gradient may be.
    np.testing.assert_allclose(mean + sd * z.mean(axis=0), exact["mode"], atol=1e-5)
    apart = mean + sd * z - exact["mode"].values
    np.testing.assert_allclose(sd * np.mean(z * (apart @ precision), axis=0), 1.0, atol=1e-4)
    elbo = float(exact["logp_mode"]) - 0.5 * np.mean(np.sum(apart @ precision * apart, axis=1))
    elbo += np.sum(np.log(sd)) + 1.5 * (1 + np.log(2 * np.pi))
    assert float(fit["fixed_elbo"]) == pytest.approx(elbo, abs=1e-6)


@needs_extra
def test_the_error_of_the_mean_is_that_of_the_fixed_draws(tree):
    exact = laplace(linear_regression(), draws=10, random_seed=1)["fit"]
    fit = tree["fit"]
    np.testing.assert_allclose(fit["mean_error"], fit["sd"] / 20)
    assert np.all(np.abs(fit["mean"] - exact["mode"]) < 4 * fit["mean_error"])


@needs_extra
def test_the_elbo_of_fresh_draws_is_a_bound(tree):
    exact = laplace(linear_regression(), draws=10, random_seed=1)["fit"]
    fit, precision = tree["fit"], exact["precision"].values
    divergence = 0.5 * (np.sum(np.log(np.diag(precision))) - np.linalg.slogdet(precision)[1])
    best = float(exact["log_evidence"]) - divergence
    # The fixed draws cost a little of the best that independent normals can have.
    assert best - 0.05 < float(fit["elbo"]) < best + 4 * float(fit["elbo_error"])


@needs_extra
def test_an_optimiser_that_stops_early_is_an_error():
    with pytest.raises(ConvergenceError, match=r"no maximum that the optimiser could reach: '.*'"):
        dadvi(globe(), random_seed=1, options={"maxiter": 1})


@needs_extra
def test_an_argument_that_the_optimiser_does_not_know():
    with pytest.raises(ConvergenceError, match="fit_dadvi failed: "):
        dadvi(globe(), random_seed=1, optimizer_method="no-such-method")


@needs_extra
def test_seeds():
    model = globe()

    def draws(seed):
        return dadvi(model, 20, random_seed=seed)["posterior"]["p"].values

    rng = np.random.default_rng(5)
    first, second, third = draws(1), draws(rng), draws(rng)
    np.testing.assert_array_equal(first, draws(1))
    assert np.intersect1d(first, second).size == np.intersect1d(second, third).size == 0


@needs_extra
def test_an_interrupt_passes_through(monkeypatch):
    import pymc_extras.inference as inference

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(inference, "fit_dadvi", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dadvi(globe())
