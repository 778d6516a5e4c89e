"""The normal approximation with its leading curvature only, against the exact one."""

import tracemalloc

import numpy as np
import pymc as pm
import pytest

from tripos.approximations import LogDensity, find_mode, laplace, low_rank_laplace
from tripos.approximations.errors import (
    ArgumentError,
    CurvatureError,
    ModeNotFoundError,
    StartingPointError,
)
from tripos.approximations.matrix_free.low_rank import low_rank_factor
from tripos.approximations.matrix_free.prior_curvature import prior_precision
from tripos.models import bioassay, neural_network


def regression(weights, observations, *, decay=1.0, seed=1):
    """Build a regression whose data say ``decay`` times as much about each next direction."""
    rng = np.random.default_rng(seed)
    sizes = decay ** np.arange(min(weights, observations))
    left = np.linalg.qr(rng.standard_normal((observations, len(sizes))))[0]
    right = np.linalg.qr(rng.standard_normal((weights, len(sizes))))[0]
    with pm.Model() as model:
        w = pm.Normal("w", 0.0, 2.0, shape=weights)
        design = 30 * (left * sizes) @ right.T
        pm.Normal("y", pm.math.dot(design, w), 1.0, observed=rng.standard_normal(observations))
    return model


@pytest.fixture(scope="module")
def density():
    return LogDensity(regression(40, 60, decay=0.8), linker="numpy")


@pytest.fixture(scope="module")
def exact(density):
    return laplace(density, draws=10)["fit"].to_dataset()


def _fit(density, rank):
    return low_rank_laplace(density, draws=10, rank=rank, random_seed=1)["fit"]


def test_full_rank_is_exact(density, exact):
    fit = _fit(density, 40)
    np.testing.assert_allclose(fit["mode"], exact["mode"], atol=1e-6)
    np.testing.assert_allclose(fit["sd"], exact["sd"], rtol=1e-8)
    assert float(fit["log_evidence"]) == pytest.approx(float(exact["log_evidence"]), abs=1e-6)


def test_sds_are_too_wide_and_fall_to_the_exact_with_the_rank(density, exact):
    errors = []
    for rank in (2, 5, 10, 20, 30):
        ratio = _fit(density, rank)["sd"].values / exact["sd"].values
        assert np.all(ratio > 1 - 1e-9)
        errors.append(ratio.max() - 1)
    assert np.all(np.diff(errors) < 0)
    # Relative to the prior's, the data's curvatures are 4 (30 * 0.8^k)^2: 0.0055 at k = 30.
    assert errors[-1] < 0.0055 / 2
    assert errors[0] > 0.5


def test_eigenvalues_are_what_the_data_add_to_the_prior(density):
    kept = _fit(density, 5)["eigenvalue"].values
    np.testing.assert_allclose(kept, 4 * (30 * 0.8 ** np.arange(5)) ** 2, rtol=1e-6)


def test_evidence_is_off_by_the_directions_left_out(density, exact):
    left_out = 4 * (30 * 0.8 ** np.arange(10, 40)) ** 2
    difference = float(_fit(density, 10)["log_evidence"]) - float(exact["log_evidence"])
    assert difference == pytest.approx(0.5 * np.sum(np.log1p(left_out)), abs=1e-6)


def _slopes_of_network(theta, units):
    """Slopes (N, P) of a network's output at N inputs, by its weights, biases and outputs."""
    weights, bias, output = theta.reshape(3, units)
    x = np.linspace(-3, 3, 25)[:, None]
    hidden = np.tanh(x * weights + bias)
    into = output * (1 - hidden**2)
    return np.hstack([x * into, into, hidden])


def test_predictive_sds_of_a_network_converge_to_the_exact_with_the_rank():
    units = 10
    density = LogDensity(neural_network(units), linker="numpy")
    first = low_rank_laplace(density, draws=1, rank=1, random_seed=1)
    mode = find_mode(density, start=first["fit"]["mode"].values)
    prior, rng = prior_precision(density)(mode.theta), np.random.default_rng(1)
    slopes = _slopes_of_network(mode.theta, units)

    def predictive_sd(factor):
        return np.sqrt(np.sum(slopes * factor.solve(slopes.T).T, axis=1))

    exact = predictive_sd(mode.gaussian.precision)
    errors = []
    for rank in (3, 6, 12, 24, 30):
        factor = low_rank_factor(density, mode.theta, prior, rank, rng)
        errors.append(np.max(np.abs(predictive_sd(factor) / exact - 1)))
    assert np.all(np.diff(errors) < 0)
    assert errors[-1] < 1e-6


def test_memory_is_that_of_a_few_vectors():
    """A matrix of 20,000 weights would take 3.2 GB."""
    density = LogDensity(regression(20_000, 30), linker="numpy")
    density.hessian_vector_product(np.zeros(20_000), np.zeros(20_000))
    tracemalloc.start()
    tree = low_rank_laplace(density, draws=20, rank=20, random_seed=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Lanczos holds 2 * rank + 1 vectors, the look for upward curvature 50, a tree 4 times 20 draws.
    assert peak < 500 * 20_000 * 8
    sd = tree["fit"]["sd"].values
    assert np.all(sd <= 2.0)
    # Along 30 directions the data leave next to nothing of the prior's variance 4.
    assert np.sum(sd**2) == pytest.approx(4 * (20_000 - 20), rel=1e-4)


def test_draws_follow_the_sds():
    density = LogDensity(regression(20, 30), linker="numpy")
    tree = low_rank_laplace(density, draws=20_000, rank=8, random_seed=1)
    spread = tree["posterior"]["w"].values[0].std(axis=0)
    np.testing.assert_allclose(spread / tree["fit"]["sd"].values, 1, atol=5 / np.sqrt(40_000))


def test_too_few_iterations():
    density = LogDensity(bioassay("normal"), linker="numpy")
    with pytest.raises(ModeNotFoundError, match=r"No mode was found in 1 steps: .*max_iterations"):
        low_rank_laplace(density, rank=1, max_iterations=1)


def test_a_start_that_is_no_number():
    with pm.Model() as model:
        pm.Potential("barrier", -1 / pm.Normal("level", 0.0, 1.0) ** 2)
    with pytest.raises(StartingPointError, match="not finite at the starting point"):
        low_rank_laplace(model, rank=1)


@pytest.mark.parametrize("size", [2, 30])
def test_a_saddle_is_told(size, saddle):
    with pytest.raises(CurvatureError, match=r"curves upward along .*x\[0\]"):
        low_rank_laplace(saddle(size), rank=1, random_seed=1)


def test_many_flat_priors_are_refused():
    with pm.Model() as model:
        x = pm.Flat("x", shape=101)
        pm.Normal("y", x, 1.0, observed=np.zeros(101))
    with pytest.raises(CurvatureError, match=r"101 parameters, x\[0\] among them, have no prior"):
        low_rank_laplace(model)


def test_a_rank_of_none():
    with pytest.raises(ArgumentError, match="rank must be a whole number of at least 1"):
        low_rank_laplace(bioassay("normal"), rank=0)


def test_a_model_without_data_is_its_prior():
    with pm.Model() as model:
        pm.Normal("x", 3.0, 2.0, shape=20)
    fit = low_rank_laplace(model, 10, rank=3, random_seed=1)["fit"].to_dataset()
    np.testing.assert_allclose(fit["mode"], 3.0)
    np.testing.assert_allclose(fit["sd"], 2.0)
    assert float(fit["log_evidence"]) == pytest.approx(0.0, abs=1e-9)
