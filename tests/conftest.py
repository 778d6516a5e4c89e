"""What all tests share: settings, the golden numbers, and fits that are made once."""

import gc
import json
import os
from functools import cache
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
    "test_cli.py",  # with what stands on the same fit, see below
    "test_suite.py",
    "test_suite_dask.py",
    "test_normal_approximation.py",
    "test_beyond.py",
    "test_nested_laplace.py",
    "test_density.py",
    "test_contributing.py",
    "test_user.py",
    "test_mode.py",
    "test_code_blocks.py",
)


def pytest_collection_modifyitems(items):
    places = {name: place for place, name in enumerate(_LONG)}
    items.sort(key=lambda item: places.get(item.path.name, len(_LONG)))


# Files that share a long fit, `exercise`, and so a worker.
_EXERCISE = ("cli", "comparison", "exercise", "nuts", "storage", "summary")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep each file with one worker, and these with the same."""
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            ends = tuple(f"/test_{name}.py" for name in _EXERCISE)
            return "exercise" if file.endswith(ends) else file

    return Together(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_finish():
    """Spare the libraries' objects from the search for garbage: a tenth of all the time.

    PyTensor's graphs are full of circles, so that what the tests make is searched for often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


settings.register_profile("tripos", deadline=None, derandomize=True)
settings.load_profile("tripos")


@pytest.fixture(scope="session")
def golden():
    """Exact numbers, as ``tests/golden/generate.py`` computed them."""
    return json.loads((Path(__file__).parent / "golden" / "golden.json").read_text())


@pytest.fixture(scope="session")
def exercise():
    """The four cells of the bioassay exercise."""
    from tripos.comparisons.exercise import bioassay_exercise

    options = {"nuts": {"chains": 4, "draws": 2000, "target_accept": 0.9}}
    return bioassay_exercise(random_seed=7, options=options)


@pytest.fixture(scope="session")
def density_of():
    """Give the log density of a model, compiled once for all tests that only read it."""
    from tripos.approximations import LogDensity

    @cache
    def compiled_once(build, *variant, **named):
        return LogDensity(build(*variant, **named), linker="numpy")

    return compiled_once


@pytest.fixture
def rng():
    return np.random.default_rng(20260101)


@pytest.fixture
def figures():
    """Close the figures that a test opens."""
    yield plt
    plt.close("all")
