"""The linkers: ready at once on NumPy, moved to Numba when the work pays for it."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from pytensor.tensor.blockwise import Blockwise

from tripos.approximations import LogDensity
from tripos.approximations.density.graphs import compiling
from tripos.approximations.density.graphs.work import CountingLinker
from tripos.approximations.errors import ArgumentError
from tripos.models import bioassay, globe


@pytest.fixture(scope="module")
def on_numba():
    return LogDensity(globe(), linker="numba")


def test_linkers_agree(on_numba):
    on_numpy, theta = LogDensity(globe(), linker="numpy"), np.array([0.7])
    assert on_numba.value(theta) == pytest.approx(on_numpy.value(theta), rel=1e-12)
    np.testing.assert_allclose(on_numba.gradient(theta), on_numpy.gradient(theta), rtol=1e-10)
    np.testing.assert_allclose(on_numba.hessian(theta), on_numpy.hessian(theta), rtol=1e-10)


def test_linkers_agree_on_batches(on_numba):
    on_numpy, thetas = LogDensity(globe(), linker="numpy"), np.linspace(-3, 3, 7)[:, None]
    np.testing.assert_allclose(
        on_numba.batched_value(thetas), on_numpy.batched_value(thetas), rtol=1e-12
    )


@pytest.fixture
def modes(monkeypatch):
    """List the modes that are compiled for; what is called Numba here runs on NumPy too."""
    asked, numpy_mode = [], compiling._numpy_mode

    def stand_in(name):
        def mode(linker=None, optimizer="fast_run", canonical=True):
            asked.append(name)
            return numpy_mode(linker or CountingLinker(), optimizer, canonical=canonical)

        return mode

    for name in ("numpy", "numba"):
        monkeypatch.setattr(compiling, f"_{name}_mode", stand_in(name))
    return asked


def test_a_quick_compilation_gives_the_same(monkeypatch):
    """Without the canonical form, which a graph of many entries gets."""
    theta = np.array([0.3, 5.0])
    quick = LogDensity(bioassay()).derivatives(theta)
    monkeypatch.setattr(compiling, "_FEW_ENTRIES", 0)
    canonical = LogDensity(bioassay()).derivatives(theta)
    for one, other in zip(quick, canonical, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13)


def test_a_mixture_is_no_loop_over_the_batch():
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 3.0)
        pm.Potential("two", pt.logsumexp(pt.stack([-((x - 2) ** 2), -((x + 2) ** 2)])))
    density, thetas = LogDensity(model), np.linspace(-3, 3, 7)[:, None]
    expected = [density.value(theta) for theta in thetas]
    np.testing.assert_allclose(density.batched_value(thetas), expected, rtol=1e-13)
    compiled = density._functions.compiled["batched_value"]._function.maker.fgraph
    assert not any(isinstance(node.op, Blockwise) for node in compiled.apply_nodes)


def test_the_slope_of_a_guarded_term_is_no_nan():
    """Where a guard gives minus infinity, 0 * inf must not reach the gradient of the rest."""
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 1.0, shape=2)
        pm.Potential("guarded", pt.switch(x > 0, pt.sqrt(x), 0.0).sum())
    _, gradient, hessian = LogDensity(model).derivatives(np.array([1.0, -1.0]))
    np.testing.assert_allclose(gradient, [-0.5, 1.0])
    np.testing.assert_allclose(hessian, np.diag([-1.25, -1.0]))


@pytest.fixture
def quick_to_compile(monkeypatch):
    """Say how many seconds Numba takes."""

    def say(seconds):
        monkeypatch.setattr(compiling, "seconds_to_compile", lambda nodes: seconds)

    return say


def test_auto_moves_to_numba(quick_to_compile):
    quick_to_compile(0.0)
    density, theta = LogDensity(globe()), np.array([0.7])
    before = density.value(theta)
    seconds = density.seconds_compiling
    assert density.value(theta) == pytest.approx(before, rel=1e-12)
    assert density.seconds_compiling > seconds


def test_auto_counts_calls(quick_to_compile, modes):
    once = LogDensity(globe())
    once.value(np.zeros(1))
    quick_to_compile(2.5 * once._functions.compiled["value"]._saved)
    density = LogDensity(globe())
    modes.clear()
    for so_far in (["numpy"], ["numpy"], ["numpy", "numba"], ["numpy", "numba"]):
        density.value(np.zeros(1))
        assert modes == so_far


def test_auto_counts_the_rows_of_a_batch(quick_to_compile, modes):
    quick_to_compile(0.01)
    density = LogDensity(globe())
    for _ in range(5):
        density.batched_value(np.zeros((10, 1)))
    assert modes == ["numpy"]
    density.batched_value(np.zeros((1_000_000, 1)))
    assert modes == ["numpy", "numba"]


@pytest.mark.parametrize("linker", ["numpy", "numba"])
def test_a_chosen_linker_is_kept(quick_to_compile, modes, linker):
    quick_to_compile(0.0)
    density = LogDensity(globe(), linker=linker)
    for _ in range(3):
        density.value(np.zeros(1))
    assert modes == [linker]


def test_an_unknown_linker():
    with pytest.raises(ArgumentError, match="'auto', 'numpy' or 'numba', but 'fortran' was given"):
        LogDensity(globe(), linker="fortran").value(np.zeros(1))


def test_seconds_are_those_of_the_first_call():
    density = LogDensity(globe())
    assert density.seconds_compiling == 0
    density.value(np.zeros(1))
    seconds = density.seconds_compiling
    density.value(np.ones(1))
    assert density.seconds_compiling == seconds
