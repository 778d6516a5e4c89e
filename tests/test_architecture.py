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


def _names_imported(node, folders):
    """Full names, as tuples, that a node of a file in some folders imports, in whatever way."""
    match node:
        case ast.Import(names):
            yield from (tuple(alias.name.split(".")) for alias in names)
        case ast.ImportFrom(module, names, level):
            start = folders[: len(folders) - level + 1] if level else ()
            below = module.split(".") if module else []
            yield from ((*start, *below, alias.name) for alias in names)


def _file_of(root, name):
    """The file that a full name means: a module, or something in one; None if it is not ours."""
    name = name[1:] if name[0] == "tripos" and (root / Path(*name[1:2])).is_dir() else name
    for place in (root.joinpath(*name), root.joinpath(*name[:-1])):
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file():
                return path.relative_to(root).as_posix()
    return None


def _imports_between_files(root, folders):
    """By file, the files that it imports: at its top, in functions, for type checkers alone."""
    graph = {}
    paths = [p for f in folders for end in ("py", "pyi") for p in (root / f).rglob(f"*.{end}")]
    for path in paths:
        place = path.relative_to(root).with_suffix(".py")  # what a stub lists, its file imports
        nodes = ast.walk(ast.parse(path.read_text()))
        names = [name for node in nodes for name in _names_imported(node, place.parent.parts)]
        found = {_file_of(root, n) for n in names} - {None, place.as_posix()}
        graph.setdefault(place.as_posix(), set()).update(found)
    return graph


def _in_order(graph):
    """What imports nothing first; the CycleError of a circle names it."""
    return list(graphlib.TopologicalSorter(graph).static_order())


def test_files_import_one_way():
    graph = _imports_between_files(ROOT, ["tripos", *MAY_IMPORT, "tests"])
    assert sum(len(imported) for imported in graph.values()) > len(graph) > 300
    order = _in_order(graph)
    assert order.index("approximations/errors.py") < order.index("comparisons/cli.py")


def test_folders_import_one_way():
    """A folder is a floor: two of them may not stand on each other, even by different files."""
    reached = {}
    for path, imported in _imports_between_files(ROOT, MAY_IMPORT).items():
        package, *own = Path(path).parts
        # What users call of a comparison draws and reports, and its rooms do not.
        if len(own) > 1 and not (package == "comparisons" and own[-1] == "__init__.py"):
            below = {Path(one).parts[:2] for one in imported if len(Path(one).parts) > 2}
            reached.setdefault((package, own[0]), set()).update(below - {(package, own[0])})
    assert len(reached) > 10
    order = _in_order(reached)
    assert order.index(("approximations", "weights")) < order.index(("approximations", "nested"))


@pytest.mark.parametrize(
    "second",
    [
        "from .first import one",
        "from . import first",
        "def two():\n    from .first import one",
        "if TYPE_CHECKING:\n    from ..models import first",
        "import tripos.models.first",
        "from tripos.models import first as one",
    ],
)
def test_a_circle_of_files_is_caught_however_it_is_imported(tmp_path, second):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("")
    (tmp_path / "models" / "first.py").write_text("from .second import two\none = 1\n")
    (tmp_path / "models" / "second.py").write_text("two = 2\n")
    assert _in_order(_imports_between_files(tmp_path, ["models"]))[-1] == "models/first.py"
    (tmp_path / "models" / "second.py").write_text(second)
    with pytest.raises(graphlib.CycleError, match=r"models/first\.py.*models/second\.py"):
        _in_order(_imports_between_files(tmp_path, ["models"]))


def test_all_folders_are_installed():
    """A folder that pyproject.toml does not list is missing from the wheel, without a word."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        listed = tomllib.load(file)["tool"]["setuptools"]["packages"]
    folders = {path.parent.relative_to(ROOT) for path in FILES}
    packages = [".".join(("tripos", *folder.parts)) for folder in folders]
    assert sorted(listed) == sorted(["tripos", *packages])


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
    exports = _imports_between_files(ROOT, ["comparisons"])["comparisons/__init__.py"]
    assert "comparisons/ladder/__init__.py" in exports
    assert _file_of(ROOT, ("tripos", "models", "globe", "globe")) == "models/globe.py"
    assert _file_of(ROOT, ("numpy", "array")) is None
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
