"""A model's graphs in which each observed array is a separate variable.

PyTensor identifies equal constants, and PyMC merges them while it builds a log density: observed
ones and standard errors of one would be the same array. So observed constants are first replaced by
shared variables, like `pymc.Data`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pymc.logprob.basic import transformed_conditional_logp
from pymc.logprob.utils import replace_rvs_by_values
from pytensor.compile.ops import ViewOp
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant, Variable
from pytensor.scalar.basic import Cast
from pytensor.sparse.type import SparseTensorType
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.math import variadic_add
from pytensor.tensor.type import TensorType
from pytensor.xtensor.basic import TensorFromXTensor, XTensorFromTensor
from pytensor.xtensor.type import XTensorType, xtensor_shared

from ...errors import RandomDensityError


@dataclass(frozen=True)
class ModelGraphs:
    """A model's terms and quantities, as graphs of the variables' values.

    Attributes
    ----------
    logp : Variable
        Log density, Jacobian terms included: the sum of all elements of the terms.
    terms : list of Variable
        Terms of free and observed variables and potentials, in the model's order.
    quantities : list of Variable
        Free variables on their own scale, then deterministics.
    own : tuple of SharedVariable
        The observed arrays that were constants.
    containers : dict of str to Variable
        Container of each observed variable's data: one of ``own``, or a `pymc.Data`.
    """

    logp: Any
    terms: list[Any]
    quantities: list[Any]
    own: tuple[SharedVariable, ...]
    containers: dict[str, Variable]

    @property
    def all(self) -> list[Any]:
        """Every graph."""
        return [self.logp, *self.quantities]


def graphs_of(model: pm.Model) -> ModelGraphs:
    """Build a model's graphs.

    Raises
    ------
    RandomDensityError
        When the log density depends on random variables outside the model.
    """
    own = {
        rv: shared_copy(value, value.name)
        for rv in model.observed_RVs
        if isinstance(value := model.rvs_to_values[rv], Constant) and is_array(value)
    }
    values = {**model.rvs_to_values, **own}
    maps = {"rvs_to_values": values, "rvs_to_transforms": model.rvs_to_transforms}
    terms = [
        *_terms_of([*model.free_RVs, *model.observed_RVs], maps),
        *replace_rvs_by_values(model.potentials, **maps),
    ]
    terms = [pt.as_tensor(term, allow_xtensor_conversion=True) for term in terms]
    return ModelGraphs(
        variadic_add(*(term.sum() for term in terms)),
        terms,
        replace_rvs_by_values([*model.free_RVs, *model.deterministics], **maps),
        tuple(own.values()),
        {rv.name: _container_of(values[rv]) for rv in model.observed_RVs},
    )


def _terms_of(variables: list[Variable], maps: Mapping[str, Any]) -> list[Variable]:
    try:
        return transformed_conditional_logp(rvs=variables, **maps)
    except ValueError as error:
        if "Random variables detected in the logp graph" not in str(error):
            raise
        raise RandomDensityError(
            f"The log density depends on variables that are none of the model's: {error}"
        ) from error


def is_array(variable: Variable) -> bool:
    """Whether a variable is a dense array."""
    is_sparse = isinstance(variable.type, SparseTensorType)
    return isinstance(variable.type, TensorType | XTensorType) and not is_sparse


def shared_copy(source: Any, name: str | None) -> SharedVariable:
    """Copy a constant or shared variable into one of unknown length, in double precision."""
    shared = isinstance(source, SharedVariable)
    data = source.get_value() if shared else np.array(source.data)
    # An axis of length 1 keeps it, so that the array can broadcast.
    shape = tuple(1 if length == 1 else None for length in source.type.shape)
    if isinstance(source.type, XTensorType):
        return xtensor_shared(data, dims=source.type.dims, name=name)
    single = source.type.dtype == "float32" and pytensor.config.floatX == "float64"
    dtype = "float64" if single else source.type.dtype
    return pytensor.shared(np.asarray(data, dtype=dtype), name=name, shape=shape)


def _container_of(value: Variable) -> Variable:
    """Look through PyMC's wrappers of data: a view, or a cast to the variable's own type."""
    while value.owner is not None and _only_wraps(value.owner.op):
        value = value.owner.inputs[0]
    return value


def _only_wraps(op: Any) -> bool:
    is_cast = isinstance(op, Elemwise) and isinstance(op.scalar_op, Cast)
    return is_cast or isinstance(op, ViewOp | TensorFromXTensor | XTensorFromTensor)
