"""Adaptive Gauss-Hermite quadrature: published values, closed forms, and its own errors."""

import numpy as np
import pymc as pm
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats
from scipy.special import logsumexp

from tripos.approximations import LogDensity, laplace, quadrature
from tripos.approximations.errors import (
    ArgumentError,
    GridSizeError,
    ModeAtInfinityError,
    QuadratureError,
    QuadratureWarning,
)
from tripos.approximations.rules.hermite import Table, gauss_hermite
from tripos.approximations.rules.quasi_random import quasi_random_normals
from tripos.approximations.rules.transport import Lines, transported
from tripos.models import bioassay, eight_schools, globe, linear_regression, windshield
from tripos.models.linear_regression import exact_posterior, example_data

# REFERENCE, log evidence without binomial coefficients by nodes a side: BDA3 exercise 3.11.
TABLE = {1: -7.82871, 3: -7.89196, 5: -7.83738, 7: -7.82730, 9: -7.83090, 15: -7.83128}
TABLE_EXACT = -7.83122
LOG_BINOMIAL_COEFFICIENTS = 3.9120230
FLAT_EXACT = 1.18324
# A side, for the flat bioassay. With 25 a node lies so far out that a probability rounds to 1, and
# until PyMC 6.3 a binomial's log density was minus infinity there.
MANY = 23


@pytest.fixture(scope="module")
def correlated():
    return LogDensity(bioassay("correlated"))


@pytest.fixture(scope="module")
def flat():
    """Fit the flat bioassay with some number of nodes a side, once."""
    density, trees = LogDensity(bioassay()), {}

    def fit(points):
        if points not in trees:
            trees[points] = quadrature(density, points=points, draws=8000, random_seed=1)
        return trees[points]

    return fit


# Evidence.


@pytest.mark.parametrize("points", TABLE)
def test_correlated_bioassay(correlated, points):
    evidence = float(quadrature(correlated, points=points, draws=5)["fit"]["log_evidence"])
    assert evidence - LOG_BINOMIAL_COEFFICIENTS == pytest.approx(TABLE[points], abs=6e-6)


def test_convergence_is_not_monotone():
    errors = [abs(value - TABLE_EXACT) for value in TABLE.values()]
    assert errors[1] > errors[0]
    assert errors[-1] < 1e-4


@pytest.mark.parametrize("points", [1, 3, 9, 15, MANY])
def test_the_error_of_the_evidence_has_the_right_size(flat, points):
    fit = flat(points)["fit"]
    assert (
        abs(float(fit["log_evidence"]) - FLAT_EXACT) < 2 * float(fit["log_evidence_error"]) + 6e-6
    )


def test_windshield(golden, density_of):
    tree = quadrature(density_of(windshield), 5, points=21)
    exact = golden["windshield"]["1"]
    assert float(tree["fit"]["log_evidence"]) == pytest.approx(-16.001402, abs=1e-4)
    at = tree["fit"].sel(quantity="mu")
    sd = exact["mu"]["sd"]
    assert float(at["mean"]) == pytest.approx(14.611222, abs=1e-3 * sd)
    assert float(at["sd"]) == pytest.approx(sd, rel=0.01)
    assert float(tree["fit"].sel(quantity="sigma")["mean"]) == pytest.approx(1.633052, abs=0.002)


def test_globe_is_a_beta_distribution(density_of):
    tree = quadrature(density_of(globe), draws=5)
    fit, beta = tree["fit"], stats.beta(7, 4)
    assert float(fit["log_evidence"]) == pytest.approx(-np.log(10), abs=1e-6)
    np.testing.assert_allclose(fit["mean"], beta.mean(), atol=1e-5)
    np.testing.assert_allclose(fit["sd"], beta.std(), rtol=1e-3)
    expected = beta.ppf(fit["probability"].values)
    np.testing.assert_allclose(fit["quantiles"].values[0], expected, atol=2e-4)
    logit = fit["marginal_place"].values[0]
    p = 1 / (1 + np.exp(-logit))
    density = beta.pdf(p) * p * (1 - p)
    np.testing.assert_allclose(fit["marginal_density"].values[0], density, atol=1e-3)


# One node a side is Laplace.


def test_one_point_is_laplace(density_of):
    density = density_of(bioassay)
    expected = laplace(density, draws=500, random_seed=3)
    tree = quadrature(density, points=1, draws=500, random_seed=3)
    for name in ("alpha", "beta", "ld50"):
        np.testing.assert_allclose(tree["posterior"][name], expected["posterior"][name], rtol=1e-9)
    assert float(tree["fit"]["log_evidence"]) == pytest.approx(
        float(expected["fit"]["log_evidence"]), abs=1e-12
    )
    beta = tree["fit"].sel(quantity="beta")
    normal = stats.norm(7.7488172, 4.8727677)
    assert float(beta["mean"]) == pytest.approx(normal.mean(), abs=1e-3)
    assert float(beta["sd"]) == pytest.approx(normal.std(), rel=1e-3)
    np.testing.assert_allclose(
        beta["quantiles"], normal.ppf(beta["probability"]), atol=0.02 * normal.std()
    )
    thetas = np.column_stack([tree["posterior"][n].values[0] for n in ("alpha", "beta")])
    fit = expected["fit"]
    whole = stats.multivariate_normal(fit["mode"].values, fit["covariance"].values)
    np.testing.assert_allclose(
        tree["sample_stats"]["log_proposal"].values[0], whole.logpdf(thetas), rtol=1e-9
    )


@pytest.mark.parametrize("points", [1, 2, 3, 6])
def test_a_gaussian_is_exact(points, density_of):
    mean, covariance, evidence = exact_posterior(example_data())
    fit = quadrature(density_of(linear_regression), points=points, draws=5)["fit"]
    sd = np.sqrt(np.diag(covariance))
    assert float(fit["log_evidence"]) == pytest.approx(evidence, abs=1e-9)
    assert float(fit["effective_share"]) == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(fit["mean"], mean, rtol=0, atol=1e-4 * sd.min())
    np.testing.assert_allclose(fit["sd"], sd, rtol=5e-4)
    if points > 1:
        nodes, weights = fit["nodes"].values, fit["weights"].values
        np.testing.assert_allclose(weights @ nodes, mean, rtol=1e-9)
        np.testing.assert_allclose(
            (weights * (nodes - mean).T) @ (nodes - mean), covariance, atol=1e-9
        )


def test_scales_far_apart():
    with pm.Model() as model:
        pm.Normal("small", 0.0, 1e-4)
        pm.Normal("large", 1e5, 1e4)
    fit = quadrature(model, points=4, draws=5)["fit"]
    assert float(fit["log_evidence"]) == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(fit["sd"], (1e-4, 1e4), rtol=2e-3)


# Moments and draws.


@pytest.mark.parametrize(("points", "within"), [(9, 0.04), (15, 0.01), (MANY, 0.003)])
def test_moments_of_the_flat_bioassay(flat, golden, points, within):
    fit = flat(points)["fit"].sel(quantity=["alpha", "beta"])
    mean, sd = np.array([1.3147, 11.6356]), np.array([1.1021, 5.7731])
    np.testing.assert_allclose((fit["mean"] - mean) / sd, 0, atol=within)
    np.testing.assert_allclose(fit["sd"] / sd, 1, atol=within)
    # By how much the weights would move the mean tells how far it is off.
    assert np.all(np.abs(fit["mean"] - mean) < 3 * fit["mean_error"] + 3e-3 * sd)
    quantiles = (3.424, 7.338, 10.633, 14.806, 25.389)
    np.testing.assert_allclose(fit["quantiles"][1], quantiles, atol=max(within, 0.01) * 6 * sd[1])


def test_sums_over_nodes_of_the_flat_bioassay(flat):
    fit = flat(15)["fit"]
    mean = fit["weights"].values @ fit["nodes"].values
    np.testing.assert_allclose(mean, (1.3147, 11.6356), rtol=2e-3)
    assert fit["nodes"].shape == (225, 2)
    assert float(fit["weights"].sum()) == pytest.approx(1.0)


def test_quantiles_of_ld50(flat):
    expected = (-0.2758, -0.1624, -0.1117, -0.0597, 0.1034)
    fit = flat(MANY)["fit"].sel(quantity="ld50")
    np.testing.assert_allclose(fit["quantiles"], expected, atol=0.003)


@pytest.mark.parametrize("points", [3, 9, 15])
def test_draws_are_those_of_the_moments(flat, points):
    tree = flat(points)
    for name in ("alpha", "beta"):
        draws = tree["posterior"][name].values.ravel()
        at = tree["fit"].sel(quantity=name)
        sd, size = float(at["sd"]), draws.size
        assert abs(draws.mean() - float(at["mean"])) < 4 * sd / np.sqrt(size) + 1e-3 * sd
        kurtosis = np.mean((draws - draws.mean()) ** 4) / draws.var() ** 2
        error = sd * np.sqrt((kurtosis - 1) / (4 * size))
        assert abs(draws.std() - sd) < 4 * error + 3e-3 * sd


def test_importance_weights_of_the_draws_give_the_evidence(flat):
    stats_ = flat(15)["sample_stats"]
    log_weights = (stats_["lp"] - stats_["log_proposal"]).values.ravel()
    evidence = logsumexp(log_weights) - np.log(log_weights.size)
    error = np.exp(log_weights - evidence).std() / np.sqrt(log_weights.size)
    assert abs(evidence - FLAT_EXACT) < 4 * error + 6e-6


def test_marginal_densities(flat):
    fit = flat(15)["fit"]
    place, density = fit["marginal_place"].values, fit["marginal_density"].values
    np.testing.assert_allclose(np.trapezoid(density, place), 1, atol=2e-4)
    mean = np.trapezoid(density * place, place)
    np.testing.assert_allclose(mean, fit["mean"][:2], rtol=0.005)


# Between the nodes.


@given(st.lists(st.floats(-2, 2), min_size=2, max_size=9), st.floats(0.001, 0.999))
def test_quantiles_invert_the_distribution_function(log_ratios, probability):
    rule = gauss_hermite(len(log_ratios))
    lines = Lines.of_ratios(rule, np.array([log_ratios]))
    place, height = lines.quantiles(np.array([probability]))
    assert lines.below[0, -1] == pytest.approx(1.0)
    below = np.interp(place, lines.places, lines.below[0])
    assert below[0] == pytest.approx(probability, abs=2e-3)
    assert height[0] == pytest.approx(np.interp(place[0], lines.places, lines.heights[0]))


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(1, 3))
def test_transported_density_integrates_to_one(seed, points, size):
    """The mean of normal over transported density, under the latter, is 1."""
    rng = np.random.default_rng(seed)
    rule, shape = gauss_hermite(points), (points,) * size
    ratios = 0.3 * rng.standard_normal(shape)
    squares = sum(np.meshgrid(*[0.5 * rule.nodes**2] * size, indexing="ij"))
    constant = 0.5 * size * np.log(2 * np.pi)
    table = Table(rule, np.zeros(size), np.eye(size), ratios - squares - constant)
    np.testing.assert_allclose(table.log_ratio, ratios, atol=1e-12)
    thetas, log_density = transported(table, rng.standard_normal((1000, size)))
    weights = np.exp(-0.5 * np.sum(thetas**2, axis=1) - constant - log_density)
    assert abs(weights.mean() - 1) < 5 * weights.std() / np.sqrt(1000) + 1e-3


@pytest.mark.parametrize("size", [1, 2, 6, 40])
def test_quasi_random_normals_have_the_moments_of_a_normal(size):
    normals = quasi_random_normals(1024, size)
    np.testing.assert_allclose(normals.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(normals.T @ normals / 1024, np.eye(size), atol=1e-12)
    assert np.abs(normals).max() < 4.5
    np.testing.assert_array_equal(normals, quasi_random_normals(1024, size))


# Errors.


def test_too_many_scalars(density_of):
    with pytest.raises(GridSizeError, match="up to 6 free scalars, but this model has 10"):
        quadrature(density_of(eight_schools))


@pytest.mark.parametrize(("points", "most"), [(101, 100), (1001, 100)])
def test_too_many_nodes(correlated, points, most):
    with pytest.raises(GridSizeError, match=f"Choose at most {most} points"):
        quadrature(correlated, points=points)


@pytest.mark.parametrize("points", [0, -1, 2.5, True], ids=str)
def test_points_below_one(correlated, points):
    with pytest.raises(ArgumentError, match="points must be a whole number"):
        quadrature(correlated, points=points)


def test_draws_below_one(correlated):
    with pytest.raises(ArgumentError, match="draws must be a whole number"):
        quadrature(correlated, draws=0)


def test_an_edge_at_a_node_is_told():
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 1.0)
        pm.Potential("edge", pm.math.switch(x > 1.5, -np.inf, 0.0))
    with pytest.raises(QuadratureError, match=r"-inf at the node \{'x': 1.73205\}"):
        quadrature(model, points=3)


def test_no_mode_is_told():
    with pm.Model() as model:
        pm.Flat("x")
    with pytest.raises(ModeAtInfinityError, match="flat along"):
        quadrature(model)


def test_a_funnel_is_told():
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.0, 5.0)
        tau = pm.HalfCauchy("tau", 5.0)
        eta = pm.Normal("eta", 0.0, 1.0, shape=3)
        pm.Normal("y", mu + tau * eta, [15.0, 10.0, 16.0], observed=[28.0, 8.0, -3.0])
    with pytest.warns(QuadratureWarning, match="5 nodes a side have missed much"):
        tree = quadrature(model, points=5, draws=5)
    assert float(tree["fit"]["effective_share"]) < 0.1
