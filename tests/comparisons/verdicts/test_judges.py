"""The most exact tree judges the others."""

import pytest

from tripos.approximations import LogDensity, grid, laplace
from tripos.comparisons.verdicts.judges import reference_of, verdicts
from tripos.models import bioassay


@pytest.fixture(scope="module")
def density():
    return LogDensity(bioassay())


@pytest.fixture(scope="module")
def trees(density):
    return {
        "normal": laplace(density, random_seed=1),
        "cells": grid(density, random_seed=1, progressbar=False),
    }


def test_the_grid_is_the_reference(trees):
    assert reference_of(trees) == "cells"
    assert reference_of({"normal": trees["normal"]}) is None


def test_the_others_are_judged(trees):
    found = verdicts(trees)
    assert set(found) == {"normal"}
    assert found["normal"].table.at["beta", "judgement"] == "differs"


def test_weighted_draws_judge_where_no_tree_can(trees, density):
    found = verdicts({"normal": trees["normal"]}, density, random_seed=1)
    assert found["normal"].table.at["beta", "judgement"] == "differs"
    assert found["normal"].k_hat < 0.5


def test_judges_can_be_named(trees):
    assert verdicts(trees, judges={"cells": "cells"})["cells"].agrees


def test_a_judge_that_is_missing_judges_nothing(trees):
    assert verdicts(trees, judges={"normal": "another"}) == {}
