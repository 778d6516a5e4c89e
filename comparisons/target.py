"""Find the model that the command line names: of the catalogue, or in somebody's own file."""

from __future__ import annotations

import difflib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymc as pm

from ..approximations.errors import TargetError
from ..models import CATALOGUE


def load_model(target: str) -> pm.Model:
    """Build the model that a target names.

    Parameters
    ----------
    target : str
        A name of the catalogue, or ``path/to/file.py:function`` for a function that takes no
        arguments and returns a `pymc.Model`.

    Raises
    ------
    TargetError
        When there is no such name, file or function, or it fails, or returns no model.
    """
    if ":" not in target and not target.endswith(".py"):
        return _from_catalogue(target)
    path, _, name = target.rpartition(":") if ":" in target else (target, "", "")
    if not path or not name:
        raise TargetError(
            f"{target!r} names no function: write path/to/file.py:function, for a function that "
            "returns a pymc.Model."
        )
    model = _called(_function(Path(path), name), target)
    if not isinstance(model, pm.Model):
        raise TargetError(
            f"{target} must return a pymc.Model, but it returned a {type(model).__name__}. End the "
            "function with `return model`."
        )
    return model


def _from_catalogue(name: str) -> pm.Model:
    if name not in CATALOGUE:
        near = difflib.get_close_matches(name, CATALOGUE, n=2)
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        raise TargetError(
            f"The catalogue has no model {name!r}. {hint}It has {', '.join(CATALOGUE)}; for a "
            "model of your own, write path/to/file.py:function."
        )
    return CATALOGUE[name].build()


def _function(path: Path, name: str) -> Callable[[], Any]:
    if not path.is_file():
        raise TargetError(f"There is no file {path}.")
    spec = importlib.util.spec_from_file_location(f"_target_{path.stem}", path)
    if spec is None or (loader := spec.loader) is None:
        raise TargetError(f"{path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    # A model's file may import its neighbours, at once or when its function is called, and may
    # define dataclasses: it is set up as if it were run as a script.
    sys.path.insert(0, str(path.parent.resolve()))
    sys.modules[spec.name] = module
    _called(lambda: loader.exec_module(module), str(path))
    function = getattr(module, name, None)
    if not callable(function):
        have = [n for n, value in vars(module).items() if callable(value) and not n.startswith("_")]
        raise TargetError(f"{path} has no function {name!r}; it has {have or 'none'}.")
    return function


def _called(function: Callable[[], Any], target: str) -> Any:
    """Run code that is not ours, and say where in it an error arose."""
    try:
        return function()
    except (Exception, SystemExit) as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        raise TargetError(
            f"{target} raised {type(error).__name__}: {error} ({where.filename}, line "
            f"{where.lineno})."
        ) from error
