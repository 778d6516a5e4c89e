"""The command line's targets: names and files."""

import pymc as pm
import pytest

from tripos.approximations.errors import TargetError
from tripos.comparisons.target import load_model

FILE = """
import pymc as pm
from beside import MEAN

def build_model():
    with pm.Model() as model:
        pm.Normal("x", MEAN)
    return model

def no_model():
    return 3

def fails():
    raise RuntimeError("the data are gone")

def needs(argument):
    return argument
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "beside.py").write_text("MEAN = 2.0\n")
    path = tmp_path / "my_file.py"
    path.write_text(FILE)
    return path


def test_a_name_of_the_catalogue_builds_its_model():
    assert set(load_model("bioassay").named_vars) >= {"alpha", "beta", "ld50"}


def test_a_function_in_a_file_builds_its_model_with_the_files_neighbours(file):
    model = load_model(f"{file}:build_model")
    assert isinstance(model, pm.Model)
    assert [v.name for v in model.free_RVs] == ["x"]


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("bioasay", "no model 'bioasay'. Did you mean bioassay"),
        ("nothing.py:f", "There is no file nothing.py"),
        ("{file}", "names no function"),
        ("{file}:", "names no function"),
        ("{file}:absent", r"no function 'absent'; it has \['build_model', 'no_model', 'fails'"),
        ("{file}:no_model", "must return a pymc.Model, but it returned a int"),
        ("{file}:fails", r"RuntimeError: the data are gone \(.*my_file.py, line 14\)"),
        ("{file}:needs", "raised TypeError"),
    ],
)
def test_what_names_no_model_is_an_error(file, target, sentence):
    with pytest.raises(TargetError, match=sentence):
        load_model(target.format(file=file))


def test_a_file_that_fails_when_read_says_where(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("x = 1\nimport no_such_module\n")
    with pytest.raises(
        TargetError, match=r"No module named 'no_such_module' \(.*broken.py, line 2"
    ):
        load_model(f"{path}:f")
