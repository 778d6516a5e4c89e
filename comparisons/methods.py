"""Methods by name: those of tripos, and user-defined functions.

A user-defined method is a function ``model -> DataTree``. It may take any of the keyword arguments
that tripos's methods take: ``random_seed``, ``progressbar``, ``draws``, ...
"""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pymc as pm
import xarray as xr

from ..approximations import METHODS
from ..approximations.arguments import model_given
from ..approximations.density import LogDensity
from ..approximations.errors import ArgumentError, DataError, MethodError, NoMethodError
from .importing import called, did_you_mean, function_in_file, function_in_module

Method = Callable[..., xr.DataTree]

GROUP = "tripos.methods"
"""The group of entry points by which other packages add methods."""

# Arguments passed to every method that accepts them.
_OFFERED = ("random_seed", "progressbar")


def load_method(name: str) -> Method:
    """Find a method by name.

    Parameters
    ----------
    name : str
        A name in `tripos.approximations.METHODS`; or of an entry point of the group
        ``tripos.methods``; or ``package.module:function`` or ``path/to/file.py:function``.

    Returns
    -------
    callable
        Called like tripos's own methods, with a `pymc.Model` or a `LogDensity`; see `own_method`.

    Raises
    ------
    NoMethodError
        When there is no such name (similar ones are suggested), file, module or function, or its
        import fails.
    """
    if name in METHODS:
        return METHODS[name].function
    if ":" not in name:
        # Reading the entry points takes 25 ms, which a path to a file need not wait for.
        if name in (brought := _brought()):
            return own_method(
                called(brought[name].load, f"The entry point {name}", NoMethodError), name
            )
        raise NoMethodError(
            f"There is no method called {name!r}. {did_you_mean(name, method_names())}There are "
            f"{', '.join(method_names())}; for one of your own, write package.module:function or "
            "path/to/file.py:function."
        )
    place, _, last = name.rpartition(":")
    if not place or not last:
        raise NoMethodError(
            f"{name!r} names no function: write package.module:function or "
            "path/to/file.py:function, for a function that takes a pymc.Model and returns a "
            "DataTree."
        )
    if place.endswith(".py"):
        return own_method(function_in_file(Path(place), last, NoMethodError), name)
    return own_method(function_in_module(place, last, NoMethodError), name)


def method_names() -> tuple[str, ...]:
    """Names that `load_method` knows: tripos's own, and those of installed packages."""
    return (*sorted(METHODS), *(name for name in _brought() if name not in METHODS))


def labelled(methods: Sequence[str | Method]) -> dict[str, Method]:
    """Find methods by name, and label functions by their own.

    Parameters
    ----------
    methods : sequence of str or callable

    Raises
    ------
    NoMethodError
        When ``methods`` is empty, or a name is unknown.
    ArgumentError
        When two have the same label, or a callable has no name.
    """
    if not methods:
        raise NoMethodError(f"Name at least one method of {', '.join(method_names())}.")
    found: dict[str, Method] = {}
    for method in methods:
        label = method if isinstance(method, str) else _name_of(method)
        if label in found:
            raise ArgumentError(
                f"Two methods are called {label!r}. Give one of the functions another __name__."
            )
        found[label] = load_method(method) if isinstance(method, str) else _adopted(method, label)
    return found


def is_registered(function: Method) -> bool:
    """Whether a method is one of `METHODS`, and so accepts all the common arguments."""
    known = METHODS.get(getattr(function, "__name__", ""))
    return known is not None and known.function is function


def own_method(function: Callable[..., Any], label: str) -> Method:
    """Wrap a user-defined function so that it can be called like tripos's own methods.

    It is given a plain `pymc.Model`, and ``random_seed`` and ``progressbar`` if it accepts them.
    Its tree gets the attributes ``method`` and ``seconds`` where they are missing.

    Parameters
    ----------
    function : callable
        ``model -> DataTree``.
    label : str
        Its name in error messages.

    Returns
    -------
    callable
        With the function's own signature. It raises `MethodError` when the function fails or
        returns no posterior, `ArgumentError` when it does not accept an argument, and `DataError`
        for a `LogDensity` whose data were changed by `set_data`.
    """

    @functools.wraps(function)
    def method(model: pm.Model | LogDensity | None = None, **arguments: Any) -> xr.DataTree:
        taken = _taken(function, arguments, label)
        plain = _plain(model, label)
        started = time.perf_counter()
        tree = called(lambda: function(plain, **taken), label, MethodError)
        seconds = time.perf_counter() - started
        if not isinstance(tree, xr.DataTree) or "posterior" not in tree.children:
            what = f"a {type(tree).__name__}"
            if isinstance(tree, xr.DataTree):
                what = f"a DataTree with the groups {list(tree.children)}"
            raise MethodError(
                f"{label} must return a DataTree with a group 'posterior', but it returned {what}."
            )
        tree.attrs = {"method": label, "seconds": seconds} | tree.attrs
        return tree

    return method


def _adopted(function: Method, label: str) -> Method:
    return function if is_registered(function) else own_method(function, label)


def _name_of(function: Any) -> str:
    if not callable(function):
        raise ArgumentError(
            f"A method is a name or a function model -> DataTree, but {function!r} was given."
        )
    name = getattr(function, "__name__", None)
    if name is None:
        raise ArgumentError(
            f"The method {function!r} has no __name__ to label its tree by. Define it with `def`."
        )
    return str(name)


def _plain(model: pm.Model | LogDensity | None, label: str) -> pm.Model:
    if not isinstance(model, LogDensity):
        return model_given(model)
    if model.has_new_data:
        raise DataError(
            f"{label} takes a model with its own data, but this LogDensity was given others by "
            "set_data. Build the model with the new data and pass that."
        )
    return model.model


def _taken(function: Callable[..., Any], arguments: dict[str, Any], label: str) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return arguments
    if unknown := [k for k in arguments if k not in parameters and k not in _OFFERED]:
        raise ArgumentError(
            f"{label} takes no argument {', '.join(unknown)}; it takes {', '.join(parameters)}."
        )
    return {name: value for name, value in arguments.items() if name in parameters}


def _brought() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}
