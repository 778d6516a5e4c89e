"""Type checkers know what a user's file gets from tripos, wherever tripos is installed.

TRIPOS_INSTALLED_IN names the Python of another environment: .ci/wheel.sh tries the wheel so.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USER = Path(__file__).with_name("user.py")
WRONG = """\
import tripos

tripos.laplace(draws="many")
tripos.find_mode().nothing
tripos.nothing
"""
PYTHON = os.environ.get("TRIPOS_INSTALLED_IN", sys.executable)
CACHE = ROOT / ".mypy_cache" / "user"
CHECKERS = {
    "mypy": ("mypy", "--strict", "--cache-dir", CACHE, "--python-executable", PYTHON),
    "pyright": ("pyright", "--pythonpath", PYTHON),
}


@pytest.fixture(scope="module", params=CHECKERS)
def said(request, tmp_path_factory):
    """What a checker prints of two files, run where no checkout is near."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "user.py").write_text(USER.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "wrong.py").write_text(WRONG, encoding="utf-8")
    command = [sys.executable, "-m", *map(str, CHECKERS[request.param]), "user.py", "wrong.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr  # as one of the files is wrong
    return done.stdout


def _errors(file, said):
    return {int(line) for line in re.findall(rf"{file}:(\d+)\b.*\berror: ", said)}


def test_a_users_file_has_no_error_and_its_types_are_known(said):
    lines = enumerate(USER.read_text(encoding="utf-8").splitlines(), start=1)
    found = {k: re.fullmatch(r" *reveal_type\(.*\)  # (\w+)", line) for k, line in lines}
    expected = {k: match[1] for k, match in found.items() if match}
    assert len(expected) >= 6
    revealed = re.findall(r'user\.py:(\d+)\b.*(?:Revealed type is|Type of .* is) "([\w.]+)', said)
    assert {int(line): kind.split(".")[-1] for line, kind in revealed} == expected
    assert _errors("user.py", said) == set()


def test_errors_are_found(said):
    """Where all is Any, nothing is wrong."""
    assert _errors("wrong.py", said) == {3, 4, 5}
