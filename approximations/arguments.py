"""What public functions have in common: their arguments are checked, by their own signatures.

A call that does not bind, an argument of the wrong type, and anything but a model as ``model``
raise errors that are sentences. Each function checks ranges itself.
"""

from __future__ import annotations

import functools
import inspect
import numbers
import types
import typing
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from typing import Any, Literal, TypeAliasType, cast, get_args, get_origin

import numpy as np
import pymc as pm

from .errors import ArgumentError
from .passed_on import check_passed_on

_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    str: "text",
    type(None): "None",
    np.ndarray: "an array",
    np.random.Generator: "a Generator",
    Mapping: "a mapping",
    Sequence: "a list",
    tuple: "a pair",
    Callable: "a function",
}


def renamed_arguments[F: Callable[..., Any]](**names: str) -> Callable[[F], F]:
    """Take arguments under their old names, too, with a DeprecationWarning that gives the new one.

    Parameters
    ----------
    **names : str
        Old name = new name.
    """

    def renaming(function: F) -> F:
        @functools.wraps(function)
        def renamed(*args: Any, **kwargs: Any) -> Any:
            for old, new in names.items():
                if old in kwargs:
                    message = (
                        f"{function.__name__}: {old}= is {new}= since 0.2; {old}= goes with 0.3."
                    )
                    warnings.warn(message, DeprecationWarning, stacklevel=2)
                    kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return cast(F, renamed)

    return renaming


def checked_arguments[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Check each call of a function against the types in its signature, before it is made.

    A single name or function is accepted in place of a list of them.

    Raises
    ------
    ArgumentError
        When the call does not bind, or an argument has the wrong type.
    """
    signature = inspect.signature(function)
    name = function.__qualname__.removesuffix(".__init__")

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(_unbound(name, signature, error)) from None
        check_passed_on(name, function, kwargs)
        expected = _types_of(function)
        for key, value in bound.arguments.items():
            if key in expected:
                bound.arguments[key] = _checked(key, value, expected[key])
        return function(*bound.args, **bound.kwargs)

    return checked


def check_options(name: str, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Check that a method or a model's function takes some keyword arguments.

    Raises
    ------
    ArgumentError
        When it does not.
    """
    signature = inspect.signature(function)
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        signature.bind_partial(**options)
    except TypeError as error:
        raise ArgumentError(_unbound(name, signature, error)) from None
    if "model" in options and next(iter(signature.parameters.values())).kind in positional:
        raise ArgumentError(f"{name} is given its model; leave model out of its options.")
    check_passed_on(name, function, options)


def model_given(model: Any) -> pm.Model:
    """Take a model, or the one in context for None.

    Raises
    ------
    ArgumentError
        When it is something else; the message says what to do with it.
    """
    if model is None:
        try:
            return pm.modelcontext(None)
        except TypeError:
            raise ArgumentError(
                "No model was given, and there is none in context. Pass a pymc.Model, or call this "
                "inside `with model:`."
            ) from None
    if not isinstance(model, pm.Model):
        raise ArgumentError(_no_model(model))
    return model


def _no_model(given: Any) -> str:
    said = f"model must be a pymc.Model or a LogDensity, but {_shown(given)} was given."
    if isinstance(getattr(given, "model", None), pm.Model):
        said = f"A pymc.Model is needed here, but {_shown(given)} was given."
        more = "Pass the model that it holds as .model."
    elif isinstance(given, str):
        more = "tripos.comparisons.target.load_model builds the model that a text names."
    elif isinstance(given, type):
        more = "Pass a model, not the class."
    elif hasattr(given, "backend"):
        # That of Bambi, which builds PyMC's own when it is asked to.
        more = "Build it (`model.build()`) and pass the PyMC model in it, `model.backend.model`."
    elif callable(given):
        more = f"Call it and pass the model that it returns: {_name(given)}()."
    else:
        more = "Build one with `with pm.Model() as model:`."
    return f"{said} {more}"


@functools.cache
def _types_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Types of the named parameters that have an annotation."""
    hints = typing.get_type_hints(function)
    named = inspect.signature(function).parameters.values()
    variadic = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return {p.name: hints[p.name] for p in named if p.kind not in variadic and p.name in hints}


def _checked(name: str, value: Any, expected: Any) -> Any:
    """Check one argument and return it, wrapped in a list where a list is expected."""
    if _is(value, expected):
        return value
    if any(pm.Model is option for option in _options(expected)):
        raise ArgumentError(_no_model(value))
    if isinstance(value, str) or callable(value):
        for option in _options(expected):
            if get_origin(option) is Sequence and _is(value, get_args(option)[0]):
                return [value]
    came = f"{_shown(value)} was given"
    if _is_list(value) and (wrong := [entry for entry in value if not _is([entry], expected)]):
        came = f"{_shown(wrong[0])} is in it"
    raise ArgumentError(f"{name} must be {_described(expected)}, but {came}.")


def _is(value: Any, expected: Any) -> bool:
    """Whether a value is of a type, for the types in this package's signatures."""
    origin, inner = get_origin(expected), get_args(expected)
    if isinstance(expected, TypeAliasType):
        return _is(value, expected.__value__)
    if expected in (Any, inspect.Parameter.empty):
        return True
    if len(options := _options(expected)) > 1:
        return any(_is(value, option) for option in options)
    if origin is Literal:
        return isinstance(value, str) and value in inner
    if origin is Mapping:
        # The function itself reports best what is wrong with an entry that is no mapping.
        deep = inner[1] if get_origin(inner[1]) is Mapping else Any
        return isinstance(value, Mapping) and all(
            _is(key, inner[0]) and _is(entry, deep) for key, entry in value.items()
        )
    if origin is Sequence:
        return _is_list(value) and all(_is(entry, inner[0]) for entry in value)
    if origin is tuple:
        return _is_list(value) and len(value) == len(inner)
    if origin is not None:
        return isinstance(value, origin)
    return _is_plain(value, expected)


def _is_plain(value: Any, expected: type) -> bool:
    is_truth = isinstance(value, bool | np.bool_)
    if expected is int:
        return isinstance(value, numbers.Integral) and not is_truth
    if expected is float:
        return isinstance(value, numbers.Real) and not is_truth
    if expected is bool:
        return is_truth
    if expected is np.ndarray:
        return isinstance(value, np.ndarray) or _is_list(value)
    return isinstance(value, expected)


def _is_list(value: Any) -> bool:
    return (
        isinstance(value, Iterable)
        and isinstance(value, Sized)
        and not isinstance(value, str | bytes | Mapping)
    )


def _options(expected: Any) -> tuple[Any, ...]:
    """Members of a union; any other type is its own only member."""
    is_union = get_origin(expected) in (types.UnionType, typing.Union)
    return get_args(expected) if is_union else (expected,)


def _described(expected: Any) -> str:
    """Say a type in words."""
    if isinstance(expected, TypeAliasType):
        return _described(expected.__value__)
    if get_origin(expected) is Literal:
        return _either([repr(value) for value in get_args(expected)])
    if len(options := _options(expected)) > 1:
        flat = [
            repr(value) if get_origin(option) is Literal else _described(option)
            for option in options
            for value in (get_args(option) if get_origin(option) is Literal else [option])
        ]
        return _either(flat)
    kind = get_origin(expected) or expected
    inner = get_args(expected)
    if kind is Sequence and inner and inner[0] is str:
        return "a list of names"
    if kind is Mapping and inner and inner[1] is not Any:
        return f"a mapping of names, each to {_described(inner[1])}"
    return _WORDS.get(kind, f"a {getattr(kind, '__name__', kind)}")


def _either(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _shown(value: Any) -> str:
    """Show a plain value, or the type of any other."""
    if isinstance(value, types.FunctionType | types.MethodType | types.BuiltinFunctionType):
        return f"the function {_name(value)}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    plain = value is None or isinstance(value, str | numbers.Number | list | tuple | dict)
    text = repr(value)
    if plain and len(text) <= 80:
        return text
    kind = type(value)
    return f"a {kind.__name__} of {kind.__module__}" if not plain else f"a {kind.__name__}"


def _name(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _unbound(name: str, signature: inspect.Signature, error: TypeError) -> str:
    """Say why a call does not bind, and what arguments there are."""
    taken = [key for key in signature.parameters if key != "self"]
    positional = [
        p.name
        for p in signature.parameters.values()
        if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"
    ]
    more = ""
    if "too many positional" in str(error):
        more = f" Write all but {' and '.join(positional)} by name, such as {taken[-1]}=..."
    return f"{name}: {error}. It takes {', '.join(taken) or 'no arguments'}.{more}"
