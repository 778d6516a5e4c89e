"""Softplus and sigmoid of x and of -x, all from one exponential: most of the cost of a logit.

The log-likelihood of a binomial count has the softplus of x and of -x, its derivatives the sigmoid
of both. Compiled one by one they take six exponentials and logarithms; exp(-|x|) serves them all,
and overflows nowhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.compile.mode import optdb
from pytensor.graph.basic import Variable
from pytensor.graph.rewriting.basic import MergeOptimizer, in2out, node_rewriter
from pytensor.scalar.basic import Neg
from pytensor.scalar.math import Sigmoid, Softplus
from pytensor.tensor.elemwise import Elemwise

FOR_NUMBA = "tripos_for_numba"
"""The tag by which a `pytensor.compile.mode.Mode` includes both rewrites."""


def softplus(x: Any) -> Any:
    """Write log(1 + exp(x)) with the same logarithm as the softplus of -x."""
    z, negated = _without_sign(x)
    zero = np.zeros((), dtype=z.type.dtype)
    logarithm = pt.log1p(_exponential(z))
    return logarithm - pt.minimum(z, zero) if negated else logarithm + pt.maximum(z, zero)


def sigmoid(x: Any) -> Any:
    """Write 1 / (1 + exp(-x)) with the same exponential as the sigmoid of -x."""
    z, negated = _without_sign(x)
    small = _exponential(z)
    large = 1 / (1 + small)
    parts = (small * large, large) if negated else (large, small * large)
    return pt.switch(z >= 0, *parts)


def is_elementwise(x: Variable, scalar_op: type) -> bool:
    """Whether ``x`` is the result of an elementwise scalar operation."""
    return (
        x.owner is not None
        and isinstance(x.owner.op, Elemwise)
        and isinstance(x.owner.op.scalar_op, scalar_op)
    )


def _without_sign(x: Any) -> tuple[Any, bool]:
    return (x.owner.inputs[0], True) if is_elementwise(x, Neg) else (x, False)


def _exponential(z: Any) -> Any:
    return pt.exp(-pt.abs(z))


@node_rewriter([Elemwise])
def _from_one_exponential(fgraph: Any, node: Any) -> list[Variable] | None:
    (x, *_), kind = node.inputs, node.op.scalar_op
    if not isinstance(kind, Softplus | Sigmoid) or not x.type.dtype.startswith("float"):
        return None
    written = softplus(x) if isinstance(kind, Softplus) else sigmoid(x)
    return [pt.cast(written, node.outputs[0].type.dtype)]


if FOR_NUMBA not in optdb:
    # After the rewrites that would bring softplus back, and before loops are fused.
    once = in2out(_from_one_exponential, name="tripos_from_one_exponential")
    optdb.register("tripos_from_one_exponential", once, FOR_NUMBA, position=47.0)
    optdb.register("tripos_merge_exponentials", MergeOptimizer(), FOR_NUMBA, position=47.1)
