"""Methods by name: ours, entry points, and functions in modules and files."""

import sys
from importlib.metadata import EntryPoint

import arviz_base
import numpy as np
import pymc as pm
import pytest

from tripos.approximations import METHODS, LogDensity, laplace
from tripos.approximations.errors import (
    ArgumentError,
    DataError,
    MethodError,
    NoMethodError,
    TriposError,
)
from tripos.comparisons import Comparison, compare, methods
from tripos.comparisons.cli import main
from tripos.comparisons.methods import GROUP, labelled, load_method, method_names
from tripos.models import globe

FILE = """
import arviz_base
import numpy as np
from beside_method import MEAN

def normal(model, random_seed=None, draws=50):
    rng = np.random.default_rng(random_seed)
    names = [rv.name for rv in model.free_RVs]
    posterior = {name: MEAN + 0.1 * rng.standard_normal((1, draws)) for name in names}
    return arviz_base.from_dict({"posterior": posterior})

def says_its_name(model, **arguments):
    tree = normal(model)
    tree.attrs = {"method": "another", "seconds": 7.0, "seen": ", ".join(sorted(arguments))}
    return tree

def number(model):
    return 3

def no_posterior(model):
    return arviz_base.from_dict({"prior": {"p": np.zeros((1, 2))}})

def fails(model):
    raise RuntimeError("no luck")

def leaves(model):
    raise SystemExit(3)

def interrupted(model):
    raise KeyboardInterrupt
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a file of methods, on the path for the time of a test."""
    (tmp_path / "beside_method.py").write_text("MEAN = 0.5\n")
    (tmp_path / "some_methods.py").write_text(FILE)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in ("beside_method", "some_methods", "_target_some_methods"):
        sys.modules.pop(name, None)


@pytest.fixture
def file(folder):
    return folder / "some_methods.py"


@pytest.mark.parametrize("name", METHODS)
def test_our_own_names(name):
    assert load_method(name) is METHODS[name].function


def test_a_function_in_a_file(file):
    method = load_method(f"{file}:normal")
    tree = method(LogDensity(globe()), random_seed=3, progressbar=False, draws=20)
    assert tree["posterior"]["p"].shape == (1, 20)
    assert tree.attrs["method"] == f"{file}:normal"
    assert tree.attrs["seconds"] > 0
    again = method(globe(), random_seed=3, draws=20)
    np.testing.assert_array_equal(tree["posterior"]["p"], again["posterior"]["p"])


def test_a_function_in_a_module(folder):
    sys.path.insert(0, str(folder))
    with globe():
        tree = load_method("some_methods:normal")(random_seed=1)
    assert abs(float(tree["posterior"]["p"].mean()) - 0.5) < 4 * 0.1 / np.sqrt(50)


def test_a_module_that_is_there_but_fails_says_where(folder):
    sys.path.insert(0, str(folder))
    (folder / "some_methods.py").write_text("import no_such_module\n")
    with pytest.raises(NoMethodError, match=r"some_methods raised ModuleNotFoundError.*, line 1"):
        load_method("some_methods:normal")


def test_an_entry_point(folder, monkeypatch):
    sys.path.insert(0, str(folder))
    points = [
        EntryPoint("mine", "some_methods:normal", GROUP),
        EntryPoint("gone", "no_such_module:f", GROUP),
        EntryPoint("laplace", "some_methods:normal", GROUP),
    ]
    monkeypatch.setattr(methods, "entry_points", lambda group: points if group == GROUP else [])
    assert load_method("mine")(globe()).attrs["method"] == "mine"
    assert load_method("laplace") is laplace
    assert method_names() == (*sorted(METHODS), "mine", "gone")
    with pytest.raises(NoMethodError, match=r"entry point gone raised ModuleNotFoundError"):
        load_method("gone")
    with pytest.raises(NoMethodError, match=r"no method called 'mime'. Did you mean mine\?"):
        load_method("mime")


def test_what_a_function_takes_is_what_it_is_given(file):
    tree = load_method(f"{file}:says_its_name")(globe(), random_seed=1, progressbar=False, power=2)
    assert tree.attrs == {
        "method": "another",
        "seconds": 7.0,
        "seen": "power, progressbar, random_seed",
    }
    with pytest.raises(ArgumentError, match=r"normal takes no argument power; it takes model, ran"):
        load_method(f"{file}:normal")(globe(), power=2)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("laplas", r"no method called 'laplas'. Did you mean laplace\?"),
        ("NUTS", r"Did you mean nuts\?"),
        ("gibbs", "no method called 'gibbs'. There are advi, dadvi"),
        ("nothing.py:f", "There is no file nothing.py"),
        (
            "no_such_package.inner:f",
            r"no module 'no_such_package.inner' .* write path/to/file.py:f",
        ),
        ("..:f", "no module '..'"),
        (":f", "names no function"),
        ("{file}:", "names no function"),
        ("{file}:absent", r"no function 'absent'; it has \['normal', 'says_its_name'"),
        ("json:dump_it", "json has no function 'dump_it'"),
    ],
)
def test_what_names_no_method_is_an_error(file, name, sentence):
    with pytest.raises(NoMethodError, match=sentence):
        load_method(name.format(file=file))


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("number", "must return a DataTree with a group 'posterior', but it returned a int"),
        ("no_posterior", r"it returned a DataTree with the groups \['prior'\]"),
        ("fails", r"fails raised RuntimeError: no luck \(.*some_methods.py, line 24\)"),
        ("leaves", "leaves raised SystemExit: 3"),
    ],
)
def test_a_function_that_fails_is_a_sentence_and_stops_no_other(file, function, sentence):
    name = f"{file}:{function}"
    with pytest.raises(MethodError, match=sentence):
        load_method(name)(globe())
    comparison = compare(globe(), methods=(name, "laplace"), random_seed=1)
    assert list(comparison.trees) == ["laplace"]
    assert comparison.failures[name].startswith("MethodError: ")


def test_an_interrupt_passes_through(file):
    with pytest.raises(KeyboardInterrupt):
        load_method(f"{file}:interrupted")(globe())


def test_an_error_of_ours_keeps_its_class():
    def picky(model):
        raise DataError("These data will not do.")

    (method,) = labelled([picky]).values()
    with pytest.raises(DataError, match="will not do"):
        method(globe())


def test_a_density_with_other_data_is_refused():
    density = LogDensity(globe())
    density.set_data({"water": 3})
    (method,) = labelled([lambda model: arviz_base.from_dict({})]).values()
    with pytest.raises(DataError, match="given others by set_data"):
        method(density)


def test_functions_are_labelled_by_their_name(file):
    def mine(model: pm.Model):
        return laplace(model, draws=40, random_seed=1)

    comparison = compare(
        globe(),
        methods=("laplace", mine, f"{file}:normal"),
        random_seed=1,
        options={"laplace": {"draws": 40}},
    )
    assert list(comparison.trees) == ["laplace", "mine", f"{file}:normal"]
    assert comparison.failures == {}
    one, other = (comparison.trees[x]["posterior"]["p"] for x in ("laplace", "mine"))
    np.testing.assert_array_equal(one, other)
    assert len(comparison.summary()) == 3


def test_a_method_of_ours_may_be_given_as_a_function():
    assert labelled([laplace, "grid"]) == {"laplace": laplace, "grid": METHODS["grid"].function}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ((laplace, "laplace"), "Two methods are called 'laplace'"),
        ((7,), "a name or a function model -> DataTree, but 7 was given"),
        ((type("Callable", (), {"__call__": lambda self, model: None})(),), "has no __name__"),
    ],
)
def test_labels_that_cannot_be(given, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        labelled(given)


def test_no_method():
    with pytest.raises(TriposError, match="Name at least one method of advi, dadvi"):
        labelled([])


def test_the_command_line_takes_a_function_and_its_draws(file, tmp_path, capsys):
    arguments = ["compare", "globe", "--methods", f"laplace,{file}:normal", "--draws", "60"]
    assert main([*arguments, "--no-pictures", "--output", str(tmp_path / "o")]) == 0
    assert "some_methods.py:normal" in capsys.readouterr().out
    trees = Comparison.load(tmp_path / "o" / "globe" / "trees").trees
    assert trees[f"{file}:normal"]["posterior"].sizes["draw"] == 60
