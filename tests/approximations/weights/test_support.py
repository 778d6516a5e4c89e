"""What is no number far out is a density of zero; where it matters, it is told."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from tripos.approximations import LogDensity
from tripos.approximations.errors import NonFiniteDensityError
from tripos.approximations.weights.support import Place, checked_logp

NEAR = Place(np.zeros(2), np.ones(2))


def normal_that_breaks(at, value):
    """Two standard normals; beyond a place along the first it is not a number."""
    with pm.Model() as model:
        x = pm.Normal("x", shape=2)
        pm.Potential("p", pt.switch(x[0] > at, value, 0.0))
    return LogDensity(model, linker="numpy")


def points(far):
    thetas = np.random.default_rng(1).standard_normal((40, 2))
    thetas[[3, 5]] = [(far, 0.5), (far + 2, -300.0)]
    return thetas


@pytest.mark.parametrize("value", [np.nan, np.inf], ids=str)
def test_far_out_it_is_zero(value):
    density, thetas = normal_that_breaks(6.0, value), points(7.0)
    logp = checked_logp(density, NEAR, thetas)
    np.testing.assert_array_equal(np.flatnonzero(logp == -np.inf), [3, 5])
    rest = np.delete(np.arange(40), [3, 5])
    expected = -0.5 * np.sum(thetas[rest] ** 2, axis=1) - np.log(2 * np.pi)
    np.testing.assert_allclose(logp[rest], expected)


@pytest.mark.parametrize("value", [np.nan, np.inf], ids=str)
@pytest.mark.parametrize("far", [2.5, 50.0])
def test_beside_a_high_density_it_is_told(value, far):
    """However far the points themselves are: the density is 3.1 below its highest where it ends."""
    told = rf"is {value} at 2 of 40 draws, such as one with x\[0\] = .* only [23][.\d]* below"
    with pytest.raises(NonFiniteDensityError, match=told):
        checked_logp(normal_that_breaks(2.4, value), NEAR, points(far))


def test_at_the_centre_it_is_told():
    with pytest.raises(NonFiniteDensityError, match="right beside it is no number either"):
        checked_logp(normal_that_breaks(-0.5, np.nan), NEAR, points(1.0))


def test_at_most_points_it_is_told():
    thetas = np.full((10, 2), 9.0)
    with pytest.raises(NonFiniteDensityError, match="nan at 10 of 10 draws"):
        checked_logp(normal_that_breaks(6.0, np.nan), NEAR, thetas)


def test_a_density_that_is_a_number_costs_nothing_more():
    density = normal_that_breaks(6.0, np.nan)
    checked_logp(density, NEAR, points(0.0)[:10])
    assert density.evaluations["value"] == 10
