"""Groups of columns: each entry can be read, and no more groups than the structure needs."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import sparse

from tripos.approximations.density.sparsity.colouring import coloured


def _band(size, width):
    offsets = range(-width, width + 1)
    band = sparse.diags_array(np.ones(len(offsets)), offsets=offsets, shape=(size, size))
    return sparse.csc_array(band, dtype=bool)


def _arrow(size, hubs):
    full = np.eye(size, dtype=bool)
    full[:hubs] = full[:, :hubs] = True
    return sparse.csc_array(full)


def _blocks(count, length):
    blocks = np.kron(np.eye(count), np.ones((length, length)))
    return sparse.csc_array(blocks, dtype=bool)


@pytest.mark.parametrize(
    ("structure", "count", "hubs"),
    [
        (_band(50, 0), 1, 0),
        (_band(50, 1), 3, 0),
        (_band(50, 2), 5, 0),
        (_arrow(50, 3), 4, 3),
        (_blocks(20, 3), 3, 0),
    ],
    ids=["diagonal", "walk", "AR(2)", "arrow", "blocks"],
)
def test_count(structure, count, hubs):
    colouring = coloured(structure, most=50)
    assert (colouring.count, len(colouring.hubs)) == (count, hubs)


def test_crossed_effects_make_one_side_hubs():
    meets = np.ones((40, 4))
    both = np.block([[np.eye(40), meets], [meets.T, np.eye(4)]])
    colouring = coloured(sparse.csc_array(both.astype(bool)), most=44)
    assert colouring.count == 5
    np.testing.assert_array_equal(colouring.hubs, np.arange(40, 44))


def test_too_many_groups_are_not_worth_it():
    assert coloured(_blocks(2, 8), most=7) is None
    assert coloured(_blocks(2, 8), most=8).count == 8


@given(st.integers(1, 14), st.floats(0, 1), st.integers(0, 10**6))
def test_every_entry_is_read_where_it_stands(size, share, seed):
    """Reading the products of a symmetric matrix gives the matrix back, whatever its zeros."""
    rng = np.random.default_rng(seed)
    full = rng.standard_normal((size, size)) * (rng.random((size, size)) < share)
    full = full + full.T
    structure = sparse.csc_array(full != 0)
    colouring = coloured(structure, most=size)
    products = np.array([full @ colouring.seed(group) for group in range(colouring.count)])
    read = sparse.csc_array(
        (products.reshape(-1, size)[colouring.places], structure.indices, structure.indptr),
        shape=full.shape,
    )
    np.testing.assert_allclose(read.toarray(), full, rtol=1e-12, atol=1e-12)
