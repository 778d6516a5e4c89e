"""Derivatives along vectors and of products, of log densities and of other functions of theta."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from tripos.approximations import LogDensity
from tripos.approximations.density.derivatives import scalar_function
from tripos.models import borrowers

from ... import opaque
from ..sparse_models import crossed, gaussian_random_walk, hierarchical

MODELS = {
    "borrowers": lambda: borrowers(50),
    "walk": gaussian_random_walk,
    "crossed_logistic": crossed,
    # Its Hessian is made of differences, and so are its third derivatives.
    "opaque": lambda: opaque.model_of(opaque.Curve()),
}
# Central differences of sixth order: weights of f(x + k h) - f(x - k h), over h.
_STENCIL, _STEP = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}, 0.03


@pytest.fixture(scope="module", params=MODELS)
def density(request):
    return LogDensity(MODELS[request.param](), linker="numpy")


def _gradient_by_differences(function, point):
    slopes = [
        sum(w * (function(point + k * u) - function(point - k * u)) for k, w in _STENCIL.items())
        for u in _STEP * np.eye(len(point))
    ]
    return np.array(slopes) / _STEP


def _products_one_by_one(density, theta, vectors):
    return [density.hessian_vector_product(theta, vector) for vector in vectors]


def test_derivatives_along_are_those_of_the_density(density, rng):
    theta, vectors = density.initial_point() + 0.1, rng.standard_normal((3, density.size))
    value, gradient, products = density.logp.derivatives_along(theta, vectors)
    assert value == pytest.approx(density.value(theta), rel=1e-12)
    np.testing.assert_allclose(gradient, density.gradient(theta), rtol=1e-9, atol=1e-12)
    expected = _products_one_by_one(density, theta, vectors)
    np.testing.assert_allclose(products, expected, rtol=1e-9, atol=1e-10)
    np.testing.assert_array_equal(density.logp.hessian_vector_products(theta, vectors), products)


def test_the_gradient_of_products(density, rng):
    theta = density.initial_point() + 0.1
    vectors, weights = rng.standard_normal((2, 3, density.size))

    def product(point):
        return np.sum(weights * density.logp.hessian_vector_products(point, vectors))

    expected = _gradient_by_differences(product, theta)
    found = density.logp.product_gradient(theta, vectors, weights)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


def test_many_products_at_once_are_those_one_by_one(rng, monkeypatch):
    density = LogDensity(crossed(), linker="numpy")
    theta = density.initial_point() + 0.1
    vectors, weights = rng.standard_normal((2, 5, density.size))
    one_by_one = density.logp.product_gradient(theta, vectors, weights)
    monkeypatch.setattr(scalar_function, "_ONE_BY_ONE", 0)
    two_a_call = 2 * density.logp.functions.worked
    monkeypatch.setattr(scalar_function, "_ENTRIES", two_a_call)
    many = density.logp.product_gradient(theta, vectors, weights)
    np.testing.assert_allclose(many, one_by_one, rtol=1e-10)
    products = density.logp.hessian_vector_products(theta, vectors)
    expected = _products_one_by_one(density, theta, vectors)
    np.testing.assert_allclose(products, expected, rtol=1e-9, atol=1e-10)


def test_a_quantity_shares_the_data_and_nothing_that_was_found_of_the_density(rng):
    """The density's Hessian is sparse, in colours that would not do for the quantity."""
    density = LogDensity(hierarchical(groups=400, each=1), linker="numpy")
    theta = 0.1 * rng.standard_normal(density.size)
    assert density.has_sparse_hessian
    before = density.derivatives(theta), dict(density.evaluations)
    effects = density.symbolic.quantities[density.variables.index("effect")]
    function = density.function_of(pt.exp(effects.sum() / 40))
    value, gradient, hessian = function.derivatives(theta)
    where = [label.startswith("effect") for label in density.parameters]
    expected = np.exp(theta[where].sum() / 40)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient, expected / 40 * np.array(where), rtol=1e-12)
    np.testing.assert_allclose(hessian, expected / 1600 * np.outer(where, where), rtol=1e-12)
    assert density.evaluations == before[1]
    np.testing.assert_array_equal(density.derivatives(theta)[1], before[0][1])


def test_a_quantity_is_one_of_the_data_as_they_are():
    with pm.Model() as model:
        x, dose = pm.Normal("x"), pm.Data("dose", np.array([1.0, 2.0]))
        pm.Deterministic("effect", (dose * x).sum())
    density = LogDensity(model, linker="numpy")
    function = density.function_of(density.symbolic.quantities[1])
    assert function.value(np.array([0.5])) == pytest.approx(1.5)
    density.set_data({"dose": np.array([3.0, 5.0])})
    assert function.value(np.array([0.5])) == pytest.approx(4.0)
