"""The pattern of a Hessian: never too little, and exact for the models that it is made for."""

import numpy as np
import pytensor
import pytensor.sparse as ps
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings, strategies as st
from scipy import sparse

from tripos.approximations import LogDensity
from tripos.approximations.density.sparsity.dependence_rules import Known, Reader
from tripos.approximations.density.sparsity.pattern import follow, hessian_structure, pattern_of
from tripos.models.catalogue import CATALOGUE

from ..sparse_models import EXACT, OTHERS, hierarchical

SIZE = 12


def _dense_hessian(density):
    """Have the Hessian by a product for every parameter, at a point that is no special one."""
    rng = np.random.default_rng(3)
    theta = density.initial_point() + 0.3 * rng.standard_normal(density.size)
    products = [density.hessian_vector_product(theta, unit) for unit in np.eye(density.size)]
    return np.array(products)


def _structure(density):
    structure = pattern_of(density.symbolic).structure
    np.testing.assert_array_equal(structure.toarray(), structure.toarray().T)
    return structure.toarray()


def _nonzeros(hessian):
    return np.abs(hessian) > 1e-13 * np.abs(hessian).max()


@pytest.mark.parametrize("build", EXACT.values(), ids=EXACT)
def test_exact(build):
    density = LogDensity(build(), linker="numpy")
    np.testing.assert_array_equal(_structure(density), _nonzeros(_dense_hessian(density)))


@pytest.mark.parametrize("build", OTHERS.values(), ids=OTHERS)
def test_superset(build):
    density = LogDensity(build(), linker="numpy")
    assert not np.any(_nonzeros(_dense_hessian(density)) & ~_structure(density))


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=list(CATALOGUE))
def test_superset_for_the_catalogue(entry):
    density = LogDensity(entry.build(), linker="numpy")
    structure = density.pattern.structure
    if structure is None:
        assert not density.has_sparse_hessian
        return
    rng = np.random.default_rng(3)
    theta = density.initial_point() + 0.1 * rng.standard_normal(density.size)
    # Of the large ones some columns: hubs are the first or the last, as a rule.
    columns = np.unique(np.linspace(0, density.size - 1, 60).astype(int))
    for k in columns:
        unit = np.zeros(density.size)
        unit[k] = 1.0
        outside = ~structure[:, [k]].toarray().ravel()
        assert not np.any(_nonzeros(density.hessian_vector_product(theta, unit)) & outside)


# A family of graphs: each step makes a new array of those before it.


def _indexed(x, rng):
    return pt.concatenate([x.ravel(), x.ravel()])[rng.integers(0, 2, 5)]


def _sliced(x, rng):
    return pt.atleast_1d(x)[:: rng.integers(1, 3)][: rng.integers(1, 4)]


def _reversed(x, rng):
    return pt.atleast_1d(x).T[::-1]


def _broadcast(x, rng):
    return x[..., None] * pt.as_tensor(rng.standard_normal(3))


def _summed(x, rng):
    return x.sum(axis=int(rng.integers(x.type.ndim))) if x.type.ndim else x


def _highest(x, rng):
    return x.max(axis=-1, keepdims=True) if x.type.ndim else x


def _scattered(x, rng):
    zeros = pt.zeros(6)
    entries = x.ravel()[:2]
    return pt.inc_subtensor(zeros[pt.as_tensor(rng.integers(0, 6, 2))], entries[-1])


def _replaced(x, rng):
    return pt.set_subtensor(x.ravel()[:1], 0.7)


def _stacked(x, rng):
    return pt.stack([x, pt.cos(x)], axis=int(rng.integers(x.type.ndim + 1)))


def _joined(x, rng):
    flat = x.ravel()
    return pt.concatenate([flat[1:], pt.as_tensor([0.3]), flat[:1]])


def _multiplied(x, rng):
    """Products with a matrix that has zeros, from either side."""
    flat = x.ravel()
    matrix = pytensor.shared(np.array([[1.0, 0, 0], [0, 2.0, 0], [0, 0.5, 1.0], [0, 0, 0]]))
    three = pt.concatenate([flat, flat, flat])[:3]
    return pt.dot(matrix, three) if rng.integers(2) else pt.dot(three, matrix.T)


def _cumulated(x, rng):
    return pt.cumsum(x, axis=int(rng.integers(x.type.ndim))) if x.type.ndim else x


def _softmax(x, rng):
    return pt.special.softmax(x, axis=-1) if x.type.ndim else x


def _chosen(x, rng):
    return pt.switch(x > 0, x**2, 0.5 * x)


def _times_zero(x, rng):
    return 0.0 * x + pt.ones_like(x)


def _reshaped(x, rng):
    flat = x.ravel()
    return pt.concatenate([flat, flat, flat, flat])[:4].reshape((2, 2))


def _batched(x, rng):
    """A batch of products, of blocks that depend on parameters."""
    blocks = pt.stack([_reshaped(x, rng), pt.sin(_reshaped(x, rng))])
    return blocks @ blocks


STEPS = [
    _indexed, _sliced, _reversed, _broadcast, _summed, _highest, _scattered, _replaced, _stacked,
    _joined, _multiplied, _cumulated, _softmax, _chosen, _times_zero, _reshaped, _batched,
]  # fmt: skip


@st.composite
def cost_graphs(draw):
    """Draw a scalar function of ``theta``, sparse in parts."""
    theta = pt.vector("theta", shape=(SIZE,))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    costs = []
    for start in range(0, SIZE, 3):
        arrays = [theta[start : start + 3] * theta[(start + 4) % SIZE]]
        for step in draw(st.lists(st.sampled_from(STEPS), max_size=4)):
            made = step(arrays[-1], rng)
            # Small arrays: a step too many in one direction would only cost time.
            arrays.append(made if made.type.ndim < 4 else made.sum(axis=(0, 1)))
        costs.append(pt.tanh(arrays[-1]).sum() + pt.exp(-arrays[0]).sum())
    return theta, sum(costs)


def _values(graph, theta, at):
    """Evaluate a graph by each operation's NumPy code: compiling one a case would take minutes."""
    reader = Reader(SIZE, lambda graphs, known: follow(graphs, known, reader), set())
    (state,) = follow([graph], {theta: Known(at)}, reader)
    return state.value


@settings(max_examples=40)
@given(cost_graphs(), st.integers(0, 10**6))
def test_superset_for_a_family(drawn, seed):
    """Move a parameter: what moves in the gradient must be in its column of the pattern."""
    theta, cost = drawn
    gradient = pytensor.grad(cost, theta)
    structure = hessian_structure(gradient, theta, SIZE, set()).toarray()
    at = np.random.default_rng(seed).standard_normal(SIZE)
    here = _values(gradient, theta, at)
    for k, unit in enumerate(np.eye(SIZE)):
        there = _values(gradient, theta, at + 0.3 * unit)
        moved = np.abs(there - here) > 1e-12 * (1 + np.abs(here))
        assert not np.any(moved & ~structure[:, k])


@pytest.mark.parametrize("kind", [sparse.csc_matrix, sparse.csr_matrix])
def test_a_sparse_product_keeps_its_zeros(kind):
    band = np.eye(5) + np.diag(np.ones(4), 1)
    theta = pt.vector("theta", shape=(5,))
    product = ps.structured_dot(ps.as_sparse(kind(band)), theta[:, None])
    gradient = pytensor.grad(pt.exp(product).sum(), theta)
    found = hessian_structure(gradient, theta, 5, set()).toarray()
    np.testing.assert_array_equal(found, band.T @ band != 0)


def test_a_product_of_parameters_mixes_rows_with_columns():
    theta = pt.vector("theta", shape=(SIZE,))
    left, right = theta[:6].reshape((3, 2)), theta[6:].reshape((2, 3))
    gradient = pytensor.grad(pt.exp(left @ right).sum(), theta)
    found = hessian_structure(gradient, theta, SIZE, set()).toarray()
    expected = np.ones((SIZE, SIZE), dtype=bool)
    expected[:6, :6] = np.kron(np.eye(3), np.ones((2, 2)))
    expected[6:, 6:] = np.kron(np.ones((2, 2)), np.eye(3))
    np.testing.assert_array_equal(found, expected)


# What the pattern was read of.


def test_indices_are_read_and_other_data_are_not():
    density = LogDensity(hierarchical())
    assert {shared.name for shared in density.pattern.read} == {"group"}


def test_new_groups_make_a_new_pattern():
    density = LogDensity(hierarchical(groups=6, each=2), linker="numpy")
    before = density.pattern
    density.set_data({"y": np.ones(12, dtype=int)})
    assert density.pattern is before
    density.set_data({"group": np.repeat(np.arange(6), 2)})
    assert density.pattern is before
    density.set_data({"group": np.zeros(12, dtype=int)})
    assert density.pattern is not before
    # A group without observations no longer meets the slopes.
    assert density.pattern.structure.nnz < before.structure.nnz
    np.testing.assert_array_equal(
        density.pattern.structure.toarray(), _nonzeros(_dense_hessian(density))
    )


def test_a_large_dense_pattern_is_not_written_down():
    density = LogDensity(OTHERS["network"](inputs=40, hidden=100))
    assert density.size == 4100
    assert density.pattern.structure is None
