"""The grid of a suite: model x method x repeat, checked before any work."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm

from ...approximations import METHODS
from ...approximations.arguments import check_options
from ...approximations.errors import ArgumentError, TargetError
from ...approximations.result import checked_count
from ...models import CATALOGUE
from ..importing import called, did_you_mean, function_in_file
from ..methods import load_method
from .cells import Cell

Options = Mapping[str, Mapping[str, Any]]


def cells_of(
    models: Sequence[str],
    methods: Sequence[str],
    *,
    repeats: int = 1,
    arguments: Options | None = None,
    options: Options | None = None,
    random_seed: int = 0,
) -> list[Cell]:
    """Make the grid of model x method x repeat, and check it as far as possible beforehand.

    Parameters
    ----------
    models, methods : sequence of str
    repeats : int, default 1
    arguments, options : mapping of str to mapping, optional
        Arguments by model, options by method.
    random_seed : int, default 0

    Raises
    ------
    TargetError, NoMethodError
        When a model or a method is unknown; similar names are suggested.
    ArgumentError
        When a name comes twice, or arguments are for no model (options for no method) of the suite,
        cannot be written down, or are not taken.
    """
    if isinstance(random_seed, bool) or not isinstance(random_seed, int | np.integer):
        raise ArgumentError(f"A suite's random_seed must be a whole number, not {random_seed!r}.")
    repeats = checked_count("repeats", repeats)
    called_with = _checked("model", "arguments", models, arguments or {})
    set_to = _checked("method", "options", methods, options or {})
    # PyMC's defaults follow the number of cores. The same cell must give the same numbers
    # everywhere, and workers must not fight over cores.
    for name in METHODS.keys() & set_to.keys():
        set_to[name] = {**METHODS[name].in_suites, **set_to[name]}
    for name, given in called_with.items():
        check_options(name, load_builder(name), given)
    for name, given in set_to.items():
        check_options(name, load_method(name), given)
    return [
        Cell(model, method, repeat, called_with[model], set_to[method], int(random_seed))
        for repeat in range(repeats)
        for model in called_with
        for method in set_to
    ]


def load_builder(name: str) -> Callable[..., pm.Model]:
    """Find the function that builds a model.

    Parameters
    ----------
    name : str
        Of the catalogue, or ``path/to/file.py:function``.

    Raises
    ------
    TargetError
        When there is no such name, file or function, or the file fails when it is run.
    """
    if name in CATALOGUE:
        return CATALOGUE[name].build
    path, _, function = name.rpartition(":")
    if path and function:
        return function_in_file(Path(path), function, TargetError)
    raise TargetError(
        f"The catalogue has no model {name!r}. {did_you_mean(name, CATALOGUE)}It has "
        f"{', '.join(CATALOGUE)}; for a model of your own, write path/to/file.py:function."
    )


def build_model(cell: Cell) -> pm.Model:
    """Build a cell's model.

    Raises
    ------
    TargetError
        When its function fails, or returns no model.
    """
    builder = load_builder(cell.model)
    model = called(lambda: builder(**cell.arguments), cell.model, TargetError)
    if not isinstance(model, pm.Model):
        raise TargetError(
            f"{cell.model} must return a pymc.Model, but it returned a {type(model).__name__}. "
            "End the function with `return model`."
        )
    return model


def _checked(
    kind: str, what: str, names: Sequence[str], given: Options
) -> dict[str, dict[str, Any]]:
    """Pair each name with its arguments, converted as by writing and reading a file."""
    names = list(names)
    if not names:
        raise ArgumentError(f"A suite needs at least one {kind}.")
    if wrong := [name for name in names if not isinstance(name, str)]:
        raise ArgumentError(
            f"A suite's {kind}s are names, which other processes can look up, but {wrong[0]!r} was "
            "given. Put the function into a file and write path/to/file.py:function."
        )
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise ArgumentError(f"The {kind} {twice[0]!r} is named twice; repeats= runs it again.")
    known = {*names, *METHODS} if kind == "method" else set(names)
    if unknown := [name for name in given if name not in known]:
        raise ArgumentError(
            f"There are {what} for {unknown[0]!r}, but the {kind}s are {', '.join(names)}."
        )
    try:
        return {name: json.loads(json.dumps(dict(given.get(name, {})))) for name in names}
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"The {what} of a suite's {kind}s must be numbers, text, lists and mappings, which a "
            f"file can hold: {error}."
        ) from error
