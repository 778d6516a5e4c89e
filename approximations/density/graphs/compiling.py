"""Compiled functions: ready at once on NumPy, moved to Numba when the work is worth it.

Numba needs 10 to 200 s to compile a log density from nothing, and then answers in microseconds.
PyTensor's Python linker is ready in well under a second and answers in about a millisecond: all
that a few fits need. ``benchmarks/linkers.py`` measures both. Nobody knows how many calls will
follow, so Numba is bought once it would have saved its price (rent or buy): whatever follows, that
costs at most about twice the better choice, as far as both estimates hold.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pymc as pm
from pymc.pytensorf import compile as pymc_compile
from pytensor.compile.mode import Mode
from pytensor.graph.basic import Variable

from .lean import lean_rewriting
from .logistic import FOR_NUMBA
from .numba_cost import seconds_to_compile
from .numpy_rewrites import FOR_NUMPY
from .work import SECONDS_PER_OPERATION, CountingLinker, seconds_per_row

Linker = Literal["auto", "numpy", "numba"]

# Up to this many entries a graph in canonical form takes twice as long to compile, and runs no
# faster.
_FEW_ENTRIES = 10_000


def _numpy_mode(linker: CountingLinker, optimizer: str, *, canonical: bool) -> Mode:
    # Fused loops and BLAS calls suit compiled code: in Python they cost time.
    mode = Mode(linker=linker, optimizer=optimizer).excluding("fusion", "inplace", "BlasOpt")
    return (mode if canonical else mode.excluding("canonicalize")).including(FOR_NUMPY)


def _numba_mode() -> Mode:
    return Mode(linker="numba", optimizer="fast_run").including(FOR_NUMBA)


class CompiledFunction:
    """A PyTensor function that is compiled at its first call.

    Parameters
    ----------
    inputs, outputs : sequence of Variable
    model : pymc.Model
        Its ``check_bounds`` decides whether a parameter out of bounds gives minus infinity.
    linker : {"auto", "numpy", "numba"}
        ``"auto"`` starts on NumPy and moves to Numba once that would have saved as many seconds as
        it takes to compile. Both are counted from operations and array sizes, not timed, so that
        every run takes the same path and gives bitwise the same results.
    entries : int
        Entries of the largest array in one evaluation.
    optimizer : str
        PyTensor's set of rewrites for NumPy: ``"fast_compile"`` for a rewritten graph.

    Attributes
    ----------
    seconds_per_row : float
        Cost of a point of a batch on NumPy, estimated from the graph alone.
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
        self._inputs, self._outputs, self._model = list(inputs), list(outputs), model
        self._linker: Linker = linker
        self.seconds_per_row = seconds_per_row(inputs, outputs, entries)
        self._counter: CountingLinker | None = None
        self._per_call, self._per_row, self._saved, self._price = 0.0, 0.0, 0.0, 0.0
        self._function: Any = None
        self._on_numba = False
        self.seconds_compiling = 0.0

    @property
    def is_compiled(self) -> bool:
        """Whether it was called before."""
        return self._function is not None

    def __call__(self, *arguments: np.ndarray, rows: int = 1) -> list[np.ndarray]:
        """Evaluate; ``rows`` is the number of points in a batch."""
        if self._function is None:
            result = self._first_call(arguments, rows, numba=self._linker == "numba")
        elif self._numba_would_have_paid(rows):
            result = self._first_call(arguments, rows, numba=True)
        else:
            result = self._call(arguments)
        if self._canonical or self._on_numba or not any(np.isnan(part).any() for part in result):
            return result
        # The slope of a term guarded by a switch is 0 * inf unless in canonical form.
        self._canonical = True
        return self._first_call(arguments, rows, numba=False)

    def _numba_would_have_paid(self, rows: int) -> bool:
        """Count a call; tell whether Numba would have saved its price by now."""
        if self._on_numba or self._counter is None or self._linker != "auto":
            return False
        self._saved += self._per_call + rows * self._per_row
        return self._saved > self._price

    def _first_call(
        self, arguments: Sequence[np.ndarray], rows: int, *, numba: bool
    ) -> list[np.ndarray]:
        """Compile and evaluate; Numba compiles for the types of the first call, so it counts."""
        started = time.perf_counter()
        self._compile(numba=numba)
        if numba or self._counter is None:
            result = self._call(arguments)
        else:
            result, seconds = self._counter.counted(lambda: self._call(arguments))
            self._per_call = SECONDS_PER_OPERATION * self._counter.operations
            self._per_row = (seconds - self._per_call) / rows
            self._saved += seconds
            self._price = seconds_to_compile(self._counter.nodes)
        self.seconds_compiling += time.perf_counter() - started
        return result

    def _call(self, arguments: Sequence[np.ndarray]) -> list[np.ndarray]:
        # The caller checks for values that are not finite; NumPy's warnings would be duplicates.
        with np.errstate(all="ignore"):
            return self._function(*arguments)

    def _compile(self, *, numba: bool) -> None:
        if numba:
            mode = _numba_mode()
        else:
            self._counter = CountingLinker()
            mode = _numpy_mode(self._counter, self._optimizer, canonical=self._canonical)
        with lean_rewriting(), self._model:
            self._function = pymc_compile(
                self._inputs, self._outputs, mode=mode, on_unused_input="ignore"
            )
        self._function.trust_input = True
        self._on_numba = numba
