"""Models that PyTensor differentiates once, or not at all."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from pymc.ode import DifferentialEquation

from tripos.approximations import (
    LogDensity,
    advi,
    diagonal_laplace,
    find_mode,
    find_modes,
    grid,
    importance,
    laplace,
    low_rank_laplace,
    nested_laplace,
    quadrature,
    skew_laplace,
    tierney_kadane,
)
from tripos.approximations.errors import (
    CurvatureError,
    DerivativeError,
    DifferencesWarning,
    GradientError,
)

from ... import opaque


@pytest.fixture(scope="module")
def known():
    return LogDensity(opaque.decay(), linker="numpy")


@pytest.fixture(scope="module")
def density():
    return LogDensity(opaque.model_of(opaque.Curve()), linker="numpy")


@pytest.fixture(scope="module")
def known_fit(known):
    return laplace(known, random_seed=1, draws=100)["fit"]


def test_derivatives_are_those_of_the_same_model(density, known):
    theta = np.array([-0.7, 0.5])
    for one, other in zip(density.derivatives(theta), known.derivatives(theta), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    vector = np.array([1.0, -2.0])
    product = density.hessian_vector_product(theta, vector)
    np.testing.assert_allclose(product, known.hessian(theta) @ vector, rtol=1e-6)
    assert known.logp.hessian_source == "exact"
    assert density.logp.hessian_source == "differences of the gradient"


METHODS = {
    "laplace": laplace,
    "low_rank_laplace": lambda model, **options: low_rank_laplace(model, rank=1, **options),
    "diagonal_laplace": diagonal_laplace,
    "skew_laplace": skew_laplace,
    "importance": importance,
    "quadrature": quadrature,
    "grid": lambda model, **options: grid(model, points=30, progressbar=False, **options),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_answer_as_for_the_same_model(name, density, known):
    tree, exact = (METHODS[name](d, draws=100, random_seed=1) for d in (density, known))
    for variable in ("rate", "start"):
        one, other = (t["posterior"][variable].values for t in (tree, exact))
        np.testing.assert_allclose(one, other, rtol=1e-4)
    assert tree.attrs["hessian"] == "differences of the gradient"
    assert exact.attrs["hessian"] == "exact"


def test_the_tree_tells_the_error(density, known_fit):
    fit = laplace(density, random_seed=1, draws=100)["fit"]
    np.testing.assert_allclose(fit["sd"], known_fit["sd"], rtol=1e-6)
    assert 0 < float(fit["hessian_error"]) < 1e-6
    assert float(known_fit["hessian_error"]) == 0


def test_other_modes_and_single_quantities(density, known):
    assert len(find_modes(density, starts=2, random_seed=1, progressbar=False)) == 1
    one, other = (tierney_kadane(d, "rate") for d in (density, known))
    for name in ("mean", "sd", "marginal_mean", "log_normaliser"):
        assert float(one[name]) == pytest.approx(float(other[name]), rel=1e-4)
    assert one.attrs["hessian"] == "differences of the gradient"


@pytest.mark.parametrize(
    "operation", [opaque.FailsWhenDifferentiated, opaque.HasNone, opaque.FailsWhenEvaluated]
)
def test_however_an_operation_says_that_it_has_no_second_derivative(operation, known_fit):
    density = LogDensity(opaque.model_of(operation()), linker="numpy")
    mode = find_mode(density)
    np.testing.assert_allclose(mode.theta, known_fit["mode"], rtol=1e-6)
    np.testing.assert_allclose(-mode.hessian, known_fit["precision"], rtol=1e-6)
    assert not density.has_exact_hessian


def test_a_second_derivative_that_leaves_a_part_out():
    with pytest.raises(DerivativeError, match="of an operation of one's own"):
        laplace(LogDensity(opaque.model_of(opaque.GaussNewton()), linker="numpy"))


def test_single_precision_is_enough(known_fit):
    """Seven digits of the curve, which is up to 100 sds of the data high; the error is told."""
    density = LogDensity(opaque.model_of(opaque.Curve("float32")), linker="numpy")
    with pytest.warns(DifferencesWarning, match="a variance at the mode may be off by"):
        mode = find_mode(density)
    sd = np.sqrt(np.diag(np.linalg.inv(-mode.hessian)))
    distance = np.abs(mode.theta - known_fit["mode"]) / known_fit["sd"]
    assert np.all(distance < 1e-3)
    # How much of seven digits is lost is another on another machine.
    assert 1e-4 < mode.hessian_error < 0.05
    np.testing.assert_allclose(sd, known_fit["sd"], rtol=max(0.01, mode.hessian_error))


def test_an_operation_that_takes_no_batches(density):
    alone = LogDensity(opaque.model_of(opaque.OnePointOnly()), linker="numpy")
    thetas = np.array([[-0.7, 0.5], [-1.0, 0.6]])
    assert alone.seconds_per_value < 1
    np.testing.assert_array_equal(alone.batched_value(thetas), density.batched_value(thetas))
    for one, other in zip(*(d.unravel(thetas).values() for d in (alone, density)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_a_gradient_it_is_said_so_and_what_needs_none_answers(known):
    density = LogDensity(opaque.model_of(opaque.NoGradient()), linker="numpy")
    for method in (laplace, importance, quadrature, advi, lambda d: tierney_kadane(d, "rate")):
        with pytest.raises(GradientError, match=r"NoGradient.* smc"):
            method(density)
    theta = np.array([[-0.7, 0.5]])
    np.testing.assert_allclose(density.batched_value(theta), known.batched_value(theta))


class TestNestedLaplace:
    """A latent field behind an operation with one derivative, and one with two."""

    @staticmethod
    def grouped(link):
        counts = np.array([4, 1, 0, 7])
        with pm.Model() as model:
            mu, tau = pm.Normal("mu", 0, 2), pm.HalfNormal("tau", 1)
            theta = pm.Normal("theta", mu, tau, shape=len(counts))
            pm.Poisson("y", pt.exp(link(theta)), observed=counts)
        return LogDensity(model, linker="numpy")

    def test_it_answers_as_for_the_same_model(self):
        one, other = (
            nested_laplace(self.grouped(link), draws=50, random_seed=1)
            for link in (opaque.Identity(), lambda theta: theta)
        )
        for name in ("mode", "mean", "sd", "log_evidence"):
            np.testing.assert_allclose(one["fit"][name], other["fit"][name], rtol=1e-4)
        assert one.attrs["hessian"] == "differences of the gradient"
        assert 0 < float(one["fit"]["hessian_error"]) < 1e-4


@pytest.mark.filterwarnings("ignore:DifferentialEquation should implement:FutureWarning")
def test_a_differential_equation():
    """PyMC's own has sensitivities, and no more; the solution is known."""
    equation = DifferentialEquation(
        func=lambda y, t, p: [-p[0] * y[0]],
        times=opaque.TIMES[1:],
        n_states=1,
        n_theta=1,
        t0=0,
    )

    def model(solution):
        with pm.Model() as built:
            rate = pm.HalfNormal("rate", 1)
            pm.Normal("y", solution(rate), 0.05, observed=opaque.SEEN[1:])
        return find_mode(LogDensity(built, linker="numpy"))

    one = model(lambda rate: equation(y0=[2.0], theta=[rate])[:, 0])
    other = model(lambda rate: 2 * pt.exp(-rate * opaque.TIMES[1:]))
    # The solver is asked for eight digits.
    np.testing.assert_allclose(one.theta, other.theta, rtol=1e-6)
    np.testing.assert_allclose(one.hessian, other.hessian, rtol=1e-4)


class TestAccuracy:
    """What differences cannot tell from flat is not told as a spread."""

    @staticmethod
    def nearly_flat(dtype):
        """Only the sum of two parameters is seen, by an operation with one derivative."""
        with pm.Model() as model:
            x = pm.Normal("x", 0, 3, shape=2)
            operation = opaque.Identity(dtype)
            pm.Normal("y", operation(x).sum(), 0.01, observed=3.0)
        return LogDensity(model, linker="numpy")

    def test_flat_to_the_accuracy_of_differences(self):
        """The curvature along the difference is 2e-5 of that along each, and the error 5e-3."""
        with pytest.raises(CurvatureError, match="to the accuracy of differences"):
            find_mode(self.nearly_flat("float32"))

    def test_one_that_is_accurate(self):
        variance = np.linalg.inv(-find_mode(self.nearly_flat("float64")).hessian)
        # Of the difference, which the data do not touch.
        assert variance[0, 0] - variance[0, 1] == pytest.approx(9.0, rel=1e-3)
