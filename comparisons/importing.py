"""Functions of the user's own: found in a file or a module, and called."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from ..approximations.errors import TriposError


def function_in_file(path: Path, name: str, error: type[TriposError]) -> Callable[..., Any]:
    """Run a file and return one of its functions.

    Raises
    ------
    error
        When there is no such file or function, or the file fails when it is run.
    """
    if not path.is_file():
        raise error(f"There is no file {path}.")
    spec = importlib.util.spec_from_file_location(f"_target_{path.stem}", path)
    if spec is None or (loader := spec.loader) is None:
        raise error(f"{path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    # The file may import its neighbours, at once or when its function is called, and may define
    # dataclasses: it is set up as if it were run as a script.
    folder = str(path.parent.resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    sys.modules[spec.name] = module
    called(lambda: loader.exec_module(module), str(path), error)
    return _function_of(module, name, str(path), error)


def function_in_module(module: str, name: str, error: type[TriposError]) -> Callable[..., Any]:
    """Import an installed module and return one of its functions.

    Raises
    ------
    error
        When there is no such module or function, or the module fails when it is imported.
    """
    absent = error(
        f"There is no module {module!r} to import. For a file that is not installed, write "
        f"path/to/file.py:{name}."
    )
    if module.startswith("."):
        raise absent
    try:
        imported = called(lambda: importlib.import_module(module), module, error)
    except error as failure:
        cause = failure.__cause__
        # A module that is there may itself import one that is not: that is its own failure.
        if isinstance(cause, ModuleNotFoundError) and f"{module}.".startswith(f"{cause.name}."):
            raise absent from cause
        raise
    return _function_of(imported, name, module, error)


def called(function: Callable[[], Any], what: str, error: type[TriposError]) -> Any:
    """Run code that is not ours, and say where in it an error arose.

    Raises
    ------
    error
        In the place of any other; our own pass, as does an interrupt.
    """
    try:
        return function()
    except TriposError:
        raise
    except (Exception, SystemExit) as failure:
        where = traceback.extract_tb(failure.__traceback__)[-1]
        raise error(
            f"{what} raised {type(failure).__name__}: {failure} ({where.filename}, line "
            f"{where.lineno})."
        ) from failure


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Name what is spelt nearly so, as a sentence with a space after it; nothing if nothing is."""
    near = difflib.get_close_matches(name.lower(), list(known), n=2)
    return f"Did you mean {' or '.join(near)}? " if near else ""


def _function_of(
    module: ModuleType, name: str, where: str, error: type[TriposError]
) -> Callable[..., Any]:
    function = getattr(module, name, None)
    if callable(function):
        return function
    have = [n for n, value in vars(module).items() if callable(value) and not n.startswith("_")]
    raise error(f"{where} has no function {name!r}; it has {have or 'none'}.")
