"""Fits that several tests read, and models that several tests fit."""

import numpy as np
import pymc as pm
import pytensor
import pytest
from pytensor.compile.mode import Mode

from tripos.approximations import grid, laplace
from tripos.approximations.variational import ascent
from tripos.comparisons.exercise import CHAIN
from tripos.models import bioassay


@pytest.fixture(scope="session")
def uncompiled():
    """Give a context in which PyMC's own functions are made without Numba.

    Before it samples PyMC makes one that gives all variables, by PyTensor's default mode whatever
    `compile_kwargs` say: up to thirty seconds of Numba for a model.
    """
    return lambda: pytensor.config.change_flags(mode="FAST_COMPILE", cxx="")


@pytest.fixture(scope="session")
def quick_nuts():
    """Give arguments for `nuts` that compile no sampler: PyMC's own, the Python linker."""
    return {
        "nuts_sampler": "pymc",
        "cores": 1,
        "compile_kwargs": {"mode": Mode(linker="py", optimizer="fast_compile")},
    }


@pytest.fixture(scope="module")
def hasty():
    """Let ADVI stop after 500 steps, settled or not: for tests of the tree, not of its numbers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ascent, "_rises", lambda blocks: False)
        patch.setattr(ascent, "_is_settled", lambda *arguments: True)
        yield


@pytest.fixture(scope="session")
def bioassay_laplace():
    return laplace(bioassay(), draws=20_000, random_seed=1)


@pytest.fixture(scope="session")
def bioassay_grid():
    return grid(bioassay(), draws=20_000, random_seed=1)


@pytest.fixture(scope="session")
def weak_nutpie(exercise):
    return exercise.trees[CHAIN]


@pytest.fixture(scope="session")
def normal_model():
    """Make a model of normal data, in named dims, whose mean is the only free variable."""

    def make(y):
        with pm.Model(coords={"observation": range(len(y))}) as model:
            mu = pm.Normal("mu", 0.0, 2.0)
            pm.Normal("y", mu, 0.5, observed=np.asarray(y, dtype=float), dims="observation")
        return model

    return make


@pytest.fixture(scope="session")
def saddle():
    """Make a model that starts at a saddle: no gradient there says where to go."""

    def make(size):
        with pm.Model() as model:
            x = pm.Normal("x", 0.0, 10.0, shape=size, initval=np.zeros(size))
            pm.Potential("two_hills", -((x[0] ** 2 - 1) ** 2))
        return model

    return make
