"""Guards are answered without computing what they ask about, and give what they gave."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pymc.pytensorf import rewrite_pregrad
from pytensor.graph.traversal import toposort
from pytensor.scalar.basic import Log, Log1p
from pytensor.scalar.math import Sigmoid, Softplus
from pytensor.tensor.elemwise import Elemwise

from tripos.approximations import LogDensity, advi, find_mode, grid, importance, laplace, nuts, smc
from tripos.approximations.density.graphs.guards import ease_guards
from tripos.approximations.errors import RandomDensityError
from tripos.comparisons import fit
from tripos.models import borrowers

PLACES = np.array([-np.inf, -1e308, -745.2, -1.0, -5e-324, 0.0, 5e-324, 1.0, 800.0, 1e308, np.inf])

GUARDS = {
    "softplus is infinity": lambda x: pt.eq(pt.softplus(x), np.inf),
    "log of a sigmoid is minus infinity": lambda x: pt.eq(pt.log(pt.sigmoid(x)), -np.inf),
    "the constant comes first": lambda x: pt.eq(np.inf, pt.softplus(x)),
    "sigmoid is not below 0": lambda x: pt.ge(pt.sigmoid(x), 0),
    "sigmoid is not above 1": lambda x: pt.le(pt.sigmoid(x), 1),
}
KEPT = {
    "log is minus infinity": lambda x: pt.eq(pt.log(x), -np.inf),
    "log1p is minus infinity": lambda x: pt.eq(pt.log1p(x), -np.inf),
    "softplus is one of several": lambda x: pt.eq(pt.softplus(x[:2]), np.array([np.inf, -np.inf])),
    "softplus of whole numbers is infinity": lambda x: pt.eq(pt.softplus(_whole(x)), np.inf),
    "sigmoid of one is not above several": lambda x: pt.le(
        pt.sigmoid(x[0][None]), np.array([1, 2, 1])
    ),
    "softplus is minus infinity": lambda x: pt.eq(pt.softplus(x), -np.inf),
    "log is 0": lambda x: pt.eq(pt.log(x), 0),
    "sigmoid is not below a half": lambda x: pt.ge(pt.sigmoid(x), 0.5),
    "sigmoid is not above a bound that may change": lambda x: pt.le(pt.sigmoid(x), x),
}


def _whole(x):
    return pt.cast(pt.clip(x, -9, 9), "int8")


def _operations(graphs):
    nodes = [node for node in toposort(graphs) if isinstance(node.op, Elemwise)]
    return [type(node.op.scalar_op) for node in nodes]


@pytest.mark.parametrize("guard", [*GUARDS.values(), *KEPT.values()], ids=[*GUARDS, *KEPT])
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value|overflow):RuntimeWarning")
def test_the_answer_stays(guard):
    x = pt.vector("x")
    before = rewrite_pregrad(guard(x))
    answers = [
        pytensor.function([x], graph, mode="FAST_COMPILE", on_unused_input="ignore")(PLACES)
        for graph in (before, ease_guards(before))
    ]
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("guard", GUARDS.values(), ids=GUARDS)
def test_nothing_dear_is_left(guard):
    graph = ease_guards(rewrite_pregrad(guard(pt.vector("x"))))
    assert not {Log, Log1p, Softplus, Sigmoid} & set(_operations([graph]))


@pytest.mark.parametrize("guard", KEPT.values(), ids=KEPT)
def test_what_must_be_computed_is(guard):
    graph = ease_guards(rewrite_pregrad(guard(pt.vector("x"))))
    assert {Log, Log1p, Softplus, Sigmoid} & set(_operations([graph]))


def test_second_derivatives_of_a_logistic_model_take_no_logarithm():
    density = LogDensity(borrowers(20), linker="numpy")
    theta = density.initial_point()
    density.value(theta), density.hessian_vector_product(theta, theta)
    calls = {
        name: str([node.op for node in function._function.maker.fgraph.apply_nodes])
        for name, function in density._functions.compiled.items()
        if function.is_compiled
    }
    assert "log1p" in calls["value"]
    assert "log1p" not in calls["hessian_vector_product"]


@pytest.mark.parametrize("linker", ["numpy", "numba"])
def test_impossible_data_stay_impossible(linker):
    """The guard of 0 log 0 is there for a probability that is 0, or 1, to the last digit."""
    with pm.Model() as model:
        x = pm.Normal("x")
        pm.Binomial("y", n=3, p=pt.switch(x > 1, 1.0, pt.switch(x < -1, 0.0, 0.5)), observed=3)
    density = LogDensity(model, linker=linker)
    sure, impossible, even = (density.value(np.array([x])) for x in (2.0, -2.0, 0.0))
    assert sure == pytest.approx(-2.0 - 0.5 * np.log(2 * np.pi))
    assert impossible == -np.inf
    assert even == pytest.approx(3 * np.log(0.5) - 0.5 * np.log(2 * np.pi))


# A log density that draws random numbers is no function.


def _model(likelihood):
    with pm.Model() as model:
        likelihood(pm.Normal("mu", 0, 10))
    return model


def _minibatches(mu):
    y = pm.Minibatch(np.arange(100.0), batch_size=10)
    pm.Normal("y", mu, 1, observed=y, total_size=100)


def _of_predictors(mu):
    x, y = pm.Minibatch(np.arange(100.0), np.ones(100), batch_size=10)
    pm.Normal("y", mu * x, 1, observed=y, total_size=100)


@pytest.mark.parametrize("likelihood", [_minibatches, _of_predictors])
@pytest.mark.parametrize("method", [laplace, grid, importance, nuts, smc, advi, find_mode, fit])
def test_minibatches_are_named(likelihood, method):
    with pytest.raises(RandomDensityError, match="takes minibatches of the data"):
        method(_model(likelihood))


@pytest.mark.parametrize(
    ("likelihood", "sentence"),
    [
        (lambda mu: pm.Potential("p", -((mu - pt.random.normal()) ** 2)), "drawn anew .*normal"),
        (lambda mu: pm.Potential("p", -((mu - pm.Normal.dist()) ** 2)), "drawn anew .*normal"),
        (
            lambda mu: pm.Normal("y", mu + pm.Normal.dist(), 1, observed=[1.0, 2.0]),
            "none of the model's: .*normal",
        ),
    ],
    ids=["of PyTensor", "of PyMC", "in a likelihood"],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_other_random_numbers_are_named(likelihood, sentence):
    with pytest.raises(RandomDensityError, match=sentence):
        find_mode(_model(likelihood))


def test_a_log_density_that_was_made_before_is_refused_too():
    density = LogDensity(_model(_minibatches))
    with pytest.raises(RandomDensityError, match="minibatches"):
        laplace(density)


def test_likelihoods_that_are_scaled_alone_are_functions():
    density = LogDensity(_model(lambda mu: pm.Normal("y", mu, 1, observed=[2.0], total_size=4)))
    exact = 4 * 2.0 / (4 + 0.01)
    assert find_mode(density).theta == pytest.approx(exact)
