"""Seeds, extras and the order of parameters for what other packages run."""

import sys

import numpy as np
import pymc as pm
import pytensor
import pytest

from tripos.approximations import LogDensity
from tripos.approximations.errors import ArgumentError, MissingExtraError, SamplingError
from tripos.approximations.other_packages import default_linker, extra, seed_of, theta_order
from tripos.models import bioassay


def test_a_seed_is_kept_and_a_generator_moves_on():
    assert seed_of(7) == 7
    assert seed_of(None) is None
    rng = np.random.default_rng(1)
    assert seed_of(rng) != seed_of(rng)
    with pytest.raises(ArgumentError, match="random_seed must be"):
        seed_of(-1)


def test_an_extra_that_is_there():
    assert extra("json.decoder", "json", "a method") is sys.modules["json.decoder"]


def test_an_extra_that_is_missing_is_named():
    sentence = (
        r'my method needs no_such_package, which is not installed: pip install "tripos\[it\]"'
    )
    with pytest.raises(MissingExtraError, match=sentence):
        extra("no_such_package.inner", "it", "my method")
    assert issubclass(MissingExtraError, SamplingError)


@pytest.mark.parametrize("line", ["from json import nothing", "import no_such_module"])
def test_an_extra_that_does_not_go_with_the_rest_says_why(tmp_path, monkeypatch, line):
    (tmp_path / "unfit_package.py").write_text(line + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    sentence = rf"cannot be imported with PyMC {pm.__version__}: .*(nothing|no_such_module).* Inst"
    with pytest.raises(MissingExtraError, match=sentence):
        extra("unfit_package", "it", "my method")


def test_the_linker_is_set_for_a_while():
    before = pytensor.config.mode
    with default_linker("numpy"):
        assert pytensor.config.mode == "FAST_COMPILE"
    with default_linker("numba"):
        assert pytensor.config.mode == before
    assert pytensor.config.mode == before


def test_the_order_of_theta_is_that_of_pymcs_flat_vector():
    density = LogDensity(bioassay("weak"))
    point = density.model.initial_point()
    values = {name: np.asarray(value) + k for k, (name, value) in enumerate(point.items())}
    flat = np.concatenate([np.ravel(value) for value in values.values()])
    theta = np.concatenate([np.ravel(values[block.value_name]) for block in density.blocks])
    np.testing.assert_array_equal(flat[theta_order(density)], theta)
