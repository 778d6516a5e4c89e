"""A model in words."""

import numpy as np
import pymc as pm
import pytest

from tripos.approximations import LogDensity
from tripos.approximations.errors import ArgumentError
from tripos.comparisons.report.model import named_models, variables_of, variables_of_trees
from tripos.models import eight_schools


def by_name(variables):
    return {variable.name: variable for variable in variables}


def test_priors_dims_and_parents_are_told():
    found = by_name(variables_of(eight_schools()))
    assert found["mu"].definition == "Normal(0, 5)"
    assert (found["mu"].role, found["mu"].dims, found["mu"].parents) == ("free", "scalar", "")
    assert found["eta"].dims == "school (8)"
    assert (found["theta"].role, found["theta"].parents) == ("derived", "eta, mu, tau")
    assert found["effect"].role == "observed"


def test_data_potentials_and_unnamed_dims_are_told():
    with pm.Model() as model:
        x = pm.Data("x", np.zeros((2, 3)))
        a = pm.Normal("a", 0, 1, shape=(2, 3))
        pm.Normal("a b", 0, 2)
        pm.Potential("soft", (a * x).sum())
    found = by_name(variables_of(model))
    assert found["a"].definition == "Normal(0, 1)"
    assert found["a b"].definition == "Normal(0, 2)"
    assert found["a"].dims == "2 × 3"
    assert found["x"].role == "data"
    assert (found["soft"].role, found["soft"].parents) == ("potential", "a, x")


def test_one_model_or_several_by_name():
    model = eight_schools()
    assert named_models(None) == {}
    assert named_models(model) == {"": model}
    assert named_models({"a": model, "b": LogDensity(model)}) == {"a": model, "b": model}
    with pytest.raises(ArgumentError, match="but a str was given"):
        named_models({"a": "eight schools"})


def test_trees_tell_names_and_dims(normal_tree):
    found = by_name(variables_of_trees([normal_tree(), normal_tree()]))
    assert {name: variable.dims for name, variable in found.items()} == {
        "x": "scalar",
        "y": "school (2)",
    }
