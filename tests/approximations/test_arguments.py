"""Calls that do not bind, arguments of another type, and what is no model: always a sentence."""

import ast
import inspect
import json

import numpy as np
import pymc as pm
import pytest

from tripos.approximations import METHODS, LogDensity, find_mode, find_modes, tierney_kadane
from tripos.approximations.arguments import check_options, checked_arguments
from tripos.approximations.errors import ArgumentError
from tripos.comparisons import calibrate, compare, fit, run_suite, verdict
from tripos.comparisons.target import load_model
from tripos.models import globe

PUBLIC = {
    **METHODS,
    "find_mode": find_mode,
    "find_modes": find_modes,
    "tierney_kadane": lambda model: tierney_kadane(model, "p"),
    "LogDensity": LogDensity,
    "compare": compare,
    "fit": fit,
    "calibrate": calibrate,
}
# What does not change the numbers of a call with a seed.
_NO_SETTING = {"model", "random_seed", "progressbar"}
_NO_SETTING |= {"curvature"}  # of `laplace`, deprecated: it is another method that is recorded


class Bambi:
    """Like a model of Bambi, which holds PyMC's own once it is built."""

    backend = None


NO_MODELS = [
    (globe, r"the function globe was given. Call it and pass the model that it returns: globe\(\)"),
    (Bambi(), r"a Bambi of .* was given. Build it .*model.backend.model"),
    ("globe", "'globe' was given. tripos.comparisons.target.load_model builds"),
    (pm.Model, "the class Model was given. Pass a model, not the class"),
    (3.0, r"3.0 was given. Build one with `with pm.Model\(\) as model:`"),
    (None, "No model was given, and there is none in context"),
]


@pytest.mark.parametrize("function", PUBLIC.values(), ids=PUBLIC)
@pytest.mark.parametrize(("given", "sentence"), NO_MODELS, ids=[repr(g)[:12] for g, _ in NO_MODELS])
def test_what_is_no_model(function, given, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        function(given)


def test_what_is_no_model_elsewhere(normal_model):
    tree = METHODS["laplace"](globe(), 10)
    with pytest.raises(ArgumentError, match="Call it and pass the model"):
        verdict(tree, globe)
    with pytest.raises(ArgumentError, match="tree must be a DataTree, but"):
        verdict(globe(), globe())
    with pytest.raises(ArgumentError, match=r"models must be a list of names, but .* is in it"):
        run_suite([globe()], ["laplace"], store="nowhere")
    with pytest.raises(ArgumentError, match="target must be text, but None"):
        load_model(None)
    with pytest.raises(ArgumentError, match=r"Pass the model that it holds as \.model"):
        LogDensity(LogDensity(globe()))


@pytest.mark.parametrize("method", METHODS)
def test_all_but_model_and_draws_go_by_name(method):
    parameters = inspect.signature(METHODS[method]).parameters.values()
    positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional == ["model", "draws"]
    with pytest.raises(ArgumentError, match=f"{method}: too many positional .* model and draws by"):
        METHODS[method](globe(), 10, 10)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("draws", ["many", 2.5, True, [10]], ids=repr)
def test_draws_of_another_type(method, draws):
    with pytest.raises(ArgumentError, match="draws must be a whole number"):
        METHODS[method](globe(), draws)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: find_mode(globe(), max_iterations=2.5), "max_iterations must be a whole number"),
        (lambda: find_mode(globe(), start=3), "a mapping, an array, 'find_MAP', a Mode or None"),
        (lambda: find_modes(globe(), starts="all"), "starts must be a whole number or a list"),
        (lambda: METHODS["laplace"](globe(), curvature="full"), "must be 'exact', 'low_rank', "),
        (lambda: METHODS["advi"](globe(), tolerance="0.1"), "tolerance must be a number, but '0.1"),
        (lambda: METHODS["grid"](globe(), bounds=(0, 1)), "bounds must be a mapping of names"),
        (lambda: METHODS["nested_laplace"](globe(), skew="no"), "skew must be True or False"),
        (lambda: METHODS["smc"](globe(), progressbar="no"), "progressbar must be True or False"),
        (lambda: LogDensity(globe(), linker="c"), "linker must be 'auto', 'numpy' or 'numba'"),
        (lambda: LogDensity(globe(), "numba"), "LogDensity: too many positional arguments"),
        (lambda: METHODS["laplace"](globe(), drws=3), "laplace: .* 'drws'.* It takes model, draws"),
        (lambda: compare(globe(), 5), "methods must be a list"),
        (lambda: compare(globe(), "laplace", options={"laplace": 5}), "options must be a mapping"),
        (lambda: fit(globe(), tolerance=0.1), "tolerance must be a Tolerances or None"),
        (lambda: calibrate(globe(), options=[1]), "options must be a mapping or None"),
    ],
)
def test_other_types_are_sentences(call, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        call()


def test_numbers_of_numpy_and_lists_are_taken():
    start = [0.5]
    mode = find_mode(globe(), start=start, max_iterations=np.int64(50))
    np.testing.assert_array_equal(mode.theta, find_mode(globe(), start=np.array(start)).theta)
    assert METHODS["laplace"](globe(), np.int32(10), random_seed=np.int64(1))


def test_a_name_where_a_list_of_names_belongs_is_a_list_of_one():
    tree = METHODS["laplace"](globe(), random_seed=1)
    assert verdict(tree, globe(), var_names="p", random_seed=1).counts["agrees"] == 1
    assert calibrate(globe(), simulations=20, var_names="p", random_seed=1).table.index == ["p"]
    with pytest.raises(ArgumentError, match="methods must be a list"):
        compare(globe(), {"laplace": METHODS["laplace"]})


def test_options_are_checked_without_a_call():
    with pytest.raises(ArgumentError, match=r"laplace: .* unexpected keyword argument 'drws'"):
        check_options("laplace", METHODS["laplace"], {"drws": 3})
    with pytest.raises(ArgumentError, match="laplace is given its model"):
        check_options("laplace", METHODS["laplace"], {"model": 3})
    check_options("nuts", METHODS["nuts"], {"target_accept": 0.9})


def test_errors_within_a_function_are_its_own():
    @checked_arguments
    def broken(size: int) -> int:
        return len(size)

    with pytest.raises(TypeError, match="no len"):
        broken(3)
    with pytest.raises(ArgumentError, match="size must be a whole number, but 'a' was given"):
        broken("a")


# The record of settings.


@pytest.mark.parametrize("method", METHODS)
def test_every_argument_that_changes_the_numbers_is_written_down(method):
    """As the source says: a method cannot record what it does not name."""
    source = inspect.getsource(inspect.unwrap(METHODS[method]))
    written = {
        key.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    parameters = inspect.signature(METHODS[method]).parameters.values()
    named = {p.name for p in parameters if p.kind is not p.VAR_KEYWORD} - _NO_SETTING
    assert named - written == set()


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("grid", {"bounds": {"p": (0.1, 0.9)}, "points": {"p": 41}}),
        ("laplace", {"start": {"p": np.float64(0.4)}, "starts": 2, "max_iterations": 30}),
        ("low_rank_laplace", {"start": np.array([0.3]), "rank": 1, "max_iterations": 30}),
        ("diagonal_laplace", {"start": {"p": 0.4}, "max_iterations": 30}),
        ("skew_laplace", {"start": np.array([0.3])}),
        ("importance", {"start": "find_MAP", "pairs": 150}),
        ("quadrature", {"start": {"p_interval__": 0.1}, "points": 7}),
        ("advi", {"start": np.array([0.3]), "tolerance": 0.1, "learning_rate": 0.2}),
        ("fullrank_advi", {"start": {"p": 0.4}, "tolerance": 0.1, "iterations": 20_000}),
    ],
)
@pytest.mark.filterwarnings("ignore::tripos.approximations.errors.GridEdgeWarning")
def test_settings_are_the_arguments(method, options, density_of, hasty):
    tree = METHODS[method](density_of(globe), 20, random_seed=1, **options)
    settings = json.loads(tree.attrs["settings"])
    plain = {
        name: np.asarray(v).tolist() if isinstance(v, np.ndarray) else v
        for name, v in options.items()
    }
    told = {name: settings[name] for name in options}
    if method == "grid":  # one number of cells needs no names, and JSON has no tuples
        plain = {"bounds": {"p": [0.1, 0.9]}, "points": 41}
    assert told == plain
    assert settings["draws"] == 20


def test_chains_are_told_though_the_machine_chose_them(quick_nuts, uncompiled):
    with uncompiled():
        tree = METHODS["nuts"](globe(), 5, tune=5, random_seed=1, **quick_nuts)
    settings = json.loads(tree.attrs["settings"])
    assert settings["chains"] == tree["posterior"].sizes["chain"]
    assert settings["compile_kwargs"]["mode"].startswith("<Mode: ")


def test_a_long_start_is_told_by_a_digest(tmp_path):
    with pm.Model() as model:
        pm.Normal("x", shape=5000)
    density, starts = LogDensity(model), [np.zeros(5000), np.eye(1, 5000)[0]]
    trees = [METHODS["laplace"](density, 1, start=start, random_seed=1) for start in starts]
    told = [json.loads(tree.attrs["settings"])["start"] for tree in trees]
    assert told[0] != told[1]
    assert told[0].startswith("<array of 5000 numbers, SHA-256 ")
    trees[0].to_netcdf(tmp_path / "tree.nc", engine="h5netcdf")
