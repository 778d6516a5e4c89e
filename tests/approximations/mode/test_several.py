"""Several modes: their masses against closed forms, their number, and what is said of failures."""

import warnings

import numpy as np
import pymc as pm
import pytest
from hypothesis import given, settings, strategies as st

from tripos.approximations import LogDensity, find_mode, find_modes, laplace
from tripos.approximations.errors import (
    ArgumentError,
    ModeAtInfinityError,
    ModeNotFoundError,
    SecondModeWarning,
    StartingPointError,
)
from tripos.approximations.mode.masses import distance_between
from tripos.approximations.mode.several import other_modes
from tripos.approximations.mode.start_points import (
    Candidates,
    beyond_valleys,
    mirror_images,
    overdispersed,
    prior_points,
)
from tripos.models import bioassay, eight_schools, linear_regression


def _mixture(means, sds, shares, initval=None):
    """Flat in x, with a potential that is a mixture of normals: the masses are the shares."""
    means = np.reshape(means, (len(shares), -1)).astype(float)
    sds, shares = np.array(sds, dtype=float), np.array(shares, dtype=float)
    size = means.shape[1]
    peaks = np.log(shares) - size * np.log(sds * np.sqrt(2 * np.pi))
    with pm.Model() as model:
        x = pm.Flat("x", shape=size, initval=means[0] if initval is None else initval)
        away = ((x - means) ** 2).sum(axis=1) / sds**2
        pm.Potential("term", pm.math.logsumexp(peaks - away / 2))
    return model


def _modes(model, **arguments):
    return find_modes(model, random_seed=1, progressbar=False, **arguments)


# Which modes there are, and their masses.


def test_two_normals():
    modes = _modes(_mixture([0.0, 9.0], [1.0, 1.0], [0.7, 0.3]))
    np.testing.assert_allclose(modes.shares, [0.7, 0.3], rtol=1e-6)
    np.testing.assert_allclose(modes.log_masses, np.log([0.7, 0.3]), rtol=0, atol=1e-6)
    np.testing.assert_allclose([mode.theta[0] for mode in modes.modes], [0.0, 9.0], atol=1e-6)


def test_a_pymc_mixture():
    """A prior with two peaks, and no data."""
    with pm.Model() as model:
        pm.NormalMixture("x", [0.25, 0.75], [-12.0, 12.0], [1.0, 2.0])
    modes = _modes(model, starts=20)
    np.testing.assert_allclose(modes.shares, [0.75, 0.25], rtol=1e-5)


def test_three_normals_of_different_widths():
    modes = _modes(_mixture([0.0, -10.0, 7.0], [0.5, 1.0, 2.0], [0.3, 0.3, 0.4]))
    # The wide ones reach a little under the narrow one.
    np.testing.assert_allclose(sorted(modes.shares), [0.3, 0.3, 0.4], rtol=0.02)
    assert modes.modes[0].theta[0] == pytest.approx(7.0, abs=0.01)


@pytest.fixture(scope="module")
def any_mixture():
    """Give the log density of three normals, of which the first is at 0; the rest are data."""
    with pm.Model() as model:
        means = pm.Data("means", [0.0, 9.0, 18.0])
        sds = pm.Data("sds", [1.0, 1.0, 1.0])
        shares = pm.Data("shares", [0.4, 0.3, 0.3])
        x = pm.Flat("x")
        peaks = pm.math.log(shares / sds / np.sqrt(2 * np.pi)) - ((x - means) / sds) ** 2 / 2
        pm.Potential("term", pm.math.logsumexp(peaks))
    return LogDensity(model, linker="numpy")


@settings(max_examples=8)
@given(
    left=st.floats(8.0, 15.0),
    right=st.floats(8.0, 15.0),
    sds=st.lists(st.floats(0.5, 1.5), min_size=3, max_size=3),
    sizes=st.lists(st.floats(0.1, 1.0), min_size=3, max_size=3),
    is_first=st.booleans(),
)
def test_exactly_the_modes_of_a_mixture(any_mixture, left, right, sds, sizes, is_first):
    """The known mode lies beside the other two, or between them."""
    means = np.array([0.0, left, left + right] if is_first else [0.0, -left, right])
    shares = np.array(sizes) / sum(sizes)
    any_mixture.set_data({"means": means, "sds": sds, "shares": shares})
    modes = _modes(any_mixture)
    found = np.array([mode.theta[0] for mode in modes.modes])
    assert len(modes) == 3
    np.testing.assert_allclose(np.sort(found), np.sort(means), rtol=0, atol=0.05)
    np.testing.assert_allclose(
        modes.shares[np.argsort(found)], shares[np.argsort(means)], rtol=0.02
    )


def test_two_normals_in_five_dimensions():
    modes = _modes(_mixture([np.zeros(5), [8.0, 0, 0, 0, 0]], [1.0, 1.0], [0.4, 0.6]))
    np.testing.assert_allclose(modes.shares, [0.6, 0.4], rtol=1e-6)


def test_rotated_and_badly_scaled(rng):
    """Linear maps of theta change neither the modes nor their shares."""
    turn = np.diag([1e-4, 1.0, 1e4]) @ np.linalg.qr(rng.standard_normal((3, 3)))[0]
    back = np.linalg.inv(turn)
    with pm.Model() as model:
        x = pm.Flat("x", shape=3)
        z = pm.math.dot(back, x)
        ends = np.array([[0.0, 0, 0], [6.0, 6.0, 6.0]])
        away = ((z - ends) ** 2).sum(axis=1)
        pm.Potential("term", pm.math.logsumexp(np.log([0.5, 0.5]) - away / 2))
    modes = _modes(model)
    np.testing.assert_allclose(modes.shares, [0.5, 0.5], rtol=1e-6)
    found = sorted((back @ mode.theta for mode in modes.modes), key=lambda z: z[0])
    np.testing.assert_allclose(found, ends, rtol=0, atol=1e-5)


def test_labels_that_switch(rng):
    """Two groups in data: each mode has an image with the labels changed, of the same mass."""
    y = np.concatenate([rng.normal(0.0, 1.0, 20), rng.normal(5.0, 1.0, 20)])
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.0, 10.0, shape=2, initval=[0.0, 5.0])
        pm.NormalMixture("y", [0.5, 0.5], mu, 1.0, observed=y)
    modes = _modes(model)
    np.testing.assert_allclose(modes.shares[:2], [0.5, 0.5], rtol=1e-3)
    np.testing.assert_allclose(modes.modes[0].theta, modes.modes[1].theta[::-1], atol=1e-6)


def test_a_sign_that_is_free():
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 10.0, initval=1.0)
        pm.Normal("y", x**2, 1.0, observed=9.0)
    modes = _modes(model)
    assert len(modes) == 2
    np.testing.assert_allclose(modes.shares, [0.5, 0.5], rtol=1e-6)
    assert sum(mode.theta[0] for mode in modes.modes) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    "build", [bioassay, eight_schools, linear_regression], ids=lambda build: build.__name__
)
def test_one_mode_where_there_is_one(build):
    density = LogDensity(build())
    modes = _modes(density)
    assert len(modes) == 1
    assert modes.shares.tolist() == [1.0]
    assert not modes.failures
    expected = laplace(density, draws=10)["fit"]["log_evidence"]
    assert modes.log_masses[0] == pytest.approx(float(expected), abs=1e-8)


def test_the_same_seed_gives_the_same_answer():
    density = LogDensity(_mixture([0.0, 9.0, 20.0], [1.0, 1.0, 1.0], [0.4, 0.3, 0.3]))
    one, two = _modes(density), _modes(density)
    for mine, yours in zip(one.modes, two.modes, strict=True):
        np.testing.assert_array_equal(mine.theta, yours.theta)
    np.testing.assert_array_equal(one.shares, two.shares)
    np.testing.assert_array_equal(one.arrivals, two.arrivals)


# Starts that are given.


def test_given_starts():
    density = LogDensity(_mixture([0.0, 9.0], [1.0, 1.0], [0.7, 0.3]))
    modes = _modes(density, starts=[{"x": [8.5]}, np.array([0.5]), None])
    assert modes.arrivals.tolist() == [2, 1]
    assert modes.searches == 3
    assert len(_modes(density, starts=[None])) == 1


def test_a_failed_start_is_counted_with_its_reason():
    with pm.Model() as model:
        x = pm.Flat("x", initval=0.0)
        pm.Potential("term", pm.math.switch(x < 50, -(x**2) / 2, -np.inf))
    modes = _modes(model, starts=[None, {"x": 60.0}])
    assert sum(modes.failures.values()) == 1
    assert "StartingPointError, The log density is -inf" in next(iter(modes.failures))
    assert "1 failed: StartingPointError" in str(modes)


def test_the_initial_point_may_be_impossible():
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 1.0, initval=60.0)
        pm.Potential("term", pm.math.switch(x < 50, 0.0, -np.inf))
    modes = _modes(model)
    assert len(modes) == 1
    assert modes.modes[0].theta[0] == pytest.approx(0.0, abs=1e-6)
    assert sum(modes.failures.values()) == 1


def test_text():
    text = str(_modes(_mixture([0.0, 9.0], [1.0, 1.0], [0.7, 0.3])))
    assert text.startswith("2 modes from 2 searches:\n  share 0.7, log mass -0.356675: x[0] = ")
    assert "share 0.3" in text
    assert "x[0] = 9" in text


# Other modes besides a known one.


def test_other_modes():
    density = LogDensity(_mixture([0.0, 9.0], [1.0, 1.0], [0.8, 0.2]))
    mode = find_mode(density)
    (other,) = other_modes(density, mode, mode.gaussian, np.random.default_rng(1))
    assert other.relative_mass == pytest.approx(0.25, rel=1e-6)
    assert other.distance == pytest.approx(9.0, abs=1e-6)
    assert other.place == "x[0] = 9"
    rng = np.random.default_rng(1)
    assert other_modes(density, mode, mode.gaussian, rng, least=0.3) == ()


def test_a_known_mode_without_others_costs_no_search():
    density = LogDensity(bioassay())
    mode = find_mode(density)
    before = density.evaluations["gradient"]
    assert other_modes(density, mode, mode.gaussian, np.random.default_rng(1)) == ()
    assert density.evaluations["gradient"] == before


def test_laplace_warns_of_a_second_mode():
    density = LogDensity(_mixture([0.0, 9.0], [1.0, 1.0], [0.6, 0.4]))
    sentence = r"Another mode was found with 0.667 times the mass .* 9 sds away, at x\[0\] = 9\."
    with pytest.warns(SecondModeWarning, match=sentence):
        watched = laplace(density, draws=10, random_seed=3, starts=4)
    plain = laplace(density, draws=10, random_seed=3)
    np.testing.assert_array_equal(watched["posterior"]["x"], plain["posterior"]["x"])


def test_laplace_moves_to_the_heaviest_mode_and_says_so():
    """The search starts at 0, where a millionth of the mass is."""
    density = LogDensity(_mixture([0.0, 9.0], [1.0, 1.0], [1e-6, 1.0]))
    sentence = r"ended at a mode with 1e-06 times .* The heavier one, at x\[0\] = 9, was taken"
    with pytest.warns(SecondModeWarning, match=sentence):
        tree = laplace(density, draws=10, random_seed=3, starts=4)
    assert float(tree["fit"]["mode"][0]) == pytest.approx(9.0, abs=1e-6)


def test_laplace_stays_where_it_was_told_to_start():
    density = LogDensity(_mixture([0.0, 9.0], [1.0, 1.0], [0.4, 0.6]))
    with pytest.warns(SecondModeWarning, match=r"1.5 times the mass .* at x\[0\] = 9\."):
        tree = laplace(density, start=np.array([1.0]), draws=10, random_seed=3, starts=4)
    assert float(tree["fit"]["mode"][0]) == pytest.approx(0.0, abs=1e-6)


def test_laplace_is_silent_where_there_is_one_mode(density_of):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        laplace(density_of(bioassay), draws=10, random_seed=3, starts=8)
    assert [str(warning.message) for warning in caught] == []


# Parts.


def test_distance_is_that_of_the_narrower_mode():
    modes = _modes(_mixture([0.0, 10.0], [0.5, 1.0], [0.5, 0.5]), starts=[None, {"x": [10.0]}])
    assert distance_between(*modes.modes) == pytest.approx(20.0, rel=1e-6)


def test_a_valley_is_seen_and_a_slope_is_not():
    density = LogDensity(_mixture([0.0, 9.0], [1.0, 1.0], [0.5, 0.5]))
    thetas = np.array([[-3.0], [2.0], [7.0], [12.0]])
    candidates = Candidates(thetas, density.batched_value(thetas), np.zeros(4, dtype=int))
    kept = beyond_valleys(density, candidates, np.array([0.0]))
    assert len(kept) == 2
    assert np.all(kept.thetas > 7.0 - 1e-9)


def test_overdispersed_points_reach_far_and_near(density_of):
    density = density_of(bioassay)
    mode = find_mode(density)
    points = overdispersed(mode.gaussian, 400, np.random.default_rng(1))
    away = (points - mode.theta) @ mode.gaussian.factor
    distances = np.linalg.norm(away, axis=1)
    assert np.quantile(distances, 0.1) < 3
    assert np.quantile(distances, 0.9) > 30


def test_prior_points_leave_flat_variables_alone():
    with pm.Model() as model:
        pm.Flat("free")
        pm.HalfNormal("scale", 2.0)
    density = LogDensity(model)
    instead = np.full((200, 2), 7.0)
    points = prior_points(density, instead, np.random.default_rng(1))
    assert np.all(points[:, 0] == 7.0)
    # The square of a half-normal variable has mean 4 and variance 2 * 4 ** 2.
    assert abs(np.mean(np.exp(2 * points[:, 1])) - 4) < 4 * np.sqrt(32 / 200)


def test_a_prior_without_draws_gives_no_points():
    with pm.Model() as model:
        pm.CustomDist("x", logp=lambda value: -(value**2) / 2)
    density = LogDensity(model)
    assert prior_points(density, np.zeros((5, 1)), np.random.default_rng(1)).shape == (0, 1)
    assert len(_modes(density)) == 1


def test_mirror_images():
    with pm.Model() as model:
        pm.Normal("x", shape=3)
        pm.HalfNormal("scale", shape=3)
    images = mirror_images(LogDensity(model), np.arange(1.0, 7.0)).tolist()
    assert [-1, -2, -3, 4, 5, 6] in images
    assert [3, 1, 2, 6, 4, 5] in images
    assert [3, 2, 1, 6, 5, 4] in images


# Errors.


def test_no_mode_at_all():
    with pytest.raises(ModeAtInfinityError, match="tau goes from 5 to 0, an end of its support"):
        _modes(eight_schools(centred=True))


def test_too_few_iterations(density_of):
    density = density_of(bioassay)
    with pytest.raises(ModeNotFoundError, match="Raise max_iterations"):
        _modes(density, starts=[np.array([-30.0, -40.0])], max_iterations=1)


@pytest.mark.parametrize("starts", [0, -1, 2.5, True], ids=str)
def test_starts_below_one(starts):
    with pytest.raises(ArgumentError, match=f"starts must be a whole number .* but {starts} was"):
        _modes(bioassay(), starts=starts)


def test_no_starts():
    with pytest.raises(ArgumentError, match="at least one point"):
        _modes(bioassay(), starts=[])


def test_a_start_of_another_shape():
    with pytest.raises(StartingPointError, match=r"shape \(2,\)"):
        _modes(bioassay(), starts=[np.zeros(3)])


def test_max_iterations_below_one():
    with pytest.raises(ArgumentError, match="max_iterations must be a whole number"):
        _modes(bioassay(), max_iterations=0)


def test_laplace_with_starts_below_one(density_of):
    with pytest.raises(ArgumentError, match="starts must be a whole number of at least 1"):
        laplace(density_of(bioassay), starts=0)
