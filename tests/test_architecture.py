"""The house rules that a machine can hold us to."""

import ast
import graphlib
import re
import subprocess
import sys
import tomllib
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


def _folder_of(path, level, module):
    """The folder inside a package that a relative import reaches; None for the package itself."""
    folders = path.relative_to(ROOT).parent.parts
    package, *below = (*folders[: len(folders) - level + 1], *module.split("."))
    is_folder = bool(below) and (ROOT / package / below[0]).is_dir()
    return (package, below[0]) if is_folder else None


def _at_run_time(tree):
    """A module without what only a type checker imports, which may point anywhere."""
    is_for_types = [
        isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n.test) for n in tree.body
    ]
    kept = [node for node, skip in zip(tree.body, is_for_types, strict=True) if not skip]
    return ast.Module(kept, [])


def test_folders_import_one_way():
    reached = {}
    for path in FILES:
        package, *below = path.relative_to(ROOT).parent.parts
        if not below:
            continue
        imports = _imports(_at_run_time(ast.parse(path.read_text())))
        found = {_folder_of(path, level, module) for level, module in imports if level}
        reached.setdefault((package, below[0]), set()).update(found - {None, (package, below[0])})
    assert len(reached) > 10
    order = list(graphlib.TopologicalSorter(reached).static_order())  # CycleError names a circle
    assert order.index(("approximations", "graphs")) < order.index(("approximations", "nested"))


def test_all_folders_are_installed():
    """A folder that pyproject.toml does not list is missing from the wheel, without a word."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        listed = tomllib.load(file)["tool"]["setuptools"]["packages"]
    folders = {path.parent.relative_to(ROOT) for path in FILES}
    assert sorted(listed) == sorted(".".join(("tripos", *folder.parts)) for folder in folders)


@pytest.mark.parametrize("path", FILES, ids=_names(FILES))
def test_public_functions_say_what_they_do(path):
    tree = ast.parse(path.read_text())
    bare = [node.name for node in _public_functions(tree) if not ast.get_docstring(node)]
    assert bare == []


def test_no_file_is_a_drawer():
    drawers = {"utils", "util", "helpers", "helper", "misc", "common", "base"}
    assert [name for name in _names(FILES) if Path(name).stem in drawers] == []


def _private_names_of_others(tree):
    """Give ``object._name`` where this file defines no ``_name``: then another file does."""
    nodes = list(ast.walk(tree))
    attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
    own = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    own |= {ast.unparse(node.target) for node in nodes if isinstance(node, ast.AnnAssign)}
    of_self = [a for a in attributes if ast.unparse(a.value) in ("self", "cls")]
    own |= {attribute.attr for attribute in of_self if isinstance(attribute.ctx, ast.Store)}
    for node in attributes:
        is_private = node.attr.startswith("_") and not node.attr.endswith("__")
        if is_private and node not in of_self and node.attr not in own:
            yield ast.unparse(node)


def _private_imports(tree):
    """Give the private names that are imported from another file."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return [a.name for node in imports for a in node.names if re.match("_[^_]", a.name)]


@pytest.mark.parametrize("path", FILES, ids=_names(FILES))
def test_private_names_stay_in_their_file(path):
    tree = ast.parse(path.read_text())
    assert [name for name in _private_names_of_others(tree) if name != "os._exit"] == []
    assert _private_imports(tree) == []


def test_the_rules_catch_a_breach(tmp_path):
    """The rules above would pass on nothing at all if these did not see what they look for."""
    tree = ast.parse("import tripos.models\nfrom ..models import globe\nfrom .. import comparisons")
    assert list(_imports(tree)) == [(0, "tripos.models"), (2, "models"), (2, "comparisons")]
    path = ROOT / "approximations" / "grid.py"
    assert _target(path, 2, "models.globe") == "models"
    assert _target(path, 1, "density") == "approximations"
    path = ROOT / "approximations" / "nested" / "conditional.py"
    assert _folder_of(path, 2, "sparse.hessian") == ("approximations", "sparse")
    assert _folder_of(path, 1, "latent_field") == ("approximations", "nested")
    assert _folder_of(path, 2, "errors") is None
    tree = ast.parse("if TYPE_CHECKING:\n    from ..nested import a\nfrom ..sparse import b")
    assert list(_imports(_at_run_time(tree))) == [(2, "sparse")]
    tree = ast.parse(
        "from .density import _cut\n"
        "class A:\n"
        "    def f(self, other, density):\n"
        "        self._mine = other._mine, other.__dict__\n"
        "        return self._theirs, density._symbolic, density.logp._chunks(1)"
    )
    assert list(_private_names_of_others(tree)) == ["density._symbolic", "density.logp._chunks"]
    assert _private_imports(tree) == ["_cut"]


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
