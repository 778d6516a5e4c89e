"""What the data alone decide is computed once, and again when the data change."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.graph.traversal import toposort
from pytensor.scalar.math import GammaLn
from pytensor.tensor.elemwise import Elemwise

from tripos.approximations import LogDensity
from tripos.approximations.density.graphs.hoisting import hoist
from tripos.models import bioassay


@pytest.fixture
def parts():
    """Give theta, a shared array, and a graph that takes log factorials of the array."""
    theta = pt.vector("theta")
    data = pytensor.shared(np.array([1.0, 2.0, 3.0]), name="data")
    return theta, data, (pt.gammaln(data + 1) * theta[0] + data).sum()


def _operations(graph):
    nodes = toposort([graph])
    return [type(node.op.scalar_op) for node in nodes if isinstance(node.op, Elemwise)]


def test_functions_of_the_data_leave_the_graph(parts):
    _, _, graph = parts
    hoisted = hoist(graph)
    assert GammaLn in _operations(graph)
    assert GammaLn not in _operations(hoisted.graph)
    assert len(hoisted.sources) == 1


def test_the_graph_keeps_its_value_through_new_data(parts):
    theta, data, graph = parts
    hoisted = hoist(graph)
    point = {theta: np.array([0.5])}
    np.testing.assert_allclose(hoisted.graph.eval(point), graph.eval(point), rtol=1e-14)
    data.set_value(np.array([4.0, 7.0]))
    hoisted.refresh()
    np.testing.assert_allclose(hoisted.graph.eval(point), graph.eval(point), rtol=1e-14)


def test_a_graph_of_parameters_alone_is_left_as_it_is():
    theta = pt.vector("theta")
    graph = (theta**2).sum()
    assert hoist(graph).sources == {}
    assert hoist(graph).graph is graph


def test_lengths_are_left_in_place():
    """PyTensor follows lengths by where they come from: an own container would hide that."""
    theta = pt.vector("theta")
    length = pytensor.shared(np.array(3), name="length")
    assert hoist(pt.alloc(theta[0], length + 1).sum()).sources == {}


def test_the_factor_of_a_known_covariance_is_computed_once():
    covariance = np.array([[2.0, 0.6], [0.6, 1.0]])
    with pm.Model() as model:
        mu = pm.Normal("mu", shape=2)
        pm.MvNormal("y", mu, covariance, observed=[0.3, -1.0])
    density = LogDensity(model)
    theta = np.array([0.2, 0.1])
    expected = model.compile_logp(jacobian=True)({"mu": theta})
    assert density.value(theta) == pytest.approx(float(expected), rel=1e-13)
    names = [str(node.op) for node in toposort([density.symbolic.stable_logp])]
    assert not any("Cholesky" in name for name in names)


def test_data_out_of_range_are_seen_after_set_data():
    """The guards on the data are hoisted, too."""
    density = LogDensity(bioassay())
    theta = np.array([0.8, 7.7])
    assert np.isfinite(density.value(theta))
    density.set_data({"deaths": [0, 1, 3, 6]})
    assert density.value(theta) == -np.inf
    density.set_data({"deaths": [0, 1, 3, 5]})
    assert np.isfinite(density.value(theta))
