"""The latent field given the outer parameters, against closed forms and differences."""

from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
from scipy import stats
from scipy.sparse import csc_array

from tripos.approximations import LogDensity
from tripos.approximations.density.sparsity.colouring import coloured
from tripos.approximations.errors import LatentModeError, SparsityError
from tripos.approximations.nested import conditional
from tripos.approximations.nested.checking import check_precision
from tripos.approximations.nested.conditional import conditional_at
from tripos.approximations.nested.latent_field import latent_field
from tripos.models import borrowers, crossed_effects, eight_schools, smooth_trend
from tripos.models.crossed_effects import simulated_ratings
from tripos.models.eight_schools import EFFECTS, STANDARD_ERRORS
from tripos.models.smooth_trend import START_SD, simulated_series

from ..density.sparse_models import crossed, gaussian_random_walk

STUDENTS, LECTURERS, EACH = 12, 4, 3
TIMES, REPEATS = 20, 3
BUILDERS = {
    "schools": lambda: eight_schools(centred=True),
    "crossed": lambda: crossed_effects(STUDENTS, LECTURERS, EACH),
    "trend": lambda: smooth_trend(TIMES, REPEATS),
    "borrowers": lambda: borrowers(50),
    "walk": gaussian_random_walk,
    "crossed_logistic": crossed,
}
LATENT = {"schools": ["mu", "theta"]}
NORMAL, OTHERS = ("schools", "crossed", "trend"), ("borrowers", "walk", "crossed_logistic")
# An outer point of each, not at the mode.
OUTER = {
    "schools": [1.3],
    "crossed": [2.5, -0.4, -0.2, 0.3],
    "trend": [-0.8, -0.9],
    "borrowers": [-1.0, 0.3, -0.2, 0.1, -0.4],
    "walk": [-0.3],
    "crossed_logistic": [0.2, -0.4],
}


@pytest.fixture(scope="module")
def fields():
    """Latent fields by name of the model, compiled once."""
    made = {}

    def give(name):
        if name not in made:
            density = LogDensity(BUILDERS[name](), linker="numpy")
            made[name] = latent_field(density, LATENT.get(name))
        return made[name]

    return give


def _at(field, outer, latent=None):
    latent = np.zeros(field.size) if latent is None else latent
    return conditional_at(field, np.asarray(outer, dtype=float), latent)


# Closed forms: the outer parameters' log prior, mean and covariance of the data, and the latent
# field's prior mean and covariance with the matrix that leads from it to the data.


def _half_normal(log_sd):
    return stats.halfnorm.logpdf(np.exp(log_sd)) + log_sd


def _schools(outer):
    """Latent are mu and the eight effects."""
    prior = stats.halfcauchy.logpdf(np.exp(outer[0]), scale=5) + outer[0]
    tau = np.exp(outer[0])
    design = np.eye(9)[1:]
    covariance = np.full((9, 9), 25.0) + np.diag([0.0] + [tau**2] * 8)
    return prior, np.zeros(9), covariance, design, np.diag(STANDARD_ERRORS) ** 2, np.array(EFFECTS)


def _crossed(outer):
    intercept, noise, student, lecturer = outer
    prior = stats.norm.logpdf(intercept, 0, 5) + sum(map(_half_normal, outer[1:]))
    data = simulated_ratings(STUDENTS, LECTURERS, EACH)
    design = np.hstack([np.eye(STUDENTS)[data.student], np.eye(LECTURERS)[data.lecturer]])
    sds = np.repeat(np.exp([student, lecturer]), (STUDENTS, LECTURERS))
    noise_covariance = np.exp(2 * noise) * np.eye(len(data.rating))
    mean, covariance = np.zeros(len(sds)), np.diag(sds**2)
    return prior, mean, covariance, design, noise_covariance, data.rating - intercept


def _trend(outer):
    step, noise = np.exp(outer)
    prior = sum(map(_half_normal, outer))
    time = np.arange(TIMES)
    covariance = START_SD**2 + step**2 * np.minimum.outer(time, time)
    design = np.repeat(np.eye(TIMES), REPEATS, axis=0)
    data = simulated_series(TIMES, REPEATS).ravel()
    return prior, np.zeros(TIMES), covariance, design, noise**2 * np.eye(len(data)), data


EXACT = {"schools": _schools, "crossed": _crossed, "trend": _trend}


def _exact_marginal(name, outer):
    prior, mean, covariance, design, noise, data = EXACT[name](np.asarray(outer))
    whole = design @ covariance @ design.T + noise
    return prior + stats.multivariate_normal(design @ mean, whole).logpdf(data)


@pytest.mark.parametrize("name", NORMAL)
def test_the_marginal_likelihood_of_normal_data(fields, name, rng):
    for _ in range(5):
        outer = OUTER[name] + 0.5 * rng.standard_normal(len(OUTER[name]))
        here = _at(fields(name), outer, rng.standard_normal(fields(name).size))
        assert here.log_marginal == pytest.approx(_exact_marginal(name, outer), abs=1e-6)


@pytest.mark.parametrize("name", NORMAL)
def test_the_latent_field_of_normal_data(fields, name):
    """Kalman's formula: mean and covariance of the latent field given data and outer."""
    _, mean, covariance, design, noise, data = EXACT[name](np.array(OUTER[name]))
    gain = covariance @ design.T @ np.linalg.inv(design @ covariance @ design.T + noise)
    here = _at(fields(name), OUTER[name])
    np.testing.assert_allclose(here.latent, mean + gain @ (data - design @ mean), atol=1e-8)
    expected = covariance - gain @ design @ covariance
    size = len(mean)
    np.testing.assert_allclose(here.factor.solve(np.eye(size)), expected, atol=1e-8)
    np.testing.assert_allclose(here.factor.variances(), np.diag(expected), atol=1e-8)


@pytest.mark.parametrize("name", NORMAL)
def test_one_newton_step_suffices_for_normal_data(fields, name, rng):
    field = fields(name)
    before = dict(field.density.evaluations)
    _at(field, OUTER[name], 3 * rng.standard_normal(field.size))
    counts = field.density.evaluations
    assert counts["gradient"] - before["gradient"] == 2  # where it begins, and after the step
    products = counts["hessian_vector_product"] - before["hessian_vector_product"]
    assert products == 2 * field.colouring.count


def test_a_known_scale():
    """A linear mixed model with all sds known: only the intercept is outside."""
    group = np.repeat(np.arange(6), 3)
    y = np.random.default_rng(3).standard_normal(18)
    with pm.Model() as model:
        level = pm.Normal("level", 0.0, 2.0)
        effect = pm.Normal("effect", 0.0, 0.7, shape=6)
        pm.Normal("y", level + effect[group], 0.5, observed=y)
    field = latent_field(LogDensity(model, linker="numpy"))
    assert field.names == ("effect",)
    covariance = 0.49 * np.equal.outer(group, group) + 0.25 * np.eye(18)
    for level in (-1.0, 0.4):
        exact = stats.multivariate_normal(np.full(18, level), covariance).logpdf(y)
        exact += stats.norm.logpdf(level, 0.0, 2.0)
        assert _at(field, [level]).log_marginal == pytest.approx(exact, abs=1e-9)


# The precision, found in colours.


@pytest.mark.parametrize("name", BUILDERS)
def test_the_precision_is_the_block_of_the_hessian(fields, name):
    field = fields(name)
    here = _at(field, OUTER[name])
    hessian = field.density.hessian(here.theta)
    block = -np.asarray(hessian)[np.ix_(field.latent, field.latent)]
    inverse = np.linalg.inv(block)
    np.testing.assert_allclose(here.factor.solve(np.eye(field.size)), inverse, atol=1e-9)
    assert here.factor.log_determinant == pytest.approx(np.linalg.slogdet(block)[1], abs=1e-9)
    cross = np.asarray(hessian)[np.ix_(field.latent, field.outer)]
    np.testing.assert_allclose(here.sensitivity, inverse @ cross, atol=1e-9)


def test_a_wrong_pattern_is_told():
    """A walk whose steps would be taken for independent."""
    field = latent_field(LogDensity(gaussian_random_walk(), linker="numpy"))
    wrong = coloured(csc_array(np.eye(field.size, dtype=bool)), field.size)
    here = _at(field, field.density.initial_point()[field.outer])
    check_precision(here)
    with pytest.raises(SparsityError, match="pattern of zeros"):
        check_precision(replace(here, field=replace(field, colouring=wrong)))


@pytest.mark.parametrize("name", BUILDERS)
def test_the_mode_does_not_depend_on_where_the_search_begins(fields, name, rng):
    field = fields(name)
    one, other = (_at(field, OUTER[name], 2 * rng.standard_normal(field.size)) for _ in range(2))
    sd = np.sqrt(one.factor.variances())
    np.testing.assert_allclose((one.latent - other.latent) / sd, 0, atol=1e-5)
    np.testing.assert_allclose(one.gradient[field.latent] * sd, 0, atol=1e-5)
    np.testing.assert_array_equal(one.outer, OUTER[name])


# Derivatives with respect to the outer parameters.

# Central differences of sixth order: weights of f(x + k h) - f(x - k h), over h.
_STENCIL = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
_STEP = 0.03


def _differences(function, point):
    """Gradient, or Jacobian (..., K) of an array, by differences."""
    columns = []
    for axis in np.eye(len(point)):
        changes = [
            weight * (function(point + k * _STEP * axis) - function(point - k * _STEP * axis))
            for k, weight in _STENCIL.items()
        ]
        columns.append(sum(changes) / _STEP)
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("name", BUILDERS)
def test_the_gradient_of_the_log_marginal(fields, name):
    """Off the diagonal the selected inverse counts: crossed effects and walks."""
    field, outer = fields(name), np.array(OUTER[name])
    here = _at(field, outer)
    found = _differences(lambda x: _at(field, x, here.latent).log_marginal, outer)
    size = np.abs(found).max()
    np.testing.assert_allclose(here.marginal_gradient, found, rtol=0, atol=1e-6 * size)


@pytest.mark.parametrize("name", OTHERS)
def test_the_slope_of_the_mode(fields, name):
    field, outer = fields(name), np.array(OUTER[name])
    here = _at(field, outer)
    found = _differences(lambda x: _at(field, x, here.latent).latent, outer)
    np.testing.assert_allclose(here.sensitivity, found, atol=1e-5)


def test_the_determinants_weights_are_the_selected_inverse(fields):
    """Sums of S_ij times the Hessian's entries, told by the colours, are minus n."""
    for name in BUILDERS:
        field = fields(name)
        here = _at(field, OUTER[name])
        products = field.density.logp.hessian_vector_products(here.theta, field.seeds)
        total = np.sum(here._determinant_weights() * products)
        assert total == pytest.approx(-field.size, rel=1e-9)


# No mode.


@pytest.mark.parametrize("outer", [np.nan, 800.0, -800.0], ids=str)
def test_a_start_that_is_not_finite(fields, outer):
    sentence = rf"not finite at sigma_log__ = {outer:.4g}.*Check the data, or pass start="
    with pytest.raises(LatentModeError, match=sentence):
        _at(fields("walk"), [outer])


def test_a_search_that_does_not_end(fields, monkeypatch):
    monkeypatch.setattr(conditional, "_MOST_STEPS", 1)
    sentence = r"mode of the latent field \(level\) was not found given sigma_log__ = -0.3: .* sds"
    with pytest.raises(LatentModeError, match=sentence):
        _at(fields("walk"), OUTER["walk"])


def test_steps_that_cannot_be_taken(fields, monkeypatch):
    """With no halving allowed, not even the first part of a step."""
    monkeypatch.setattr(conditional, "_MOST_HALVINGS", 0)
    with pytest.raises(LatentModeError, match="was not found given"):
        _at(fields("walk"), OUTER["walk"])


def test_a_latent_field_that_runs_away():
    """The data's term grows faster than the prior falls."""
    with pm.Model() as model:
        scale = pm.HalfNormal("scale", 1.0)
        e = pm.Normal("e", 0.0, scale, shape=4)
        pm.Potential("upward", pm.math.sum(e**2))
    field = latent_field(LogDensity(model, linker="numpy"))
    assert _at(field, [-1.0], np.ones(4)).latent == pytest.approx(np.zeros(4), abs=1e-6)
    with pytest.raises(LatentModeError, match=r"scale_log__ = 1"):
        _at(field, [1.0], np.ones(4))


def test_a_shift_leads_over_a_hollow():
    """Where the density curves upward Newton's step is shifted, and ends in a peak all the same."""
    with pm.Model() as model:
        scale = pm.HalfNormal("scale", 1.0)
        e = pm.Normal("e", 0.0, scale, shape=3)
        pm.Potential("two_peaks", 3 * pm.math.sum(e**2) - pm.math.sum(e**4))
    field = latent_field(LogDensity(model, linker="numpy"))
    here = _at(field, [0.0], [0.1, -0.2, 0.3])
    # The slope -e / s^2 + 6 e - 4 e^3 is 0 at sqrt(5) / 2 for s = 1.
    np.testing.assert_allclose(np.abs(here.latent), np.sqrt(5) / 2, atol=1e-6)
    np.testing.assert_allclose(1 / here.factor.variances(), 10.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("logp", "gradient", "is_finite"),
    [
        (-1.0, [1.0, 2.0], True),
        (-1.0, [1.5e308, 1.5e308], True),
        (-np.inf, [np.inf, 1.0], False),
        (-1.0, [np.inf, -np.inf], False),
        (np.nan, [1.0, 2.0], False),
    ],
    ids=["plain", "a sum that overflows", "impossible", "both signs", "no number"],
)
def test_what_is_finite(logp, gradient, is_finite):
    """Without a warning, which would be an error here."""
    point = conditional._Point(np.zeros(2), logp, np.array(gradient), np.ones(1))
    assert point.is_finite == is_finite
