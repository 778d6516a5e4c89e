"""The price of Numba is that of the routines it has to compile, not only of their number."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

from tripos.approximations import LogDensity
from tripos.approximations.density.graphs.numba_cost import seconds_to_compile

VECTOR, MATRIX = pt.dvector("vector"), pt.dmatrix("matrix")


def _price(output):
    graph = pytensor.graph.FunctionGraph(outputs=[output], clone=False)
    return seconds_to_compile(graph.toposort())


def test_a_routine_costs_more_than_arithmetic():
    arithmetic = pt.exp(VECTOR) + VECTOR**2
    for routine in (pt.special.softmax(VECTOR), pt.linalg.cholesky(MATRIX), MATRIX @ VECTOR):
        assert _price(routine) > _price(arithmetic) + 2


def test_a_routine_is_paid_for_once():
    once, twice = pt.cumsum(VECTOR), pt.cumsum(pt.cumsum(VECTOR))
    assert _price(twice) - _price(once) < 1


def test_the_step_of_a_scan_counts():
    def walk(step):
        return pytensor.scan(step, outputs_info=pt.dscalar(), n_steps=3, return_updates=False)

    longer, short = walk(lambda x: pt.sin(pt.sin(pt.sin(x)))), walk(pt.sin)
    assert _price(longer) > _price(short) > _price(pt.sin(VECTOR)) + 2


def test_the_price_of_a_softmax_is_near_what_was_measured():
    """Numba took 70 s of CPU for the batches of a multinomial regression; 8 s were expected."""
    x = np.random.default_rng(1).normal(size=(30, 2))
    with pm.Model() as model:
        beta = pm.Normal("beta", 0.0, 2.0, shape=(2, 3))
        pm.Categorical("y", logit_p=pt.dot(x, beta), observed=np.arange(30) % 3)
    density = LogDensity(model)
    density.batched_value(np.zeros((4, 6)))
    function = density._functions.compiled["batched_value"]
    assert function._price == pytest.approx(70, rel=0.5)
