"""Hessian-vector products from gradients alone."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tripos.approximations.density.derivatives.differences import product_by_differences

EPS = np.finfo(float).eps


class Quadratic:
    """The gradient of -(x - centre)' A (x - centre) / 2, which counts its calls."""

    def __init__(self, precision, centre=0.0):
        self.precision, self.centre, self.calls = precision, centre, 0

    def __call__(self, theta):
        self.calls += 1
        return -self.precision @ (theta - self.centre)


@given(st.integers(1, 6), st.integers(0, 2**32 - 1), st.floats(-6, 6), st.floats(-3, 3))
def test_a_quadratic_has_no_error_but_rounding(size, seed, log_scale, log_length):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(size, size)) / 10**log_scale
    gradient = Quadratic(root @ root.T + np.eye(size) / 10 ** (2 * log_scale))
    theta = 10**log_scale * rng.normal(size=size)
    vector = 10**log_length * rng.normal(size=size)
    product = product_by_differences(gradient, theta, vector)
    exact = -gradient.precision @ vector
    # The gradient rounds to its own size, over a step of a thousandth of an sd, or of a 250th part
    # of that where the scale is far from 1 and the step stops at its longest.
    rounding = EPS * size * np.abs(gradient.precision) @ (np.abs(theta) + np.abs(vector))
    step = 1e-3 * min(1.0, 10 ** (3 - log_scale)) / 10**log_length / 10
    tolerance = 10 * rounding.max() / step + 1e-7 * np.abs(exact).max()
    assert np.max(np.abs(product - exact)) <= tolerance
    assert gradient.calls <= 16


@pytest.mark.parametrize("sd", [1e-6, 1e-3, 1.0, 1e3, 1e6])
def test_the_step_follows_the_curvature(sd):
    """The error is h^2 / 6 = 1.7e-7 of the third derivative of the gradient, in sds."""
    product = product_by_differences(
        lambda x: -np.expm1(x / sd) / sd, np.array([0.3 * sd]), np.ones(1)
    )
    assert product[0] == pytest.approx(-np.exp(0.3) / sd**2, rel=3e-6)


def test_a_step_that_leaves_the_support_is_shortened():
    def gradient(x):
        return np.where(np.abs(x) < 1e-5, -x, np.nan)

    product = product_by_differences(gradient, np.zeros(1), np.ones(1))
    np.testing.assert_allclose(product, [-1.0], rtol=1e-9)


def test_where_no_step_is_finite_nor_is_the_product():
    product = product_by_differences(lambda x: np.full(2, np.nan), np.zeros(2), np.ones(2))
    assert not np.any(np.isfinite(product))


def test_a_flat_direction_has_no_curvature():
    gradient = Quadratic(np.diag([0.0, 1.0]))
    product = product_by_differences(gradient, np.zeros(2), np.array([1.0, 0.0]))
    np.testing.assert_array_equal(product, [0.0, 0.0])
    assert gradient.calls <= 16


def test_nothing_times_nothing_takes_no_gradient():
    gradient = Quadratic(np.eye(2))
    np.testing.assert_array_equal(
        product_by_differences(gradient, np.ones(2), np.zeros(2)), np.zeros(2)
    )
    assert gradient.calls == 0


def test_far_from_zero_the_digits_of_the_step_count():
    """At 1e9 a step of a thousandth comes out rounded, by up to a ten-thousandth of itself."""
    gradient = Quadratic(np.eye(1), centre=1e9)
    product = product_by_differences(gradient, np.array([1e9]), np.ones(1))
    np.testing.assert_allclose(product, [-1.0], rtol=1e-12)
