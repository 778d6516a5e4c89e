"""The most exact tree judges the others."""

import pytest
import xarray as xr

from tripos.approximations import LogDensity, grid, laplace
from tripos.approximations.errors import GridEdgeWarning
from tripos.comparisons.verdict.judges import reference_of, verdicts
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


def test_a_grid_that_is_cut_off_is_no_reference(trees, density):
    """Where there are chains that can be trusted; else it is, and the verdict says why not."""
    bounds = {"alpha": (-1.0, 3.0), "beta": (0.0, 20.0)}
    with pytest.warns(GridEdgeWarning):
        cut = grid(density, bounds=bounds, random_seed=1, progressbar=False)
    draws = trees["cells"]["posterior"].to_dataset()[["alpha", "beta"]]
    chains = {name: (("chain", "draw"), x.values.reshape(2, -1)) for name, x in draws.items()}
    nuts = xr.DataTree.from_dict({"posterior": xr.Dataset(chains)})
    nuts.attrs = {"method": "nuts", "independent_draws": 0}
    assert reference_of({"cut": cut, "chains": nuts}) == "chains"
    assert reference_of({"cells": trees["cells"], "chains": nuts}) == "cells"
    assert reference_of({"cut": cut}) == "cut"
    found = verdicts({"cut": cut, "normal": trees["normal"]})["normal"]
    assert set(found.table["judgement"]) == {"inconclusive"}
    assert "cuts the posterior off" in str(found)


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
