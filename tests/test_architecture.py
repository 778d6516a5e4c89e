"""The house rules that a machine can hold us to."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "models": {"models"},
    "approximations": {"approximations"},
    "comparisons": {"models", "approximations", "comparisons"},
}
FILES = sorted(path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py"))


def _names(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


def _imports(tree):
    """Give (level, module) for every import statement."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is None:
            yield from ((node.level, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module


def _target(path, level, module):
    """The package of tripos that a relative import reaches, or None."""
    folders = path.relative_to(ROOT).parent.parts
    absolute = (*folders[: len(folders) - level + 1], *module.split("."))
    return absolute[0]


def _public_functions(tree):
    """Functions and methods that a reader may call, with those of public classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public_functions(node)


def test_the_packages_are_found():
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(MAY_IMPORT)
    assert len(FILES) > 20


@pytest.mark.parametrize("path", FILES, ids=_names(FILES))
def test_imports_go_one_way_and_are_relative(path):
    allowed = MAY_IMPORT[path.relative_to(ROOT).parts[0]]
    for level, module in _imports(ast.parse(path.read_text())):
        if level:
            assert _target(path, level, module) in allowed, f"{'.' * level}{module}"
        else:
            top = module.split(".")[0]
            assert top not in {"tripos", *MAY_IMPORT}, f"import {module} must be relative"


@pytest.mark.parametrize("path", FILES, ids=_names(FILES))
def test_public_functions_say_what_they_do(path):
    tree = ast.parse(path.read_text())
    bare = [node.name for node in _public_functions(tree) if not ast.get_docstring(node)]
    assert bare == []


def test_no_file_is_a_drawer():
    drawers = {"utils", "util", "helpers", "helper", "misc", "common", "base"}
    assert [name for name in _names(FILES) if Path(name).stem in drawers] == []


def test_the_rules_catch_a_breach(tmp_path):
    """The rules above would pass on nothing at all if these did not see what they look for."""
    tree = ast.parse("import tripos.models\nfrom ..models import globe\nfrom .. import comparisons")
    assert list(_imports(tree)) == [(0, "tripos.models"), (2, "models"), (2, "comparisons")]
    path = ROOT / "approximations" / "grid.py"
    assert _target(path, 2, "models.globe") == "models"
    assert _target(path, 1, "density") == "approximations"


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_only_tripos_is_a_global_name(tmp_path, package):
    """From another folder, ``tripos.models`` can be imported and a bare ``models`` cannot."""
    code = (
        "import importlib.util as u\n"
        f"assert u.find_spec('tripos.{package}') is not None\n"
        f"assert u.find_spec('{package}') is None, u.find_spec('{package}')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_importing_models_leaves_no_bare_name(tmp_path):
    code = (
        "import importlib, sys\n"
        "import tripos.models\n"
        "assert 'models' not in sys.modules\n"
        "assert importlib.util.find_spec('models') is None"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=tmp_path, check=True)
