"""Find the model that the command line names: in the catalogue, or in a user's file."""

from __future__ import annotations

from pathlib import Path

import pymc as pm

from ..approximations.arguments import checked_arguments
from ..approximations.errors import TargetError
from ..models import CATALOGUE
from .importing import called, did_you_mean, function_in_file


@checked_arguments
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
    model = called(function_in_file(Path(path), name, TargetError), target, TargetError)
    if not isinstance(model, pm.Model):
        raise TargetError(
            f"{target} must return a pymc.Model, but it returned a {type(model).__name__}. End the "
            "function with `return model`."
        )
    return model


def _from_catalogue(name: str) -> pm.Model:
    if name not in CATALOGUE:
        raise TargetError(
            f"The catalogue has no model {name!r}. {did_you_mean(name, CATALOGUE)}It has "
            f"{', '.join(CATALOGUE)}; for a model of your own, write path/to/file.py:function."
        )
    return CATALOGUE[name].build()
