"""The quantities that a user asks about, by the names of variables or the labels of entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...approximations.density import LogDensity
from ...approximations.errors import ArgumentError
from ...approximations.scalars.quantities import scalars_at


def chosen_labels(labels: Iterable[str], var_names: Sequence[str] | None) -> list[str]:
    """Choose the quantities of some variables.

    Raises
    ------
    ArgumentError
        When a variable has none.
    """
    labels = list(labels)
    if var_names is None:
        return labels
    names = [var_names] if isinstance(var_names, str) else list(var_names)
    of = {name: [x for x in labels if x == name or x.startswith(f"{name}[")] for name in names}
    if unknown := [name for name, found in of.items() if not found]:
        raise ArgumentError(
            f"var_names hold {unknown}, but the quantities that can be judged are {labels}."
        )
    wanted = {label for found in of.values() for label in found}
    return [label for label in labels if label in wanted]


def variables_asked(density: LogDensity, var_names: Sequence[str] | None) -> list[str] | None:
    """Name the variables of a model to which some names, or labels of entries, belong."""
    if var_names is None:
        return None
    asked = [var_names] if isinstance(var_names, str) else list(var_names)
    return [
        name
        for name in density.variables
        if any(label == name or label.startswith(f"{name}[") for label in asked)
    ]


def quantities_asked(density: LogDensity, var_names: Sequence[str] | None) -> list[str]:
    """Labels of the quantities of a model that some names stand for; all, if None.

    Raises
    ------
    ArgumentError
        When a name stands for none.
    """
    return chosen_labels(scalars_at(density, density.initial_point()[None]), var_names)
