"""The rule of reflection, in closed form."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.special import expit

from tripos.approximations.weights.reflection import log_share, reflected

logs = st.one_of(st.floats(-700, 700), st.just(-np.inf))


@given(logs, logs)
def test_the_shares_of_a_point_and_its_image_add_up(one, other):
    shares = np.exp([log_share(np.array([one]), np.array([other]))])
    image = np.exp([log_share(np.array([other]), np.array([one]))])
    assert shares + image == pytest.approx(1.0)
    if np.isfinite(one) and np.isfinite(other):
        assert shares == pytest.approx(expit(one - other))


def test_a_density_of_zero():
    zero, some = np.array([-np.inf]), np.array([3.0])
    assert log_share(some, zero) == 0
    assert log_share(zero, some) == -np.inf
    assert log_share(zero, zero) == pytest.approx(np.log(0.5))


def test_the_factor_is_the_density_of_what_was_chosen():
    """Of a uniform distribution on (-1, 1) and a target that rises along it: 1/2 to (1 + x) / 2."""
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, size=(50_000, 1))
    logp, mirrored = np.log1p(x[:, 0]), np.log1p(-x[:, 0])
    points, here, factor, is_image = reflected(x, -x, logp, mirrored, rng)
    np.testing.assert_array_equal(points[is_image], -x[is_image])
    np.testing.assert_allclose(here, np.log1p(points[:, 0]))
    np.testing.assert_allclose(np.log(0.5) + factor, np.log((1 + points[:, 0]) / 2))
    assert abs(points.mean() - 1 / 3) < 4 * np.sqrt(2 / 9 / 50_000)
