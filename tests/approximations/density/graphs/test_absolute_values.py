"""Absolute values are differentiated twice where they are 0, and give what they gave."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

from tripos.approximations import LogDensity, find_mode
from tripos.approximations.density.graphs.absolute_values import twice_differentiable

TWO = pytensor.shared(2.0)
# Functions that are x^2 / 2 and terms of higher order about 0.
SMOOTH = {
    "square of an absolute value": lambda x: pt.abs(x) ** 2 / 2,
    "product of absolute values": lambda x: pt.abs(x) * pt.abs(x) / 2,
    "exponent that is data": lambda x: pt.abs(x) ** TWO / 2,
    "square of x times its sign": lambda x: (x * pt.sign(x)) ** 2 / 2,
    "x, its sign and its size": lambda x: x * pt.sign(x) * pt.abs(x) / 2,
    "square of the root of a square": lambda x: pt.sqrt(x**2) ** 2 / 2,
    "square of a power": lambda x: ((x**2) ** 0.5) ** 2 / 2,
    "root of a square, squared by a product": lambda x: pt.sqrt(x * x) * pt.sqrt(x * x) / 2,
    "maximum of both signs": lambda x: pt.maximum(x, -x) ** 2 / 2,
    "switch between both signs": lambda x: pt.switch(x > 0, x, -x) ** 2 / 2,
    "log cosh without overflow": lambda x: pt.abs(x) + pt.softplus(-2 * pt.abs(x)),
    "cosh of an absolute value": lambda x: pt.cosh(pt.abs(x)),
    "root of one more": lambda x: pt.sqrt(1 + pt.abs(x) ** 2),
    "of another function": lambda x: pt.abs(pt.expm1(x)) ** 2 / 2,
    "rows of norm 1": lambda x: pt.log(
        pt.linalg.norm(pt.stack([pt.ones(3), x], axis=1), axis=-1, ord=2)
    ),
}
# The same of all entries together.
NORMS = {
    "Euclidean norm": lambda x: pt.linalg.norm(x) ** 2 / 2,
    "norm of order 2": lambda x: pt.linalg.norm(x, ord=2) ** 2 / 2,
    "root of a sum of squares": lambda x: pt.sqrt(pt.sum(x**2)) ** 2 / 2,
    "root of a product with itself": lambda x: pt.sqrt(pt.dot(x, x)) ** 2 / 2,
}
# What must not be taken for an absolute value.
OTHERS = {
    "square of a root": lambda x: pt.sqrt(x) ** 2,
    "root of a square less one": lambda x: pt.sqrt(x**2 - 1) ** 2,
    "power of an odd power": lambda x: (x**3) ** 0.5,
    "root of an outer product": lambda x: pt.sqrt(pt.outer(x, x)) ** 2,
    "sign alone": lambda x: pt.sign(x) + pt.abs(x),
}
PLACES = np.array([[-2.0, -1e-9, 0.0], [0.0, 0.3, 1e-200], [5.0, -0.0, -300.0]])


def test_the_second_derivative_at_zero():
    """All in one model, an entry or three each, as compiling takes longest."""
    forms = {**SMOOTH, **NORMS}
    with pm.Model() as model:
        x = pm.Normal("x", shape=(len(forms), 3))
        pm.Potential("penalty", -sum(pt.sum(form(x[k])) for k, form in enumerate(forms.values())))
    hessian = LogDensity(model, linker="numpy").hessian(np.zeros(3 * len(forms)))
    curvatures = dict(zip(forms, np.diag(hessian).reshape(-1, 3), strict=True))
    assert curvatures == {name: pytest.approx(-2 * np.ones(3), rel=1e-12) for name in forms}
    np.testing.assert_allclose(hessian, np.diag(np.diag(hessian)), atol=1e-12)


def test_values_stay():
    x = pt.vector("x", shape=(3,))
    forms = {**SMOOTH, **NORMS, **OTHERS}
    graphs = [pt.as_tensor(form(x)) for form in forms.values()]
    before, after = (
        pytensor.function([x], g, mode="FAST_COMPILE")
        for g in (graphs, [twice_differentiable(g) for g in graphs])
    )
    for place in PLACES:
        with np.errstate(all="ignore"):
            pairs = zip(forms, before(place), after(place), strict=True)
        for name, one, other in pairs:
            np.testing.assert_allclose(other, one, rtol=1e-14, err_msg=name)


def test_a_root_of_a_square_no_longer_overflows():
    x = pt.scalar("x")
    graph = twice_differentiable(pt.sqrt(x**2))
    assert pytensor.function([x], graph, mode="FAST_COMPILE")(-1e200) == 1e200


def test_the_spread_of_a_correlation():
    """The density of z, where r = z / sqrt(1 + z^2), is that of (1 + z^2)^-(eta + 1/2)."""
    with pm.Model() as model:
        pm.LKJCorr("r", n=2, eta=2.0)
    mode = find_mode(LogDensity(model, linker="numpy"))
    np.testing.assert_allclose(mode.hessian, [[-5.0]], rtol=1e-8)
