"""A model with a sparse matrix of predictors is the model with the same matrix dense."""

import numpy as np
import pymc as pm
import pytensor.sparse as ps
import pytest
from scipy import sparse

from tripos.approximations import LogDensity, laplace

ROWS, COLUMNS = 60, 20
PREDICTORS = sparse.random_array((ROWS, COLUMNS), density=0.1, rng=1, format="csr")
KINDS = {
    "csr": lambda b: ps.dot(ps.as_sparse(sparse.csr_matrix(PREDICTORS)), b),
    "csc": lambda b: ps.dot(ps.as_sparse(sparse.csc_matrix(PREDICTORS)), b),
    "structured": lambda b: ps.structured_dot(
        ps.as_sparse(sparse.csr_matrix(PREDICTORS)), b[:, None]
    )[:, 0],
    "from the right": lambda b: ps.dot(b[None, :], ps.as_sparse(sparse.csr_matrix(PREDICTORS.T)))[
        0
    ],
}


def density_of(product):
    with pm.Model() as model:
        b = pm.Normal("b", 0.0, 0.5, shape=COLUMNS)
        pm.Poisson("y", pm.math.exp(product(b)), observed=np.arange(ROWS) % 3)
    return LogDensity(model, linker="numpy")


@pytest.fixture(scope="module")
def dense():
    return density_of(lambda b: pm.math.dot(PREDICTORS.toarray(), b))


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_dense_model(dense, kind):
    density = density_of(KINDS[kind])
    thetas = np.random.default_rng(2).normal(size=(3, COLUMNS))
    np.testing.assert_allclose(density.batched_value(thetas), dense.batched_value(thetas))
    assert density.value(thetas[0]) == pytest.approx(dense.value(thetas[0]))
    np.testing.assert_allclose(density.gradient(thetas[0]), dense.gradient(thetas[0]), atol=1e-9)
    np.testing.assert_allclose(density.hessian(thetas[0]), dense.hessian(thetas[0]), atol=1e-9)


def test_its_zeros_are_found():
    density = density_of(KINDS["csr"])
    exact = (PREDICTORS.T @ PREDICTORS + sparse.eye_array(COLUMNS)).toarray() != 0
    np.testing.assert_array_equal(density.pattern.structure.toarray(), exact)


def test_laplace_takes_it(dense):
    tree, known = (laplace(d, draws=10) for d in (density_of(KINDS["csr"]), dense))
    np.testing.assert_allclose(tree["fit"]["sd"], known["fit"]["sd"], rtol=1e-6)
