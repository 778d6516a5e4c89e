"""The notebooks as a reader without marimo runs them: plain scripts, whose numbers are read."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "study_guide"


@pytest.fixture(scope="session")
def run_script():
    """Run each notebook once."""
    return cache(_run_script)


def _run_script(name):
    """Run a notebook as a script, and read its lines ``name = number number``."""
    done = subprocess.run(
        [sys.executable, str(FOLDER / name)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    pairs = [line.split(" = ") for line in done.stdout.splitlines() if " = " in line]
    numbers = {name: np.array(values.split(), dtype=float) for name, values in pairs}
    assert len(numbers) == len(pairs), "a name is printed twice"
    return numbers


@pytest.fixture(scope="module")
def beside_notebooks():
    """Import what lies beside the notebooks, as they do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield FOLDER
