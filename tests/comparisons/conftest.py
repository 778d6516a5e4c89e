"""Trees to compare, made by hand where the truth must be known; and suites that start nothing."""

from concurrent.futures import Executor, Future
from pathlib import Path

import arviz_base
import numpy as np
import pytest

from tripos.comparisons.suite.work import outcome_of

SUITE_OWN = Path(__file__).parent / "suite_own.py"


@pytest.fixture
def normal_tree():
    """Make a tree of independent draws of a normal variable ``x``, and of ``y`` with a dim."""

    def make(mean=0.0, sd=1.0, size=4000, seed=1, independent=1):
        rng = np.random.default_rng(seed)
        tree = arviz_base.from_dict(
            {
                "posterior": {
                    "x": mean + sd * rng.standard_normal((1, size)),
                    "y": rng.standard_normal((1, size, 2)),
                }
            },
            dims={"y": ["school"]},
            coords={"school": ["Choate", "Deerfield"]},
        )
        tree.attrs = {"independent_draws": independent, "seconds": 0.5}
        return tree

    return make


class Inline(Executor):
    """Runs a cell at once, in this process, so that nothing is started."""

    def submit(self, run_cell, cell, limits):
        future = Future()
        future.set_result(outcome_of(cell))
        return future


@pytest.fixture(scope="session")
def own():
    """Name a function of ``suite_own.py``, as a suite does."""
    return lambda name: f"{SUITE_OWN}:{name}"


@pytest.fixture(scope="session")
def inline():
    """An executor that runs cells in this process."""
    return Inline()
