"""The package itself: what it exports, lazily, and the names that modules had in 0.1."""

import importlib
import inspect
import subprocess
import sys

import pytest

import tripos
from tripos.approximations import METHODS, errors


def test_all_that_is_listed_is_there():
    assert set(tripos.__all__) == set(dir(tripos))
    for name in tripos.__all__:
        assert getattr(tripos, name) is not None


def test_methods_and_every_error_are_listed():
    own = {name: x for name, x in vars(errors).items() if inspect.isclass(x)}
    assert {name: getattr(tripos, name) for name in own} == own
    # A new method is in METHODS by itself; here it is once it is public for good.
    methods = METHODS.keys() & set(tripos.__all__)
    assert {"grid", "laplace", "importance", "nested_laplace", "nuts"} <= methods
    assert all(getattr(tripos, name) is METHODS[name].function for name in methods)


def test_functions_are_not_hidden_by_modules_of_their_name():
    importlib.import_module("tripos.comparisons.verdict.judges")
    assert tripos.verdict is tripos.comparisons.verdict
    assert inspect.isfunction(tripos.comparisons.verdict)


def test_nothing_is_imported_before_it_is_used(tmp_path):
    code = "import sys, tripos; assert not {'pymc', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_methods_are_imported_without_what_takes_longer_than_pymc(tmp_path):
    code = (
        "import sys, tripos.comparisons.ladder, tripos.comparisons.comparison\n"
        "slow = {'scipy.stats', 'scipy.optimize', 'scipy.interpolate', 'arviz_stats', 'arviz_base',"
        " 'numba', 'nutpie', 'matplotlib', 'jinja2'}\n"
        "assert not slow & set(sys.modules), slow & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("approximations.gaussian", "approximations.linear_algebra.gaussian", "Gaussian"),
        ("approximations.modes", "approximations.mode.several", "find_modes"),
        ("approximations.sparse.cholesky", "approximations.linear_algebra.sparse_cholesky", None),
        ("comparisons.verdicts.judging", "comparisons.verdict.judging", "Tolerances"),
        ("comparisons.suites.table", "comparisons.suite.table", "Suite"),
        ("comparisons.comparing", "comparisons.compare", "compare"),
    ],
)
def test_modules_of_0_1_are_found_with_a_warning(old, new, name):
    module = importlib.import_module(f"tripos.{new}")
    for known in [x for x in sys.modules if x.startswith(f"tripos.{old}")]:
        del sys.modules[known]
    with pytest.warns(DeprecationWarning, match=r"since 0\.2") as warned:
        found = importlib.import_module(f"tripos.{old}")
    assert found is module
    assert found.__spec__.name == f"tripos.{new}"
    assert f"tripos.{new}".startswith(str(warned[-1].message).split(" is ")[1].split(" since")[0])
    assert name is None or hasattr(found, name)


def test_a_module_that_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError, match=r"tripos\.approximations\.nothing"):
        importlib.import_module("tripos.approximations.nothing")
