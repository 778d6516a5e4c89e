"""Compute once what depends on the data alone: log factorials, checks, factors.

A binomial likelihood computes three log factorials at each evaluation, which depend on the data and
not on the parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pytensor
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.replace import graph_replace
from pytensor.graph.traversal import toposort
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.type import TensorType

from .numpy_calls import plain_function

# Deterministic operations that can be performed without compiling.
_PLAIN = (Elemwise, CAReduce, Blockwise, DimShuffle)


@dataclass(frozen=True)
class Hoisted:
    """A graph in which shared variables hold what depends on the data alone.

    Attributes
    ----------
    graph : Variable
    sources : dict of SharedVariable to Variable
        The graph from which each of them is computed.
    """

    graph: Any
    sources: dict[SharedVariable, Variable]

    def refresh(self) -> None:
        """Recompute them from the current data."""
        values = _computed_by(self._steps)
        for shared, source in self.sources.items():
            shared.set_value(values[source], borrow=True)

    @cached_property
    def _steps(self) -> list[Step]:
        return _steps_to(list(self.sources.values()))


Step = tuple[Apply, Callable[..., Any] | None]
"""An operation, and its NumPy function without PyTensor's checks."""


def hoist(graph: Any) -> Hoisted:
    """Move out of a graph what depends on shared variables and constants only."""
    order = list(toposort([graph]))
    fixed: set[Variable] = set()
    for node in order:
        if isinstance(node.op, _PLAIN) and all(v in fixed or _is_source(v) for v in node.inputs):
            fixed.update(node.outputs)
    used = [v for node in order if node.outputs[0] not in fixed for v in node.inputs]
    sources = [v for v in dict.fromkeys(map(_computed, used)) if v in fixed and _is_worth(v)]
    values = _computed_by(_steps_to(sources))
    shared = [_container(v, values[v]) for v in sources]
    hoisted = graph_replace(graph, list(zip(sources, shared, strict=True)), strict=False)
    return Hoisted(hoisted, dict(zip(shared, sources, strict=True)))


def _is_source(variable: Variable) -> bool:
    return isinstance(variable, SharedVariable | Constant)


def _computed(variable: Variable) -> Variable:
    """Look through views, which cost nothing, to what is computed."""
    while variable.owner is not None and isinstance(variable.owner.op, DimShuffle):
        variable = variable.owner.inputs[0]
    return variable


def _is_worth(variable: Any) -> bool:
    # Integer scalars may be lengths, which PyTensor traces through a graph by their origin.
    is_length = variable.type.ndim == 0 and variable.type.dtype.startswith(("int", "uint"))
    return variable.owner is not None and isinstance(variable.type, TensorType) and not is_length


def _container(variable: Any, value: np.ndarray) -> SharedVariable:
    shape = tuple(1 if length == 1 else None for length in variable.type.shape)
    return pytensor.shared(value, shape=shape)


def _steps_to(graphs: list[Variable]) -> list[Step]:
    return [
        (node, plain_function(node) if isinstance(node.op, Elemwise) else None)
        for node in toposort(graphs)
    ]


def _computed_by(steps: list[Step]) -> dict[Variable, np.ndarray]:
    """Evaluate graphs of shared variables and constants, by each operation's own NumPy code."""
    values: dict[Variable, np.ndarray] = {}
    with np.errstate(all="ignore"):
        for node, function in steps:
            inputs = [values[v] if v in values else _data_of(v) for v in node.inputs]
            if function is not None:
                values[node.outputs[0]] = np.asarray(function(*inputs))
            else:
                values |= zip(node.outputs, _performed(node, inputs), strict=True)
    return values


def _performed(node: Apply, inputs: list[np.ndarray]) -> list[np.ndarray]:
    storage: list[list[Any]] = [[None] for _ in node.outputs]
    node.op.perform(node, inputs, storage)
    return [np.asarray(cell[0]) for cell in storage]


def _data_of(variable: Any) -> np.ndarray:
    if isinstance(variable, SharedVariable):
        return variable.get_value(borrow=True)
    return variable.data
