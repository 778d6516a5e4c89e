"""Arguments that a function passes on by ``**kwargs``: their names, so that no other is taken."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from .errors import ArgumentError

_NAMES = "passed_on"


def passing_on[F: Callable[..., Any]](*names: str) -> Callable[[F], F]:
    """Say which arguments a function takes by ``**kwargs``.

    Stands directly above the function, beneath `checked_arguments`, which then takes no others.

    Parameters
    ----------
    *names : str
    """

    def naming(function: F) -> F:
        vars(function)[_NAMES] = names
        return function

    return naming


def check_passed_on(name: str, function: Callable[..., Any], given: Iterable[str]) -> None:
    """Check the names of arguments, where a function says which it passes on.

    Raises
    ------
    ArgumentError
        When one is not among its arguments; the message gives the closest.
    """
    if hasattr(inspect.unwrap(function), _NAMES):
        check_known(name, given, taken_by(function))


def taken_by(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of all arguments of a function, with those that it passes on."""
    parameters = inspect.signature(function).parameters.values()
    named = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
    return tuple(dict.fromkeys([*named, *getattr(inspect.unwrap(function), _NAMES, ())]))


def check_known(name: str, given: Iterable[str], taken: Sequence[str]) -> None:
    """Check the names of some options.

    Parameters
    ----------
    name : str
        Of what takes them.
    given, taken : sequence of str

    Raises
    ------
    ArgumentError
        When one is not among those taken; the message gives the closest.
    """
    if unknown := [key for key in given if key not in taken]:
        close = get_close_matches(unknown[0], taken)
        more = f"Did you mean {' or '.join(close)}?" if close else f"It takes {', '.join(taken)}."
        raise ArgumentError(f"{name} takes no argument {unknown[0]!r}. {more}")
