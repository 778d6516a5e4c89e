"""The structural zeros of a log density's Hessian, found without evaluating it.

The gradient's graph is walked once, from ``theta`` to the gradient, and each array on the way is
described by what its entries depend on: row i of the Hessian can differ from zero only where entry
i of the gradient depends on a parameter. The gradient's graph contains its derivatives explicitly,
so first order is enough. Curtis, Powell and Reid (1974) and Griewank and Walther, Evaluating
Derivatives (2nd ed., 2008), chapter 7, on the gain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pytensor.compile.builders import OpFromGraph
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.traversal import toposort
from pytensor.scan.op import Scan
from scipy.sparse import csc_array, csr_array

from ..graphs.symbolic import SymbolicDensity
from . import dependence_products  # noqa: F401  (registers its rules)
from .dependence import Dependence, none, of_theta
from .dependence_rules import (
    Known,
    Reader,
    State,
    UnknownShapeError,
    outputs_of,
    perform,
    shapes_of_outputs,
)

# A pattern with a larger share of nonzeros is not worth storing, unless it is small.
_MOST_FILLED, _SMALL = 0.1, 10**5


@dataclass(frozen=True)
class Pattern:
    """Where the Hessian of a log density may differ from zero.

    Attributes
    ----------
    structure : (P, P) csc_array of bool, or None
        Symmetric; None where the Hessian is large and (nearly) dense.
    read : dict of SharedVariable to array
        Data whose values affected the pattern, such as indices of groups, at that time.
    shapes : dict of SharedVariable to tuple of int
        Shapes of all data.
    """

    structure: csc_array | None
    read: Mapping[SharedVariable, np.ndarray]
    shapes: Mapping[SharedVariable, tuple[int, ...]]

    def holds(self) -> bool:
        """Whether the pattern is that of the current data."""
        return all(_data(s).shape == shape for s, shape in self.shapes.items()) and all(
            _data(shared) is value or np.array_equal(_data(shared), value)
            for shared, value in self.read.items()
        )


def pattern_of(symbolic: SymbolicDensity) -> Pattern:
    """Find the structural pattern of a log density's Hessian.

    Parameters
    ----------
    symbolic : SymbolicDensity

    Returns
    -------
    Pattern
        A superset of the nonzeros at every ``theta`` (P,).
    """
    data = {
        variable: _data(variable)
        for node in toposort([symbolic.gradient])
        for variable in node.inputs
        if isinstance(variable, SharedVariable) and hasattr(_data(variable), "shape")
    }
    read: set[SharedVariable] = set()
    structure = hessian_structure(symbolic.gradient, symbolic.theta, symbolic.size, read)
    return Pattern(
        structure,
        {shared: data[shared] for shared in read},
        {shared: value.shape for shared, value in data.items()},
    )


def hessian_structure(
    gradient: Variable, theta: Variable, parameters: int, read: set[SharedVariable]
) -> csc_array | None:
    """Find the symmetric pattern (P, P) of the derivative of a gradient's graph (P,).

    It is None as in `Pattern`; the set ``read`` gets the data whose values matter.
    """
    try:
        return _symmetric_structure(dependence_of(gradient, theta, parameters, read))
    except UnknownShapeError:
        return None


def dependence_of(
    graph: Variable,
    theta: Variable,
    parameters: int,
    read: set[SharedVariable],
    *,
    of_slopes: bool = True,
) -> Dependence:
    """Describe which entries of ``theta`` (P,) the entries of a graph depend on; see `Reader`.

    Raises
    ------
    UnknownShapeError
        When the shape of an array is not known without evaluating it.
    """
    reader = Reader(
        parameters, lambda graphs, known: follow(graphs, known, reader), read, of_slopes
    )
    with np.errstate(all="ignore"):
        (found,) = follow([graph], {theta: of_theta(parameters)}, reader)
    return reader.dependence(found)


def _symmetric_structure(gradient: Dependence) -> csc_array | None:
    """Keep pairs in which each entry's slope depends on the other: a Hessian is symmetric."""
    most = max(_MOST_FILLED * gradient.parameters**2, _SMALL)
    common = np.flatnonzero(gradient.common)
    if len(common) ** 2 > most:
        return None
    rows = gradient.rows
    hubs = csr_array(
        (np.ones(len(common), dtype=bool), (common, common)), shape=(rows.shape[0],) * 2
    )
    own, both = hubs @ rows, rows.multiply(rows.T)
    pairs = np.array(np.meshgrid(common, common)).reshape(2, -1)
    block = csr_array((np.ones(pairs.shape[1], dtype=bool), tuple(pairs)), shape=rows.shape)
    structure = csc_array(both + own + own.T + block)
    structure.sort_indices()
    return None if structure.nnz > most else structure


def follow(
    graphs: Sequence[Variable], known: Mapping[Variable, State], reader: Reader
) -> list[State]:
    """Propagate dependence through graphs from known variables.

    Parameters
    ----------
    graphs : sequence of Variable
    known : mapping of Variable to Known or Dependence
        Where to start from, besides data and constants.
    reader : Reader

    Returns
    -------
    list of Known or Dependence
    """
    states = dict(known)
    for node in toposort(graphs, blockers=list(known)):
        inputs = [_state(variable, states) for variable in node.inputs]
        states |= zip(node.outputs, _outputs(node, inputs, reader), strict=True)
    return [_state(graph, states) for graph in graphs]


def _outputs(node: Apply, inputs: list[State], reader: Reader) -> Sequence[State]:
    if isinstance(node.op, OpFromGraph):
        inner = dict(zip(node.op.fgraph.inputs, inputs, strict=True))
        return follow(node.op.fgraph.outputs, inner, reader)
    known = [state for state in inputs if isinstance(state, Known)]
    if len(known) < len(inputs):
        outputs = outputs_of(node.op, node, inputs, reader)
    elif isinstance(node.op, Scan):
        # Its values are not needed here, and would require a compiled function.
        shapes = shapes_of_outputs(node, inputs, reader)
        return [none(shape, reader.parameters) for shape in shapes]
    else:
        sources = frozenset[SharedVariable]().union(*(state.sources for state in known))
        return [Known(value, sources) for value in perform(node, [s.value for s in known])]
    return [
        _without_slope(state) if reader.of_slopes and _is_discrete(variable) else state
        for variable, state in zip(node.outputs, outputs, strict=True)
    ]


def _without_slope(state: State) -> State:
    return state if isinstance(state, Known) else none(state.shape, state.parameters)


def _is_discrete(variable: Any) -> bool:
    return getattr(variable.type, "dtype", "float64").startswith(("int", "uint", "bool"))


def _state(variable: Variable, states: Mapping[Variable, State]) -> State:
    if variable in states:
        return states[variable]
    if isinstance(variable, SharedVariable):
        return Known(_data(variable), frozenset([variable]))
    assert isinstance(variable, Constant)
    return Known(variable.data)


def _data(shared: SharedVariable) -> Any:
    return shared.get_value(borrow=True)
