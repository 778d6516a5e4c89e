"""Models whose derivatives PyTensor, or an operation, gets wrong: no method gives a number."""

from dataclasses import replace

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

from tripos.approximations import (
    LogDensity,
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
from tripos.approximations.errors import CurvatureError, DerivativeError
from tripos.approximations.nested.checking import check_marginal_gradient, check_precision
from tripos.approximations.nested.conditional import conditional_at
from tripos.approximations.nested.latent_field import latent_field
from tripos.approximations.nested.outer_mode import outer_mode


def sinc(x):
    """sin(x) / x with a branch for 0, whose slopes are those of a constant."""
    at_zero = pt.eq(x, 0)
    return pt.switch(at_zero, 1.0, pt.sin(x) / pt.switch(at_zero, 1.0, x))


def both_sides(x):
    """-x^2 as two halves, at 0 each with the second derivative of its own side."""
    return -(pt.maximum(x, 0) ** 2) - pt.maximum(-x, 0) ** 2


def density_of(term, prior=lambda: pm.Normal("x", 0, 1, shape=2)):
    with pm.Model() as model:
        pm.Potential("term", pt.sum(term(prior())))
    return LogDensity(model, linker="numpy")


@pytest.fixture(scope="module")
def lost():
    return density_of(sinc)


METHODS = {
    "laplace": laplace,
    "low_rank_laplace": lambda density: low_rank_laplace(density, rank=1),
    "diagonal_laplace": diagonal_laplace,
    "skew_laplace": skew_laplace,
    "importance": importance,
    "quadrature": quadrature,
    "grid": lambda density: grid(density, progressbar=False),
    "find_mode": find_mode,
    "find_modes": lambda density: find_modes(density, starts=1, progressbar=False),
    "tierney_kadane": lambda density: tierney_kadane(density, "x[0]"),
}


@pytest.mark.parametrize("name", METHODS)
def test_no_method_takes_a_hessian_that_is_wrong(name, lost):
    with pytest.raises(DerivativeError, match=r"differences of the gradient give"):
        METHODS[name](lost)


def test_in_one_parameter_of_many_it_is_seen():
    density = density_of(
        lambda x: both_sides(x[50:51]) / 5, lambda: pm.Normal("x", 0, np.logspace(-6, 6, 101))
    )
    with pytest.raises(DerivativeError, match=r"x\[50\]"):
        find_mode(density)


def test_in_a_sparse_hessian_it_is_seen():
    density = density_of(lambda x: both_sides(x[:1]), lambda: pm.Normal("x", 0, 1, shape=400))
    assert density.has_sparse_hessian
    with pytest.raises(DerivativeError, match=r"x\[0\]"):
        find_mode(density)


@pytest.mark.parametrize(
    "prior", [lambda: pm.Flat("x", shape=2), lambda: pm.Normal("x", 0, 10, shape=2)]
)
def test_a_top_that_only_looks_flat(prior):
    with pytest.raises(DerivativeError):
        find_mode(density_of(sinc, prior))


def test_a_kink_at_the_top():
    density = density_of(lambda x: -pt.abs(x - 0.5))
    with pytest.raises(CurvatureError, match=r"kink.* at x\[0\] = 0.5 .* jumps from 0.5 to -1.5"):
        find_mode(density)


def test_an_edge_at_the_top():
    with pm.Model() as model:
        pm.Uniform("y", 0, pm.Exponential("end", 1), observed=[0.2, 0.9, 0.5])
    with pytest.raises(CurvatureError, match=r"edge of the support.*end_log__ = -0.1054"):
        find_mode(LogDensity(model, linker="numpy"))


def test_data_of_ten_digits_are_no_reason_to_doubt():
    """Residuals of 1 beside an offset of 1e8: gradients have eight digits left."""
    data = 1e8 + np.random.default_rng(1).normal(size=30)
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("mu", 1e8, 1e3), 1, observed=data)
    mode = find_mode(LogDensity(model, linker="numpy"))
    np.testing.assert_allclose(mode.hessian, [[-30 - 1e-6]], rtol=1e-12)


def test_a_quantity_is_looked_at_too():
    with pm.Model() as model:
        x = pm.Normal("x", 0, 1, shape=2)
        pm.Deterministic("wave", x[1] + sinc(x[0]))
    with pytest.raises(DerivativeError):
        tierney_kadane(LogDensity(model, linker="numpy"), "wave")


def latent_model(term):
    """Groups that lie at 0 exactly, as their data do."""
    with pm.Model() as model:
        tau = pm.LogNormal("tau", 0, 0.5)
        theta = pm.Normal("theta", 0, tau, shape=4)
        pm.Potential("term", pt.sum(term(theta)))
        pm.Normal("y", theta, 1.0, observed=np.zeros(4))
    return LogDensity(model, linker="numpy")


def test_the_latent_field_is_looked_at_too():
    with pytest.raises(DerivativeError, match=r"theta\["):
        nested_laplace(latent_model(sinc), random_seed=1)


class _Exponential(Op):
    """exp(x), which can be differentiated a number of times, and is then said to be constant."""

    def __init__(self, orders):
        self.orders = orders

    def make_node(self, x):
        return Apply(self, [pt.as_tensor(x)], [pt.dvector()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = np.exp(inputs[0])

    def infer_shape(self, node, shapes):
        return shapes

    def pullback(self, inputs, outputs, output_grads):
        slope = _Exponential(self.orders - 1)(*inputs) if self.orders else pt.zeros_like(*inputs)
        return [output_grads[0] * slope]

    def grad(self, inputs, output_grads):  # what older versions call
        return self.pullback(inputs, None, output_grads)


def counts_model(exponential):
    with pm.Model() as model:
        mu, tau = pm.Normal("mu", 0, 2), pm.LogNormal("tau", 0, 0.5)
        theta = pm.Normal("theta", mu, tau, shape=4)
        pm.Potential("y", pt.sum(np.array([4, 1, 0, 7]) * theta - exponential(theta)))
    return LogDensity(model, linker="numpy")


def test_third_derivatives_are_looked_at_where_they_are_used():
    right, wrong = (latent_field(counts_model(_Exponential(orders))) for orders in (9, 2))
    mode = outer_mode(right, np.zeros(6))
    check_marginal_gradient(mode)
    here = conditional_at(wrong, mode.conditional.outer, mode.conditional.latent)
    check_precision(here)
    with pytest.raises(DerivativeError, match="Third derivatives"):
        check_marginal_gradient(replace(mode, conditional=here))
