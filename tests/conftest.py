"""What all tests share: settings, the golden numbers, and fits that are made once."""

import json
import os
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"

import numpy as np
import pytest
from hypothesis import settings
from matplotlib import pyplot as plt

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
