"""Softplus and sigmoid from one exponential: as exact as SciPy's, at any size of the argument."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.graph.traversal import toposort
from pytensor.scalar.basic import Exp
from pytensor.tensor.elemwise import Elemwise
from scipy.special import expit

from tripos.approximations.density.graphs.compiling import _numba_mode
from tripos.approximations.density.graphs.logistic import sigmoid, softplus

PLACES = np.concatenate(
    [np.linspace(-40, 40, 801), [-np.inf, -1e308, -700.0, -1e-300, 1e-300, 700.0, 1e308, np.inf]]
)
PAIRS = {
    "softplus": (softplus, lambda x: np.logaddexp(0, x)),
    "softplus of minus x": (lambda x: softplus(-x), lambda x: np.logaddexp(0, -x)),
    "sigmoid": (sigmoid, expit),
    "sigmoid of minus x": (lambda x: sigmoid(-x), lambda x: expit(-x)),
}


def _evaluated(graph, x, places):
    mode = "FAST_COMPILE"
    return pytensor.function([x], graph, mode=mode, on_unused_input="ignore")(places)


@pytest.mark.parametrize(("ours", "exact"), PAIRS.values(), ids=PAIRS)
def test_to_rounding(ours, exact):
    x = pt.vector("x")
    np.testing.assert_allclose(_evaluated(ours(x), x, PLACES), exact(PLACES), rtol=1e-15, atol=0)


@pytest.mark.parametrize("ours", [pair[0] for pair in PAIRS.values()], ids=PAIRS)
def test_not_a_number_stays(ours):
    x = pt.vector("x")
    assert np.isnan(_evaluated(ours(x), x, np.array([np.nan]))[0])


def test_four_take_one_exponential():
    x = pt.vector("x")
    total = softplus(x) + softplus(-x) + sigmoid(x) + sigmoid(-x)
    assert _count(pytensor.graph.rewriting.utils.rewrite_graph(total, include=("merge",)), Exp) == 1


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_numba_takes_it_and_keeps_the_dtype(dtype):
    x = pt.vector("x", dtype=dtype)
    graphs = [pt.softplus(x), pt.softplus(-x), pt.sigmoid(x), pt.sigmoid(-x)]
    function = pytensor.function([x], graphs, mode=_numba_mode())
    compiled = pytensor.dprint(function, file="str")
    assert ("Softplus" in compiled) == (dtype == "int64")  # whole numbers are left alone
    places = np.arange(-20, 20).astype(dtype)
    for graph, answer, (_, exact) in zip(graphs, function(places), PAIRS.values(), strict=True):
        assert str(answer.dtype) == graph.type.dtype
        few = 4 * np.finfo(graph.type.dtype).eps
        np.testing.assert_allclose(answer, exact(places.astype(float)), rtol=few)


def _count(graph, scalar_op):
    nodes = [node for node in toposort([graph]) if isinstance(node.op, Elemwise)]
    return sum(isinstance(node.op.scalar_op, scalar_op) for node in nodes)
