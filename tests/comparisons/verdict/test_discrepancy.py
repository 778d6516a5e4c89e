"""Discrepancies, against closed forms and their own standard errors."""

import arviz_base
import numpy as np
import pymc as pm
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import cauchy, norm

from tripos.approximations import Gaussian, LogDensity, laplace
from tripos.approximations.errors import ArgumentError
from tripos.approximations.weights.pairs import draw_pairs, weigh
from tripos.approximations.weights.proposals import Component, Proposal
from tripos.comparisons.verdict.contrasts import Contrast, Sample
from tripos.comparisons.verdict.discrepancy import (
    MEASURES,
    PROBABILITIES,
    discrepancies,
    measures,
)
from tripos.comparisons.verdict.quantities import chosen_labels

QUARTILE = norm.ppf(0.75)


def evenly(distribution, size=20_001):
    """Quantiles of a distribution, as draws without noise."""
    return distribution.ppf((np.arange(size) + 0.5) / size)


def equal(values):
    return Sample(np.asarray(values), np.full(len(values), 1 / len(values)))


def measured(approximation, exact):
    return measures(Contrast(approximation, exact))


def closed_forms(shift, ratio):
    """All measures of N(shift, ratio) against N(0, 1)."""
    forms = {"mean_shift": shift, "log_sd_ratio": np.log(ratio)}
    for name, level in (("mass_50", 0.5), ("mass_95", 0.95)):
        ends = shift + ratio * norm.ppf([0.5 - level / 2, 0.5 + level / 2])
        forms[name] = float(np.diff(norm.cdf(ends))[0])
    for p in PROBABILITIES:
        forms[f"q{100 * p:g}_shift"] = shift + (ratio - 1) * norm.ppf(p)
    # Between normals the quantile functions differ by shift + (ratio - 1) z, whose absolute value
    # is that of a normal variable: a folded normal mean.
    a, b = abs(shift), abs(ratio - 1)
    forms["wasserstein"] = a if b == 0 else a * (1 - 2 * norm.cdf(-a / b)) + 2 * b * norm.pdf(a / b)
    return forms


PAIRS_OF_NORMALS = [(0.0, 1.0), (0.3, 1.0), (-0.5, 1.0), (0.0, 1.3), (0.0, 0.7), (0.4, 1.5)]


# Closed forms.


@pytest.mark.parametrize(("shift", "ratio"), PAIRS_OF_NORMALS)
def test_two_normals_by_draws(shift, ratio):
    found = measured(equal(evenly(norm(shift, ratio))), equal(evenly(norm())))
    for name, value in closed_forms(shift, ratio).items():
        assert found[name] == pytest.approx(value, abs=2e-3), name
    assert found["has_mean"]
    assert found["finite"]


@pytest.mark.parametrize(("shift", "ratio"), PAIRS_OF_NORMALS)
def test_two_normals_by_weights(shift, ratio):
    """Both distributions on the same points, each by its weights."""
    at = np.linspace(-9, 9, 9001)
    samples = []
    for distribution in (norm(shift, ratio), norm()):
        weights = distribution.pdf(at)
        samples.append(Sample(at, weights / weights.sum()))
    found = measured(*samples)
    for name, value in closed_forms(shift, ratio).items():
        assert found[name] == pytest.approx(value, abs=2e-3), name


def test_known_moments_are_taken_as_they_are():
    draws = equal(evenly(norm(0.1, 1.1)))
    known = Sample(draws.values, draws.weights, mean=0.0, sd=2.0)
    found = measured(draws, known)
    assert found["mean_shift"] == pytest.approx(0.05, abs=1e-6)
    assert found["log_sd_ratio"] == pytest.approx(np.log(1.1 / 2), abs=1e-3)


def test_weighted_quantiles():
    sample = Sample(np.array([3.0, 1.0, 2.0]), np.array([0.25, 0.25, 0.5]))
    np.testing.assert_allclose(sample.quantiles([0.125, 0.5, 0.875]), [1, 2, 3])


def test_measures_have_no_units():
    """A change of units or origin changes nothing, down to sds of 1e-6 and up to 1e6."""
    one, exact = evenly(norm(0.2, 1.1), 2001), evenly(norm(), 2001)
    expected = measured(equal(one), equal(exact))
    for scale in (1e-6, 1e6):
        moved = measured(equal(5 + scale * one), equal(5 + scale * exact))
        assert [moved[m] for m in MEASURES] == pytest.approx([expected[m] for m in MEASURES])


@settings(max_examples=50)
@given(st.floats(-2, 2), st.floats(0.3, 3))
def test_exchange_of_sides_reverses_the_moments(shift, ratio):
    one, other = equal(evenly(norm(shift, ratio), 400)), equal(evenly(norm(), 400))
    there, back = measured(one, other), measured(other, one)
    assert there["log_sd_ratio"] == pytest.approx(-back["log_sd_ratio"], abs=1e-9)
    sd_ratio = np.exp(there["log_sd_ratio"])
    assert there["mean_shift"] == pytest.approx(-back["mean_shift"] * sd_ratio, abs=1e-9)
    assert 0 <= there["mass_50"] <= there["mass_95"] <= 1


# Weighted pairs of a normal target, judged against any normal "approximation".


def normal_target(size=1):
    with pm.Model() as model:
        pm.Normal("x", 0.0, 1.0, shape=size)
    return LogDensity(model, linker="numpy")


def pairs_against(density, shift, ratio, seed, size=2000):
    """Pairs from a t about 0 for N(0, 1), with N(shift, ratio) for the Laplace approximation."""
    identity = np.eye(density.size)
    whole = (Component.spherical(density.size, 5.0, 1.2),)
    proposal = Proposal("t5", np.zeros(density.size), identity, whole)
    approximation = Gaussian(np.full(density.size, shift), identity / ratio)
    rng = np.random.default_rng(seed)
    return weigh(draw_pairs(density, approximation, proposal, size, rng), approximation)


@pytest.fixture(scope="module")
def target():
    return normal_target()


@pytest.fixture(scope="module")
def laplace_tree(target):
    return laplace(target, draws=100, random_seed=1)


@pytest.mark.parametrize(("shift", "ratio"), [(0.1, 1.1), (-0.05, 0.95)])
def test_standard_errors_of_pairs_are_calibrated(target, laplace_tree, shift, ratio):
    """Root mean square of 60 z-scores within four of its own standard errors of 1."""
    forms, runs = closed_forms(shift, ratio), 60
    tree = laplace_tree.copy(deep=True)
    tree["fit"]["mode"][:] = shift
    rows = [
        discrepancies(tree, pairs_against(target, shift, ratio, seed), target).loc["x[0]"]
        for seed in range(runs)
    ]
    for name, value in forms.items():
        scores = np.array([(row[name] - value) / row[f"{name}_se"] for row in rows])
        assert abs(scores.mean()) < 4 / np.sqrt(runs), name
        assert abs(np.sqrt(np.mean(scores**2)) - 1) < 4 / np.sqrt(2 * runs), name


def test_equal_weights_have_no_error(target, laplace_tree):
    """What is common to both cancels, draw by draw; smoothing the largest weights leaves 1e-5."""
    row = discrepancies(laplace_tree, pairs_against(target, 0.0, 1.0, 1), target).loc["x[0]"]
    for name, value in closed_forms(0.0, 1.0).items():
        tolerance = 1e-3 if name.startswith("mass") else 1e-5
        assert row[name] == pytest.approx(value, abs=tolerance), name
        assert row[f"{name}_se"] < 1e-5


def test_pairs_need_their_density(target, laplace_tree):
    with pytest.raises(ArgumentError, match="need the density"):
        discrepancies(laplace_tree, pairs_against(target, 0.0, 1.0, 1))


# What has no mean, does not vary, is tied, or is no number.


def test_cauchy_is_compared_by_quantiles():
    rng = np.random.default_rng(1)
    found = measured(
        equal(cauchy.rvs(0.5, 1, 8000, random_state=rng)),
        equal(cauchy.rvs(0.0, 1, 8000, random_state=rng)),
    )
    assert not found["has_mean"]
    assert np.isnan([found["mean_shift"], found["log_sd_ratio_se"]]).all()
    # Half the central 50 % interval of this Cauchy distribution is 1.
    assert found["q50_shift"] == pytest.approx(0.5 * QUARTILE, abs=0.1)
    assert found["finite"]


def test_a_heavy_square_has_no_standard_error():
    """A t with 2.5 d.f. has a mean; its variance has none that draws could tell."""
    rng = np.random.default_rng(2)
    found = measured(equal(rng.standard_t(2.5, 8000)), equal(rng.standard_t(2.5, 8000)))
    assert found["has_mean"]
    assert np.isinf(found["log_sd_ratio_se"])
    assert np.isfinite(found["mean_shift_se"])


@pytest.mark.parametrize("wobble", [0.0, 1e-16, -2e-16])
def test_constants_that_are_the_same(wobble):
    constant = np.full(100, 0.3)
    found = measured(equal(constant), equal(constant + wobble * (np.arange(100) % 2)))
    assert [found[m] for m in MEASURES[:4]] == [0.0, 0.0, 0.5, 0.95]


def test_constants_that_differ():
    assert np.isinf(measured(equal(np.full(9, 0.3)), equal(np.full(9, 0.4)))["mean_shift"])


@pytest.mark.parametrize(("sides", "sign"), [((0, 1), -1), ((1, 0), 1)])
def test_constant_on_one_side(sides, sign):
    samples = [equal(np.full(100, 0.3)), equal(evenly(norm(), 100))]
    found = measured(*[samples[k] for k in sides])
    assert found["log_sd_ratio"] == sign * np.inf


def test_ties_have_a_level_of_their_own():
    """The 50 % interval of a truth value that is true in 60 % holds everything, in both."""
    truth = equal((np.arange(1000) < 600).astype(float))
    found = measured(truth, truth)
    assert found["mass_50"] == found["level_50"] == pytest.approx(1.0)
    assert found["mean_shift"] == 0
    assert found["has_mean"]


def test_a_rare_truth_value_has_a_mean():
    """True in 0.1 % against 1 %: its sd is what tells, and no tail index hides it."""
    one, exact = (equal((np.arange(8000) < n).astype(float)) for n in (8, 80))
    found = measured(one, exact)
    assert found["has_mean"]
    expected = 0.5 * np.log(0.001 * 0.999 / (0.01 * 0.99))
    assert found["log_sd_ratio"] == pytest.approx(expected)


def test_quantiles_that_are_all_tied_tell_nothing():
    """What is 0 in 99 % and heavy-tailed in 1 % has no mean, and no quantile that could agree."""
    values = np.zeros(8000)
    values[:80] = 1 / np.linspace(0.001, 1, 80) ** 2
    found = measured(equal(values), equal(values))
    assert not found["has_mean"]
    assert np.isnan(found["q97.5_shift"])


def test_values_of_no_weight_may_be_anything():
    values, weights = evenly(norm(), 1000), np.full(1000, 1 / 998)
    weights[[3, 500]] = 0.0
    sample = Sample(values, weights)
    odd = Sample(np.where(weights > 0, values, [np.nan, np.inf] * 500), weights)
    found, expected = measured(odd, odd), measured(sample, sample)
    assert found["finite"]
    assert all(np.isfinite(found[m]) for m in MEASURES)
    assert found["q50_shift"] == expected["q50_shift"] == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("side", [0, 1])
def test_a_value_that_is_no_number(value, side):
    samples = [equal(evenly(norm(), 100)), equal(evenly(norm(), 100))]
    samples[side].values[7] = value
    found = measured(*samples)
    assert not found["finite"]
    assert np.isnan([found[m] for m in MEASURES]).all()


# Trees and names.


def tree_of(**draws):
    tree = arviz_base.from_dict({"posterior": {k: np.asarray(v)[None] for k, v in draws.items()}})
    tree.attrs = {"independent_draws": 1}
    return tree


def test_only_what_both_have_is_compared():
    draws = evenly(norm(), 100)
    table = discrepancies(tree_of(a=draws, b=draws), tree_of(b=draws, c=draws))
    assert list(table.index) == ["b"]
    assert table.index.name == "quantity"


def test_var_names():
    assert chosen_labels(["a", "ab[0]", "ab[1]", "b"], ["ab"]) == ["ab[0]", "ab[1]"]
    assert chosen_labels(["a", "ab[0]", "b"], "ab") == ["ab[0]"]
    assert chosen_labels(["C(x)[T.1]", "C(x)[T.1][0]"], ["C(x)[T.1]"]) == [
        "C(x)[T.1]",
        "C(x)[T.1][0]",
    ]
    assert chosen_labels(["a", "b"], None) == ["a", "b"]


@pytest.mark.parametrize("names", [["a", "gamma"], "gamma", ["a[0]"]])
def test_unknown_names_are_refused(names):
    """Not left out in silence: the others would agree, and the missing one seem to."""
    with pytest.raises(ArgumentError, match="var_names hold"):
        chosen_labels(["a", "b[0]"], names)
