"""Comparisons of trees, whoever made them."""

import numpy as np
import pytest
import xarray as xr

from tripos.approximations.errors import ArgumentError
from tripos.comparisons import Comparison


def test_a_comparison_needs_a_tree():
    with pytest.raises(ArgumentError, match="at least one tree"):
        Comparison({})


@pytest.mark.parametrize("tree", [xr.DataTree(), xr.Dataset({"x": 1}), 3])
def test_what_has_no_posterior_is_refused(tree):
    with pytest.raises(ArgumentError, match=r"'bad' must be an xarray\.DataTree with a group"):
        Comparison({"bad": tree})


def test_a_posterior_without_chains_is_refused():
    draws = xr.Dataset({"x": ("draw", np.zeros(10))})
    with pytest.raises(ArgumentError, match="posterior of 'a' has no dim chain"):
        Comparison({"a": xr.DataTree.from_dict({"posterior": draws})})


def test_trees_of_other_packages_need_no_attributes(normal_tree):
    stranger = normal_tree()
    stranger.attrs = {}
    table = Comparison({"stranger": stranger, "ours": normal_tree(seed=2)}).summary()
    assert np.isfinite(table.loc[("x", "stranger"), "ess_bulk"])
    assert np.isnan(table.loc[("x", "stranger"), "seconds"])


def test_costs_tell_seconds_and_evaluations(exercise):
    costs = exercise.costs()
    assert costs.at["laplace, flat prior", "method"] == "laplace"
    parts = costs[["seconds_compile", "seconds_fit", "seconds_draw"]].sum(axis=1)
    np.testing.assert_allclose(parts, costs["seconds"])
    # 4000 draws have their log density taken; a Newton search takes a few gradients more.
    assert 4000 < costs.at["laplace, flat prior", "evaluations"] < 4200


def test_only_keeps_the_named_trees(exercise):
    assert list(exercise.only(["nuts, weak prior"]).trees) == ["nuts, weak prior"]
    with pytest.raises(ArgumentError, match="no tree called"):
        exercise.only(["nuts"])


def test_pictures_are_drawn_of_every_kind(exercise):
    figures = exercise.pictures(["alpha", "beta", "ld50"])
    assert set(figures) == {"marginals", "intervals", "overlay", "contours", "matrix"}


def test_one_quantity_has_no_plane(normal_tree):
    assert set(Comparison({"a": normal_tree()}).pictures(["x"])) == {"marginals", "intervals"}
