"""A model's log density and quantities as PyTensor graphs over one vector ``theta``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import pymc as pm
import pytensor.tensor as pt
from pymc.pytensorf import rewrite_pregrad
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Variable
from pytensor.graph.replace import vectorize_graph
from pytensor.graph.rewriting.basic import in2out
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.tensor.rewriting.linalg.solvers import batched_vector_b_solve_to_matrix_b_solve
from pytensor.tensor.rewriting.math import local_mul_specialize
from pytensor.xtensor.type import XTensorType

from ...errors import GradientError
from .absolute_values import twice_differentiable
from .guards import ease_guards, what_it_draws
from .hoisting import Hoisted, hoist
from .lengths import indices_among
from .lifting import Lifted, in_double_precision, lift, rebuild
from .observed import graphs_of
from .parameters import Block, values_from_theta


@dataclass(frozen=True)
class Graph:
    """Inputs and outputs of a function to be compiled."""

    inputs: list[Variable]
    outputs: list[Variable]


@dataclass(frozen=True)
class SymbolicDensity:
    """Graphs over ``theta`` (P,), with the data lifted out.

    Attributes
    ----------
    theta : Variable
    logp : Variable
        Log density in unconstrained space, Jacobian terms included.
    quantities : tuple of Variable
        Free variables on their own scale, then deterministics.
    lifted : Lifted
        The data's containers.
    drawn : str
        Why the log density is no function of ``theta`` (random numbers); empty if it is one.
    terms : callable
        Returns the graphs of the model's terms (`ModelGraphs`), with or without PyMC's checks.
    """

    theta: Any
    logp: Any
    quantities: tuple[Any, ...]
    lifted: Lifted
    drawn: str
    terms: Callable[..., list[Any]]

    @classmethod
    def of_model(cls, model: pm.Model, blocks: tuple[Block, ...]) -> SymbolicDensity:
        """Build the graphs of a model whose free variables lie in ``theta`` as in ``blocks``."""
        theta = pt.vector("theta", shape=(sum(len(block.labels) for block in blocks),))
        of_model = graphs_of(model)
        graphs, lifted = of_model.all, lift(model, of_model)
        # Where both would replace a constant, lifted data take precedence: they are in double.
        replacements = {
            **in_double_precision(graphs),
            **lifted.replacements,
            **values_from_theta(model, blocks, theta),
        }
        logp, *quantities = map(
            _as_tensor, rebuild(graphs, replacements, check_bounds=model.check_bounds)
        )
        terms = partial(rebuild, of_model.terms, replacements, check_bounds=model.check_bounds)
        return cls(theta, logp, tuple(quantities), lifted, what_it_draws(of_model.logp), terms)

    @property
    def size(self) -> int:
        """Number of entries of ``theta``, P."""
        return int(self.theta.type.shape[0])

    @cached_property
    def selecting(self) -> frozenset[SharedVariable]:
        """Data used as indices, for which not every number is valid."""
        return indices_among([self.logp, *self.quantities])

    @cached_property
    def hoisted(self) -> Hoisted:
        """The log density rewritten for derivatives (log of a sigmoid, and the like)."""
        return _ready(self.logp)

    @cached_property
    def hoisted_terms(self) -> list[Hoisted]:
        """The terms of the log density, rewritten in the same way."""
        return [_ready(_as_tensor(term)) for term in self.terms()]

    @property
    def stable_logp(self) -> Any:
        """The log density from which everything else is derived."""
        return self.hoisted.graph

    def refresh(self) -> None:
        """Recompute what depends on the data."""
        found = self.__dict__
        for hoisted in (*found.get("hoisted_terms", ()), found.get("hoisted")):
            if hoisted is not None:
                hoisted.refresh()

    @cached_property
    def gradient(self) -> Any:
        """Gradient (P,) of the log density."""
        return gradient_of(self.stable_logp, self.theta)

    def value_graph(self) -> Graph:
        """``theta`` to log density."""
        return Graph([self.theta], [self.stable_logp])

    def gradient_graph(self) -> Graph:
        """``theta`` to log density and gradient."""
        return Graph([self.theta], [self.stable_logp, self.gradient])

    def hessian_vector_product_graph(self) -> Graph:
        """``theta`` and a vector to the Hessian times the vector, by a second reverse pass."""
        return self._product

    @cached_property
    def _product(self) -> Graph:
        vector = pt.vector("vector", shape=self.theta.type.shape)
        return Graph(
            [self.theta, vector], [gradient_of((self.gradient * vector).sum(), self.theta)]
        )

    def derivatives_graph(self) -> Graph:
        """``theta`` and vectors (V, P) to log density, gradient and the Hessian times each."""
        one = self._product
        graphs = [self.stable_logp, self.gradient, one.outputs[0]]
        *graphs, product = with_known_lengths(graphs)
        vectors = pt.matrix("vectors", shape=(None, *self.theta.type.shape))
        products = vectorize_graph(product, {one.inputs[1]: vectors})
        # Where the Hessian is zero the products depend on no vector: no batch axis.
        return Graph([self.theta, vectors], [*graphs, products + pt.zeros_like(vectors)])

    def product_gradient_graph(self) -> Graph:
        """``theta``, a vector and a weight (P,) to the gradient of ``weight' Hessian vector``."""
        one = self._product
        weight = pt.vector("weight", shape=self.theta.type.shape)
        # Two reverse passes leave many duplicates, and a third would double them again.
        product: Any = rewrite_graph(one.outputs[0], include=("canonicalize", "stabilize"))
        slope = gradient_of((product * weight).sum(), self.theta)
        return Graph([*one.inputs, weight], [slope])

    def product_gradients_graph(self) -> Graph:
        """The same for vectors and weights (V, P), summed."""
        one = self.product_gradient_graph()
        many = [pt.matrix(f"{old.name}s", shape=(None, *old.type.shape)) for old in one.inputs[1:]]
        pairs = zip(one.inputs[1:], many, strict=True)
        slopes: Any = vectorize_graph(one.outputs[0], dict(pairs))
        # A normal density has no third derivative, and hence no axis of vectors.
        total = slopes.sum(axis=0) if slopes.type.ndim == 2 else slopes
        return Graph([self.theta, *many], [total])

    def batched_value_graph(self) -> Graph:
        """``thetas`` (S, P) to log densities (S,)."""
        return self._batched([self.stable_logp])

    def quantities_graph(self, places: Sequence[int]) -> Graph:
        """``theta`` to some of the quantities."""
        return Graph([self.theta], [self.quantities[k] for k in places])

    def unravel_graph(self, places: Sequence[int]) -> Graph:
        """``thetas`` (S, P) to some of the quantities (S, ...)."""
        return self._batched([self.quantities[k] for k in places])

    def terms_graph(self) -> Graph:
        """``theta`` to the terms of the log density."""
        return Graph([self.theta], [hoisted.graph for hoisted in self.hoisted_terms])

    def batched_terms_graph(self) -> Graph:
        """``thetas`` (S, P) to the terms (S, ...)."""
        return self._batched([hoisted.graph for hoisted in self.hoisted_terms])

    def _batched(self, singles: list[Any]) -> Graph:
        thetas = pt.matrix("thetas", shape=(None, *self.theta.type.shape))
        batched = vectorize_graph(singles, {self.theta: thetas})
        # What does not depend on theta (all priors flat, no data) has no batch axis.
        outputs = [
            many if many.type.ndim > one.type.ndim else _repeated(many, thetas.shape[0])
            for many, one in zip(batched, singles, strict=True)
        ]
        return Graph([thetas], outputs)


def _repeated(constant: Any, rows: Any) -> Any:
    """Repeat a quantity that does not depend on theta along a batch axis."""
    return pt.alloc(constant, rows, *(constant.shape[k] for k in range(constant.type.ndim)))


def _as_tensor(graph: Any) -> Any:
    """Lower a graph of `pymc.dims` to plain tensors, which have gradients and batches."""
    if isinstance(graph.type, XTensorType):
        graph = graph.values
    return rewrite_graph(graph, include=("lower_xtensor",))


def _ready(graph: Any) -> Hoisted:
    return hoist(ease_guards(twice_differentiable(_stabilised(graph))))


_BEFORE_DERIVATIVES = in2out(
    local_mul_specialize, batched_vector_b_solve_to_matrix_b_solve, name="tripos_before_derivatives"
)


def _stabilised(logp: Any) -> Any:
    """Rewrite a log density so that it neither overflows nor rounds to 0 before its logarithm.

    PyTensor's canonical form writes -x as (-1) x, in which its rules for log(1 - sigmoid(x)) and
    the like do not see a sign; so they are applied again after the sign is restored. And triangular
    systems with one right-hand side per datum become one with a matrix of them.
    """
    pregrad = rewrite_pregrad(logp)
    signed = rewrite_graph(pregrad, include=(), custom_rewrite=_BEFORE_DERIVATIVES)
    return rewrite_graph(signed, include=("stabilize",))


def with_known_lengths(graphs: list[Any]) -> list[Any]:
    """Copy graphs, with lengths computed from those of the inputs.

    In a batch any other length would be computed for each row, and what depends on it, such as a
    range of indices, would be a loop in Python.
    """
    rewritten: Any = rewrite_graph(graphs, ("merge", "ShapeOpt", "canonicalize"), clone=True)
    return rewritten


def gradient_of(cost: Any, theta: Variable) -> Any:
    """Differentiate a scalar graph; it is 0 where it does not depend on ``theta``.

    Raises
    ------
    GradientError
        When an operation has no derivative.
    """
    try:
        return pt.grad(cost, theta, disconnected_inputs="ignore", return_disconnected="zero")
    except Warning:
        raise  # of a user who asked for warnings as errors
    except Exception as error:
        # An operation without a derivative may raise any exception.
        raise GradientError(
            f"PyTensor has no derivative for a part of this model's log density: "
            f"{type(error).__name__}: {error}. Write that part with differentiable operations, use "
            "smc or a grid with bounds, or sample with a gradient-free step of pm.sample."
        ) from error
