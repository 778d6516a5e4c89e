"""Chains that cannot be trusted are told apart from those that can."""

import numpy as np
import pytest
import xarray as xr

from tripos.comparisons.verdicts.chains import distrust_of_chains


def _tree(draws, diverging=0):
    stats = np.zeros(draws.shape, dtype=bool)
    stats[0, :diverging] = True
    groups = {
        "posterior": xr.Dataset({"x": (("chain", "draw"), draws)}),
        "sample_stats": xr.Dataset({"diverging": (("chain", "draw"), stats)}),
    }
    return xr.DataTree.from_dict(groups)


@pytest.fixture
def draws():
    return np.random.default_rng(3).normal(size=(4, 500))


def test_independent_draws_are_trusted(draws):
    assert distrust_of_chains(_tree(draws)) is None


def test_chains_in_two_places(draws):
    draws[2] += 5
    assert "R-hat is" in distrust_of_chains(_tree(draws))


def test_chains_that_are_short(draws):
    assert "worth only" in distrust_of_chains(_tree(draws[:, :80]))


def test_divergences(draws):
    assert "3 draws diverged" in distrust_of_chains(_tree(draws, diverging=3))


def test_a_constant_has_nothing_to_diagnose():
    assert distrust_of_chains(_tree(np.ones((4, 100)))) is None
