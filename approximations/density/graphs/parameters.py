"""Layout of the free variables in one flat vector ``theta``, and labels of its entries."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.graph.basic import Variable
from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable
from pytensor.xtensor import as_xtensor
from pytensor.xtensor.type import XTensorType

from ...errors import DiscreteVariableError, NoFreeVariableError


@dataclass(frozen=True)
class Block:
    """Position of one free variable in ``theta``.

    Attributes
    ----------
    name : str
        The variable's name in the model, ``"tau"``.
    value_name : str
        PyMC's name of its unconstrained value, ``"tau_log__"``.
    shape : tuple of int
        Shape of the unconstrained value.
    dims : tuple of str or None
        Named dims, where the unconstrained value has the shape of the variable.
    start : int
        Position of the first entry in ``theta``.
    labels : tuple of str
        One label per entry, ``"theta[Choate]"``.
    """

    name: str
    value_name: str
    shape: tuple[int, ...]
    dims: tuple[str, ...] | None
    start: int
    labels: tuple[str, ...]

    @property
    def slice(self) -> slice:
        """The entries of ``theta`` that belong to the variable."""
        return slice(self.start, self.start + len(self.labels))

    def take(self, theta: np.ndarray) -> np.ndarray:
        """Extract the variable's values from ``theta`` (..., P), as (..., *shape)."""
        return theta[..., self.slice].reshape((*theta.shape[:-1], *self.shape))


def blocks_of(model: pm.Model, point: Mapping[str, np.ndarray]) -> tuple[Block, ...]:
    """Lay the free variables out, in the model's order.

    Parameters
    ----------
    model : pymc.Model
    point : mapping of str to ndarray
        An unconstrained point, for the shapes.

    Raises
    ------
    NoFreeVariableError
        When there is no free variable.
    DiscreteVariableError
        When a free variable is discrete.
    """
    discrete = [v.name for v in model.free_RVs if v.type.dtype.startswith(("int", "uint", "bool"))]
    if discrete:
        raise DiscreteVariableError(
            f"Every free variable must be continuous, but {_listing(discrete)} "
            f"{'is' if len(discrete) == 1 else 'are'} discrete. Marginalise the discrete variables "
            "out of the model (pymc_extras.MarginalModel does it), or sample with pm.sample."
        )
    if not model.free_RVs:
        raise NoFreeVariableError(
            "The model has no free variable, so there is no posterior to approximate. "
            "Is a prior missing, or is every variable observed?"
        )
    blocks, start = [], 0
    for variable in model.free_RVs:
        value = model.rvs_to_values[variable]
        shape = tuple(int(n) for n in np.shape(point[value.name]))
        dims = model.named_vars_to_dims.get(variable.name)
        named = _dims_that_fit(model, dims, shape)
        # An untransformed value, and an elementwise transform, keep the variable's own coordinates.
        label = variable.name if value.name == variable.name else value.name
        labels = labels_of(label, shape, coords_of(model, named) if named else None)
        blocks.append(Block(variable.name, value.name, shape, named, start, labels))
        start += len(labels)
    return tuple(blocks)


def labels_of(
    name: str, shape: tuple[int, ...], coords: Sequence[Iterable[object] | None] | None = None
) -> tuple[str, ...]:
    """Name every entry of an array: ``theta[Choate]`` with coords, ``theta[0]`` without."""
    if not shape:
        return (name,)
    axes = [
        range(n) if coord is None else coord
        for n, coord in zip(shape, coords or [None] * len(shape), strict=True)
    ]
    return tuple(f"{name}[{', '.join(map(str, index))}]" for index in itertools.product(*axes))


def coords_of(model: pm.Model, dims: Sequence[str]) -> list[Sequence[object] | None]:
    """The coordinate values of some dims; None for a dim without coordinates."""
    return [model.coords.get(dim) for dim in dims]


def _dims_that_fit(
    model: pm.Model, dims: Sequence[str] | None, shape: tuple[int, ...]
) -> tuple[str, ...] | None:
    """Dims, if each has the length of its axis: a transform may change a shape (a simplex)."""
    if not dims or len(dims) != len(shape):
        return None
    lengths = [len(coord) if (coord := model.coords.get(dim)) is not None else None for dim in dims]
    fits = all(length is None or length == n for length, n in zip(lengths, shape, strict=True))
    return tuple(dims) if fits else None


def values_from_theta(
    model: pm.Model, blocks: Sequence[Block], theta: TensorVariable
) -> dict[Variable, Variable]:
    """Express every value variable of the model by slices of a symbolic ``theta`` (P,)."""
    replacements = {}
    for block in blocks:
        value = model.rvs_to_values[model[block.name]]
        entries = theta[block.slice].reshape(block.shape) if block.shape else theta[block.start]
        entries = pt.cast(entries, value.type.dtype)
        if isinstance(value.type, XTensorType):
            entries = as_xtensor(entries, dims=value.type.dims)
        replacements[value] = entries
    return replacements


def ravel_point(blocks: Sequence[Block], point: Mapping[str, np.ndarray]) -> np.ndarray:
    """Join an unconstrained point (PyMC's dict of value names) into ``theta`` (P,)."""
    return np.concatenate(
        [np.ravel(np.asarray(point[block.value_name], dtype=float)) for block in blocks]
    )


def stands_alone(model: pm.Model, block: Block) -> bool:
    """Whether each entry of a variable is a function of its own entry of ``theta`` only.

    False for a simplex, and for a variable whose support depends on another free variable.
    """
    variable = model[block.name]
    transform = model.rvs_to_transforms[variable]
    if transform is None:
        return True
    value, inputs = model.rvs_to_values[variable], variable.owner.inputs
    # A transform of whole vectors sums its log Jacobian over them. Its ndim_supp would show that,
    # but transforms of named dims have none.
    by_entry = transform.log_jac_det(value, *inputs).ndim == value.ndim
    return by_entry and not set(model.free_RVs) & set(ancestors(inputs))


def describe_direction(labels: Sequence[str], direction: np.ndarray, most: int = 3) -> str:
    """Describe a direction in parameter space by large entries: ``+0.71 alpha - 0.71 beta``."""
    unit = direction / np.linalg.norm(direction)
    # A direction that hundreds of parameters share has no large entry.
    least = min(0.05, 0.5 * float(np.max(np.abs(unit))))
    largest = [k for k in np.argsort(-np.abs(unit))[:most] if abs(unit[k]) > least]
    terms = [f"{'+' if unit[k] >= 0 else '-'} {abs(unit[k]):.2g} {labels[k]}" for k in largest]
    text = " ".join(terms).removeprefix("+ ")
    return text + (" ..." if np.sum(np.abs(unit) > least) > most else "")


def _listing(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
