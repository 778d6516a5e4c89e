"""The sparse Hessian of a log density: the dense one's numbers, from few products."""

import numpy as np
import pytest
from scipy import sparse

from tripos.approximations import LogDensity
from tripos.approximations.density.sparsity import hessian as sparse_hessian
from tripos.approximations.errors import SparsityError
from tripos.models import bioassay

from ..sparse_models import EXACT, autoregression, crossed, hierarchical, network, random_walk


def _theta(density):
    return density.initial_point() + 0.2 * np.random.default_rng(4).standard_normal(density.size)


# Products: hubs (mu, tau, two slopes; the persons' scale and the items; sigma; none), colours.
SPARSE = {
    "hierarchical": (lambda: hierarchical(groups=400), 4 + 1),
    "crossed": (lambda: crossed(persons=400, items=5), 6 + 1),
    "random_walk": (lambda: random_walk(400), 1 + 3),
    "gaussian_random_walk": (lambda: EXACT["gaussian_random_walk"](400), 1 + 3),
    "autoregression": (lambda: autoregression(400), 5),
    "varying_slopes": (lambda: EXACT["varying_slopes"](200), 3 + 2),
}


@pytest.mark.parametrize(("build", "count"), SPARSE.values(), ids=SPARSE)
def test_equals_the_dense_hessian_in_few_products(build, count):
    density = LogDensity(build(), linker="numpy")
    assert density.has_sparse_hessian
    theta = _theta(density)
    hessian = density.hessian(theta)
    assert isinstance(hessian, sparse.csc_array)
    # One more product checks the others.
    assert density.evaluations["hessian_vector_product"] == count + 1
    units = np.eye(density.size)
    columns = np.random.default_rng(6).choice(density.size, 20, replace=False)
    exact = np.array([density.hessian_vector_product(theta, units[k]) for k in columns])
    size = np.abs(exact).max()
    found = hessian[:, columns].toarray().T
    np.testing.assert_allclose(found, exact, rtol=1e-10, atol=1e-12 * size)
    assert (hessian != hessian.T).nnz == 0


def test_derivatives_have_the_same_hessian():
    density = LogDensity(SPARSE["hierarchical"][0](), linker="numpy")
    theta = _theta(density)
    value, gradient, hessian = density.derivatives(theta)
    assert density.evaluations == {"value": 0, "gradient": 1, "hessian_vector_product": 6}
    assert value == density.value(theta)
    np.testing.assert_array_equal(gradient, density.gradient(theta))
    assert abs(hessian - density.hessian(theta)).max() == 0


@pytest.mark.parametrize(
    "build", [bioassay, hierarchical, lambda: network(20, 20)], ids=["bioassay", "small", "dense"]
)
def test_small_and_dense_models_have_an_array(build):
    density = LogDensity(build(), linker="numpy")
    assert not density.has_sparse_hessian
    assert isinstance(density.hessian(_theta(density)), np.ndarray)


def test_small_models_are_not_walked(monkeypatch):
    monkeypatch.setattr(
        "tripos.approximations.density.derivatives.scalar_function.pattern_of", None
    )
    density = LogDensity(bioassay())
    # Whoever walked would call None.
    assert isinstance(density.derivatives(_theta(density))[2], np.ndarray)


def test_a_wrong_pattern_is_told(monkeypatch):
    density = LogDensity(random_walk(400), linker="numpy")
    structure = density.pattern.structure.tolil()
    structure[7, 8] = structure[8, 7] = False
    wrong = sparse.csc_array(structure)
    wrong.eliminate_zeros()
    colouring = sparse_hessian.coloured(wrong, most=100)
    theta = _theta(density)
    with pytest.raises(SparsityError, match="pattern of zeros"):
        sparse_hessian.sparse_hessian(
            colouring, lambda vector: density.hessian_vector_product(theta, vector)
        )


def test_what_is_not_finite_is_handed_on():
    """As with a dense Hessian, those who asked judge it."""
    colouring = sparse_hessian.coloured(sparse.csc_array(np.eye(3, dtype=bool)), most=3)
    hessian = sparse_hessian.sparse_hessian(colouring, lambda vector: vector * np.nan)
    assert np.all(np.isnan(hessian.data))


def test_new_groups_make_a_new_hessian():
    density = LogDensity(hierarchical(groups=400, each=2), linker="numpy")
    theta = _theta(density)
    before = density.hessian(theta)
    density.set_data({"group": np.tile(np.arange(400), 2)[::-1].copy() // 2})
    after = density.hessian(theta)
    assert after.nnz < before.nnz
    unit = np.zeros(density.size)
    unit[10] = 1.0
    exact = density.hessian_vector_product(theta, unit)
    np.testing.assert_allclose(after @ unit, exact, rtol=1e-10, atol=1e-12)
