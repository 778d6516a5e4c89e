"""Write absolute values so that they can be differentiated twice where they are 0.

PyTensor gives |x| the slope sign(x), which is 0 at 0. For |x|^2 that makes the second derivative 2
sign(x)^2, which is 0 at exactly the point where a symmetric density has its mode. Here |x| is s x
with s = -1 below 0 and 1 elsewhere, which gives every smooth function of |x| both derivatives.
Square roots of squares are absolute values, too, and have no derivative at 0 as written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.rewriting.basic import in2out, node_rewriter
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.scalar.basic import Abs, Add, Exp, Mul, Pow, Sign, Sqr, Sqrt
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.math import Dot, Sum

_EXPONENTS = {Sqr: 2.0, Sqrt: 0.5}


@node_rewriter([Elemwise])
def _signed(fgraph: Any, node: Any) -> list[Variable] | None:
    """Write |x| as s x."""
    if not isinstance(node.op.scalar_op, Abs) or not _is_real(node.inputs[0]):
        return None
    x = node.inputs[0]
    return [x * _side(x)]


@node_rewriter([Elemwise])
def _sided(fgraph: Any, node: Any) -> list[Variable] | None:
    """Write x sign(x) as s x: the factor x hides that s is not 0 at 0."""
    if not isinstance(node.op.scalar_op, Mul):
        return None
    signs = [v for v in node.inputs if _operation(v) is Sign and _is_real(v.owner.inputs[0])]
    sided = {v: v.owner.inputs[0] for v in signs if v.owner.inputs[0] in node.inputs}
    if not sided:
        return None
    factors = [_side(sided[v]) if v in sided else v for v in node.inputs]
    return [node.op(*factors)]


@node_rewriter([Elemwise])
def _power_of_power(fgraph: Any, node: Any) -> list[Variable] | None:
    """Write (x^a)^b as |x|^ab where a is even, and as x^ab where x is not negative."""
    outer = _power(node.outputs[0])
    inner = _power(outer[0]) if outer else None
    if outer is None or inner is None:
        return None
    (x, first), second = inner, outer[1]
    if not _is_real(x):
        return None
    if not _is_even(first):
        if not _is_nonnegative(x):
            return None
    elif not _is_even(first * second):
        x = pt.abs(x)
    exponent = first * second
    return [x if exponent == 1 else x ** np.asarray(exponent, dtype=x.type.dtype)]


_REWRITTEN = (
    in2out(_power_of_power, name="tripos_powers"),
    in2out(_sided, name="tripos_sides"),
    in2out(_signed, name="tripos_absolute_values"),
)


def twice_differentiable(graph: Any) -> Any:
    """Rewrite the absolute values of a graph, without changing its finite values."""
    for rewriting in _REWRITTEN:
        graph = rewrite_graph(graph, include=(), custom_rewrite=rewriting)
    return graph


def _side(x: Any) -> Any:
    one = np.ones((1,) * x.type.ndim, dtype=x.type.dtype)
    return pt.switch(pt.lt(x, 0), -one, one)


def _power(x: Any) -> tuple[Any, float] | None:
    """Base and exponent of a power whose exponent is known."""
    operation = _operation(x)
    if operation in _EXPONENTS:
        return x.owner.inputs[0], _EXPONENTS[operation]
    if operation is Mul and len(x.owner.inputs) == 2 and x.owner.inputs[0] is x.owner.inputs[1]:
        return x.owner.inputs[0], 2.0
    if operation is not Pow:
        return None
    base, exponent = x.owner.inputs
    if not isinstance(exponent, Constant) or exponent.data.size != 1:
        return None
    if base.type.broadcastable != x.type.broadcastable:
        return None
    return base, float(exponent.data.flat[0])


def _is_nonnegative(x: Any) -> bool:
    """Whether a graph only adds and multiplies even powers, roots and exponentials."""
    if isinstance(x, Constant):
        return bool(np.all(x.data >= 0))
    if x.owner is None:
        return False
    power = _power(x)
    if power is not None and _is_even(power[1]):
        return True
    if isinstance(x.owner.op, DimShuffle | Sum) or _operation(x) in (Add, Mul):
        return all(map(_is_nonnegative, x.owner.inputs))
    if isinstance(x.owner.op, Dot) and all(x.type.broadcastable):
        left, right = map(_beneath, x.owner.inputs)
        return left is right and left.type.ndim == 1
    return _operation(x) in (Abs, Sqrt, Exp)


def _beneath(x: Any) -> Any:
    while x.owner is not None and isinstance(x.owner.op, DimShuffle):
        x = x.owner.inputs[0]
    return x


def _is_even(exponent: float) -> bool:
    return exponent > 0 and exponent % 2 == 0


def _is_real(x: Any) -> bool:
    return x.type.dtype.startswith("float")


def _operation(x: Any) -> Any:
    is_elementwise = x.owner is not None and isinstance(x.owner.op, Elemwise)
    return type(x.owner.op.scalar_op) if is_elementwise else None
