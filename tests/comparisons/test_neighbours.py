"""Modules beside a user's file: of two files, each sees its own, and nothing is left behind."""

import sys

import pymc as pm
import pytest

from tripos.approximations.errors import NoMethodError, TargetError
from tripos.comparisons import run_suite
from tripos.comparisons.importing import function_in_file
from tripos.comparisons.methods import load_method
from tripos.comparisons.neighbours import Neighbours
from tripos.comparisons.target import load_model

HEAD = "import pymc as pm\n"
BODY = """

def build():
    {late}
    with pm.Model() as model:
        pm.Normal("x", {where}, 1)
    return model
"""
WAYS = {
    "at once": ("import beside_it", "pass", "beside_it.WHERE"),
    "by name": ("from beside_it import WHERE", "pass", "WHERE"),
    "in the function": ("", "import beside_it", "beside_it.WHERE"),
    "by importlib": ("import importlib", "m = importlib.import_module('beside_it')", "m.WHERE"),
    "a package": ("import in_it", "pass", "in_it.WHERE"),
    "a submodule": ("import in_it.deep", "pass", "in_it.deep.WHERE"),
    "a submodule, late": ("import in_it", "from in_it.deep import WHERE", "WHERE"),
    "no __init__": ("", "from loose.part import WHERE", "WHERE"),
    "by way of another": ("", "import further", "further.where()"),
    "from a folder of its own": (
        "import pathlib, sys\nsys.path.append(str(pathlib.Path(__file__).parent / 'lib'))",
        "from in_lib import WHERE",
        "WHERE",
    ),
}


def _folder(place, where):
    """Fill a folder with modules that all say the same number."""
    said = f"WHERE = {where}\n"
    files = {
        "beside_it.py": said,
        "in_it/__init__.py": "from .deep import WHERE\n",
        "in_it/deep.py": said,
        "loose/part.py": said,
        "lib/in_lib.py": said,
        "further.py": "def where():\n    from beside_it import WHERE\n    return WHERE\n",
    }
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return place


@pytest.fixture
def folders(tmp_path):
    return [_folder(tmp_path / name, where) for name, where in (("a", -100.0), ("b", 100.0))]


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path):
    modules, path = dict(sys.modules), list(sys.path)
    yield
    left = {name for name, module in sys.modules.items() if modules.get(name) is not module}
    own = ("beside_it", "in_it", "loose", "further", "in_lib", "_target_")
    assert [name for name in left if name.startswith(own)] == []
    assert [entry for entry in sys.path if entry not in path and str(tmp_path) in entry] == []
    assert [finder for finder in sys.meta_path if isinstance(finder, Neighbours)] == []


def _mean(model):
    return float(model["x"].owner.inputs[2].eval())


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_each_file_has_its_own(folders, way):
    above, late, where = way
    for folder in folders:
        text = f"{HEAD}{above}\n{BODY.format(late=late, where=where)}"
        (folder / "model.py").write_text(text)
    targets = [f"{folder}/model.py:build" for folder in (*folders, folders[0])]
    assert [_mean(load_model(target)) for target in targets] == [-100, 100, -100]
    # Both are there before one is called.
    builders = [function_in_file(f / "model.py", "build", TargetError) for f in folders]
    assert [_mean(build()) for build in builders] == [-100, 100]


def test_what_is_imported_after_the_model_was_built(folders):
    late = """
import pymc as pm

def logp(value, mean):
    from beside_it import WHERE
    return -0.5 * (value - WHERE) ** 2

def build():
    with pm.Model() as model:
        pm.CustomDist("x", 0.0, logp=logp)
    return model
"""
    for folder in folders:
        (folder / "model.py").write_text(late)
    models = [load_model(f"{folder}/model.py:build") for folder in folders]
    for model, where in zip(models, (-100, 100), strict=True):
        assert model.compile_logp()({"x": where}) == 0


def test_one_file_that_loads_another(folders):
    first, second = folders
    text = f"{HEAD}import beside_it\n" + BODY.format(late="pass", where="beside_it.WHERE")
    (second / "model.py").write_text(text)
    inner = f"""
import beside_it
from tripos.comparisons.target import load_model

def build():
    model = load_model({str(second / "model.py:build")!r})
    import further
    with model:
        import pymc as pm
        pm.Normal("y", further.where() + beside_it.WHERE, 1)
    return model
"""
    (first / "model.py").write_text(inner)
    model = load_model(f"{first}/model.py:build")
    assert _mean(model) == 100
    assert float(model["y"].owner.inputs[2].eval()) == -200


def test_a_neighbour_of_one_is_none_of_the_other(folders):
    first, second = folders
    (first / "only_here.py").write_text("WHERE = 1.0\n")
    text = f"{HEAD}import only_here\n" + BODY.format(late="pass", where="only_here.WHERE")
    for folder in folders:
        (folder / "model.py").write_text(text)
    assert _mean(load_model(f"{first}/model.py:build")) == 1
    with pytest.raises(TargetError, match="No module named 'only_here'"):
        load_model(f"{second}/model.py:build")


def test_modules_of_the_program_stay_its_own(folders, tmp_path, monkeypatch):
    """One of the same name that the program itself has imported is neither used nor lost."""
    place = _folder(tmp_path / "program", 7.0)
    monkeypatch.syspath_prepend(place)
    import beside_it

    try:
        text = f"{HEAD}import beside_it\n" + BODY.format(late="pass", where="beside_it.WHERE")
        (folders[0] / "model.py").write_text(text)
        assert _mean(load_model(f"{folders[0]}/model.py:build")) == -100
        assert sys.modules["beside_it"] is beside_it
        assert beside_it.WHERE == 7.0
    finally:
        del sys.modules["beside_it"]


def test_methods_have_neighbours_too(folders):
    text = """
import arviz_base
import numpy as np

def method(model):
    import beside_it
    return arviz_base.from_dict({"posterior": {"x": np.full((1, 2), beside_it.WHERE)}})
"""
    for folder in folders:
        (folder / "mine.py").write_text(text)
    methods = [load_method(f"{folder}/mine.py:method") for folder in folders]
    model = pm.Model()
    assert [float(m(model)["posterior"]["x"][0, 0]) for m in methods] == [-100, 100]


def test_a_file_that_fails_leaves_nothing(folders):
    (folders[0] / "model.py").write_text("import beside_it, sys\nsys.path.insert(0, '/x')\n1 / 0\n")
    with pytest.raises(NoMethodError, match="ZeroDivisionError"):
        function_in_file(folders[0] / "model.py", "build", NoMethodError)


@pytest.mark.parametrize("in_processes", [False, True], ids=["here", "in a process"])
def test_a_suite(folders, tmp_path, inline, in_processes):
    text = f"{HEAD}import beside_it\n" + BODY.format(late="pass", where="beside_it.WHERE")
    for folder in folders:
        (folder / "model.py").write_text(text)
    suite = run_suite(
        [f"{folder}/model.py:build" for folder in folders],
        ["laplace"],
        store=tmp_path / "store",
        options={"laplace": {"draws": 2000}},
        progressbar=False,
        **({"workers": 1} if in_processes else {"executor": inline}),
    )
    means = suite.summary()["mean"].to_numpy()
    assert abs(means - [-100, 100]).max() < 4 / 2000**0.5
