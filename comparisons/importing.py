"""Functions of the user's own: found in a file or a module, and called."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from ..approximations.errors import TriposError
from . import neighbours


def function_in_file(path: Path, name: str, error: type[TriposError]) -> Callable[..., Any]:
    """Run a file and return one of its functions, which sees the file's neighbours.

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
    beside = neighbours.Neighbours(path)
    called(lambda: beside.run(module, loader), str(path), error)
    return beside.around(_function_of(module, name, str(path), error))


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
        # An existing module may itself import a missing one, which is another error.
        if isinstance(cause, ModuleNotFoundError) and f"{module}.".startswith(f"{cause.name}."):
            raise absent from cause
        raise
    return _function_of(imported, name, module, error)


def called(function: Callable[[], Any], what: str, error: type[TriposError]) -> Any:
    """Run code that is not ours, and say where in it an error arose.

    Raises
    ------
    error
        In place of any other exception; a `TriposError` or an interrupt passes unchanged.
    """
    try:
        return function()
    except TriposError:
        raise
    except (Exception, SystemExit) as failure:
        raise error(f"{what} raised {told_with_place(failure)}.") from failure


def told_with_place(failure: BaseException) -> str:
    """Say what was raised, and in which file and line of code that is not ours."""
    frames = traceback.extract_tb(failure.__traceback__)
    where = [frame for frame in frames if frame.filename != neighbours.__file__][-1]
    return f"{type(failure).__name__}: {failure} ({where.filename}, line {where.lineno})"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggest similar spellings, as a sentence with a space after it; empty if there are none."""
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
