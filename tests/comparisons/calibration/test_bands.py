"""Bands for the ECDF of uniform numbers: their level, their p-values and their power."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import binom, kstest, norm

from tripos.comparisons.calibration.bands import band_at, inside, p_value, points_of, visible


def leaves(band, numbers):
    """Whether the ECDFs of rows of numbers leave a band, counted point by point."""
    counts = (numbers[:, :, None] <= band.points).sum(axis=1)
    return np.any((counts < band.least) | (counts > band.most), axis=1)


def within(share, probability, size, k=4):
    return abs(share - probability) < k * np.sqrt(probability * (1 - probability) / size)


@pytest.mark.parametrize("size", [20, 100])
@pytest.mark.parametrize("level", [0.2, 0.01])
def test_uniform_numbers_leave_a_band_as_often_as_it_says(size, level):
    band = band_at(size, level)
    exact = 1 - inside(band)
    assert 0.7 * level < exact <= level
    rows = np.random.default_rng(1).random((10_000, size))
    assert within(leaves(band, rows).mean(), exact, len(rows))


def test_one_point_is_a_binomial_test():
    """With two numbers there is one point, 1/2, and the counts are binomial."""
    band = band_at(2, 0.5)
    assert (points_of(2), band.least, band.most) == ([0.5], [1], [1])
    assert inside(band) == pytest.approx(binom.pmf(1, 2, 0.5))
    # At two numbers below 1/2 and none above, either tail is 1/4.
    assert p_value(np.array([0.1, 0.2])) == pytest.approx(0.5)


def test_p_values_of_uniform_numbers_are_uniform():
    rng = np.random.default_rng(2)
    found = np.array([p_value(rng.random(80)) for _ in range(400)])
    # They are a little discrete, and never too small.
    assert kstest(found, "uniform", alternative="greater").pvalue > 0.001
    assert found.mean() < 0.56


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([20, 33, 60, 300]), st.floats(0.3, 3.0), st.integers(0, 2**20))
def test_the_p_value_and_the_band_agree(size, power, seed):
    numbers = np.random.default_rng(seed).random(size) ** power
    outside = leaves(band_at(size, 0.05), numbers[None])[0]
    assert outside == (p_value(numbers) <= 0.05)


def test_what_is_far_out_has_no_chance():
    assert p_value(np.full(500, 1e-9)) == 0.0
    assert p_value(np.full(500, 0.5)) < 1e-12


@pytest.mark.parametrize(("shift", "factor"), [(0.3, 1.0), (0.0, 0.75), (-0.2, 1.2)])
def test_power_is_the_share_that_a_simulation_finds(shift, factor):
    band = band_at(100, 0.05)
    x = np.random.default_rng(3).standard_normal((10_000, 100))
    found = leaves(band, norm.cdf((x - shift) / factor)).mean()
    assert within(found, 1 - inside(band, shift, factor), 10_000)


def test_what_is_visible_is_found_nine_times_in_ten():
    band, least = band_at(200, 0.01), visible(200, 0.01)
    assert least.too_small < 1 < least.too_large
    for wrong in ((least.shift, 1.0), (0.0, least.too_small), (0.0, least.too_large)):
        assert 1 - inside(band, *wrong) == pytest.approx(0.9, abs=0.01)
    # Ten times the numbers show a third of the bias.
    assert visible(2000, 0.01).shift == pytest.approx(least.shift / np.sqrt(10), rel=0.1)
