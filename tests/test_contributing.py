"""What CONTRIBUTING.md tells to write works as it stands: a method, a model and a picture."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tripos

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PACKAGES = ("tripos", "models", "approximations", "comparisons")
TESTS = (
    "conftest.py",
    "contributed.py",
    "approximations/conftest.py",
    "approximations/test_methods.py",
    "models/test_catalogue.py",
)
METHOD, LINE, TEST, MODEL, ENTRY, PICTURE = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
NEW = {
    "approximations/toy.py": METHOD,
    "tests/approximations/test_toy.py": TEST,
    "models/visits.py": MODEL,
    "comparisons/pictures/distribution.py": PICTURE,
}


def _add(path, after, text):
    before = path.read_text(encoding="utf-8")
    assert before.count(after) == 1
    path.write_text(before.replace(after, after + text), encoding="utf-8")


def _added_lines(copy, folder):
    """Lines that the files which were there before have now and had not, by file."""
    added = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        old, new = (place.read_text(encoding="utf-8").splitlines() for place in (path, copy / name))
        if old != new:
            added[name] = [line for line in new if line not in old]
            assert len(new) == len(old) + len(added[name])
    return added


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the packages, and of the contract of the methods, with what the guide adds."""
    copy = tmp_path_factory.mktemp("contributed")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("*.pyc"))
    for name in ("pyproject.toml", *(f"tests/{test}" for test in TESTS)):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    for name, text in NEW.items():
        assert f"`{name}`" in GUIDE
        assert not (copy / name).exists()
        (copy / name).write_text(text, encoding="utf-8")
    _add(copy / "approximations/__init__.py", "import tierney_kadane as tierney_kadane\n", LINE)
    for name in ("__init__", "catalogue"):
        line = "from .visits import visits\n"
        _add(copy / f"models/{name}.py", "from .varying_slopes import varying_slopes\n", line)
    _add(
        copy / "models/catalogue.py",
        "    entry.name: entry\n    for entry in (\n",
        f"{ENTRY.rstrip()},\n",
    )
    return copy


def test_what_is_written_is_one_line_outside_the_files_of_its_own(copy):
    assert _added_lines(copy, "approximations") == {"approximations/__init__.py": [LINE.strip()]}
    assert _added_lines(copy, "comparisons") == {}
    assert _added_lines(copy, "tripos") == {}


def test_it_runs_everywhere(copy):
    """In `compare`, a verdict, a suite, a report and pictures; and the contract holds for it."""
    done = subprocess.run(
        [sys.executable, "tests/contributed.py"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found, *_ = done.stdout.splitlines()
    found = json.loads(found)
    assert found["quantities"] == ["alpha", "beta", "ld50"]
    assert found["judge"] == "grid"  # the toy has no rank as a judge
    assert found["verdict"]["beta"] == "differs"  # as that of `laplace` does
    assert found["suite"] == ["toy"]
    assert found["failures"] == [""]
    assert found["in_report"]
    assert "#AA7700" in found["drawn"]
    assert "#AA7700" in found["picture"]
    assert found["mean_rate"] == pytest.approx([2.0], rel=1e-3)  # Gamma(2 + 12, 1 + 6)
    assert re.search(r"\d+ passed", done.stdout)
    assert "failed" not in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("tool", [["check"], ["format", "--check"]], ids=" ".join)
def test_it_keeps_the_style(copy, tool):
    command = [sys.executable, "-m", "ruff", *tool, *(name for name in NEW), "--no-cache"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_citation_names_this_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", citation, re.MULTILINE) == [tripos.__version__]


def test_files_that_the_documents_name_exist():
    for name in ("CONTRIBUTING.md", "docs/architecture.md", "SECURITY.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for link in re.findall(r"\]\((\S+)\)", text):
            assert (ROOT / name).parent.joinpath(link).exists(), link
        for path in re.findall(
            r"`((?:tripos|models|approximations|comparisons|tests)/[\w/.]*)`", text
        ):
            assert (ROOT / path).exists() or path in NEW, path


def test_make_has_the_targets_that_the_guide_names():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"(?:`|^)make ([\w-]+)", GUIDE, re.MULTILINE)
    assert len(named) > 3
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
