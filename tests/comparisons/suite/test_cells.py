"""A cell's seed and name follow from what it is, and a grid is checked before any work."""

import json

import pytest
from hypothesis import given, strategies as st

from tripos.approximations.errors import ArgumentError, NoMethodError, TargetError
from tripos.comparisons.suite.cells import Cell
from tripos.comparisons.suite.grid import build_model, cells_of


def test_a_grid_has_every_cell_once():
    cells = cells_of(["globe", "bioassay"], ["grid", "laplace", "nuts"], repeats=5)
    assert len({cell.name for cell in cells}) == len({cell.random_seed for cell in cells}) == 30
    assert {(c.model, c.method, c.repeat) for c in cells} == {
        (model, method, repeat)
        for model in ("globe", "bioassay")
        for method in ("grid", "laplace", "nuts")
        for repeat in range(5)
    }


def test_a_seed_depends_on_the_cell_alone():
    alone = cells_of(["globe"], ["laplace"], repeats=1)[0]
    among = cells_of(["bioassay", "globe"], ["nuts", "laplace"], repeats=3)
    assert alone.random_seed in {cell.random_seed for cell in among}
    # Known, so that a change of the derivation, which would break every store, is seen.
    assert alone.random_seed == 633709950


@given(
    st.fixed_dictionaries(
        {
            "model": st.sampled_from(["globe", "bioassay"]),
            "method": st.sampled_from(["grid", "laplace"]),
            "repeat": st.integers(0, 3),
            "options": st.dictionaries(st.sampled_from(["draws", "starts"]), st.integers(1, 9)),
            "suite_seed": st.integers(0, 3),
        }
    ),
    st.integers(0, 3),
)
def test_cells_are_the_same_where_all_is_the_same(fields, seed):
    cell, other = Cell(**fields), Cell(**fields | {"suite_seed": seed})
    again = Cell(**json.loads(json.dumps(cell.identity)))
    assert (again.name, again.random_seed) == (cell.name, cell.random_seed)
    assert (other.name == cell.name) == (seed == fields["suite_seed"])


def test_chains_do_not_follow_the_machine():
    (cell,) = cells_of(["globe"], ["nuts"], options={"nuts": {"draws": 7, "chains": 2}})
    assert cell.options == {"chains": 2, "cores": 1, "draws": 7}


def test_arguments_reach_the_model(own):
    (cell,) = cells_of([own("one")], ["laplace"], arguments={own("one"): {"mean": 3.0}})
    assert build_model(cell)["x"].owner.inputs[2].eval() == 3.0
    (cell,) = cells_of(["borrowers"], ["laplace"], arguments={"borrowers": {"groups": 7}})
    assert len(build_model(cell).coords["group"]) == 7


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        ({"models": ["bioasay"]}, TargetError, "Did you mean bioassay?"),
        ({"models": ["nowhere.py:model"]}, TargetError, "no file nowhere.py"),
        ({"methods": ["laplce"]}, NoMethodError, "Did you mean laplace"),
        ({"methods": ["nowhere:method"]}, NoMethodError, "no module 'nowhere'"),
        ({"models": []}, ArgumentError, "at least one model"),
        ({"methods": []}, ArgumentError, "at least one method"),
        ({"models": ["globe", "globe"]}, ArgumentError, "'globe' is named twice"),
        ({"methods": [len]}, ArgumentError, "methods are names"),
        ({"repeats": 0}, ArgumentError, "repeats must be a whole number"),
        ({"random_seed": 0.5}, ArgumentError, "random_seed must be a whole number"),
        ({"options": {"nut": {}}}, ArgumentError, "options for 'nut', but the methods are"),
        ({"arguments": {"bioassay": {}}}, ArgumentError, "arguments for 'bioassay', but the mod"),
        (
            {"options": {"laplace": {"drws": 3}}},
            ArgumentError,
            "unexpected keyword argument 'drws'",
        ),
        ({"options": {"laplace": {"start": {1, 2}}}}, ArgumentError, "a file can hold"),
        (
            {"arguments": {"globe": {"size": 3}}},
            ArgumentError,
            "unexpected keyword argument 'size'",
        ),
    ],
)
def test_what_is_no_grid_is_refused(call, error, sentence):
    with pytest.raises(error, match=sentence):
        cells_of(**{"models": ["globe"], "methods": ["laplace"]} | call)
