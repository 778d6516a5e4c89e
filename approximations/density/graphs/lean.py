"""Rewriting without a C compiler, and without stack traces that would exhaust memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytensor

_FLAGS = threading.RLock()


@contextmanager
def lean_rewriting() -> Iterator[None]:
    """Build, rewrite and compile graphs without gcc and without stack traces.

    PyTensor runs gcc, 2 to 10 s a time, to fold a constant that it can fold in NumPy. And it
    records where every variable was created, and accumulates these stack traces from rewrite to
    rewrite: 20 GB for the second derivatives of a model with an LKJ prior.

    The flags are global to the process, so threads take turns: two that overlap would leave them
    changed.
    """
    with _FLAGS, pytensor.config.change_flags(cxx="", traceback__limit=0):
        yield
