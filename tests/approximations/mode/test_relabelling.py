"""Symmetries: labels and signs that a posterior does not tell apart, and those that it does."""

import numpy as np
import pymc as pm
import pytest

from tripos.approximations import LogDensity, find_mode
from tripos.approximations.mode.masses import log_mass
from tripos.approximations.mode.relabelling import with_images
from tripos.approximations.mode.several import heaviest_mode
from tripos.models import bioassay, eight_schools


@pytest.fixture(scope="module")
def mixture():
    """A mixture with free weights, whose unconstrained form has a coordinate less than labels."""
    groups, rng = 3, np.random.default_rng(1)
    y = np.concatenate([rng.normal(6 * k, 0.7 + 0.2 * k, 20 + 10 * k) for k in range(groups)])
    with pm.Model() as model:
        w = pm.Dirichlet("w", np.ones(groups))
        mu = pm.Normal("mu", 4.0, 6.0, shape=groups, initval=6.0 * np.arange(groups))
        sigma = pm.HalfNormal("sigma", 2.0, shape=groups)
        pm.Normal("other", shape=groups)  # of the same length, with labels of its own
        pm.NormalMixture("y", w, mu, sigma, observed=y)
    density = LogDensity(model)
    return density, find_mode(density)


def factors():
    """One factor: the signs of loadings and scores together are free."""
    rng = np.random.default_rng(2)
    y = rng.normal(size=(6, 1)) @ rng.normal(size=(1, 20)) + 0.3 * rng.normal(size=(6, 20))
    with pm.Model() as model:
        loading = pm.Normal("loading", shape=6)
        score = pm.Normal("score", shape=20)
        pm.Normal("y", loading[:, None] * score, 0.3, observed=y)
    return LogDensity(model)


def images_of(density):
    mode = find_mode(density)
    return mode, with_images(density, [mode], np.random.default_rng(1))


def test_labels_of_a_mixture(mixture):
    density, mode = mixture
    images = with_images(density, [mode], np.random.default_rng(1))
    assert images.modes[0] is mode
    assert images.sentence == (
        "The posterior has each mode in 6 labellings: "
        "the entries of w, mu and sigma can be exchanged."
    )
    values = density.unravel(np.array([image.theta for image in images.modes]))
    joint = np.stack([values["w"], values["mu"], values["sigma"]], axis=-1)
    ordered = np.array([rows[np.argsort(rows[:, 1])] for rows in joint])
    np.testing.assert_allclose(ordered, np.broadcast_to(ordered[0], ordered.shape), atol=1e-9)
    assert len({tuple(np.argsort(rows[:, 1])) for rows in joint}) == 6
    for image in images.modes:
        assert image.logp == pytest.approx(density.value(image.theta), abs=1e-12)
        assert image.logp == pytest.approx(mode.logp, abs=1e-9)
        assert log_mass(image) == pytest.approx(log_mass(mode), abs=1e-6)
        np.testing.assert_allclose(image.gradient, 0, atol=1e-6)


def test_too_many_labels_to_list(mixture):
    density, mode = mixture
    images = with_images(density, [mode], np.random.default_rng(1), most=5)
    assert len(images.modes) == 2
    assert not images.is_complete
    assert "in more than 5 labellings: the entries of w, mu and sigma" in images.sentence
    assert "Not all of them were taken." in images.sentence


def test_signs_of_factors():
    mode, images = images_of(factors())
    assert "the signs of loading and score can be changed" in images.sentence
    np.testing.assert_allclose(images.modes[1].theta, -mode.theta)


@pytest.mark.parametrize("build", [eight_schools, bioassay], ids=lambda build: build.__name__)
def test_no_symmetry(build, density_of):
    mode, images = images_of(density_of(build))
    assert images.modes == (mode,)
    assert images.sentence == ""


def test_a_far_mode_breaks_a_symmetry_that_holds_around_another():
    """N(0, 1) with a second peak at 9 is symmetric about 0 to rounding, as far as draws reach."""
    with pm.Model() as model:
        x = pm.Flat("x", initval=0.1)
        pm.Potential("term", pm.math.logaddexp(-0.5 * x**2, -0.5 * (x - 9.0) ** 2))
    density = LogDensity(model)
    modes = [find_mode(density, start=np.array([place])) for place in (0.0, 9.0)]
    images = with_images(density, modes, np.random.default_rng(1))
    assert len(images.modes) == 2
    assert images.sentence == ""


def test_the_heaviest_mode_comes_with_the_one_that_was_left_and_with_images():
    """Peaks at -9 and 9, with 0.2 of their mass at 0, where the search begins."""
    with pm.Model() as model:
        x = pm.Flat("x", initval=0.0)
        peaks = [-0.5 * (x - 9.0) ** 2, np.log(0.2) - 0.5 * x**2, -0.5 * (x + 9.0) ** 2]
        pm.Potential("term", pm.math.logsumexp(pm.math.stack(peaks)))
    density = LogDensity(model)
    own = find_mode(density)
    mode, others = heaviest_mode(density, own, np.random.default_rng(1))
    assert abs(mode.theta[0]) == pytest.approx(9.0, abs=1e-3)
    assert [other.mode.theta[0] for other in others] == pytest.approx(
        [-mode.theta[0], 0.0], abs=1e-3
    )
    assert [other.relative_mass for other in others] == pytest.approx([1.0, 0.2], rel=1e-3)
    assert "signs of x" in others[0].symmetry
