"""Mass that weighted draws have not met, against densities whose mass is known."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from tripos.approximations import Gaussian
from tripos.approximations.weights.unseen import _directions, _draws, _log_density, unseen_share
from tripos.approximations.weights.weighting import weighted_pairs
from tripos.models import bioassay

from .test_weighting import fitted, gaussian_model


def shares_of(model, seeds=4):
    density, mode, gaussian = fitted(model)
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        pairs = weighted_pairs(density, mode, gaussian, pairs=1000, rng=rng)
        yield unseen_share(density, gaussian, pairs, rng)


def peak_upon(width, size, axes):
    """Make a normal with as much mass again, ``width`` times as wide in the first ``axes``."""
    with pm.Model() as model:
        x = pm.Flat("x", shape=size)
        wide = -0.5 * pt.sum((x[:axes] / width) ** 2) - axes * np.log(width)
        narrow = -0.5 * pt.sum(x[:axes] ** 2)
        pm.Potential("p", pt.logaddexp(narrow, wide) - 0.5 * pt.sum(x[axes:] ** 2))
    return model


@pytest.mark.parametrize("size", [1, 5, 20])
def test_a_normal_hides_nothing(size):
    assert list(shares_of(gaussian_model(size), seeds=2)) == [0, 0]


def test_the_bioassay_hides_nothing():
    assert max(shares_of(bioassay())) < 0.01


@pytest.mark.parametrize(
    ("width", "size", "axes"), [(1e4, 1, 1), (1e4, 5, 1), (1e5, 2, 2), (100, 5, 5)]
)
def test_as_much_mass_again_is_found(width, size, axes):
    """The share is 1; each estimate has an error of its own, of about a fifth at most."""
    found = np.array(list(shares_of(peak_upon(width, size, axes))))
    assert np.all(found > 0.2)
    assert found.mean() == pytest.approx(1.0, abs=0.5)


def test_the_look_has_the_density_of_its_draws():
    """The integral of a normal density over it is one, by its own draws."""
    rng = np.random.default_rng(1)
    factor = np.linalg.cholesky(np.array([[4.0, 1.0, 0.3], [1.0, 2.0, 0.0], [0.3, 0.0, 1.0]]))
    directions = _directions(Gaussian(np.zeros(3), factor))
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    z = _draws(directions, 60_000, rng)
    for sd in (3.0, 300.0):
        normal = -0.5 * np.sum((z / sd) ** 2, axis=1) - 3 * np.log(sd * np.sqrt(2 * np.pi))
        ratios = np.exp(normal - _log_density(z, directions))
        error = ratios.std() / np.sqrt(len(z))
        assert abs(ratios.mean() - 1) < 4 * error
        assert error < 0.05


def test_what_overflows_far_out_adds_nothing():
    with pm.Model() as model:
        x = pm.Flat("x")
        pm.Potential("p", -0.5 * x**2 + 1e-300 * pt.exp(pt.abs(x)))
    density, mode, gaussian = fitted(model)
    rng = np.random.default_rng(1)
    pairs = weighted_pairs(density, mode, gaussian, pairs=1000, rng=rng)
    assert not np.all(np.isfinite(density.batched_value(np.array([[1e6]]))))
    assert unseen_share(density, gaussian, pairs, rng) == 0


@pytest.mark.parametrize(
    "prior", [lambda: pm.HalfCauchy("nu", 10), lambda: pm.InverseGamma("nu", 1, 1)]
)
def test_digits_that_are_lost_far_out_are_no_mass(prior):
    """At 1e15 degrees of freedom the constant of a t density is a difference of large numbers."""
    x = np.linspace(0, 1, 100)
    y = 1 + 2 * x + np.random.default_rng(0).normal(0, 0.5, 100)
    with pm.Model() as model:
        level, slope, sigma = (
            pm.Normal("level", 0, 20),
            pm.Normal("slope", 0, 20),
            pm.HalfCauchy("s", 10),
        )
        pm.StudentT("y", nu=prior(), mu=level + slope * x, sigma=sigma, observed=y)
    assert max(shares_of(model, seeds=2)) < 0.01
