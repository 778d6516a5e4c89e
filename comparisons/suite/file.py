"""A suite as a TOML file: the arguments of `run_suite`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...approximations.errors import SuiteError
from ..importing import did_you_mean

_KINDS: dict[str, tuple[type, ...]] = {
    "models": (list,),
    "methods": (list,),
    "store": (str,),
    "repeats": (int,),
    "workers": (int,),
    "random_seed": (int,),
    "time_limit": (int, float),
    "memory_limit": (int, float),
    "reference": (str,),
    "arguments": (dict,),
    "options": (dict,),
}
_NEEDED = ("models", "methods")
_SAID = {list: "a list", str: "text", int: "a whole number", float: "a number", dict: "a table"}


@dataclass(frozen=True)
class SuiteFile:
    """What a file says.

    Attributes
    ----------
    arguments : dict
        Arguments of `run_suite`.
    reference : str or None
        The method that the scoreboard takes as exact where the truth is not known.
    """

    arguments: dict[str, Any]
    reference: str | None


def read_suite_file(path: Path) -> SuiteFile:
    """Read a suite from a file.

    Parameters
    ----------
    path : Path
        A TOML file with ``models`` and ``methods``, and optionally ``repeats``, ``store``,
        ``workers``, ``random_seed``, ``time_limit``, ``memory_limit``, ``[arguments.MODEL]`` and
        ``[options.METHOD]``; and ``reference``, for the scoreboard.

    Returns
    -------
    SuiteFile
        The store is ``results/`` and the file's name, where the file names none.

    Raises
    ------
    SuiteError
        When the file cannot be read, has a key that is unknown, missing, or of the wrong type, or a
        reference that is none of its methods.
    """
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SuiteError(f"{path} cannot be read as TOML: {error}.") from error
    for key, value in table.items():
        _check(path, key, value)
    if missing := [key for key in _NEEDED if key not in table]:
        raise SuiteError(f"{path} must name {' and '.join(missing)}, as lists of names.")
    reference = table.pop("reference", None)
    if reference is not None and reference not in table["methods"]:
        raise SuiteError(
            f"The reference in {path} must be one of its methods, {', '.join(table['methods'])}, "
            f"but it is {reference!r}: nothing could be compared with it."
        )
    return SuiteFile({"store": f"results/{path.stem}"} | table, reference)


def _check(path: Path, key: str, value: Any) -> None:
    if key not in _KINDS:
        raise SuiteError(
            f"{path} has the key {key!r}, which says nothing. {did_you_mean(key, _KINDS)}There are "
            f"{', '.join(_KINDS)}."
        )
    kinds = _KINDS[key]
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise SuiteError(f"{key} in {path} must be {_SAID[kinds[-1]]}, but it is {value!r}.")
    inner = value.values() if isinstance(value, dict) else []
    if wrong := [entry for entry in inner if not isinstance(entry, dict)]:
        raise SuiteError(
            f"{key} in {path} must hold a table for each name, as [{key}.NAME], but it holds "
            f"{wrong[0]!r}."
        )
