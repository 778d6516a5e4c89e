"""A Hessian is compared with the gradient: right ones pass, wrong ones do not."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from tripos.approximations.density.derivatives.checking import (
    check_flatness,
    check_kink,
    hessian_error,
)
from tripos.approximations.errors import CurvatureError, DerivativeError


@dataclass
class Slope:
    """A log density as the check sees it: its gradient, and which Hessian it claims to have."""

    gradient: Any
    size: int
    has_exact_hessian: bool = True
    value: Any = float
    calls: int = 0

    @property
    def parameters(self):
        return tuple(f"x[{k}]" for k in range(self.size))

    def nearby(self, theta):
        self.calls += 1
        return self.value(*theta[:1]), self.gradient(theta)


def checked(density, theta, hessian, scale=None):
    diagonal = np.abs(np.diag(hessian))
    scale = np.sqrt(np.where(diagonal > 0, diagonal, 1.0)) if scale is None else scale
    return hessian_error(density, theta, lambda v: hessian @ v, scale)


def correlated(size, rng, spread=6):
    """A precision whose parameters are correlated, and whose sds lie orders of magnitude apart."""
    root = rng.normal(size=(size, 2 * size))
    scale = 10 ** rng.uniform(-spread, spread, size=size)
    return root @ root.T / (2 * size) * np.outer(scale, scale)


@given(st.integers(1, 100), st.integers(0, 2**32 - 1))
def test_right_hessians_pass_at_any_scale(size, seed):
    precision = correlated(size, np.random.default_rng(seed))
    density = Slope(lambda theta: -precision @ theta, size)
    assert checked(density, np.zeros(size), -precision) == 0
    assert density.calls == 4


@given(
    st.integers(1, 100),
    st.integers(0, 2**32 - 1),
    st.floats(0.02, 2.0),
    st.booleans(),
    st.data(),
)
def test_one_wrong_entry_of_many_is_found(size, seed, share, is_more, data):
    """Relative to the sds of the two parameters, an entry is off by some per cent."""
    precision = correlated(size, np.random.default_rng(seed))
    j, k = (data.draw(st.integers(0, size - 1)) for _ in range(2))
    error = share * np.sqrt(precision[j, j] * precision[k, k]) * (1 if is_more else -1)
    wrong = precision.copy()
    wrong[j, k] += error
    wrong[k, j] = wrong[j, k]
    assume(np.diag(wrong).min() > 0)
    density = Slope(lambda theta: -precision @ theta, size)
    with pytest.raises(DerivativeError, match="is not the second derivative"):
        checked(density, np.zeros(size), -wrong)


def test_the_error_is_told_where_the_hessian_is_of_differences():
    """As a share z / (1 + z) of a hundredth, where a direction is z from 0.5 to 1.5 sds long."""
    density = Slope(lambda theta: -np.array([[2.0]]) @ theta, 1, has_exact_hessian=False)
    assert 0.0033 < checked(density, np.zeros(1), np.array([[-2.02]])) < 0.006
    assert checked(density, np.zeros(1), np.array([[-2.0]])) == pytest.approx(0.0, abs=1e-12)


def test_a_scale_that_is_far_too_small_is_made_up_for():
    """That of a prior, where the data say a million times more: x has a bend at a hundred sds."""
    precision = np.array([1e12, 4e12])
    density = Slope(lambda theta: -precision * np.sinh(theta * 1e4) / 1e4, 2)
    assert checked(density, np.zeros(2), -np.diag(precision), scale=np.ones(2)) == 0


@pytest.mark.parametrize("distance", [1e-4, 1e-2, 1.0])
def test_a_kink_beside_the_mode_does_not_matter(distance):
    """A Laplace prior of sd 1 upon a normal likelihood, its kink so many sds from the mode."""
    theta = np.array([distance, 1.0])
    slope = Slope(lambda x: -(x - theta) + np.sign(theta) - np.sign(x), 2)
    assert checked(slope, theta, -np.eye(2)) == 0


def test_a_kink_at_the_mode_does():
    slope = Slope(lambda x: -x - np.sign(x), 2)
    with pytest.raises(DerivativeError, match="the slope jumps"):
        checked(slope, np.zeros(2), -np.eye(2))


def test_an_edge_beside_the_mode_does_not_matter():
    slope = Slope(lambda x: np.where(x > -1e-4, -x, np.nan), 3)
    assert checked(slope, np.zeros(3), -np.eye(3)) == 0


def test_gradients_that_lose_digits_do_not_matter():
    """A float32 has seven digits: here the gradient's terms are of size 10, and cancel."""
    terms = np.array([10.0, -10.0])

    def gradient(x):
        return (np.float32(terms) - np.float32(x[:, None])).sum(axis=1, dtype=np.float32) / 2

    assert checked(Slope(gradient, 2), np.zeros(2), -np.eye(2)) == 0


def test_no_finite_gradient_is_no_agreement():
    with pytest.raises(DerivativeError, match="nan"):
        checked(Slope(lambda x: np.full(1, np.nan), 1), np.zeros(1), -np.eye(1))


class TestFlatness:
    def test_a_flat_top_is_told_from_a_lost_curvature(self):
        density = Slope(lambda x: -4 * x, 2)
        with pytest.raises(DerivativeError):
            check_flatness(density, np.zeros(2), lambda v: 0.01 * v)

    @pytest.mark.parametrize("place", [0.0, 1e-4, 1e-2])
    def test_a_fourth_power_is_flat(self, place):
        density = Slope(lambda x: -4 * x**3, 1)
        check_flatness(density, np.array([place]), lambda v: -12 * place**2 * v)

    @pytest.mark.parametrize("place", [30.0, 700.0])
    def test_a_slope_that_levels_off_is_flat(self, place):
        density = Slope(lambda x: np.exp(-x), 1)
        check_flatness(density, np.array([place]), lambda v: -np.exp(-place) * v)


class TestKink:
    def test_the_slope_jumps(self):
        density = Slope(lambda x: -np.sign(x), 2)
        with pytest.raises(CurvatureError, match=r"x\[1\] = 0 .* from 1 to -1"):
            check_kink(density, np.zeros(2), 1, 1.0)

    def test_the_density_ends(self):
        density = Slope(lambda x: x, 1, value=lambda x: -np.inf if x < 0 else 0.0)
        with pytest.raises(CurvatureError, match=r"edge of the support.* is 0"):
            check_kink(density, np.zeros(1), 0, 1.0)

    def test_a_steep_slope_is_smooth(self):
        density = Slope(lambda x: -(1e4**2) * x, 1)
        check_kink(density, np.array([1e-3]), 0, 1e4)
