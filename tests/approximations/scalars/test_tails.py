"""Tail indices, where they are known."""

import numpy as np
import pytest
from scipy import stats

from tripos.approximations.scalars.distribution import Distribution
from tripos.approximations.scalars.tails import (
    moment_tail_index,
    tail_index,
    tail_index_of_distribution,
)

SIZE = 4000
# Standard deviation of k-hat of the 190 values in the tail of so many.
ERROR = 1 / np.sqrt(190)


@pytest.mark.parametrize("df", [1.0, 2.0, 3.0])
def test_the_index_of_a_t_is_one_over_its_degrees_of_freedom(df):
    draws = np.random.default_rng(1).standard_t(df, size=(4, SIZE // 4))
    k = 1 / df
    for independent in (True, False):
        assert abs(tail_index(draws, independent=independent) - k) < 4 * (1 + k) * ERROR
    terms = moment_tail_index(draws.ravel(), np.full(SIZE, 1 / SIZE), 2)
    assert abs(terms - 2 * k) < 4 * (1 + 2 * k) * ERROR


def test_the_heavier_tail_counts_and_the_sign_does_not():
    skewed = np.random.default_rng(1).pareto(1.0, size=(1, SIZE))
    assert tail_index(skewed) == tail_index(-skewed) > 0.7


@pytest.mark.parametrize(
    "change",
    [
        lambda x: np.clip(x, -1, 1),
        lambda x: np.maximum(x, 0),
        lambda x: np.where(x > 1, 1.0, x),
        lambda x: np.where(np.abs(x) < 0.5, 0.5, x),
    ],
    ids=["both ends", "one end", "the other end", "the middle"],
)
def test_values_that_are_tied_have_light_tails(change):
    """A tail that is one value is no error."""
    x = change(np.random.default_rng(1).standard_normal((1, SIZE)))
    assert tail_index(x, independent=True) < 0.3
    assert moment_tail_index(x[0], np.full(SIZE, 1 / SIZE), 1) < 0.3


def test_few_values_have_no_tails():
    assert np.isnan(tail_index(np.arange(49.0)[None]))
    assert np.isnan(tail_index(np.tile(np.arange(3.0), (4, 1000))))
    assert np.isnan(tail_index(np.full((1, 1000), np.inf)))
    assert moment_tail_index(np.arange(10.0), np.full(10, 0.1), 2) == -np.inf


def test_draws_that_hardly_move_have_tails_of_half_of_them_at_most():
    """Where few independent draws are in a chain, ArviZ would warn of too long a tail."""
    draws = np.cumsum(np.random.default_rng(1).standard_normal((2, 500)), axis=1)
    assert np.isfinite(tail_index(draws))


@pytest.mark.parametrize(
    ("distribution", "low", "high"),
    [(stats.norm(), 0, 0.2), (stats.t(3), 0.28, 0.36), (stats.t(1), 0.9, 1.02)],
    ids=["normal", "t3", "cauchy"],
)
def test_a_distribution_known_point_by_point(distribution, low, high):
    x = np.sinh(np.linspace(-14, 14, 20_001))
    mass = np.diff(distribution.cdf(x))
    middle = (x[1:] + x[:-1]) / 2
    assert low < tail_index_of_distribution(Distribution(middle, mass / mass.sum())) < high


def test_a_distribution_with_a_point_at_infinity():
    values = np.array([0.0, 1.0, np.inf])
    assert tail_index_of_distribution(Distribution(values, np.full(3, 1 / 3))) == np.inf
    assert tail_index_of_distribution(Distribution(values[:2], np.full(2, 0.5))) == -np.inf
