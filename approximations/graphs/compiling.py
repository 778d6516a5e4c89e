"""Compiled functions: ready at once on NumPy, moved to Numba when the work to come pays for it.

Numba needs 5 to 100 s to compile a log density from nothing, and then answers in microseconds.
PyTensor's Python linker is ready in well under a second and answers in about a millisecond: all
that one fit needs. ``benchmarks/linkers.py`` measures both.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import pymc as pm
import pytensor
from pymc.pytensorf import compile as pymc_compile
from pytensor.compile.mode import Mode
from pytensor.graph.basic import Variable
from pytensor.graph.traversal import applys_between
from pytensor.scalar.loop import ScalarLoop
from pytensor.scan.op import Scan
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import Elemwise

from ..errors import ArgumentError
from .logistic import FOR_NUMBA
from .numpy_rewrites import FOR_NUMPY

Linker = Literal["auto", "numpy", "numba"]

# What a call on NumPy costs, roughly: the figures that decide when Numba pays. They are counted,
# not timed, so that the same work takes the same path, and so gives the same bits, in every run.
_SECONDS_PER_CALL = 2e-4
_SECONDS_PER_ENTRY = 2e-8
_SECONDS_PER_BLOCK = 2e-5
_SECONDS_PER_SCAN = 3e-3
_SECONDS_PER_SERIES = 3e-3  # an entry of a series that is summed in Python, as of d gammainc / da
_SECONDS_TO_COMPILE = 10.0

_FLAG = threading.RLock()


# Up to so many entries a graph in canonical form takes twice as long to compile, and gives its
# answers no sooner.
_FEW_ENTRIES = 10_000


def _numpy_mode(optimizer: str, *, canonical: bool) -> Mode:
    # Fused loops and BLAS calls are made for compiled code: in Python they cost time.
    mode = Mode(linker="py", optimizer=optimizer).excluding("fusion", "inplace", "BlasOpt")
    return (mode if canonical else mode.excluding("canonicalize")).including(FOR_NUMPY)


def _numba_mode() -> Mode:
    return Mode(linker="numba", optimizer="fast_run").including(FOR_NUMBA)


class CompiledFunction:
    """A PyTensor function that is compiled at its first call.

    Parameters
    ----------
    inputs, outputs : sequence of Variable
    model : pymc.Model
        Whose ``check_bounds`` decides what a parameter out of bounds gives (minus infinity).
    linker : {"auto", "numpy", "numba"}
        ``"auto"`` starts on NumPy and moves to Numba once about 10 s of work have been counted.
    entries : int
        Entries of the largest array in one evaluation.
    optimizer : str
        PyTensor's set of rewrites for NumPy: ``"fast_compile"`` for a graph rewritten before.

    Attributes
    ----------
    seconds_per_row : float
        What a point of a batch costs on NumPy, as counted and not timed.
    seconds_compiling : float
    """

    def __init__(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        *,
        model: pm.Model,
        linker: Linker = "auto",
        entries: int = 1,
        optimizer: str = "fast_run",
    ) -> None:
        self._optimizer = optimizer
        self._canonical = optimizer != "fast_compile" or entries > _FEW_ENTRIES
        if linker not in ("auto", "numpy", "numba"):
            raise ArgumentError(
                f"linker must be 'auto', 'numpy' or 'numba', but {linker!r} was given."
            )
        self._inputs, self._outputs, self._model = list(inputs), list(outputs), model
        self._linker: Linker = linker
        loops = _seconds_in_loops(inputs, outputs, entries)
        self.seconds_per_row = _SECONDS_PER_ENTRY * entries + loops
        self._counted = 0.0
        self._function: Any = None
        self._on_numba = False
        self.seconds_compiling = 0.0

    @property
    def is_compiled(self) -> bool:
        """Whether it was called before."""
        return self._function is not None

    def __call__(self, *arguments: np.ndarray, rows: int = 1) -> list[np.ndarray]:
        """Evaluate; ``rows`` is the number of points in a batch."""
        self._counted += _SECONDS_PER_CALL + rows * self.seconds_per_row
        pays = self._counted > _SECONDS_TO_COMPILE
        wants_numba = self._linker == "numba" or (self._linker == "auto" and pays)
        if self._function is None or (wants_numba and not self._on_numba):
            result = self._first_call(arguments, numba=wants_numba)
        else:
            result = self._call(arguments)
        if self._canonical or self._on_numba or not any(np.isnan(part).any() for part in result):
            return result
        # Of a term guarded by a switch, the slope is 0 * inf until the canonical form is taken.
        self._canonical = True
        return self._first_call(arguments, numba=False)

    def _first_call(self, arguments: Sequence[np.ndarray], *, numba: bool) -> list[np.ndarray]:
        """Compile and evaluate; Numba compiles for the types of the first call, so it counts."""
        started = time.perf_counter()
        self._compile(numba=numba)
        result = self._call(arguments)
        self.seconds_compiling += time.perf_counter() - started
        return result

    def _call(self, arguments: Sequence[np.ndarray]) -> list[np.ndarray]:
        # What is not finite is judged by those who asked; NumPy's warnings would say it twice.
        with np.errstate(all="ignore"):
            return self._function(*arguments)

    def _compile(self, *, numba: bool) -> None:
        if numba:
            with self._model:
                self._function = pymc_compile(
                    self._inputs, self._outputs, mode=_numba_mode(), on_unused_input="ignore"
                )
        else:
            with without_c_compiler(), self._model:
                self._function = pymc_compile(
                    self._inputs,
                    self._outputs,
                    mode=_numpy_mode(self._optimizer, canonical=self._canonical),
                    on_unused_input="ignore",
                )
        self._function.trust_input = True
        self._on_numba = numba


@contextmanager
def without_c_compiler() -> Iterator[None]:
    """Keep PyTensor from running gcc, 2 to 10 s a time, to fold a constant it can fold in NumPy.

    The flag belongs to the process, so threads take turns: two that overlap would leave it changed.
    """
    with _FLAG, pytensor.config.change_flags(cxx=""):
        yield


def _seconds_in_loops(
    inputs: Sequence[Variable], outputs: Sequence[Variable], entries: int
) -> float:
    """Cost of the parts of a graph that NumPy goes through in a Python loop, for each row."""
    nodes = list(applys_between(inputs, outputs))
    operations = [node.op for node in nodes]
    scans = sum(isinstance(getattr(op, "core_op", op), Scan) for op in operations)
    blocks = sum(isinstance(op, Blockwise) for op in operations)
    series = sum(
        1 if all(node.outputs[0].type.broadcastable) else entries
        for node in nodes
        if isinstance(node.op, Elemwise) and isinstance(node.op.scalar_op, ScalarLoop)
    )
    return scans * _SECONDS_PER_SCAN + blocks * _SECONDS_PER_BLOCK + series * _SECONDS_PER_SERIES
