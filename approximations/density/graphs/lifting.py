"""Lift data out of a graph into shared variables.

PyTensor's Numba cache does not work for a graph with a large constant, so a PyMC model with plain
NumPy data is recompiled in every process. With the data in shared variables of unknown length the
graph is the same for all data: it is cached, and new data need no compilation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pymc.logprob.utils import CheckParameterValue
from pytensor.compile.builders import OpFromGraph
from pytensor.compile.ops import ViewOp
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.traversal import ancestors, toposort
from pytensor.scalar.basic import Cast
from pytensor.tensor.basic import (
    Alloc,
    MakeVector,
    ScalarFromTensor,
    get_underlying_scalar_constant_value,
)
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.exceptions import NotScalarConstantError
from pytensor.tensor.shape import SpecifyShape
from pytensor.tensor.type import TensorType
from pytensor.tensor.variable import TensorConstant
from pytensor.xtensor.type import XTensorConstant

from .lengths import fixed_lengths
from .observed import ModelGraphs, is_array, shared_copy
from .sparse_products import indexed_product, is_sparse_product

# Integer constants below this size may be shapes or axes, which some operations need as constants.
_SMALLEST_INTEGER_DATA = 16


@dataclass(frozen=True)
class Lifted:
    """The data of a model, each in a shared variable of its own.

    Attributes
    ----------
    replacements : dict of Variable to SharedVariable
        Data in the model's graph, and their replacements in ours.
    named : dict of str to SharedVariable
        Observed variables and `pymc.Data` by name; the model's own containers are not touched.
    lengths : frozenset of int
        Constants used as lengths in the model's graphs, which cannot change.
    """

    replacements: dict[Variable, SharedVariable]
    named: dict[str, SharedVariable] = field(default_factory=dict)
    lengths: frozenset[int] = frozenset()

    @property
    def largest(self) -> int:
        """Number of entries of the largest array, a measure of one evaluation's work."""
        held = [*self.replacements.values(), *self.named.values()]
        return max((shared.get_value(borrow=True).size for shared in held), default=1)


def lift(model: pm.Model, graphs: ModelGraphs) -> Lifted:
    """Find the data in the graphs of a model, and copy them into shared variables."""
    reached = list(ancestors(graphs.all))
    data: dict[Variable, str | None] = {v: v.name for v in _told_apart(model, reached)}
    sources: dict[Variable, str | None] = {
        variable: data.get(variable)
        for variable in reached
        if is_array(variable)
        and variable not in graphs.own
        and (isinstance(variable, SharedVariable) or variable in data or _is_data(variable))
    }
    replacements = {source: shared_copy(source, name) for source, name in sources.items()}
    holders: dict[Variable, SharedVariable] = {**replacements, **{own: own for own in graphs.own}}
    named = {name: replacements[source] for source, name in sources.items() if name}
    named |= {n: holders[holder] for n, holder in graphs.containers.items() if holder in holders}
    lengths = _shared_lengths(graphs.all)
    return Lifted({**replacements, **lengths}, named, fixed_lengths(graphs.all))


def _told_apart(model: pm.Model, reached: Sequence[Variable]) -> list[Variable]:
    """`pymc.Data`, except those of a frozen model that PyTensor may merge with another constant."""
    constants = [v for rv in model.basic_RVs for v in ancestors([rv]) if isinstance(v, Constant)]
    constants += [v for v in reached if isinstance(v, Constant)]
    return [
        data
        for data in model.data_vars
        if isinstance(data, SharedVariable)
        or not any(data is not other and data.equals(other) for other in constants)
    ]


def _shared_lengths(graphs: Sequence[Variable]) -> dict[Variable, SharedVariable]:
    """Share the lengths to which PyMC broadcasts a log density: constants equal to the data's."""
    lengths: dict[Variable, SharedVariable] = {}
    for node in toposort(graphs):
        if not isinstance(node.op, Alloc):
            continue
        for length in node.inputs[1:]:
            try:
                value = get_underlying_scalar_constant_value(length)
            except NotScalarConstantError:  # a dim's length, say, which is shared already
                continue
            if value > 1:
                lengths[length] = pytensor.shared(np.asarray(value, dtype=length.type.dtype))
    return lengths


def rebuild(
    graphs: Sequence[Variable],
    replacements: Mapping[Variable, Variable],
    *,
    check_bounds: bool = True,
) -> list[Variable]:
    """Rebuild graphs with some variables replaced, and their types inferred again.

    PyMC writes the length of the observed data into its graphs, as a `SpecifyShape`. Lifted data
    have no fixed length, so these are removed. Axes of length 1 must be kept, since only an axis of
    known length 1 broadcasts: ``y[:1]`` has none any more, once the length of ``y`` is unknown.

    PyMC's checks of parameters become minus infinity here, and not when a function is compiled:
    otherwise one row outside the support would fail a whole batch.
    """
    known = dict(replacements)
    for node in toposort(graphs):
        if node.outputs[0] in known:
            continue
        inputs = [known.get(variable, variable) for variable in node.inputs]
        if isinstance(node.op, SpecifyShape | ViewOp):
            # A deterministic is a view, which would hide tensors of `pymc.dims` from lowering.
            rebuilt = inputs[:1]
        elif isinstance(node.op, CheckParameterValue):
            rebuilt = [_minus_infinity_unless(*inputs)] if check_bounds else inputs[:1]
        elif isinstance(node.op, MakeVector):
            # It stores the dtype of what it stacks, which may have changed.
            rebuilt = [pt.stack(inputs)] if inputs else node.outputs
        elif is_sparse_product(node):
            rebuilt = [indexed_product(*inputs)]
        elif _loses_precision(node):
            doubles = [pt.cast(variable, "float64") for variable in inputs]
            rebuilt = node.op.make_node(*doubles).outputs
        elif any(new is not old for new, old in zip(inputs, node.inputs, strict=True)):
            if isinstance(node.op, OpFromGraph):
                # Its own graph is written for the types that it was made with.
                inputs = [_as_typed(new, old) for new, old in zip(inputs, node.inputs, strict=True)]
            rebuilt = node.clone_with_new_inputs(inputs, strict=False).outputs
        else:
            continue
        for new, old in zip(rebuilt, node.outputs, strict=True):
            known[old] = _as_triangular(_as_broad(new, old), old)
    return [known.get(graph, graph) for graph in graphs]


def _minus_infinity_unless(logp: Any, *conditions: Any) -> Any:
    holds = [
        condition.owner.inputs[0]
        if condition.owner is not None and isinstance(condition.owner.op, ScalarFromTensor)
        else pt.as_tensor(condition)
        for condition in conditions
    ]
    return pt.cast(pt.switch(pt.all(holds), logp, -np.inf), logp.type.dtype)


def _loses_precision(node: Any) -> bool:
    """Whether a function of small integers, such as log(7), would be in single precision."""
    return (
        pytensor.config.floatX == "float64"
        and isinstance(node.op, Elemwise)
        and not isinstance(node.op.scalar_op, Cast)
        and node.outputs[0].type.dtype in ("float16", "float32")
        and all(v.type.dtype.startswith(("int", "uint", "bool")) for v in node.inputs)
    )


def _as_typed(new: Any, old: Any) -> Any:
    same = getattr(new.type, "dtype", None) == getattr(old.type, "dtype", None)
    return new if same else pt.cast(new, old.type.dtype)


def _as_broad(new: Any, old: Any) -> Any:
    """Restore the axes of length 1 that a rebuilt variable has lost."""
    if not (isinstance(old.type, TensorType) and isinstance(new.type, TensorType)):
        return new
    lost = [
        axis
        for axis, (before, after) in enumerate(zip(old.type.shape, new.type.shape, strict=True))
        if before == 1 and after != 1
    ]
    return pt.specify_broadcastable(new, *lost) if lost else new


def _as_triangular(new: Any, old: Any) -> Any:
    """Restore PyMC's tag of a factor L, by which PyTensor finds that Cholesky(L L') is L."""
    for kind in ("lower_triangular", "upper_triangular"):
        if getattr(old.tag, kind, False):
            setattr(new.tag, kind, True)
    return new


def in_double_precision(graphs: Iterable[Variable]) -> dict[Variable, Variable]:
    """Replace single-precision constants, which cost eight digits of a log density.

    PyTensor stores a Python number such as 2.0 in single precision, which is exact, but PyMC then
    takes the logarithm of a standard deviation in single precision, which is not.
    """
    if pytensor.config.floatX != "float64":
        return {}
    return {
        variable: pt.constant(np.asarray(variable.data, dtype="float64"), name=variable.name)
        for variable in ancestors(list(graphs))
        if isinstance(variable, TensorConstant) and variable.type.dtype == "float32"
    }


def _is_data(variable: Variable) -> bool:
    """Whether a constant is worth lifting: arrays of floats, and long arrays of integers."""
    if not isinstance(variable, TensorConstant | XTensorConstant) or variable.data.size < 2:
        return False
    return variable.data.dtype.kind == "f" or variable.data.size >= _SMALLEST_INTEGER_DATA
