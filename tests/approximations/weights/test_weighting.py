"""Weighted pairs, against closed forms and their own standard errors."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from hypothesis import given, strategies as st

from tripos.approximations import Gaussian, LogDensity, find_mode
from tripos.approximations.errors import NonFiniteDensityError, WeightsError
from tripos.approximations.weights.ridge import ridge_proposals
from tripos.approximations.weights.smoothing import smoothed_weights, systematic
from tripos.approximations.weights.weighting import weighted_pairs
from tripos.comparisons.monte_carlo import Sample
from tripos.models import bioassay, eight_schools, linear_regression
from tripos.models.linear_regression import exact_posterior, example_data


def fitted(model):
    density = LogDensity(model, linker="numpy")
    mode = find_mode(density)
    return density, mode, Gaussian.from_precision(mode.theta, -mode.hessian, mode.parameters)


def pairs_of(model, seed=0, **options):
    return weighted_pairs(*fitted(model), rng=np.random.default_rng(seed), **options)


def expectation(pairs, values):
    """Posterior mean of values (2, S), and its standard error."""
    weights = np.exp(pairs.log_point_weights).ravel()
    mean, _, error, _ = Sample(
        values.ravel(), weights, np.tile(np.arange(values.shape[1]), 2)
    ).moments
    return mean, error


def gaussian_model(size, scales=1.0):
    with pm.Model() as model:
        pm.Normal("x", 1.0, scales, shape=size)
    return model


def two_modes(distance):
    with pm.Model() as model:
        x = pm.Flat("x")
        far = pt.log(0.5) - 0.5 * ((x - distance) / 0.3) ** 2 - pt.log(0.3)
        pm.Potential("p", pt.logaddexp(pt.log(0.5) - 0.5 * x**2, far))
    return model


# Gaussian targets.


@pytest.mark.parametrize("scales", [1.0, np.geomspace(1e-4, 1e4, 30)], ids=["plain", "scaled"])
def test_gaussian_target_has_equal_weights(scales):
    pairs = pairs_of(gaussian_model(30, scales), pairs=500)
    assert pairs.pareto_khat == -np.inf
    assert pairs.effective_sample_size == pytest.approx(500, rel=1e-9)
    assert np.ptp(pairs.log_weights) < 1e-7
    assert pairs.log_evidence == pytest.approx(0.0, abs=1e-8)
    assert pairs.log_evidence_error < 1e-8
    assert pairs.proposal.name == "normal"
    assert pairs.evaluations == 2 * (500 + 7 * 500)


def test_evidence_of_a_linear_regression_is_exact():
    _, _, evidence = exact_posterior(example_data())
    assert pairs_of(linear_regression()).log_evidence == pytest.approx(evidence, rel=1e-9)


# Bioassay.


@pytest.fixture(scope="module")
def bioassay_runs():
    density, mode, gaussian = fitted(bioassay())
    runs = [
        weighted_pairs(density, mode, gaussian, rng=np.random.default_rng(s)) for s in range(20)
    ]
    return density, runs


def test_bioassay_is_trusted_for_all_seeds(bioassay_runs):
    assert max(run.pareto_khat for run in bioassay_runs[1]) < 0.5


def test_bioassay_mean_of_beta(bioassay_runs):
    for run in bioassay_runs[1]:
        mean, error = expectation(run, run.thetas[..., 1])
        assert error <= 0.15
        assert abs(mean - 11.6356) < 4 * error


def test_bioassay_evidence(bioassay_runs):
    for run in bioassay_runs[1]:
        assert abs(run.log_evidence - 1.18324) < 4 * run.log_evidence_error


def test_standard_errors_are_honest(bioassay_runs):
    """The spread over seeds is what each seed's standard error says."""
    runs = bioassay_runs[1]
    means, errors = np.transpose([expectation(run, run.thetas[..., 1]) for run in runs])
    ratio = means.std(ddof=1) / errors.mean()
    assert abs(ratio - 1) < 4 / np.sqrt(2 * (len(runs) - 1))


def test_fields_agree(bioassay_runs):
    density, runs = bioassay_runs
    run = runs[0]
    centre = run.proposal.centre
    np.testing.assert_allclose(run.thetas.mean(axis=0) - centre, 0, atol=1e-9)
    flat = run.thetas.reshape(-1, 2)
    np.testing.assert_allclose(run.logp.ravel(), density.batched_value(flat), rtol=1e-12)
    np.testing.assert_allclose(run.proposal.log_density(flat), run.log_proposal.ravel())
    assert np.exp(run.log_point_weights).sum() == pytest.approx(1.0)
    np.testing.assert_allclose(np.logaddexp(*run.log_point_weights), run.log_weights, atol=1e-9)
    assert run.tried[-1] == run.trial


def test_normal_density_is_a_control_variate(bioassay_runs):
    """The Laplace normal integrates to one under the same draws, within four standard errors."""
    for run in bioassay_runs[1]:
        ratios = np.exp(run.log_laplace - run.log_proposal).mean(axis=0)
        assert abs(ratios.mean() - 1) < 4 * ratios.std() / np.sqrt(ratios.size)


# Harder posteriors.


@pytest.fixture(scope="module")
def schools():
    return pairs_of(eight_schools(), seed=1)


def test_eight_schools_are_trusted(schools):
    """No round proposal serves this funnel: REFERENCE has its moments by quadrature."""
    assert schools.pareto_khat < 0.5
    assert schools.effective_sample_size > 2000
    assert schools.proposal.name.startswith("ridge")
    assert abs(schools.log_evidence - -31.31135) < 4 * schools.log_evidence_error
    for k, expected in ((0, 4.39682), (1, 0.80214)):
        mean, error = expectation(schools, schools.thetas[..., k])
        assert abs(mean - expected) < 4 * error


def test_a_funnel_is_trusted():
    """v is normal by construction, and all other scales depend on it."""
    with pm.Model() as model:
        v = pm.Normal("v", 0, 1.5)
        pm.Normal("x", 0, pt.exp(v / 2), shape=4)
    pairs = pairs_of(model, seed=2)
    assert pairs.pareto_khat < 0.5
    assert abs(pairs.log_evidence) < 4 * pairs.log_evidence_error
    mean, error = expectation(pairs, pairs.thetas[..., 0])
    assert abs(mean) < 4 * error
    square, error = expectation(pairs, pairs.thetas[..., 0] ** 2)
    assert abs(square - 1.5**2) < 4 * error


def test_heavy_tails_and_bad_scales():
    with pm.Model() as model:
        pm.StudentT("x", nu=4, mu=0, sigma=np.array([1e-4, 1.0, 1e4]), shape=3)
    pairs = pairs_of(model)
    assert pairs.is_trusted
    assert abs(pairs.log_evidence) < 4 * pairs.log_evidence_error


def test_moment_matching_helps_where_the_mode_misleads():
    """A second mode that few draws meet: the moments of all draws cover both."""
    with pm.Model() as model:
        pm.NormalMixture("x", [0.7, 0.3], [0.0, 6.0], [1.0, 1.0])
        pm.Normal("y")
    pairs = pairs_of(model, seed=3)
    assert "matched" in pairs.proposal.name
    assert pairs.is_trusted
    assert abs(pairs.log_evidence) < 4 * pairs.log_evidence_error
    mean, error = expectation(pairs, pairs.thetas[..., 0])
    assert abs(mean - 1.8) < 4 * error


def test_a_second_mode_is_met_or_not_trusted():
    """One dimension is small enough for the wide proposals to meet a mode 7 sds away."""
    pairs = pairs_of(two_modes(7.0))
    missed = abs(pairs.log_evidence - 0.5 * np.log(2 * np.pi)) > 4 * pairs.log_evidence_error
    assert not (pairs.is_trusted and missed)
    assert pairs.proposal.name != "normal"


def test_no_ridge_where_nothing_widens():
    assert ridge_proposals(*fitted(linear_regression())) == ()


def test_the_ridge_of_one_parameter():
    """Without anything across it, the slices are a mixture along the only axis."""
    with pm.Model() as model:
        pm.Exponential("x", 1.0)
    density, mode, gaussian = fitted(model)
    normals, _ = ridge_proposals(density, mode, gaussian)
    both, log_proposal = normals.pairs(4000, np.random.default_rng(1))
    logp = density.batched_value(both.reshape(-1, 1)).reshape(2, -1)
    ratios = np.exp(logp - log_proposal).mean(axis=0)
    assert abs(ratios.mean() - 1) < 4 * ratios.std() / np.sqrt(ratios.size)
    assert ratios.std() < 0.3


def test_the_same_seed_gives_the_same_pairs():
    peak = fitted(bioassay())
    one, two, other = (
        weighted_pairs(*peak, pairs=200, rng=np.random.default_rng(seed)) for seed in (7, 7, 8)
    )
    np.testing.assert_array_equal(one.thetas, two.thetas)
    np.testing.assert_array_equal(one.log_weights, two.log_weights)
    assert np.intersect1d(one.thetas, other.thetas).size == 0


# Smoothing.


def test_equal_weights_have_no_tail():
    smoothed, pareto_khat = smoothed_weights(np.full(1000, 3.0))
    assert pareto_khat == -np.inf
    np.testing.assert_array_equal(smoothed, 3.0)


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.9])
def test_k_hat_of_a_pareto(shape):
    """The tail index of exact Pareto weights, with the error of 190 tail draws and the prior."""
    draws = np.random.default_rng(1).random(4000)
    _, pareto_khat = smoothed_weights(-shape * np.log(draws))
    tail = 3 * np.sqrt(4000)
    shrunk = (tail * shape + 5) / (tail + 10)
    assert abs(pareto_khat - shrunk) < 4 * (1 + shape) / np.sqrt(tail)


@given(st.floats(-1e4, 1e4))
def test_smoothing_keeps_the_scale(shift):
    """Weights below the tail stay as they are, whatever the constant."""
    raw = np.random.default_rng(2).normal(size=400)
    smoothed, pareto_khat = smoothed_weights(raw + shift)
    body = raw < np.quantile(raw, 0.8)
    np.testing.assert_allclose(smoothed[body] - shift, raw[body], atol=1e-9)
    assert pareto_khat == pytest.approx(smoothed_weights(raw)[1], abs=1e-6)


def test_zero_weights_stay_zero():
    raw = np.where(np.arange(1000) < 500, -np.inf, np.random.default_rng(3).normal(size=1000))
    smoothed, pareto_khat = smoothed_weights(raw)
    assert np.all(smoothed[:500] == -np.inf)
    assert np.isfinite(pareto_khat)


def test_too_few_weights_to_tell():
    raw = np.full(1000, -np.inf)
    raw[:20] = np.random.default_rng(4).normal(size=20)
    assert smoothed_weights(raw)[1] == np.inf


# Errors.


def test_all_weights_zero():
    with pytest.raises(WeightsError, match="zero at all 100 pairs"):
        smoothed_weights(np.full(100, -np.inf))


@pytest.mark.parametrize("value", [np.nan, np.inf], ids=str)
def test_weights_refuse_what_is_not_a_number(value):
    raw = np.random.default_rng(1).standard_normal(1000)
    raw[7] = value
    with pytest.raises(WeightsError, match="1 of 1000 importance weights are NaN or infinite"):
        smoothed_weights(raw)
    with np.errstate(over="ignore"), pytest.raises(WeightsError, match="finite numbers"):
        systematic(np.exp(raw), 10, np.random.default_rng(1))


def test_draws_are_not_chosen_by_weights_of_zero():
    with pytest.raises(WeightsError, match="positive sum"):
        systematic(np.zeros(5), 10, np.random.default_rng(1))


def density_that_breaks(value):
    """A normal whose density is `value` beyond 2.5: the search for the mode never goes there."""
    with pm.Model() as model:
        x = pm.Normal("slope")
        pm.Potential("p", pt.switch(x > 2.5, value, 0.0))
    return model


@pytest.mark.parametrize("value", [np.nan, np.inf], ids=str)
def test_a_density_that_is_not_a_number(value):
    """At 2.5 sds the density is 3.1 below its highest: who knows what it is beyond."""
    told = rf"is {value} at .* with slope = .*right beside it is only 3\.1"
    with pytest.raises(NonFiniteDensityError, match=told):
        pairs_of(density_that_breaks(value))


def test_a_density_of_zero_is_weight_zero():
    pairs = pairs_of(density_that_breaks(-np.inf))
    assert np.any(pairs.logp == -np.inf)
    assert abs(pairs.log_evidence - np.log(0.9937903)) < 4 * pairs.log_evidence_error
    mean, error = expectation(pairs, np.where(pairs.logp == -np.inf, np.nan, pairs.logp))
    assert np.isfinite(mean)
    assert np.isfinite(error)


def test_all_mass_on_one_draw():
    """A tall, remote peak in many dimensions: whichever draw is nearest has all the weight."""
    with pm.Model() as model:
        x = pm.Flat("x", shape=20)
        remote = 1.9e6 - 0.5 * pt.sum(((x - 9) / 0.02) ** 2)
        pm.Potential("p", pt.logaddexp(-0.5 * pt.sum(x**2), remote))
    density = LogDensity(model, linker="numpy")
    mode = find_mode(density, start=np.full(20, -1.0))
    gaussian = Gaussian.from_precision(mode.theta, -mode.hessian)
    with pytest.raises(WeightsError, match=r"One pair .* holds .* of the weight"):
        weighted_pairs(density, mode, gaussian, pairs=200, rng=np.random.default_rng(0))
