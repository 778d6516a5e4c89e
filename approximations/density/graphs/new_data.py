"""Check new data against the model, before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Variable

from ...errors import DataError
from .lengths import evaluated
from .parameters import Block
from .symbolic import SymbolicDensity


@dataclass(frozen=True)
class DataSlots:
    """Containers of a model's data.

    Attributes
    ----------
    model : pymc.Model
    blocks : tuple of Block
        Its free variables.
    symbolic : SymbolicDensity
        Its graphs, and the containers of its data.
    coords : mapping of str to sequence or None
        Current coordinates of the dims.
    """

    model: pm.Model
    blocks: tuple[Block, ...]
    symbolic: SymbolicDensity
    coords: Mapping[str, Any]

    @property
    def containers(self) -> Mapping[str, SharedVariable]:
        """Observed variables and `pymc.Data`, by name."""
        return self.symbolic.lifted.named


@dataclass(frozen=True)
class NewData:
    """New values, and where to put them.

    Attributes
    ----------
    values : mapping of SharedVariable to array
        New values of data, and of lengths of dims.
    coords : dict of str to tuple
        New coordinates of dims.
    lengths : dict of str to int
        New lengths of dims.
    """

    values: Mapping[SharedVariable, np.ndarray]
    coords: dict[str, tuple[Any, ...]]
    lengths: dict[str, int]


def checked_data(
    slots: DataSlots,
    data: Mapping[str, Any],
    coords: Mapping[str, Sequence[Any]],
    theta: np.ndarray,
) -> NewData:
    """Match new data to the model's containers, without changing anything yet.

    Parameters
    ----------
    slots : DataSlots
    data, coords : mappings of str
        As of `LogDensity.set_data`.
    theta : (P,) array
        Point at which the model is evaluated with data of other lengths.

    Raises
    ------
    DataError
        When a name is unknown, or a dtype, a number of axes or a length does not fit.
    """
    known = slots.containers
    if unknown := [name for name in data if name not in known]:
        raise DataError(
            f"The model has no data called {unknown}; it has {sorted(known)}. Wrap an array in "
            "pm.Data to give it a name."
        )
    values = {name: _cast(name, value, known[name].get_value()) for name, value in data.items()}
    _check_shared(known, values)
    lengths: dict[str, int] = {}
    for name, value in values.items():
        lengths |= _resized_dims(slots, name, value.shape)
    for dim, length in lengths.items():
        _check_companions(slots, dim, length, values)
    new_coords = _new_coords(slots, lengths, coords)
    placed = {known[name]: value for name, value in values.items()}
    new = NewData(placed | _dim_lengths(slots, lengths), new_coords, lengths)
    if lengths or slots.symbolic.selecting & placed.keys():
        _check_evaluates(slots, new, theta)
    return new


def _check_shared(known: Mapping[str, SharedVariable], values: Mapping[str, np.ndarray]) -> None:
    """One `pymc.Data` may be observed under several names, but holds one array."""
    first: dict[SharedVariable, str] = {}
    for name, value in values.items():
        other = first.setdefault(known[name], name)
        if not np.array_equal(values[other], value):
            raise DataError(
                f"{other!r} and {name!r} stand for one pm.Data, which cannot hold two different "
                "arrays. Give each of them its own in the model."
            )


def _dim_lengths(slots: DataSlots, lengths: Mapping[str, int]) -> dict[SharedVariable, np.ndarray]:
    """New values of the variables that hold the lengths of dims."""
    held = slots.symbolic.lifted.replacements
    found = {}
    for dim, length in lengths.items():
        variable = held.get(slots.model.dim_lengths[dim])
        if variable is not None and variable.type.ndim == 0:
            found[variable] = np.asarray(length, dtype=variable.type.dtype)
    return found


def _check_evaluates(slots: DataSlots, new: NewData, theta: np.ndarray) -> None:
    """Evaluate the model once with the new data, to find operations that fail."""
    symbolic = slots.symbolic
    known: dict[Variable, np.ndarray] = {**dict(new.values.items()), symbolic.theta: theta}
    try:
        _, *quantities = evaluated([symbolic.logp, *symbolic.quantities], known)
    except Exception as error:  # each operation has its own way to say that lengths do not fit
        raise DataError(
            f"The model cannot be evaluated with these data ({_first_line(error)}): a part of it "
            "has the old length, or is selected by an index that is not there. Give what has that "
            "length as a pm.Data with the same dim, or build the model with the new data."
        ) from error
    variables = [*slots.model.free_RVs, *slots.model.deterministics]
    for rv, value in zip(variables, quantities, strict=True):
        dims = slots.model.named_vars_to_dims.get(rv.name) or ()
        for dim, length in zip(dims, np.shape(value), strict=False):
            if new.lengths.get(dim, length) != length:
                raise DataError(
                    f"Dim {dim!r} gets length {new.lengths[dim]}, but {rv.name!r} would keep "
                    f"{length}. Build the model with the new data."
                )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


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


def _resized_dims(slots: DataSlots, name: str, new: tuple[int, ...]) -> dict[str, int]:
    """Return the dims whose length changes, with their new length."""
    container = slots.containers[name]
    old = container.get_value(borrow=True).shape
    dims = slots.model.named_vars_to_dims.get(name) or (None,) * len(old)
    resized = {}
    for dim, before, after, fixed in zip(dims, old, new, container.type.shape, strict=True):
        if before == after:
            continue
        if dim is None:
            raise DataError(
                f"New data for {name!r} must have shape {old}, but {new} was given. A length can "
                "change only along a named dim: build the model with dims."
            )
        if fixed == 1 or before in slots.symbolic.lifted.lengths:
            raise DataError(
                f"The length of dim {dim!r} cannot change to {after}: the model holds the number "
                f"{before} where lengths stand, which may be this one. Build the model with the "
                "new data."
            )
        resized[dim] = after
    return resized


def _check_companions(
    slots: DataSlots, dim: str, length: int, values: Mapping[str, np.ndarray]
) -> None:
    """Everything with a resized dim must be data, and be given with the same length."""
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
