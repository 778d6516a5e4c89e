"""Guards of a log density: that it is deterministic; and PyMC's own checks, made cheap.

PyMC guards its densities: is log p minus infinity, does a probability lie between 0 and 1? In a
logistic model these guards cost more than the second derivatives that they accompany.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pymc.data import MinibatchIndexRV, MinibatchOp
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.rewriting.basic import in2out, node_rewriter
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.graph.traversal import ancestors
from pytensor.scalar.basic import EQ, GE, LE, Neg
from pytensor.scalar.math import Sigmoid, Softplus
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.random.type import RandomType

# Values of x for which an operation on it is infinite: the softplus of a finite number is finite in
# floating point, too. Logarithms are excluded: a later rewrite may find the log of an x that
# underflows, as log(exp(a)) is a, which is why PyMC checks the log.
_INFINITE_WHERE: dict[type | None, Callable[[float], float | None]] = {
    Neg: lambda bound: -bound,
    Softplus: lambda bound: np.inf if bound > 0 else None,
}


@node_rewriter([Elemwise])
def _infinite_where(fgraph: Any, node: Any) -> list[Variable] | None:
    """Check x instead of whether a function of x is infinite."""
    if not isinstance(node.op.scalar_op, EQ):
        return None
    asked, bound = node.inputs if isinstance(node.inputs[1], Constant) else node.inputs[::-1]
    if not isinstance(bound, Constant) or not _is_one_infinity(bound):
        return None
    where = _INFINITE_WHERE.get(_scalar_operation(asked))
    place = where(float(bound.data.flat[0])) if where else None
    if place is None:
        return None
    x = asked.owner.inputs[0]
    if not x.type.dtype.startswith("float"):
        return None
    return [pt.eq(x, np.full((1,) * bound.type.ndim, place, dtype=x.type.dtype))]


@node_rewriter([Elemwise])
def _within_bounds(fgraph: Any, node: Any) -> list[Variable] | None:
    """Skip the check that a sigmoid lies between 0 and 1.

    A NaN then passes, and makes the density NaN, unless its weight is 0.
    """
    if not isinstance(node.op.scalar_op, GE | LE):
        return None
    asked, bound = node.inputs
    if _scalar_operation(asked) is not Sigmoid or not isinstance(bound, Constant):
        return None
    if asked.type.broadcastable != node.outputs[0].type.broadcastable:
        return None
    sure = np.all(bound.data <= 0) if isinstance(node.op.scalar_op, GE) else np.all(bound.data >= 1)
    return [pt.ones_like(asked.owner.inputs[0], dtype="bool")] if sure else None


def what_it_draws(logp: Variable) -> str:
    """Say why a log density is no function of the parameters: it draws random numbers.

    Empty where it draws none.
    """
    drawn = [
        v.owner
        for v in ancestors([logp])
        if v.owner is not None and any(isinstance(i.type, RandomType) for i in v.owner.inputs)
    ]
    if any(isinstance(node.op, MinibatchOp | MinibatchIndexRV) for node in drawn):
        return (
            "The likelihood takes minibatches of the data (pm.Minibatch), so its log density is "
            "another one at each evaluation, and not a function of the parameters. Pass all of the "
            "data as observed=, without total_size. For data too large for that, pm.fit supports "
            "minibatches."
        )
    if not drawn:
        return ""
    named = {str(v.name) for node in drawn for v in node.outputs if v.name}
    names = ", ".join(sorted(named or {str(node.op) for node in drawn}))
    return (
        "The log density depends on random numbers that are drawn anew at each evaluation "
        f"({names}), so it is not a function of the parameters. Make them variables of the model "
        "(with a name, within `with model:`), or replace them by numbers."
    )


_EASED = in2out(_infinite_where, _within_bounds, name="tripos_guards")


def ease_guards(graph: Any) -> Any:
    """Rewrite the guards of a log density in canonical form, without changing finite values."""
    return rewrite_graph(graph, include=(), custom_rewrite=_EASED)


def _scalar_operation(x: Variable) -> type | None:
    is_elementwise = x.owner is not None and isinstance(x.owner.op, Elemwise)
    return type(x.owner.op.scalar_op) if is_elementwise else None


def _is_one_infinity(bound: Constant) -> bool:
    return bound.data.size == 1 and bool(np.isinf(bound.data).all())
