"""The mode: against closed forms, from hard starts, and the reasons why there may be none."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pymc as pm
import pytest

from tripos.approximations import LogDensity, find_mode
from tripos.approximations.errors import (
    ArgumentError,
    CurvatureError,
    DiscreteVariableError,
    ModeAtInfinityError,
    ModeNotFoundError,
    NoFreeVariableError,
    StartingPointError,
    TriposError,
)
from tripos.approximations.mode.no_mode import why_no_mode
from tripos.approximations.mode.trust_region import Iterate
from tripos.models import CATALOGUE, bioassay, eight_schools, globe, linear_regression, windshield
from tripos.models.linear_regression import RegressionData, exact_posterior, example_data

# REFERENCE: p(alpha, beta) flat, logit link.
FLAT_MODE = (0.8465802, 7.7488172)
FLAT_HESSIAN = ((1.9647688, -0.2934250), (-0.2934250, 0.0859372))
TABLE_MODES = {
    "normal": (0.86164, 8.03803),
    "normal_variance": (0.92558, 9.17443),
    "correlated": (0.71357, 7.92572),
}
LOG_SLOPE_MODE = (1.27132, 2.37497)


def _potential(function, shape=(), initval=None):
    with pm.Model() as model:
        x = pm.Flat("x", shape=shape, initval=np.zeros(shape) if initval is None else initval)
        pm.Potential("term", function(x))
    return model


# Where it is.


def test_flat_bioassay(golden, density_of):
    mode = find_mode(density_of(bioassay))
    np.testing.assert_allclose(mode.theta, golden["bioassay"]["flat"]["mode"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(mode.theta, FLAT_MODE, rtol=0, atol=1e-6)
    np.testing.assert_allclose(-mode.hessian, golden["bioassay"]["flat"]["hessian"], rtol=1e-6)
    # The reference is rounded to seven decimals.
    np.testing.assert_allclose(-mode.hessian, FLAT_HESSIAN, rtol=1e-6, atol=5e-8)
    assert mode.parameters == ("alpha", "beta")


@pytest.mark.parametrize("prior", ["weak", "normal", "normal_variance", "correlated"])
def test_bioassay_with_priors(golden, prior, density_of):
    mode = find_mode(density_of(bioassay, prior))
    expected = golden["bioassay"][prior]
    np.testing.assert_allclose(mode.theta, expected["mode"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(-mode.hessian, expected["hessian"], rtol=1e-6)
    if prior in TABLE_MODES:
        np.testing.assert_allclose(mode.theta, TABLE_MODES[prior], rtol=0, atol=6e-6)


def test_bioassay_in_the_log_of_its_slope(golden, density_of):
    mode = find_mode(density_of(bioassay, slope="log"))
    expected = golden["bioassay"]["log_slope"]
    assert mode.parameters == ("alpha", "beta_log__")
    np.testing.assert_allclose(mode.theta, expected["mode"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(mode.theta, LOG_SLOPE_MODE, rtol=0, atol=6e-6)
    np.testing.assert_allclose(-mode.hessian, expected["hessian"], rtol=1e-6)


def test_globe_with_its_jacobian(golden, density_of):
    """Without the Jacobian the mode would be at log(6 / 3) = 0.693."""
    mode = find_mode(density_of(globe))
    assert mode.theta[0] == pytest.approx(golden["globe"]["laplace"]["mode"], abs=1e-9)
    assert mode.theta[0] == pytest.approx(0.559616, abs=6e-7)


@pytest.mark.parametrize("line", [1, 2])
def test_windshield(golden, line, density_of):
    expected = golden["windshield"][str(line)]["laplace"]
    mode = find_mode(density_of(windshield, line))
    np.testing.assert_allclose(mode.theta, expected["mode"], rtol=0, atol=1e-9)
    sds = np.sqrt(np.diag(np.linalg.inv(-mode.hessian)))
    np.testing.assert_allclose(sds, expected["sd"], rtol=1e-9)


@pytest.mark.parametrize("build", [bioassay, windshield, eight_schools])
def test_from_pymcs_optimum_it_is_the_same(build, uncompiled, density_of):
    density = density_of(build)
    here = find_mode(density)
    # PyMC compiles its own function by Numba, which one model is enough for.
    with nullcontext() if build is windshield else uncompiled():
        from_map = find_mode(density, start="find_MAP")
    np.testing.assert_allclose(from_map.theta, here.theta, rtol=0, atol=1e-6)
    assert from_map.logp == pytest.approx(here.logp, abs=1e-9)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_gradient_vanishes_and_the_value_is_the_highest(name, rng, density_of):
    density = density_of(CATALOGUE[name].build)
    mode = find_mode(density)
    covariance = np.linalg.inv(-mode.hessian)
    assert mode.gradient @ covariance @ mode.gradient < 1e-12
    nearby = mode.theta + 0.1 * rng.multivariate_normal(np.zeros(density.size), covariance, 100)
    assert np.all(density.batched_value(nearby) < mode.logp)
    assert mode.logp == pytest.approx(density.value(mode.theta), rel=1e-14)


# Hard starts.


def test_a_normal_posterior_takes_two_steps_at_most(density_of):
    assert find_mode(density_of(linear_regression)).iterations <= 2


def test_a_start_at_the_mode_takes_no_step(density_of):
    density = density_of(bioassay)
    mode = find_mode(density)
    again = find_mode(density, start=mode.theta)
    assert again.iterations == 0
    np.testing.assert_allclose(again.theta, mode.theta, rtol=0, atol=1e-9)


def test_columns_of_scale_1_and_1e5_far_from_zero(rng):
    """A predictor such as income, neither centred nor scaled."""
    x = 1e6 + 1e5 * rng.standard_normal(50)
    design = np.column_stack([np.ones(50), x])
    outcome = design @ [3.0, 2e-5] + 0.5 * rng.standard_normal(50)
    mode = find_mode(linear_regression(RegressionData(design, outcome, prior_sd=1e3)))
    # The closed form in units in which it is well conditioned: x = 1e6 + 1e5 z.
    units = np.array([[1.0, -10.0], [0.0, 1e-5]])
    z = design @ units
    precision = z.T @ z / 0.5**2 + units.T @ units / 1e3**2
    mean = np.linalg.solve(precision, z.T @ outcome / 0.5**2)
    sds = np.sqrt(np.diag(np.linalg.inv(precision)))
    found = np.linalg.solve(units, mode.theta)
    np.testing.assert_allclose((found - mean) / sds, 0, atol=1e-6)


def test_badly_scaled_logistic_regression(rng):
    x = 1e6 + 1e5 * rng.standard_normal(200)
    y = rng.random(200) < 1 / (1 + np.exp(-(x - 1e6) / 1e5))
    with pm.Model() as raw:
        a, b = pm.Flat("a"), pm.Flat("b")
        pm.Bernoulli("y", logit_p=a + b * x, observed=y)
    with pm.Model() as standard:
        a, b = pm.Flat("a"), pm.Flat("b")
        pm.Bernoulli("y", logit_p=a + b * (x - 1e6) / 1e5, observed=y)
    here, there = find_mode(raw), find_mode(standard)
    assert here.logp == pytest.approx(there.logp, abs=1e-9)
    assert here.theta[1] * 1e5 == pytest.approx(there.theta[1], rel=1e-6)


def test_from_a_log_density_of_minus_1e11(golden, density_of):
    density = density_of(windshield)
    start = np.array([14.0, -11.0])
    assert density.value(start) < -1e10
    mode = find_mode(density, start=start)
    expected = golden["windshield"]["1"]["laplace"]["mode"]
    np.testing.assert_allclose(mode.theta, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("start", [(0.0, 0.0), (0.0, 2.0)], ids=["saddle", "ridge"])
def test_from_a_saddle_to_a_peak(start):
    """Where the gradient has no part along the way down, only the curvature tells the way."""
    model = _potential(lambda x: -((x[0] ** 2 - 1) ** 2) - x[1] ** 2, shape=2)
    mode = find_mode(model, start=np.array(start))
    assert abs(mode.theta[0]) == pytest.approx(1.0, abs=1e-6)
    assert mode.theta[1] == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(mode.hessian, [[-8.0, 0.0], [0.0, -2.0]], atol=1e-5)


def test_along_a_curved_valley():
    model = _potential(
        lambda x: -((1 - x[0]) ** 2) - 100 * (x[1] - x[0] ** 2) ** 2, 2, np.array([-1.2, 1.0])
    )
    np.testing.assert_allclose(find_mode(model).theta, [1.0, 1.0], atol=1e-6)


# No mode.


def _flat_direction():
    with pm.Model() as model:
        left, right = pm.Flat("left"), pm.Flat("right")
        pm.Normal("y", left + right, 1.0, observed=[0.3, 1.2])
    return model


def _separated():
    with pm.Model() as model:
        level, effect = pm.Flat("level"), pm.Flat("effect")
        x = np.array([-2.0, -1.0, 1.0, 2.0])
        pm.Bernoulli("y", logit_p=level + effect * x, observed=[0, 0, 1, 1])
    return model


def _one_observation():
    """Give a normal with both parameters unknown one observation: it grows as sigma goes to 0."""
    with pm.Model() as model:
        mu, log_sigma = pm.Flat("mu"), pm.Flat("log_sigma")
        pm.Normal("y", mu, pm.math.exp(log_sigma), observed=[1.0])
    return model


def _no_data():
    with pm.Model() as model:
        pm.Flat("level")
    return model


def _flattening_slope():
    return _potential(lambda x: -pm.math.exp(-x))


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (_flat_direction, "flat along .*left.*right"),
        (_separated, "no finite mode.*effect"),
        (_one_observation, "no finite mode.*log_sigma"),
        (_no_data, "flat along 1 level"),
        (_flattening_slope, "no finite mode.* x"),
        (lambda: eight_schools(centred=True), "no finite mode.*tau_log__"),
        (lambda: _potential(lambda x: x**2, initval=0.5), "no finite mode.* x"),
    ],
    ids=[
        "flat_direction", "separated_data", "one_observation", "no_data", "flattening_slope",
        "centred_eight_schools", "upside_down",
    ],
)  # fmt: skip
def test_a_mode_at_infinity(build, sentence):
    with pytest.raises(ModeAtInfinityError, match=sentence) as raised:
        find_mode(build())
    assert isinstance(raised.value, TriposError)


def _perfect_fit():
    with pm.Model() as model:
        slope, sigma = pm.Normal("slope", 0.0, 10.0), pm.HalfNormal("sigma", 1.0)
        x = np.arange(4.0)
        pm.Normal("y", slope * x, sigma, observed=2 * x)
    return model


def _flat_group_scale():
    """Give the log of a group's scale a flat prior: improper (BDA3 section 5.4)."""
    with pm.Model() as model:
        log_tau = pm.Flat("log_tau")
        effect = pm.Normal("effect", 0.0, pm.math.exp(log_tau), shape=4)
        pm.Normal("y", effect, 1.0, observed=[1.0, 0.3, -0.5, 0.2])
    return model


def _no_error():
    with pm.Model() as model:
        pm.Normal("y", 0.0, pm.HalfFlat("sigma"), observed=[0.0, 0.0, 0.0])
    return model


@pytest.mark.parametrize(
    ("build", "sentences"),
    [
        (
            lambda: eight_schools(centred=True),
            [
                "tau goes from 5 to 0, an end of its support",
                "What grows is the density of theta, which has tau in it",
                "the density of tau_log__ falls that way and has its maximum elsewhere",
                "non-centred parametrisation",
            ],
        ),
        (
            _flat_group_scale,
            ["log_tau goes to -infinity", "of effect, which has log_tau in it", "looks improper"],
        ),
        (
            _separated,
            ["effect goes to +infinity", "levels off", "looks improper", "perfectly separated"],
        ),
        (
            _perfect_fit,
            ["sigma goes from 1 to 0", "What grows is the term y", "fitted without error"],
        ),
        (_no_error, ["sigma goes from 1 to 0, an end of its support", "Give sigma a proper"]),
    ],
    ids=["centred_eight_schools", "flat_group_scale", "separated_data", "perfect_fit", "no_error"],
)
def test_why_there_is_no_mode(build, sentences):
    """Which variable, to which end of its support, why, and what to do."""
    with pytest.raises(ModeAtInfinityError) as raised:
        find_mode(build())
    text = str(raised.value)
    assert [sentence for sentence in sentences if sentence not in text] == []


def test_new_data_are_not_explained_by_the_old():
    density = LogDensity(_separated())
    density.set_data({"y": [1, 1, 1, 1]})
    with pytest.raises(ModeAtInfinityError) as raised:
        find_mode(density)
    assert "What grows" not in str(raised.value)


def test_no_information_about_a_scale_is_no_boundary():
    """A half-normal density is highest at 0; with its Jacobian, in the log, at 1."""
    with pm.Model() as model:
        pm.HalfNormal("sigma", 1.0)
    assert find_mode(model).theta[0] == pytest.approx(0.0, abs=1e-9)


def test_a_top_too_flat_for_a_normal_distribution():
    with pytest.raises(CurvatureError, match="curvature vanishes along 1 x"):
        find_mode(_potential(lambda x: -(x**4), initval=1.0))


@pytest.mark.parametrize("most", [1, 2, 4])
def test_too_few_iterations(most, density_of):
    density = density_of(windshield)
    with pytest.raises(ModeNotFoundError, match=f"{most} steps .*log_sigma.*max_iterations"):
        find_mode(density, start=np.array([14.0, -11.0]), max_iterations=most)


def test_max_iterations_below_one(density_of):
    sentence = "max_iterations must be a whole number of at least 1, but 0"
    with pytest.raises(ArgumentError, match=sentence):
        find_mode(density_of(globe), max_iterations=0)


def test_start_by_a_word_other_than_find_map(density_of):
    with pytest.raises(ArgumentError, match="'find_MAP', a Mode or None, but 'map' was given"):
        find_mode(density_of(globe), start="map")


def test_a_mode_that_was_found_is_not_searched_again(density_of):
    density = density_of(globe)
    mode = find_mode(density)
    before = sum(density.evaluations.values())
    assert find_mode(density, start=mode) is mode
    assert sum(density.evaluations.values()) - before == 1
    moved = replace(mode, logp=mode.logp - 1)
    for other, said in ((moved, "log density"), (replace(mode, parameters=("q",)), "it is in q")):
        with pytest.raises(ArgumentError, match=f"of another model, or of other data: .*{said}"):
            find_mode(density, start=other)


# Nothing to start from.


def test_a_discrete_variable():
    with pm.Model() as model:
        rate = pm.Exponential("rate", 1.0)
        pm.Poisson("births", rate)
    with pytest.raises(DiscreteVariableError, match="'births' is discrete"):
        find_mode(model)


def test_two_discrete_variables():
    with pm.Model() as model:
        pm.Poisson("births", pm.Exponential("rate", 1.0))
        pm.Bernoulli("alive", 0.5)
    with pytest.raises(DiscreteVariableError, match="'births', 'alive' are discrete"):
        find_mode(model)


def test_no_free_variable():
    with pm.Model() as model:
        pm.Normal("y", 0.0, 1.0, observed=[1.0, 2.0])
    with pytest.raises(NoFreeVariableError, match="no free variable"):
        find_mode(model)


def _impossible_datum():
    with pm.Model() as model:
        pm.Exponential("wait", pm.Exponential("rate", 1.0), observed=[1.0, -2.0])
    return model


def _nan_mean():
    with pm.Model() as model:
        level = pm.Normal("level", 0.0, 1.0)
        pm.Normal("outcome", pm.math.log(level - 5.0), 1.0, observed=[1.0, 2.0])
    return model


def _infinite_potential():
    with pm.Model() as model:
        pm.Potential("barrier", -1 / pm.Normal("level", 0.0, 1.0) ** 2)
    return model


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (_impossible_datum, "-inf at the starting point, where 'wait' gives -inf"),
        (_nan_mean, "nan at the starting point, where 'outcome' gives nan"),
        (_infinite_potential, "-inf at the starting point, where 'barrier' gives -inf"),
    ],
)
def test_not_finite_at_the_start(build, sentence):
    with pytest.raises(StartingPointError, match=sentence):
        find_mode(build())


def test_no_slope_at_the_start():
    """The square root of |x| is finite at 0, and its slope is not."""
    model = _potential(lambda x: -pm.math.sqrt(pm.math.abs(x)))
    with pytest.raises(StartingPointError, match=r"gradient or Hessian .* not finite in x"):
        find_mode(model)


def test_regression_data_are_those_of_the_catalogue(density_of):
    mean, covariance, _ = exact_posterior(example_data())
    mode = find_mode(density_of(linear_regression))
    np.testing.assert_allclose(mode.theta, mean, rtol=1e-8)
    size = np.abs(covariance).max()
    np.testing.assert_allclose(np.linalg.inv(-mode.hessian), covariance, rtol=0, atol=1e-8 * size)


def _batting_averages(kappa):
    """Beta effects around a mean, whose concentration has a long-tailed prior."""
    hits = np.array([18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7])
    with pm.Model() as model:
        mean, concentration = pm.Uniform("mean", 0, 1), kappa()
        theta = pm.Beta("theta", mean * concentration, (1 - mean) * concentration, shape=18)
        pm.Binomial("y", n=45, p=theta, observed=hits)
    return model


@pytest.mark.parametrize(
    "kappa",
    [
        lambda: pm.Pareto("kappa", alpha=1.5, m=1),
        lambda: pm.math.exp(pm.Exponential("log_kappa", lam=1.5)),
    ],
    ids=["pareto", "log of an exponential"],
)
def test_advice_on_a_hierarchy_that_is_not_normal(kappa):
    """More iterations would not help, nor is there a non-centred form of a beta distribution."""
    with pytest.raises(ModeAtInfinityError, match="values of theta draw together") as raised:
        find_mode(_batting_averages(kappa))
    text = str(raised.value)
    assert "holds ever less mass" in text
    assert "Use nuts, or give" in text
    assert "max_iterations" not in text
    assert "non-centred" not in text


def test_a_normal_hierarchy_is_sent_to_nested_laplace(density_of):
    with pytest.raises(ModeAtInfinityError, match="nested_laplace serves this model as it is"):
        find_mode(density_of(eight_schools, centred=True))


def test_a_search_ends_when_its_groups_draw_together():
    """Whatever max_iterations allows."""
    density = LogDensity(eight_schools(centred=True), linker="numpy")
    with pytest.raises(ModeAtInfinityError):
        find_mode(density, max_iterations=2000)
    assert density.evaluations["gradient"] < 200


def test_a_search_that_levels_off():
    """As the scale grows and what it multiplies shrinks, the density rises to a ceiling."""
    with pm.Model() as model:
        log_sd, effects = pm.Flat("log_sd"), pm.Normal("effects", 0, 1, shape=6)
        pm.Normal("y", pm.math.exp(log_sd) * effects, 1, observed=[-4.0, -3, 0, 1, 3, 5])
    with pytest.raises(ModeAtInfinityError, match="log_sd goes to \\+infinity"):
        find_mode(model)


def test_a_search_that_is_stuck_is_not_for_more_iterations():
    """It ended before its last step, on a slope."""
    with pm.Model() as model:
        pm.Normal("x", 0, 1)
    density = LogDensity(model, linker="numpy")
    path = [Iterate.at(density, np.array([x])) for x in (4.0, 3.0)]
    failure = why_no_mode(density, path, None)
    assert isinstance(failure, ModeNotFoundError)
    assert "after 1 steps no further one" in str(failure)
    assert "more iterations would not help" in str(failure)
