"""Rewriting without a C compiler, and without stack traces that would fill the memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytensor

_FLAGS = threading.RLock()


@contextmanager
def lean_rewriting() -> Iterator[None]:
    """Build, rewrite and compile graphs with what takes neither gcc nor stack traces.

    PyTensor runs gcc, 2 to 10 s a time, to fold a constant that it can fold in NumPy. And it
    remembers for every variable where it was made, and copies these stack traces from rewrite to
    rewrite, where they add up: 20 GB for the second derivatives of a model with an LKJ prior.

    The flags belong to the process, so threads take turns: two that overlap would leave them
    changed.
    """
    with _FLAGS, pytensor.config.change_flags(cxx="", traceback__limit=0):
        yield
