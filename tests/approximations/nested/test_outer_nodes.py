"""The outer parameters: their mode, the nodes around it, and draws, against closed forms."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy import stats
from scipy.optimize import minimize
from scipy.special import logsumexp

from tripos.approximations import LogDensity, memory
from tripos.approximations.errors import (
    CurvatureError,
    LatentModeError,
    MemoryLimitError,
    ModeAtInfinityError,
    ModeNotFoundError,
    QuadratureError,
)
from tripos.approximations.nested.conditional import conditional_at
from tripos.approximations.nested.draws import nested_draws
from tripos.approximations.nested.latent_field import latent_field
from tripos.approximations.nested.outer_mode import outer_mode
from tripos.approximations.nested.outer_nodes import outer_nodes
from tripos.models import eight_schools
from tripos.models.eight_schools import EFFECTS, STANDARD_ERRORS

COEFFICIENTS, GROUPS, EACH, NOISE = 5, 6, 4, 0.5
DRAWS = 4000


@pytest.fixture(scope="module")
def schools():
    """Eight schools, log tau outside alone or with mu."""
    density = LogDensity(eight_schools(centred=True), linker="numpy")
    return {1: latent_field(density, ["mu", "theta"]), 2: latent_field(density)}


@pytest.fixture(scope="module")
def modes(schools):
    return {k: outer_mode(field, field.density.initial_point()) for k, field in schools.items()}


def _log_density(outer):
    """Of log tau, or mu and log tau, with the effects integrated out: all is normal."""
    *mu, log_tau = outer
    tau, variances = np.exp(log_tau), np.square(STANDARD_ERRORS)
    value = stats.halfcauchy.logpdf(tau, scale=5) + log_tau
    if mu:
        sds = np.sqrt(variances + tau**2)
        return value + stats.norm.logpdf(mu[0], 0, 5) + stats.norm.logpdf(EFFECTS, mu, sds).sum()
    covariance = np.diag(variances + tau**2) + 25.0
    return value + stats.multivariate_normal(np.zeros(8), covariance).logpdf(EFFECTS)


def _hessian(function, point, step=1e-3):
    axes, size = step * np.eye(len(point)), len(point)
    corners = [
        [sum(s * t * function(point + s * axes[i] + t * axes[j]) for s in (1, -1) for t in (1, -1))
         for j in range(size)]
        for i in range(size)
    ]  # fmt: skip
    return np.array(corners) / (4 * step**2)


@pytest.fixture(scope="module")
def regression():
    """Five coefficients outside, group effects inside, all sds known: everything is normal."""
    rng = np.random.default_rng(5)
    group = np.repeat(np.arange(GROUPS), EACH)
    x = rng.standard_normal((len(group), COEFFICIENTS))
    y = x @ np.linspace(-1, 1, COEFFICIENTS) + rng.standard_normal(len(group))
    with pm.Model() as model:
        b = pm.Normal("b", 0.0, 1.0, shape=COEFFICIENTS)
        effect = pm.Normal("effect", 0.0, 0.7, shape=GROUPS)
        pm.Normal("y", x @ b + effect[group], NOISE, observed=y)
    covariance = 0.49 * np.equal.outer(group, group) + NOISE**2 * np.eye(len(group))
    precision = np.eye(COEFFICIENTS) + x.T @ np.linalg.solve(covariance, x)
    mean = np.linalg.solve(precision, x.T @ np.linalg.solve(covariance, y))
    whole = covariance + x @ x.T
    evidence = stats.multivariate_normal(np.zeros(len(y)), whole).logpdf(y)
    field = latent_field(LogDensity(model, linker="numpy"))
    return field, mean, np.linalg.inv(precision), evidence


# The mode.


@pytest.mark.parametrize("size", [1, 2])
def test_the_mode_and_the_curvature_there(modes, size):
    mode = modes[size]
    start = [1.0] if size == 1 else [4.0, 1.0]
    best = minimize(lambda x: -_log_density(x), start, method="Nelder-Mead",
                    options={"xatol": 1e-7, "fatol": 1e-12})  # fmt: skip
    np.testing.assert_allclose(mode.conditional.outer, best.x, atol=1e-5)
    assert mode.conditional.log_marginal == pytest.approx(-best.fun, abs=1e-8)
    # The Hessian is that of where the last steps began, within 0.05 sd of the mode.
    expected = _hessian(_log_density, mode.conditional.outer)
    np.testing.assert_allclose(mode.hessian, expected, rtol=0, atol=0.02 * np.abs(expected).max())


@pytest.mark.parametrize("start", [(-15.0, 3.0), (20.0, -2.0), (0.0, 5.0)], ids=str)
def test_the_mode_does_not_depend_on_the_start(schools, modes, start):
    theta = np.zeros(10)
    theta[schools[2].outer] = start
    mode = outer_mode(schools[2], theta)
    sd = modes[2].gaussian.sd
    away = (mode.conditional.outer - modes[2].conditional.outer) / sd
    np.testing.assert_allclose(away, 0, atol=1e-4)
    assert mode.iterations < 40


def test_normal_outer_parameters(regression):
    field, mean, covariance, _ = regression
    mode = outer_mode(field, field.density.initial_point())
    np.testing.assert_allclose(mode.conditional.outer, mean, atol=1e-6)
    np.testing.assert_allclose(mode.gaussian.covariance, covariance, atol=1e-7)


def _with_scale(log_sd, data, extra=0.0):
    """Normal effects with a flat log sd."""
    with pm.Model() as model:
        ls = pm.Flat("log_sd", initval=log_sd)
        pm.Potential("slope", extra * ls)
        effect = pm.Normal("effect", 0.0, pt.exp(ls), shape=len(data))
        pm.Normal("y", effect, 1.0, observed=data)
    field = latent_field(LogDensity(model, linker="numpy"))
    return field, field.density.initial_point()


def test_a_scale_that_runs_to_its_boundary():
    """Groups that are all alike, and a prior that grows towards 0."""
    with pytest.raises(ModeAtInfinityError, match=r"keeps rising.* - 1 log_sd.*boundary"):
        outer_mode(*_with_scale(0.0, np.zeros(6), extra=-0.5))


@pytest.mark.parametrize("start", [0.0, -1.0])
def test_a_flat_scale_with_groups_that_are_alike(start):
    """The density of the log sd is a step: 0 above, a constant below.

    Rounding decides whether the search ends where it is flat, or falls by one digit over a huge sd,
    so that the nodes reach too far, or sees that there is no mode.
    """
    errors = (CurvatureError, LatentModeError, ModeAtInfinityError)
    with pytest.raises(errors, match=r"log_sd.* give .* prior"):
        outer_nodes(outer_mode(*_with_scale(start, np.zeros(6))))


def test_too_few_iterations(schools):
    theta = schools[2].density.initial_point()
    with pytest.raises(ModeNotFoundError, match=r"not found in 1 steps.*max_iterations="):
        outer_mode(schools[2], theta, max_iterations=1)


def test_no_latent_mode_where_the_search_begins(schools):
    theta = np.zeros(10)
    theta[schools[2].outer] = 0.0, 800.0
    with pytest.raises(LatentModeError, match=r"not finite at mu = 0, tau_log__ = 800"):
        outer_mode(schools[2], theta)


# A product rule.


@pytest.mark.parametrize(
    ("size", "points", "within"), [(1, None, 2e-3), (1, 61, 1e-3), (2, 15, 5e-3)]
)
def test_the_evidence(golden, modes, size, points, within):
    nodes = outer_nodes(modes[size], points)
    assert nodes.log_evidence == pytest.approx(golden["eight_schools"]["log_evidence"], abs=within)
    assert nodes.weights.sum() == pytest.approx(1)
    assert len(nodes.weights) == (points or {1: 41, 2: 9}[size]) ** size
    # Where tau is 2e-4 the precisions of mu and of the effects cancel to nine digits.
    expected = [_log_density(outer) for outer in nodes.outer]
    np.testing.assert_allclose(nodes.rule.log_density.ravel(), expected, atol=5e-5)


def test_the_error_of_the_evidence_is_no_smaller_than_it_is(golden, modes):
    """Within a factor of five, that is: it is the distance to the next smaller rule."""
    exact = golden["eight_schools"]["log_evidence"]
    for points in (5, 9, 15, 25):
        nodes = outer_nodes(modes[1], points)
        assert abs(nodes.log_evidence - exact) < 5 * nodes.log_evidence_error + 1e-4


def test_one_node_is_laplace(modes):
    nodes, mode = outer_nodes(modes[2], 1), modes[2]
    laplace = mode.conditional.log_marginal + np.log(2 * np.pi)
    laplace += 0.5 * mode.gaussian.log_determinant
    assert nodes.log_evidence == pytest.approx(laplace, abs=1e-9)
    np.testing.assert_allclose(nodes.outer[0], mode.conditional.outer)


def test_moments_of_the_product_rule(golden, modes):
    expected = golden["eight_schools"]["log_tau"]
    mean, sd = outer_nodes(modes[1], 61).moments()
    assert mean[0] == pytest.approx(expected["mean"], abs=1e-3)
    assert sd[0] == pytest.approx(expected["sd"], abs=1e-3)


def test_the_latent_field_at_the_nodes(schools, modes):
    nodes = outer_nodes(modes[2], 3)
    for outer, latent, variances in zip(nodes.outer, nodes.latent, nodes.variances, strict=True):
        here = conditional_at(schools[2], outer, np.zeros(8))
        np.testing.assert_allclose(latent, here.latent, atol=1e-5)
        np.testing.assert_allclose(variances, here.factor.variances(), rtol=1e-8)


def test_the_nearest_node(modes, rng):
    nodes = outer_nodes(modes[2], 5)
    np.testing.assert_array_equal(nodes.nearest(nodes.outer), np.arange(25))
    points = nodes.centre + rng.standard_normal((50, 2)) @ nodes.root.T
    whitened = np.linalg.solve(nodes.root, (points[:, None] - nodes.outer).reshape(-1, 2).T)
    squares = np.sum(whitened**2, axis=0).reshape(50, 25)
    np.testing.assert_array_equal(nodes.nearest(points), squares.argmin(axis=1))


def test_nodes_that_would_not_fit(modes, monkeypatch):
    monkeypatch.setattr(memory, "_ALWAYS", 0)
    monkeypatch.setattr(memory, "available_memory", lambda: 2**10)
    with pytest.raises(MemoryLimitError, match=r"field at 9 nodes .* fewer points="):
        outer_nodes(modes[2], 3)


def _with_outer(log_density, coefficients):
    """Outer parameters x and b (K,), of which x has a density of its own, and a latent field."""
    with pm.Model() as model:
        x = pm.Flat("x", initval=0.0)
        pm.Potential("own", log_density(x))
        pm.Normal("b", 0.0, 1.0, shape=coefficients)
        effect = pm.Normal("effect", 0.0, 1.0, shape=3)
        pm.Normal("y", effect, 1.0, observed=np.zeros(3))
    field = latent_field(LogDensity(model, linker="numpy"), ["effect"])
    return outer_mode(field, field.density.initial_point())


def test_a_density_that_does_not_fall():
    """A peak on a plateau that has no end."""
    mode = _with_outer(lambda x: 0.4 * pt.exp(-(x**2) / 0.8), 1)
    assert mode.hessian[0, 0] == pytest.approx(-1, abs=1e-3)
    with pytest.raises(QuadratureError, match=r"does not fall along x .* proper prior"):
        outer_nodes(mode)


# A central composite design.


def test_a_composite_design_of_normal_parameters(regression):
    field, mean, covariance, evidence = regression
    nodes = outer_nodes(outer_mode(field, field.density.initial_point()))
    assert len(nodes.weights) == 27
    # What the design's nodes say is exact; the surrogate ends 4 sds away, and misses 0.4 %.
    assert logsumexp(nodes.log_masses) == pytest.approx(evidence, abs=1e-6)
    assert nodes.log_evidence == pytest.approx(evidence, abs=0.01)
    assert abs(nodes.log_evidence - evidence) <= nodes.log_evidence_error + 1e-6
    found_mean, found_sd = nodes.moments()
    sd = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((found_mean - mean) / sd, 0, atol=5e-3)
    np.testing.assert_allclose(found_sd / sd, 1, atol=0.01)


def test_a_higher_mode_that_a_node_meets():
    """Peaks at 0 and 1.7: the outermost node of the lower one comes near the higher."""
    low, high = (lambda x: 0.3 * pt.exp(-2 * x**2)), (lambda x: 0.7 * pt.exp(-3 * (x - 1.7) ** 2))
    mode = _with_outer(lambda x: pt.log(low(x) + high(x)), 4)
    assert abs(mode.conditional.outer[0]) < 0.1
    with pytest.raises(QuadratureError, match=r"higher at a node .* \(x, b\[0\], .*another mode"):
        outer_nodes(mode)


# Draws, and the density that they say they come from.


@pytest.fixture(scope="module")
def drawn(schools, modes):
    nodes = {1: outer_nodes(modes[1], 61), 2: outer_nodes(modes[2], 25)}
    rng = np.random.default_rng(8)
    return {
        size: nested_draws(modes[size].conditional, nodes[size], DRAWS, rng, with_mirrored=True)
        for size in (1, 2)
    }


@pytest.mark.parametrize("size", [1, 2])
def test_the_density_of_draws_is_what_they_say(golden, schools, drawn, size):
    """Importance weights average to the evidence.

    They would not vary if a draw's latent field were that of its own outer parameters, and not
    that of the nearest node, moved by first derivatives.
    """
    thetas, log_proposal = drawn[size].thetas, drawn[size].log_proposal
    log_weights = schools[size].density.batched_value(thetas) - log_proposal
    relative = np.exp(log_weights - golden["eight_schools"]["log_evidence"])
    assert relative.std() < 1
    assert abs(relative.mean() - 1) < 4 * relative.std() / np.sqrt(DRAWS) + 1e-3


@pytest.mark.parametrize("size", [1, 2])
def test_moments_of_draws(golden, schools, drawn, size):
    expected = golden["eight_schools"]
    thetas, labels = drawn[size].thetas, schools[size].density.parameters
    known = {"mu": expected["mu"], "tau_log__": expected["log_tau"]}
    known |= {label: expected["theta"][k] for k, label in enumerate(labels[2:])}
    for label, value in zip(labels, thetas.T, strict=True):
        mean, sd = known[label]["mean"], known[label]["sd"]
        assert abs(value.mean() - mean) < 4 * sd / np.sqrt(DRAWS), label
        kurtosis = stats.kurtosis(value, fisher=False)
        assert abs(value.std() / sd - 1) < 4 * np.sqrt((kurtosis - 1) / 4 / DRAWS), label


@pytest.mark.parametrize("size", [1, 2])
def test_mirrored_draws(schools, drawn, size):
    """The outer parameters stay, and the latent field is as likely on the other side."""
    field, here = schools[size], drawn[size]
    np.testing.assert_array_equal(here.thetas[:, field.outer], here.mirrored[:, field.outer])
    density = field.density
    apart = density.batched_value(here.thetas) - density.batched_value(here.mirrored)
    assert np.median(np.abs(apart)) < 0.2


def test_draws_that_would_not_fit(modes, rng, monkeypatch):
    nodes = outer_nodes(modes[2], 3)
    monkeypatch.setattr(memory, "available_memory", lambda: 2**20)
    with pytest.raises(MemoryLimitError, match=r"Joint draws \(1,000,000 of 10 .* fewer draws="):
        nested_draws(modes[2].conditional, nodes, 1_000_000, rng)


def _beside_a_potential(potential):
    """An outer parameter whose marginal density is the potential's, beside normal data."""
    with pm.Model() as model:
        a = pm.Normal("a", 0, 10)
        pm.Potential("shape", potential(a))
        z = pm.Normal("z", 0, 1, shape=4)
        pm.Normal("y", z, 1, observed=[0.1, -0.3, 0.8, 1.2])
    return latent_field(LogDensity(model, linker="numpy"), ["z"])


def test_a_saddle_where_the_search_begins_is_left():
    """Between two equal hills the slope is zero, and the curvature upward."""
    field = _beside_a_potential(lambda a: -3 * (a**2 - 1) ** 2)
    mode = outer_mode(field, np.zeros(5))
    # Where 12 a (a^2 - 1) + a / 100 is zero.
    assert abs(mode.conditional.outer[0]) == pytest.approx(np.sqrt(1 - 0.01 / 12), abs=1e-6)


def test_a_step_into_the_void_says_nothing_of_the_curvature():
    """A cliff of 1e10, met by the first long step, had stood for a curvature ever after."""
    field = _beside_a_potential(lambda a: -1e-3 * (a - 1) ** 2 - pm.math.exp(8 * (a - 3)))
    mode = outer_mode(field, np.zeros(5))
    slope = -0.01 * mode.conditional.outer[0] - 2e-3 * (mode.conditional.outer[0] - 1)
    slope -= 8 * np.exp(8 * (mode.conditional.outer[0] - 3))
    assert slope == pytest.approx(0.0, abs=1e-6)
