"""What a picture shows of trees: the finite draws of the quantities that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from ...approximations.errors import ArgumentError, NoSharedVariableError
from ...approximations.scalars.quantities import flatten
from .axes import shown_range

Scalars = Mapping[str, Mapping[str, np.ndarray]]


def scalars_of(trees: Mapping[str, xr.DataTree]) -> Scalars:
    """Draws (C, S) of every quantity of every tree, by label and quantity."""
    return {label: flatten(tree["posterior"].to_dataset()) for label, tree in trees.items()}


def draws_with(scalars: Scalars, quantities: Sequence[str]) -> dict[str, np.ndarray]:
    """Draws (Q, S) of the trees that have all of some quantities, where all of them are finite.

    Raises
    ------
    NoSharedVariableError
        When no tree has them all.
    """
    draws = {}
    for label, has in scalars.items():
        if all(quantity in has for quantity in quantities):
            values = np.array([np.ravel(has[quantity]) for quantity in quantities], dtype=float)
            draws[label] = values[:, np.all(np.isfinite(values), axis=0)]
    draws = {label: values for label, values in draws.items() if values.shape[1] > 0}
    if not draws:
        known = list(dict.fromkeys(quantity for has in scalars.values() for quantity in has))
        there_is = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
        raise NoSharedVariableError(
            f"No tree has finite draws of {' and '.join(map(repr, quantities))}; there is "
            f"{there_is or 'nothing'} in {', '.join(map(repr, scalars)) or 'no tree'}."
        )
    return draws


def draws_of_each(
    trees: Mapping[str, xr.DataTree], quantities: Sequence[str]
) -> dict[str, dict[str, np.ndarray]]:
    """Draws (1, S) of each quantity by the label of the trees that have it.

    Raises
    ------
    ArgumentError
        When there is no quantity.
    NoSharedVariableError
        When no tree has one of the quantities.
    """
    if not quantities:
        raise ArgumentError("Name at least one quantity to draw.")
    scalars = scalars_of(trees)
    return {quantity: draws_with(scalars, (quantity,)) for quantity in quantities}


def draws_in_plane(
    trees: Mapping[str, xr.DataTree], x: str, y: str
) -> tuple[dict[str, np.ndarray], tuple[tuple[float, float], tuple[float, float]]]:
    """Draws (2, S) of two quantities by label, and the range of each that a picture shows.

    Raises
    ------
    ArgumentError
        When x and y are the same.
    NoSharedVariableError
        When no tree has both.
    """
    if x == y:
        raise ArgumentError(f"x and y must be two quantities, but both are {x!r}.")
    draws = draws_with(scalars_of(trees), (x, y))
    return draws, (
        shown_range(values[0] for values in draws.values()),
        shown_range(values[1] for values in draws.values()),
    )
