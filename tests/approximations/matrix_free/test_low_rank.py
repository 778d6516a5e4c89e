"""Curvature without a matrix: low rank upon the prior, and the diagonal, against the exact."""

import tracemalloc

import numpy as np
import pymc as pm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tripos.approximations import Gaussian, LogDensity, find_mode, laplace
from tripos.approximations.errors import (
    ArgumentError,
    CurvatureError,
    MemoryLimitError,
    ModeNotFoundError,
    StartingPointError,
)
from tripos.approximations.laplace import precision_of
from tripos.approximations.matrix_free.curvature import normal_by_products
from tripos.approximations.matrix_free.low_rank import LowRankFactor, lowest_ritz
from tripos.approximations.matrix_free.newton_cg import find_mode_by_products
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
    return laplace(density, draws=10, curvature="low_rank", rank=rank, random_seed=1)["fit"]


# Low rank.


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
    rng = np.random.default_rng(1)
    top, _ = normal_by_products(density, None, 1, rng, 200)
    mode = find_mode(density, start=top.theta)
    slopes = _slopes_of_network(mode.theta, units)

    def predictive_sd(gaussian):
        return np.sqrt(np.sum(slopes * gaussian.precision.solve(slopes.T).T, axis=1))

    exact = predictive_sd(Gaussian.from_precision(mode.theta, -mode.hessian))
    errors = []
    for rank in (3, 6, 12, 24, 30):
        _, gaussian = normal_by_products(density, mode.theta, rank, rng, 200)
        errors.append(np.max(np.abs(predictive_sd(gaussian) / exact - 1)))
    assert np.all(np.diff(errors) < 0)
    assert errors[-1] < 1e-6


@st.composite
def factors(draw):
    size = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rank = draw(st.integers(0, size))
    vectors = np.linalg.qr(rng.standard_normal((size, size)))[0][:, :rank]
    eigenvalues = np.expm1(rng.uniform(-2, 4, rank))
    return LowRankFactor(10 ** rng.uniform(-3, 3, size), vectors, eigenvalues)


@given(factor=factors(), seed=st.integers(0, 1000))
@settings(max_examples=50)
def test_the_factor_agrees_with_dense_algebra(factor, seed):
    scale, u = factor.scale, factor.vectors
    inner = np.eye(len(scale)) + (u * factor.eigenvalues) @ u.T
    inverse = np.linalg.inv(inner)
    rng = np.random.default_rng(seed)
    right, z = rng.standard_normal((len(scale), 2)), rng.standard_normal((3, len(scale)))
    by_hand = (inverse @ (right / scale[:, None])) / scale[:, None]
    np.testing.assert_allclose(factor.solve(right), by_hand, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(factor.solve(right[:, 0]), by_hand[:, 0], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(factor.variances() * scale**2, np.diag(inverse), rtol=1e-9)
    expected = np.linalg.slogdet(inner)[1] + 2 * np.log(scale).sum()
    assert factor.log_determinant == pytest.approx(expected, abs=1e-8)
    placed = factor.unwhiten(z)
    np.testing.assert_allclose(factor.whiten(placed), z, atol=1e-8)
    quadratic = np.einsum("si,ij,sj->s", placed * scale, inner, placed * scale)
    np.testing.assert_allclose(quadratic, np.sum(z**2, axis=1), rtol=1e-8)
    np.testing.assert_allclose(
        factor.triangle / scale[:, None], np.linalg.cholesky(inner), atol=1e-8
    )


def test_a_dense_triangle_that_would_not_fit_is_refused():
    factor = LowRankFactor(np.ones(200_000), np.zeros((200_000, 0)), np.zeros(0))
    with pytest.raises(MemoryLimitError, match="dense factor for 200,000"):
        _ = factor.triangle


def test_memory_is_that_of_a_few_vectors():
    """A matrix of 20,000 weights would take 3.2 GB."""
    density = LogDensity(regression(20_000, 30), linker="numpy")
    density.hessian_vector_product(np.zeros(20_000), np.zeros(20_000))
    tracemalloc.start()
    tree = laplace(density, draws=20, curvature="low_rank", rank=20, random_seed=1)
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
    tree = laplace(density, draws=20_000, curvature="low_rank", rank=8, random_seed=1)
    spread = tree["posterior"]["w"].values[0].std(axis=0)
    np.testing.assert_allclose(spread / tree["fit"]["sd"].values, 1, atol=5 / np.sqrt(40_000))


# The diagonal.


def test_the_diagonal_gives_conditional_sds(density, exact):
    fit = laplace(density, draws=10, curvature="diagonal")["fit"]
    conditional = 1 / np.sqrt(np.diag(exact["precision"]))
    np.testing.assert_allclose(fit["sd"], conditional, rtol=1e-9)
    assert np.all(fit["sd"].values <= exact["sd"].values)
    assert "log_evidence" not in fit
    with pytest.raises(ArgumentError, match=r"holds no precision matrix.*this one holds mode, sd"):
        precision_of(fit.to_dataset())


# The mode.


@pytest.mark.parametrize("prior", ["weak", "normal", "correlated"])
def test_conjugate_gradients_find_the_mode_of_newtons_method(prior):
    density = LogDensity(bioassay(prior), linker="numpy")
    expected = find_mode(density)
    top = find_mode_by_products(
        density, None, lambda theta: np.array([0.1, 0.01]), max_iterations=100
    )
    np.testing.assert_allclose(top.theta, expected.theta, rtol=1e-5)
    assert top.logp == pytest.approx(expected.logp, abs=1e-9)


def test_too_few_iterations():
    density = LogDensity(bioassay("normal"), linker="numpy")
    with pytest.raises(ModeNotFoundError, match=r"No mode was found in 1 steps: .*max_iterations"):
        laplace(density, curvature="low_rank", rank=1, max_iterations=1)


def test_a_start_that_is_no_number():
    with pm.Model() as model:
        pm.Potential("barrier", -1 / pm.Normal("level", 0.0, 1.0) ** 2)
    with pytest.raises(StartingPointError, match="not finite at the starting point"):
        laplace(model, curvature="low_rank", rank=1)


@pytest.mark.parametrize(
    ("curvature", "size"), [("low_rank", 2), ("low_rank", 30), ("diagonal", 2)]
)
def test_a_saddle_is_told(curvature, size):
    """At a saddle the gradient vanishes, so that the search has nowhere to go."""
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 10.0, shape=size, initval=np.zeros(size))
        pm.Potential("two_hills", -((x[0] ** 2 - 1) ** 2))
    rank = 1 if curvature == "low_rank" else None
    with pytest.raises(CurvatureError, match=r"curves upward along .*x\[0\]"):
        laplace(model, curvature=curvature, rank=rank, random_seed=1)


@pytest.mark.parametrize("size", [3, 40, 400])
def test_lanczos_finds_the_lowest_eigenpair(size, rng):
    values = np.concatenate([[-1.0], 1 + rng.random(size - 1)])
    rotation = np.linalg.qr(rng.standard_normal((size, size)))[0]
    matrix = (rotation * values) @ rotation.T
    value, vector = lowest_ritz(lambda v: matrix @ v, rng.standard_normal(size), 2.0)
    assert value[0] == pytest.approx(-1, abs=1e-9)
    assert abs(vector[:, 0] @ rotation[:, 0]) == pytest.approx(1, abs=1e-6)


# The prior's curvature.


def test_each_prior_by_its_own_entries():
    with pm.Model() as model:
        level = pm.Normal("level", 0.0, 3.0)
        sigma = pm.HalfNormal("sigma", 1.0)
        effect = pm.Normal("effect", level, sigma, shape=2)
        slope = pm.Flat("slope")
        pm.Normal("y", effect.sum() + 5 * slope, 2.0, observed=1.0)
    theta = np.array([0.3, np.log(0.5), 0.1, 0.2, 0.7])
    found = prior_precision(LogDensity(model, linker="numpy"), theta)
    # log sigma: the density is -sigma^2 / 2 + log sigma; the flat slope takes what the data say.
    np.testing.assert_allclose(found, [1 / 9, 2 * 0.25, 4, 4, 25 / 4], rtol=1e-10)


def test_a_prior_that_joins_its_entries_gives_way_to_the_whole_curvature():
    covariance = np.array([[2.0, 1.0], [1.0, 3.0]])
    with pm.Model() as model:
        x = pm.MvNormal("x", np.zeros(2), covariance)
        pm.Normal("y", x[0], 1.0, observed=0.0)
    density = LogDensity(model, linker="numpy")
    expected = np.diag(np.linalg.inv(covariance)) + np.array([1.0, 0.0])
    np.testing.assert_allclose(prior_precision(density, np.zeros(2)), expected, rtol=1e-10)


def test_many_flat_priors_are_refused():
    with pm.Model() as model:
        x = pm.Flat("x", shape=101)
        pm.Normal("y", x, 1.0, observed=np.zeros(101))
    with pytest.raises(CurvatureError, match=r"101 parameters, x\[0\] among them, have no prior"):
        laplace(model, curvature="low_rank")


def test_a_flat_prior_where_the_density_curves_upward():
    with pm.Model() as model:
        x = pm.Flat("x")
        pm.Potential("two_hills", -((x**2 - 1) ** 2))
    with pytest.raises(CurvatureError, match="curves upward along x"):
        prior_precision(LogDensity(model, linker="numpy"), np.zeros(1))


# Arguments.


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"curvature": "none"}, "'exact', 'low_rank' or 'diagonal', but 'none'"),
        ({"rank": 3}, "rank=3 needs curvature='low_rank', not 'exact'"),
        ({"curvature": "low_rank", "rank": 0}, "rank must be a whole number of at least 1"),
        ({"curvature": "low_rank", "starts": 4}, "starts=4 needs curvature='exact'"),
    ],
)
def test_arguments_that_do_not_go_together(arguments, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        laplace(bioassay("normal"), **arguments)
