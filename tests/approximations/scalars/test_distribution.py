"""Quantiles of many points, most of which are never sorted, against those of all in order."""

import numpy as np
import pytest

from tripos.approximations.scalars.distribution import FINE_PROBABILITIES, Distribution

_ALONG = np.linspace(-5, 5, 150)
ONE, OTHER = (part.ravel() for part in np.meshgrid(_ALONG, _ALONG + 0.5, indexing="ij"))
MASS = np.exp(-0.5 * (ONE**2 + OTHER**2 + ONE * OTHER))

QUANTITIES = {
    "one": ONE,
    "ties but for rounding": 0.1 * ONE + 0.1 * OTHER,
    "ratio": OTHER / ONE,
    "far out": ONE**15,
    "whole": np.floor(ONE),
    "constant": np.full_like(ONE, 3.0),
    "tiny": 1e-200 * ONE,
    "far from 0": 1e6 + ONE,
}


@pytest.mark.parametrize("name", QUANTITIES)
def test_quantiles_are_those_of_the_sorted_points(name):
    values, mass = QUANTITIES[name], MASS / MASS.sum()
    scale = 10.0 ** (12 - np.ceil(np.log10(np.ptp(values) or 1.0)))
    steps, where = np.unique(np.rint(values * scale), return_inverse=True)
    heights = np.bincount(where, weights=mass)
    middle = np.cumsum(heights) - heights / 2
    expected = np.interp(FINE_PROBABILITIES, middle, steps / scale)
    np.testing.assert_allclose(
        Distribution(values, mass).quantiles, expected, rtol=1e-9, atol=1e-12 * np.ptp(values)
    )


def test_few_of_the_points_are_sorted():
    """So that a million cells take no longer than to look at each a few times."""
    distribution = Distribution(OTHER / ONE, MASS / MASS.sum())
    _, steps = distribution._steps
    assert len(steps) < 0.3 * len(ONE)


@pytest.mark.parametrize("size", [3, 20_000])
def test_values_that_are_not_finite(size):
    values, mass = np.linspace(0.0, 1.0, size), np.full(size, 1 / size)
    values[-1] = np.nan
    assert np.all(np.isnan(Distribution(values, mass).quantiles))
    values[-1] = np.inf
    assert Distribution(values, mass).median == pytest.approx(0.5, abs=0.01)
