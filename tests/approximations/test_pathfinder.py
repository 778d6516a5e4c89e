"""Pathfinder: nearly right before the weights, and right within its error after them."""

from importlib.util import find_spec

import numpy as np
import pymc as pm
import pytest

from tripos.approximations import LogDensity, pathfinder
from tripos.approximations.errors import (
    ArgumentError,
    ConvergenceError,
    DataError,
    MissingExtraError,
    UntrustedWeightsWarning,
)
from tripos.models import bioassay, globe, linear_regression, windshield

INSTALLED = find_spec("pymc_extras") is not None
needs_extra = pytest.mark.skipif(not INSTALLED, reason="needs the extra pymc-extras")
# pymc-extras and what it stands on use names that will go.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.mark.skipif(INSTALLED, reason="the extra pymc-extras is here")
def test_without_the_extra_the_sentence_names_it():
    sentence = r'pathfinder needs pymc_extras, .*not installed: pip install "tripos\[pymc-extras\]"'
    with pytest.raises(MissingExtraError, match=sentence):
        pathfinder(globe())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"draws": 0}, "draws must be a whole number of at least 1"),
        ({"paths": 0}, "paths must be a whole number of at least 1"),
        ({"draws_per_path": 50}, "draws_per_path must be a whole number of at least 100"),
        ({"random_seed": "seven"}, "random_seed must be"),
    ],
)
def test_arguments_out_of_range(arguments, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        pathfinder(globe(), **arguments)


def test_new_data_are_refused():
    density = LogDensity(globe())
    density.set_data({"water": 3})
    with pytest.raises(DataError, match="pathfinder takes the model with its own data"):
        pathfinder(density)


@pytest.fixture(scope="module")
def normal():
    """A standard normal posterior: every path's approximation is it, and all weights are equal."""
    with pm.Model() as model:
        pm.Normal("x", [1.0, -2.0], 1.0)
    return pathfinder(model, random_seed=1)


@needs_extra
def test_a_standard_normal_is_exact(normal):
    fit = normal["fit"]
    np.testing.assert_allclose(fit["elbo"], 0.0, atol=1e-6)
    assert float(fit["log_evidence"]) == pytest.approx(0.0, abs=1e-6)
    assert int(fit["effective_sample_size"]) == pytest.approx(16_000, rel=1e-6)
    draws = normal["posterior"]["x"].values[0]
    error = 1 / np.sqrt(len(draws))
    assert np.all(np.abs(draws.mean(axis=0) - [1.0, -2.0]) < 4 * error)
    assert np.all(np.abs(draws.std(axis=0) - 1) < 4 * error / np.sqrt(2))


def unequal():
    """Make a normal posterior of evidence 1, whose sds are not those that a path starts from."""
    with pm.Model() as model:
        pm.Normal("x", [1.0, -2.0], [0.5, 2.0])
    return model


@needs_extra
@pytest.mark.parametrize(
    ("build", "seed", "exact"),
    [(unequal, 2, 0.0), (globe, 2, -np.log(10)), (windshield, 1, -16.001402)],
)
def test_weights_that_can_be_trusted_give_the_evidence(build, seed, exact):
    fit = pathfinder(build(), random_seed=seed)["fit"]
    error = float(fit["log_evidence_error"])
    assert float(fit["pareto_khat"]) == float(fit["k_hat_path"].max()) < 0.7
    assert 0 < error < 0.02
    assert abs(float(fit["log_evidence"]) - exact) < 4 * error
    assert np.all(fit["elbo"] < exact + 4 * fit["elbo_error"])


@needs_extra
@pytest.mark.parametrize("build", [linear_regression, bioassay])
def test_a_heavy_tail_is_warned_of(build):
    """Of correlated parameters the first steps of a path know little."""
    with pytest.warns(UntrustedWeightsWarning, match="cannot be trusted.* k-hat of"):
        fit = pathfinder(build(), 2000, random_seed=1)["fit"]
    assert float(fit["pareto_khat"]) >= 0.7


@needs_extra
def test_weighted_draws_keep_what_was_resampled(normal):
    stats = normal["weighted_sample_stats"]
    assert np.exp(stats["log_weight"].values).sum() == pytest.approx(1.0)
    assert stats["path"].values.ravel().tolist() == np.repeat(range(4), 4000).tolist()
    points = normal["weighted_unconstrained_posterior"]["x"].values[0]
    chosen = normal["unconstrained_posterior"]["x"].values[0]
    assert np.isin(chosen[:, 0], points[:, 0]).all()
    lp = -0.5 * np.sum((points - [1.0, -2.0]) ** 2, axis=1) - np.log(2 * np.pi)
    np.testing.assert_allclose(stats["lp"].values[0], lp)
    np.testing.assert_allclose(stats["log_proposal"].values[0], lp, atol=1e-6)


@needs_extra
def test_when_every_path_fails_it_is_an_error():
    with pm.Model() as model:
        x = pm.Normal("x")
        pm.Potential("wall", pm.math.switch(x > 1e6, 0.0, -np.inf))
    with pytest.raises(ConvergenceError, match="Pathfinder failed: ValueError: All paths failed"):
        pathfinder(model, 100, random_seed=1)


@needs_extra
def test_an_interrupt_leaves_no_half_of_the_paths(monkeypatch):
    from pymc_extras.inference.pathfinder import multipath

    def generator(fn, seeds, **_):
        yield 0, fn(seeds[0], None)
        raise KeyboardInterrupt

    monkeypatch.setattr(multipath, "make_generator", generator)
    with pytest.raises(KeyboardInterrupt):
        pathfinder(globe(), 100, random_seed=1)


@needs_extra
@pytest.mark.filterwarnings("ignore::tripos.approximations.errors.UntrustedWeightsWarning")
def test_seeds():
    model = globe()

    def draws(seed):
        return pathfinder(model, 20, paths=2, random_seed=seed)["posterior"]["p"].values

    rng = np.random.default_rng(5)
    first, second, third = draws(1), draws(rng), draws(rng)
    np.testing.assert_array_equal(first, draws(1))
    assert np.intersect1d(first, second).size == np.intersect1d(second, third).size == 0
