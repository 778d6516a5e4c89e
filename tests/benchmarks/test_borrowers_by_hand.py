"""The solver that benchmarks and nested approximations are compared with, against the model."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from tripos.approximations import LogDensity
from tripos.models import borrowers
from tripos.models.borrowers import simulated_borrowers

# Benchmarks are scripts and no package of tripos.
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from peers import borrowers_by_hand as by_hand

GROUPS = 40
OUTER = np.array([-0.7, 0.3, -0.1, 0.2, -0.4])


@pytest.fixture(scope="module")
def problem():
    return by_hand.problem_of(simulated_borrowers(GROUPS))


def _inner(problem, outer):
    return by_hand.inner(problem, outer, np.zeros(GROUPS))


def _slopes(function, step=1e-4):
    """Central differences of fourth order (Q, ...)."""
    return np.array(
        [
            (8 * (function(OUTER + h) - function(OUTER - h)) - function(OUTER + 2 * h)
             + function(OUTER - 2 * h)) / (12 * step)
            for h in step * np.eye(len(OUTER))
        ]
    )  # fmt: skip


def test_the_outer_density_is_the_models(problem):
    """Laplace's approximation of the integral of the PyMC model's own joint density."""
    density = LogDensity(borrowers(GROUPS))
    at = _inner(problem, OUTER)
    theta = np.r_[OUTER, at.effect]
    assert density.parameters[4] == "sigma_log__"
    assert np.abs(density.gradient(theta)[5:]).max() < 1e-8
    step = 1e-5
    along = theta + np.r_[np.zeros(5), np.full(GROUPS, step)]
    curvature = density.gradient(theta)[5:] - density.gradient(along)[5:]
    np.testing.assert_allclose(at.curvature, curvature / step, rtol=1e-4)
    integral = 0.5 * np.sum(np.log(2 * np.pi / at.curvature))
    expected = density.value(theta) + integral
    assert by_hand.value(problem, OUTER, at) == pytest.approx(expected, rel=1e-12)


def test_the_gradient_is_exact(problem):
    numerical = _slopes(lambda x: by_hand.value(problem, x, _inner(problem, x)))
    exact = by_hand.gradient(problem, OUTER, _inner(problem, OUTER))
    np.testing.assert_allclose(exact, numerical, rtol=0, atol=1e-8)


def test_the_hessian_is_exact(problem):
    numerical = _slopes(lambda x: by_hand.gradient(problem, x, _inner(problem, x)))
    exact = by_hand.hessian(problem, OUTER, _inner(problem, OUTER))
    np.testing.assert_allclose(exact, numerical, rtol=0, atol=1e-8)


def test_sds_of_the_effects_carry_the_outer_uncertainty(problem):
    fit = by_hand.solve(problem)
    assert np.abs(by_hand.gradient(problem, fit.outer, _inner(problem, fit.outer))).max() < 1e-6
    by_outer = approx_fprime(fit.outer, lambda x: _inner(problem, x).effect[:3], 1e-6)
    shared = np.einsum("jq,qr,jr->j", by_outer, fit.covariance, by_outer)
    expected = np.sqrt(fit.conditional_sd[:3] ** 2 + shared)
    np.testing.assert_allclose(fit.sd[:3], expected, rtol=1e-5)
    assert np.all(fit.sd > fit.conditional_sd)


def test_it_finds_what_was_simulated():
    """Within four sds, but for sigma, which a Laplace approximation of small groups gets wrong."""
    fit = by_hand.solve(by_hand.problem_of(simulated_borrowers(20_000)))
    truth = np.array([-1.0, 0.5, -0.25, 0.125])
    sds = np.sqrt(np.diag(fit.covariance))[:-1]
    assert np.all(np.abs(fit.outer[:-1] - truth) < 4 * sds)
    assert fit.outer[-1] == pytest.approx(np.log(0.8), abs=0.1)
