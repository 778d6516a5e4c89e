"""Elementwise operations as plain calls of NumPy, without PyTensor's checks.

On short arrays the checks take ten times as long as the arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import numpy as np
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.scalar.basic import AND, Add, Mul, Second, Switch
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.type import TensorType
from pytensor.tensor.utils import import_func_from_string


class NumpyCall(Op):
    """One call of a function of NumPy or SciPy.

    Parameters
    ----------
    function : callable
    type : TensorType
        Type of the output.
    """

    __props__ = ("function", "type")

    def __init__(self, function: Callable[..., Any], type: TensorType) -> None:
        self.function, self.type = function, type

    def make_node(self, *inputs: Variable) -> Apply:
        """Apply the function to some arrays."""
        return Apply(self, list(inputs), [self.type()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any) -> None:
        """Call the function."""
        output_storage[0][0] = np.asarray(self.function(*inputs))


@node_rewriter([Elemwise])
def only_calls(fgraph: Any, node: Any) -> list[Variable] | None:
    """Call NumPy for an elementwise operation, if it returns the type that PyTensor expects."""
    function = plain_function(node)
    if function is None:
        return None
    return NumpyCall(function, node.outputs[0].type).make_node(*node.inputs).outputs


def plain_function(node: Any) -> Callable[..., Any] | None:
    """Find the function of NumPy or SciPy equivalent to an elementwise operation, if any."""
    function = _function_of(node.op.scalar_op, [x.type.dtype for x in node.inputs])
    if function is None:
        return None
    samples = [np.ones((1,) * x.type.ndim, dtype=x.type.dtype) for x in node.inputs]
    gives = np.asarray(function(*samples)).dtype
    return function if gives == node.outputs[0].type.dtype else None


def _function_of(scalar_op: Any, dtypes: list[str]) -> Callable[..., Any] | None:
    inputs = len(dtypes)
    if isinstance(scalar_op, Switch):
        return choose
    if isinstance(scalar_op, Second):
        return _fill
    if isinstance(scalar_op, AND) and dtypes == ["bool", "bool"]:
        return both
    if isinstance(scalar_op, Add | Mul) and inputs > 2:
        return _FOLDS[type(scalar_op)]
    name, arguments, outputs = getattr(scalar_op, "nfunc_spec", None) or ("", 0, 0)
    return import_func_from_string(name) if (arguments, outputs) == (inputs, 1) else None


def _folded(function: Callable[..., Any], *arrays: np.ndarray) -> Any:
    # Small arrays first: long arrays are combined as late as possible.
    return reduce(function, sorted(arrays, key=np.size))


_FOLDS = {Add: partial(_folded, np.add), Mul: partial(_folded, np.multiply)}


def _fill(shape: np.ndarray, value: np.ndarray) -> np.ndarray:
    return np.array(np.broadcast_to(value, np.broadcast_shapes(shape.shape, value.shape)))


def both(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """`numpy.logical_and`, without its slow broadcast where a guard is constant."""
    if one.any() and other.any():
        return np.logical_and(one, other)
    return np.zeros(np.broadcast_shapes(one.shape, other.shape), dtype=bool)


def choose(condition: np.ndarray, yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    """`numpy.where`, returning one of the arrays itself where the condition is constant.

    In a log density conditions are guards, such as a count out of range: false everywhere.
    """
    if condition.all():
        chosen = yes
    elif not condition.any():
        chosen = no
    else:
        return np.where(condition, yes, no)
    dtype = np.result_type(yes, no)
    shape = np.broadcast_shapes(condition.shape, yes.shape, no.shape)
    if chosen.shape == shape and chosen.dtype == dtype:
        return chosen
    return np.broadcast_to(chosen, shape).astype(dtype)
