"""Exact second derivatives where they can be evaluated."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from pytensor.graph.utils import MethodNotDefined

# Errors of operations whose author did not implement a derivative.
LEFT_OUT = (NotImplementedError, MethodNotDefined, TypeError, AttributeError)


def exact_where_possible[**A, R](method: Callable[A, R]) -> Callable[A, R]:
    """Make a function of a log density fall back on differences if its exact derivative fails.

    Most operations without a second derivative say so when they are differentiated; some only when
    they are evaluated.
    """

    @wraps(method)
    def answer(*arguments: A.args, **options: A.kwargs) -> R:
        density: Any = arguments[0]
        try:
            return method(*arguments, **options)
        except LEFT_OUT:
            if not density.has_exact_hessian:
                raise
            density.has_exact_hessian = False
            return method(*arguments, **options)

    return answer
