"""The quantities that a user asks about, by the names of variables or the labels of entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

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
    if not names:
        raise ArgumentError("var_names is empty: name at least one variable, or leave it out.")
    by_name: dict[str, list[str]] = {}
    for label in labels:
        for name in _owners(label):
            by_name.setdefault(name, []).append(label)
    of = {name: by_name.get(name, []) for name in names}
    if unknown := [name for name, found in of.items() if not found]:
        known = list(dict.fromkeys([label.partition("[")[0] for label in labels] + labels))
        near = [k for name in unknown for k in get_close_matches(name, known)] or known[:12]
        raise ArgumentError(
            f"var_names hold {unknown}, which are no quantities that can be judged. There are, for "
            f"example, {near}; {len(labels)} in all."
        )
    wanted = {label for found in of.values() for label in found}
    return [label for label in labels if label in wanted]


def variables_asked(density: LogDensity, var_names: Sequence[str] | None) -> list[str] | None:
    """Name the variables of a model to which some names, or labels of entries, belong."""
    if var_names is None:
        return None
    asked = [var_names] if isinstance(var_names, str) else list(var_names)
    owners = {name for label in asked for name in _owners(label)}
    return [name for name in density.variables if name in owners]


def quantities_asked(density: LogDensity, var_names: Sequence[str] | None) -> list[str]:
    """Labels of the quantities of a model that some names stand for; all, if None.

    Raises
    ------
    ArgumentError
        When a name stands for none.
    """
    return chosen_labels(scalars_at(density, density.initial_point()[None]), var_names)


def _owners(label: str) -> set[str]:
    """Names that a label may belong to; those of variables may have brackets, too."""
    return {label, *(label[:k] for k, letter in enumerate(label) if letter == "[")}
