"""How each kind of operation propagates the dependence of its inputs on the parameters.

A rule may overstate dependence, never understate it. Without a rule, every entry of an operation's
outputs depends on everything that its inputs depend on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import singledispatch
from inspect import Parameter, signature
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.compile.ops import DeepCopyOp, ViewOp
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Apply
from pytensor.scalar.basic import Mul, Second, Switch, TrueDiv
from pytensor.tensor.basic import (
    Alloc,
    ExtractDiag,
    Join,
    MakeVector,
    ScalarFromTensor,
    Split,
    TensorFromScalar,
)
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.extra_ops import CumOp, Repeat
from pytensor.tensor.reshape import JoinDims, SplitDims
from pytensor.tensor.shape import Reshape, Shape, Shape_i, SpecifyShape
from pytensor.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedSubtensor,
    IncSubtensor,
    Subtensor,
    unflatten_index_variables,
)

from .dependence import Dependence, alike, broadcast, merged, none, stacked, taken, union


@dataclass(frozen=True)
class Known:
    """A value that depends on no parameter.

    Attributes
    ----------
    value : array, number or slice
    sources : frozenset of SharedVariable
        The data that it is computed from.
    """

    value: Any
    sources: frozenset[SharedVariable] = frozenset()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return np.shape(self.value) if not hasattr(self.value, "shape") else self.value.shape

    @property
    def is_zero(self) -> bool:
        """Whether it is zero for all data."""
        return not self.sources and isinstance(self.value, np.ndarray) and not self.value.any()


State = Known | Dependence


@dataclass(frozen=True)
class Reader:
    """The context that the rules need besides an operation's inputs.

    Attributes
    ----------
    parameters : int
        P.
    follow : callable
        Follows graphs, given what is known of the variables that they start from.
    read : set of SharedVariable
        Data whose values affected the result: an index or the zeros of a matrix.
    of_slopes : bool, default True
        Whether a piecewise constant value, as of a comparison, counts as fixed.
    """

    parameters: int
    follow: Callable[..., list[State]]
    read: set[SharedVariable]
    of_slopes: bool = True

    def value(self, state: State) -> Any:
        """Give the value of an index or of a matrix with zeros, and record its data in ``read``."""
        assert isinstance(state, Known)
        self.read.update(state.sources)
        return state.value

    def dependence(self, state: State) -> Dependence:
        """Dependence of a state, which is empty where it is known."""
        return state if isinstance(state, Dependence) else none(state.shape, self.parameters)


class UnknownShapeError(Exception):
    """The shape of an operation's output is not known without evaluating it."""


@singledispatch
def outputs_of(op: Any, node: Apply, inputs: Sequence[State], reader: Reader) -> list[State]:
    """Describe the outputs of an operation by its inputs; this is the default rule."""
    common = np.zeros(reader.parameters, dtype=bool)
    for state in inputs:
        if isinstance(state, Dependence):
            common |= state.any_entry()
    return [alike(shape, common) for shape in shapes_of_outputs(node, inputs, reader)]


def shapes_of_outputs(
    node: Apply, inputs: Sequence[State], reader: Reader
) -> list[tuple[int, ...]]:
    """Infer the shapes of an operation's outputs, by PyTensor's own rules.

    Raises
    ------
    UnknownShapeError
        When PyTensor has no rule.
    """
    static: list[Any] = [getattr(variable.type, "shape", (None,)) for variable in node.outputs]
    if all(length is not None for shape in static for length in shape):
        return static
    given = [tuple(pt.constant(n, dtype="int64") for n in state.shape) for state in inputs]
    rule = getattr(node.op, "infer_shape", None)
    if rule is None:
        raise UnknownShapeError(str(node.op))
    # Older versions of PyTensor pass the function's whole graph, too.
    needed = [p for p in signature(rule).parameters.values() if p.default is Parameter.empty]
    try:
        symbolic = rule(None, node, given) if len(needed) > 2 else rule(node, given)
    except Exception as error:  # a user's operation may have a wrong rule
        raise UnknownShapeError(str(node.op)) from error
    known = dict(zip(node.inputs, inputs, strict=True))
    shapes = []
    for lengths in symbolic:
        found = reader.follow([pt.as_tensor(n) for n in lengths], known)
        if not all(isinstance(n, Known) for n in found):
            raise UnknownShapeError(str(node.op))
        shapes.append(tuple(int(reader.value(n)) for n in found))
    return shapes


@outputs_of.register(Elemwise)
def _elementwise(op: Any, node: Apply, inputs: Sequence[State], reader: Reader) -> list[State]:
    shape = np.broadcast_shapes(*(state.shape for state in inputs))
    factors = {Mul: inputs, TrueDiv: inputs[:1]}.get(type(op.scalar_op), [])
    if any(isinstance(state, Known) and state.is_zero for state in factors):
        return [Known(np.zeros(shape))]
    if isinstance(op.scalar_op, Second) or (reader.of_slopes and isinstance(op.scalar_op, Switch)):
        # The shape of the one and the condition of the other have no slope.
        inputs = inputs[1:]
    if isinstance(op.scalar_op, Second) and isinstance(inputs[0], Known):
        return [Known(np.broadcast_to(inputs[0].value, shape), inputs[0].sources)]
    parts = [state for state in inputs if isinstance(state, Dependence)]
    together = union(parts, shape) if parts else none(shape, reader.parameters)
    return [together] * len(node.outputs)


@outputs_of.register(CAReduce)
def _reduced(op: Any, node: Apply, inputs: Sequence[State], reader: Reader) -> list[State]:
    source = reader.dependence(inputs[0])
    axes = range(len(source.shape)) if op.axis is None else op.axis
    shape = tuple(n for axis, n in enumerate(source.shape) if axis not in axes)
    return [summed(source, axes).reshaped(shape)]


@outputs_of.register(CumOp)
def _mixed_along_an_axis(
    op: Any, node: Apply, inputs: Sequence[State], reader: Reader
) -> list[State]:
    shape = np.broadcast_shapes(*(state.shape for state in inputs))
    source = union([reader.dependence(state) for state in inputs], shape)
    axes = range(len(shape)) if op.axis is None else [op.axis % max(len(shape), 1)]
    flat = op.axis is None and isinstance(op, CumOp)
    mixed = broadcast(summed(source, axes), shape)
    return [mixed.reshaped((source.size,)) if flat else mixed]


@outputs_of.register(Shape)
def _shape(op: Any, node: Apply, inputs: Sequence[State], reader: Reader) -> list[State]:
    return [Known(np.array(inputs[0].shape, dtype="int64"))]


@outputs_of.register(Shape_i)
def _length(op: Any, node: Apply, inputs: Sequence[State], reader: Reader) -> list[State]:
    return [Known(np.array(inputs[0].shape[op.i], dtype="int64"))]


@outputs_of.register(Alloc)
@outputs_of.register(DeepCopyOp)
@outputs_of.register(DimShuffle)
@outputs_of.register(ExtractDiag)
@outputs_of.register(JoinDims)
@outputs_of.register(Repeat)
@outputs_of.register(Reshape)
@outputs_of.register(ScalarFromTensor)
@outputs_of.register(SpecifyShape)
@outputs_of.register(Split)
@outputs_of.register(SplitDims)
@outputs_of.register(Subtensor)
@outputs_of.register(AdvancedSubtensor)
@outputs_of.register(TensorFromScalar)
@outputs_of.register(ViewOp)
def _moved(op: Any, node: Apply, inputs: Sequence[State], reader: Reader) -> list[State]:
    return _rearranged(node, inputs, reader, [0])


@outputs_of.register(Join)
def _joined(op: Any, node: Apply, inputs: Sequence[State], reader: Reader) -> list[State]:
    # The axis is an input of its own in some versions of PyTensor.
    return _rearranged(
        node, inputs, reader, [k for k, v in enumerate(node.inputs) if v.type.ndim > 0]
    )


@outputs_of.register(MakeVector)
def _made_of_scalars(op: Any, node: Apply, inputs: Sequence[State], reader: Reader) -> list[State]:
    return _rearranged(node, inputs, reader, range(len(inputs)))


@outputs_of.register(IncSubtensor)
@outputs_of.register(AdvancedIncSubtensor)
def _scattered(op: Any, node: Apply, inputs: Sequence[State], reader: Reader) -> list[State]:
    if op.set_instead_of_inc:
        return _rearranged(node, inputs, reader, [0, 1])
    if not all(isinstance(state, Known) for state in inputs[2:]):
        return outputs_of.dispatch(object)(op, node, inputs, reader)
    base, more = (reader.dependence(state) for state in inputs[:2])
    index = unflatten_index_variables(
        [reader.value(state) for state in inputs[2:]], (0,) if op.idx_list is None else op.idx_list
    )
    targets = np.arange(base.size).reshape(base.shape)[index]
    added = merged(broadcast(more, targets.shape), targets, base.shape)
    return [union([base, added], base.shape)]


def _rearranged(
    node: Apply, inputs: Sequence[State], reader: Reader, data: Sequence[int]
) -> list[State]:
    """Find where an operation moves the entries of some inputs, by applying it to positions."""
    rest = [state for k, state in enumerate(inputs) if k not in data]
    if not all(isinstance(state, Known) for state in rest):
        return outputs_of.dispatch(object)(node.op, node, inputs, reader)
    sources = [reader.dependence(inputs[k]) for k in data]
    first = np.cumsum([0, *(source.size for source in sources)])
    arguments = [None if k in data else reader.value(state) for k, state in enumerate(inputs)]
    for k, source, start in zip(data, sources, first, strict=False):
        # Doubles hold the positions exactly, and are what the operations expect.
        arguments[k] = np.arange(start, start + source.size, dtype=float).reshape(source.shape)
    together = stacked(sources)
    moved = perform(node, arguments)
    return [taken(together, np.asarray(positions).astype(np.int64)) for positions in moved]


def summed(source: Dependence, axes: Sequence[int]) -> Dependence:
    """Sum over some axes, which keep the length 1."""
    shape = tuple(1 if axis in axes else n for axis, n in enumerate(source.shape))
    targets = np.arange(int(np.prod(shape))).reshape(shape)
    return merged(source, np.broadcast_to(targets, source.shape), shape)


def perform(node: Apply, arguments: Sequence[Any]) -> list[Any]:
    """Apply an operation by its own NumPy code."""
    storage: list[list[Any]] = [[None] for _ in node.outputs]
    node.op.perform(node, list(arguments), storage)
    return [cell[0] for cell in storage]
