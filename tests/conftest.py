"""What all tests share: settings, the golden numbers, and fits that are made once."""

import json
import os
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"

import numpy as np
import pytest
from hypothesis import settings
from matplotlib import pyplot as plt

# Longest first, or one worker ends with a long file while the other has nothing left to do. Those
# that look at the clock (`browser`) come later, when fewer processes are about.
_LONG = (
    "test_methods.py",
    "test_suite.py",
    "test_suite_dask.py",
    "test_normal_approximation.py",
    "test_beyond.py",
    "test_nested_laplace.py",
    "test_density.py",
    "test_contributing.py",
    "test_user.py",
    "test_cli.py",
    "test_mode.py",
    "test_code_blocks.py",
)


def pytest_collection_modifyitems(items):
    places = {name: place for place, name in enumerate(_LONG)}
    items.sort(key=lambda item: places.get(item.path.name, len(_LONG)))


settings.register_profile("tripos", deadline=None, derandomize=True)
settings.load_profile("tripos")


@pytest.fixture(scope="session")
def golden():
    """Exact numbers, as ``tests/golden/generate.py`` computed them."""
    return json.loads((Path(__file__).parent / "golden" / "golden.json").read_text())


@pytest.fixture
def rng():
    return np.random.default_rng(20260101)


@pytest.fixture
def figures():
    """Close the figures that a test opens."""
    yield plt
    plt.close("all")
