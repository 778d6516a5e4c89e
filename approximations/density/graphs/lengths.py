"""Whether a model's graphs can follow data of another length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.traversal import ancestors, toposort
from pytensor.scan.op import Scan
from pytensor.tensor.basic import (
    Alloc,
    AllocEmpty,
    ARange,
    Eye,
    MakeVector,
    get_underlying_scalar_constant_value,
)
from pytensor.tensor.exceptions import NotScalarConstantError
from pytensor.tensor.shape import Reshape
from pytensor.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedSubtensor,
    IncSubtensor,
    Subtensor,
    get_idx_list,
)

from .lean import lean_rewriting

# Positions of lengths among each operation's inputs.
_LENGTHS: dict[Any, slice] = {
    Alloc: slice(1, None),
    AllocEmpty: slice(None),
    ARange: slice(1, 2),
    Eye: slice(0, 2),
    Reshape: slice(1, None),
    Scan: slice(0, 1),
}
_SLICES: dict[Any, slice] = {Subtensor: slice(0, None), IncSubtensor: slice(1, None)}
_SELECTS: dict[Any, slice] = {
    AdvancedSubtensor: slice(1, None),
    AdvancedIncSubtensor: slice(2, None),
}


def fixed_lengths(graphs: Sequence[Variable]) -> frozenset[int]:
    """Constants used as lengths, and lengths of index arrays.

    Other arrays are combined with the data elementwise, where a wrong length is an error; these
    would silently keep the old number of entries.
    """
    found: set[int] = set()
    for variable in [*_inputs_at(_LENGTHS, graphs), *_ends_of_slices(graphs)]:
        found.update(_numbers(variable))
    for variable in _inputs_at(_SELECTS, graphs):
        if isinstance(variable, Constant):
            found.update(np.shape(variable.data))
    return frozenset(found)


def indices_among(graphs: Sequence[Variable]) -> frozenset[SharedVariable]:
    """Shared variables from which the indices of a selection are computed."""
    indices = _inputs_at(_SELECTS, graphs)
    return frozenset(v for v in ancestors(indices) if isinstance(v, SharedVariable))


def _inputs_at(places: Mapping[Any, slice], graphs: Sequence[Variable]) -> list[Variable]:
    nodes = [node for node in toposort(graphs) if type(node.op) in places]
    return [variable for node in nodes for variable in node.inputs[places[type(node.op)]]]


def _ends_of_slices(graphs: Sequence[Variable]) -> Iterator[Variable]:
    for node in toposort(graphs):
        if type(node.op) in _SLICES:
            for part in get_idx_list(node.inputs[_SLICES[type(node.op)]], node.op.idx_list):
                ends = (part.start, part.stop) if isinstance(part, slice) else ()
                yield from (end for end in ends if isinstance(end, Variable))


def _numbers(variable: Any) -> Iterator[int]:
    if variable.owner is not None and isinstance(variable.owner.op, MakeVector):
        for part in variable.owner.inputs:
            yield from _numbers(part)
    elif isinstance(variable, Constant) and np.ndim(variable.data) == 1:
        yield from map(int, variable.data)
    else:
        try:
            yield int(get_underlying_scalar_constant_value(variable))
        except NotScalarConstantError:
            return


def evaluated(graphs: Sequence[Variable], known: Mapping[Variable, Any]) -> list[Any]:
    """Evaluate graphs without rewriting, by each operation's own code.

    Only inner graphs, such as the body of a loop, are compiled. PyTensor then refuses to broadcast
    an axis of length 1 unless the graph allows it, which NumPy would do silently.
    """
    values = dict(known)
    with lean_rewriting(), np.errstate(all="ignore"):
        for node in toposort(graphs):
            inputs = [values[v] if v in values else _held(v) for v in node.inputs]
            values |= zip(node.outputs, _performed(node, inputs), strict=True)
    return [values[graph] if graph in values else _held(graph) for graph in graphs]


def _performed(node: Apply, inputs: Sequence[Any]) -> list[Any]:
    storage: dict[Variable, list[Any]] = dict(
        zip(node.inputs, ([value] for value in inputs), strict=True)
    )
    storage |= {output: [None] for output in node.outputs}
    computed = {variable: [variable not in node.outputs] for variable in storage}
    node.op.make_thunk(node, storage, computed, [], impl="py")()
    return [storage[output][0] for output in node.outputs]


def _held(variable: Any) -> Any:
    if isinstance(variable, SharedVariable):
        return variable.get_value(borrow=True)
    return variable.data
