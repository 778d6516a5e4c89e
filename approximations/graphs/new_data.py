"""Check new data against the model that they are meant for, before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pymc as pm
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant

from ..errors import DataError
from .parameters import Block


@dataclass(frozen=True)
class DataSlots:
    """Where a model's data go.

    Attributes
    ----------
    model : pymc.Model
    blocks : tuple of Block
        Its free variables.
    containers : mapping of str to SharedVariable
        Observed variables and `pymc.Data`, by name.
    coords : mapping of str to sequence or None
        Coordinates of the dims, as they are now.
    """

    model: pm.Model
    blocks: tuple[Block, ...]
    containers: Mapping[str, SharedVariable]
    coords: Mapping[str, Any]


def checked_data(
    slots: DataSlots, data: Mapping[str, Any], coords: Mapping[str, Sequence[Any]]
) -> tuple[dict[str, np.ndarray], dict[str, tuple[Any, ...]]]:
    """Return the new values in the dtype of the old, and the coordinates of resized dims.

    Raises
    ------
    DataError
        When a name is unknown, shares its constant with another, or a dtype, a number of axes or a
        length does not fit.
    """
    known = slots.containers
    if unknown := [name for name in data if name not in known]:
        raise DataError(
            f"The model has no data called {unknown}; it has {sorted(known)}. Wrap an array in "
            "pm.Data to give it a name."
        )
    for one, two in merged_constants(slots.model):
        if one in data or two in data:
            raise DataError(told_as_merged(one, two))
    values = {name: _cast(name, value, known[name].get_value()) for name, value in data.items()}
    resized: dict[str, int] = {}
    for name, value in values.items():
        resized |= _resized_dims(slots.model, name, known[name].get_value().shape, value.shape)
    for dim, length in resized.items():
        _check_companions(slots, dim, length, values)
    return values, _new_coords(slots, resized, coords)


def merged_constants(model: pm.Model) -> list[tuple[str, str]]:
    """Pairs of observed variables with equal constants: PyTensor takes them for one array."""
    values = {rv.name: model.rvs_to_values[rv] for rv in model.observed_RVs}
    constants = {name: value for name, value in values.items() if isinstance(value, Constant)}
    return [
        (one, two)
        for (one, first), (two, second) in combinations(constants.items(), 2)
        if first.type == second.type and np.array_equal(first.data, second.data)
    ]


def told_as_merged(one: str, two: str) -> str:
    """Say what is wrong with such a pair, and what helps."""
    return (
        f"{one!r} and {two!r} have the same observed numbers, which PyTensor takes for one array, "
        "so new ones would go to both. Wrap each of them in pm.Data."
    )


def _cast(name: str, value: Any, old: np.ndarray) -> np.ndarray:
    if np.ma.is_masked(value):
        raise DataError(
            f"New data for {name!r} hold masked entries. Missing values are free variables, so "
            "they need a new model."
        )
    try:
        new = np.asarray(value)
    except ValueError as error:
        raise DataError(f"New data for {name!r} are no array: {error}.") from error
    if not np.can_cast(new.dtype, old.dtype, casting="same_kind"):
        raise DataError(
            f"New data for {name!r} must have dtype {old.dtype}, but {new.dtype} was given. "
            f"Convert them first, if that is what you mean: np.asarray(data, {str(old.dtype)!r})."
        )
    if new.ndim != old.ndim:
        raise DataError(
            f"New data for {name!r} must have shape {old.shape}, but {new.shape} was given."
        )
    if np.issubdtype(new.dtype, np.floating) and not np.all(np.isfinite(new)):
        raise DataError(
            f"New data for {name!r} hold NaN or infinity. Missing values are free variables, so "
            "they need a new model."
        )
    return new.astype(old.dtype)


def _resized_dims(
    model: pm.Model, name: str, old: tuple[int, ...], new: tuple[int, ...]
) -> dict[str, int]:
    """Return the dims whose length changes, with their new length."""
    dims = model.named_vars_to_dims.get(name) or (None,) * len(old)
    resized = {}
    for dim, before, after in zip(dims, old, new, strict=True):
        if before == after:
            continue
        if dim is None:
            raise DataError(
                f"New data for {name!r} must have shape {old}, but {new} was given. A length can "
                "change only along a named dim: build the model with dims."
            )
        resized[dim] = after
    return resized


def _check_companions(
    slots: DataSlots, dim: str, length: int, values: Mapping[str, np.ndarray]
) -> None:
    """Everything with a resized dim must be data, and come along with the same length."""
    model = slots.model
    for block in slots.blocks:
        if dim in (model.named_vars_to_dims.get(block.name) or ()):
            raise DataError(
                f"The length of dim {dim!r} cannot change to {length}, because the free variable "
                f"{block.name!r} has it: another number of parameters is another model."
            )
    for name, container in slots.containers.items():
        dims = model.named_vars_to_dims.get(name) or ()
        if dim not in dims:
            continue
        given = values[name].shape if name in values else container.get_value().shape
        if given[list(dims).index(dim)] != length:
            raise DataError(
                f"Dim {dim!r} gets length {length}, but {name!r} has shape {given}. Give all data "
                f"with this dim together, in one length."
            )


def _new_coords(
    slots: DataSlots, resized: Mapping[str, int], coords: Mapping[str, Sequence[Any]]
) -> dict[str, tuple[Any, ...]]:
    new = {}
    for dim, labels in coords.items():
        if dim not in slots.coords:
            raise DataError(f"The model has no dim {dim!r}; it has {sorted(slots.coords)}.")
        old = slots.coords[dim]
        length = resized.get(dim, None if old is None else len(old))
        if length is not None and len(labels) != length:
            raise DataError(f"Dim {dim!r} has length {length}, but {len(labels)} labels came.")
        new[dim] = tuple(labels)
    for dim, length in resized.items():
        if dim not in new and slots.coords.get(dim) is not None:
            raise DataError(
                f"Dim {dim!r} changes its length to {length} and has labels, so it needs new "
                f"ones: set_data(..., coords={{{dim!r}: [...]}})."
            )
    return new
