"""What Numba takes to compile a graph: estimated from its operations, not timed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytensor.graph.basic import Apply
from pytensor.tensor.basic import Alloc, AllocEmpty, MakeVector, ScalarFromTensor, TensorFromScalar
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.shape import Shape, Shape_i, SpecifyShape
from pytensor.tensor.subtensor import IncSubtensor, Subtensor

from .numpy_calls import NumpyCall

# CPU seconds: a constant for Numba's own start, a little per operation, since most are fused or
# come from one template, and far more for any other routine (a product, a join, a softmax, a
# factor), which is compiled once, however often it occurs. Set by eye on ten graphs of five models,
# which took 4 to 212 s: this gives 0.4 to 2.2 times what eight of them took, 3.6 and 4.8 times for
# two made of arithmetic alone, which found much of theirs in a cache that others had filled.
_START = 8.0
_ONE = 0.1
_ROUTINE = 4.5

_COMMON = (
    NumpyCall | Elemwise | DimShuffle | CAReduce | Subtensor | IncSubtensor | Alloc | AllocEmpty
    | Shape | Shape_i | SpecifyShape | MakeVector | ScalarFromTensor | TensorFromScalar
)  # fmt: skip


def seconds_to_compile(nodes: Iterable[Apply]) -> float:
    """Estimate the seconds that Numba takes to compile the operations of a graph on NumPy."""
    nodes = list(_with_inner(nodes))
    routines = {
        (node.op, tuple(x.type for x in node.inputs))
        for node in nodes
        if not isinstance(node.op, _COMMON)
    }
    return _START + _ONE * len(nodes) + _ROUTINE * len(routines)


def _with_inner(nodes: Iterable[Apply]) -> Iterator[Apply]:
    """Yield operations, and those of the graphs inside them: a scan's step."""
    for node in nodes:
        yield node
        inner = getattr(getattr(node.op, "core_op", node.op), "fgraph", None)
        yield from _with_inner(inner.apply_nodes) if inner is not None else ()
