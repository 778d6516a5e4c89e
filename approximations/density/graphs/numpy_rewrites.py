"""Rewrites that make a graph fast in plain NumPy; compiled code does not need them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.compile.builders import OpFromGraph
from pytensor.compile.mode import optdb
from pytensor.graph.basic import Variable
from pytensor.graph.replace import vectorize_graph
from pytensor.graph.rewriting.basic import MergeOptimizer, in2out, node_rewriter
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.scalar.basic import Clip, Second
from pytensor.scalar.math import Log1mexp, Softplus, TriGamma
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.rewriting.basic import local_useless_fill
from pytensor.tensor.rewriting.blockwise import local_blockwise_alloc
from pytensor.tensor.rewriting.subtensor import (
    local_blockwise_inc_subtensor,
    local_blockwise_of_subtensor,
)
from pytensor.tensor.shape import Shape_i

from .batched_linalg import batched_linalg
from .logistic import softplus
from .numpy_calls import only_calls

FOR_NUMPY = "tripos_for_numpy"
"""The tag by which a `pytensor.compile.mode.Mode` includes them."""


@node_rewriter([Elemwise])
def _only_vectorised(fgraph: Any, node: Any) -> list[Variable] | None:
    """Express scalar operations without a NumPy function by others that have one.

    Otherwise NumPy would call Python for each entry: 100 times slower on a long array.
    """
    x, *rest = node.inputs
    match node.op.scalar_op:
        case Softplus():
            written = softplus(x)
        case Log1mexp():
            written = pt.switch(x > -np.log(2.0), pt.log(-pt.expm1(x)), pt.log1p(-pt.exp(x)))
        case TriGamma():
            written = pt.polygamma(np.int64(1), x)
        case Clip():
            written = pt.minimum(pt.maximum(x, rest[0]), rest[1])
        case _:
            return None
    return [pt.cast(written, node.outputs[0].type.dtype)]


@node_rewriter([Elemwise])
def _filled_by_shape(fgraph: Any, node: Any) -> list[Variable] | None:
    """Fill an array of known shape without computing the one that it replaces.

    A gradient starts by filling the log density with ones, and would compute it just for its shape.
    """
    shape = node.outputs[0].type.shape
    if not isinstance(node.op.scalar_op, Second) or None in shape:
        return None
    filled: Any = pt.alloc(pt.cast(node.inputs[1], node.outputs[0].type.dtype), *shape)
    return [filled]


@node_rewriter([Elemwise])
def _long_axis_inside(fgraph: Any, node: Any) -> list[Variable] | None:
    """Lay out the outer product of a batch and a few data with the batch as fastest axis.

    NumPy's inner loop runs along the last axis of a new array, which may have only four entries.
    Everything computed from the array keeps its layout.
    """
    shapes = [x.type.broadcastable for x in node.inputs]
    if node.outputs[0].type.ndim != 2 or not {(True, False), (False, True)} <= {*shapes}:
        return None
    if (False, False) in shapes or any(_is_transposed(x) for x in node.inputs):
        return None
    return [node.op(*[x.T for x in node.inputs]).T]


@node_rewriter([Blockwise])
def _batch_inside(fgraph: Any, node: Any) -> list[Variable] | None:
    """Batch operations with an inner graph, instead of looping over them.

    `pt.logsumexp` is such a graph: in a mixture it would run once per draw.
    """
    own = node.op.core_op
    if not isinstance(own, OpFromGraph):
        return None
    inside = own.fgraph.unfreeze()
    rewrite_graph(inside, include=("ShapeOpt", "canonicalize"))
    batched: dict[Variable, Any] = dict(zip(inside.inputs, node.inputs, strict=True))
    axes = node.op.batch_ndim(node)
    # All rows have the same length, which needs no batch.
    lengths = {
        part.outputs[0]: batched[part.inputs[0]].shape[axes + part.op.i]
        for part in inside.apply_nodes
        if isinstance(part.op, Shape_i) and part.inputs[0] in batched
    }
    return list(vectorize_graph(inside.outputs, {**batched, **lengths}))


def _is_transposed(x: Variable) -> bool:
    return (
        x.owner is not None
        and isinstance(x.owner.op, DimShuffle)
        and tuple(x.owner.op.new_order) == (1, 0)
    )


if FOR_NUMPY not in optdb:
    # Fast compilation skips PyTensor's canonical form, but not its rewrites for batches.
    needed = in2out(
        *(local_blockwise_inc_subtensor, local_blockwise_of_subtensor, local_blockwise_alloc),
        *(local_useless_fill, _filled_by_shape),
        name="tripos_needed",
    )
    optdb.register("tripos_needed", needed, FOR_NUMPY, position=1.95)
    optdb.register("tripos_batch_inside", in2out(_batch_inside), FOR_NUMPY, position=0.9)
    # The scalar operations go last, or the stabilising rewrites would bring them back.
    optdb.register("tripos_only_vectorised", in2out(_only_vectorised), FOR_NUMPY, position=101)
    optdb.register("tripos_long_axis", in2out(_long_axis_inside), FOR_NUMPY, position=101.1)
    optdb.register("tripos_merge", MergeOptimizer(), FOR_NUMPY, position=101.2)
    optdb.register("tripos_linalg", in2out(batched_linalg), FOR_NUMPY, position=101)
    optdb.register("tripos_only_calls", in2out(only_calls), FOR_NUMPY, position=101.3)
