"""Several methods on one model, some of which cannot serve it."""

from importlib import import_module

import numpy as np
import pymc as pm
import pytest

from tripos.approximations import METHODS, LogDensity, Method
from tripos.approximations.errors import ArgumentError, NoMethodError
from tripos.comparisons import compare
from tripos.models import CATALOGUE, eight_schools, globe


def test_methods_label_the_trees_and_take_their_options():
    comparison = compare(
        globe(),
        methods=("laplace", "grid"),
        random_seed=1,
        options={"laplace": {"draws": 100}, "grid": {"points": 51}},
    )
    assert list(comparison.trees) == ["laplace", "grid"]
    assert comparison.trees["laplace"]["posterior"].sizes["draw"] == 100
    assert comparison.trees["grid"]["fit"].sizes["axis_0"] == 51
    exact = CATALOGUE["globe"].truth
    assert comparison.summary().at[("p", "grid"), "mean"] == pytest.approx(
        exact.mean["p"], abs=1e-3
    )


def test_a_method_that_cannot_serve_the_model_does_not_stop_the_others():
    comparison = compare(eight_schools(), methods=("grid", "laplace"), random_seed=1)
    assert list(comparison.trees) == ["laplace"]
    assert comparison.failures["grid"].startswith("GridSizeError: A grid serves up to 4")


def test_when_all_fail_every_reason_is_said():
    with pytest.raises(NoMethodError, match=r"(?s)grid: GridSizeError.*laplace: ModeAtInfinity"):
        compare(eight_schools(centred=True), methods=("grid", "laplace"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"methods": ("laplas",)}, r"no method called 'laplas'. Did you mean laplace\?"),
        ({"methods": ()}, "at least one method"),
        ({"options": {"hmc": {}}}, "options for hmc, but the methods are grid, laplace, nuts"),
    ],
)
def test_unknown_methods_are_named(arguments, sentence):
    with pytest.raises(NoMethodError, match=sentence):
        compare(globe(), **arguments)


def test_the_model_in_context_is_taken_and_the_seed_repeats():
    with globe():
        one = compare(methods=("laplace",), random_seed=3)
        other = compare(methods=("laplace",), random_seed=3)
    values = [c.trees["laplace"]["posterior"]["p"].values for c in (one, other)]
    np.testing.assert_array_equal(*values)


def test_a_method_that_breaks_down_does_not_stop_the_others(monkeypatch):
    def broken(model, random_seed=None, progressbar=True):
        return 1 / 0

    known = Method(function=broken, draws="independent", is_exact=True)
    monkeypatch.setitem(METHODS, "broken", known)
    comparison = compare(globe(), methods=("broken", "laplace"))
    assert list(comparison.trees) == ["laplace"]
    assert comparison.failures == {"broken": "ZeroDivisionError: division by zero"}


def test_without_a_model_there_must_be_one_in_context():
    with pytest.raises(ArgumentError, match="there is none in context"):
        compare()
    assert pm.Model.get_context(error_if_none=False) is None


def test_a_log_density_is_taken_and_its_data_kept():
    density = LogDensity(globe())
    one = compare(density, "laplace", random_seed=3)
    other = compare(globe(), ("laplace",), random_seed=3)
    values = [c.trees["laplace"]["posterior"]["p"].values for c in (one, other)]
    np.testing.assert_array_equal(*values)
    assert density.evaluations["gradient"] > 0


@pytest.mark.parametrize("name", ["laplace", "grid"])
def test_a_misspelt_option_is_refused_before_the_first_method(name, monkeypatch):
    module = import_module("tripos.comparisons.compare")
    monkeypatch.setattr(module, "run_methods", lambda *_: pytest.fail("ran"))
    with pytest.raises(ArgumentError, match=f"{name}: .*unexpected keyword argument 'drws'"):
        compare(globe(), ("laplace", "grid"), options={name: {"drws": 10}})


def test_a_method_alone_needs_no_list():
    assert list(compare(globe(), "laplace").trees) == ["laplace"]
