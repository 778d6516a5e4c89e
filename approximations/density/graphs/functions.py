"""The functions of a log density, each compiled at its first use, and their batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
from pymc.logprob.utils import ParameterValueError

from ...errors import GradientError
from ...memory import check_memory
from .compiling import CompiledFunction, Linker
from .lean import lean_rewriting
from .symbolic import SymbolicDensity

NO_DENSITY = (ParameterValueError, np.linalg.LinAlgError)
"""Errors of a graph's operations at a point of zero density: a parameter out of its range inside a
scan, a singular matrix."""

# Entries of the largest temporary array in a batched evaluation: about 1 MB, to fit a cache.
_ENTRIES_PER_CHUNK = 2**17
# A matrix of predictors is no temporary array, so a few rows at a time fit beside it.
_FEWEST_ROWS, _MANY_ENTRIES = 16, 10**6

_OF_DRAWS = ("batched", "unravel")


class Functions:
    """Compiled functions of the graphs over one ``theta``, by name.

    The method ``value_graph`` of ``symbolic`` makes the graph of function ``"value"``, and so on.

    Attributes
    ----------
    compiled : dict of str to CompiledFunction
        Those compiled so far.
    """

    def __init__(self, model: pm.Model, symbolic: SymbolicDensity, linker: Linker) -> None:
        self.model, self.symbolic, self.linker = model, symbolic, linker
        self.compiled: dict[str, CompiledFunction] = {}
        self._refused: dict[str, GradientError] = {}
        self._point_by_point: set[tuple[Any, ...]] = set()

    def __call__(self, name: str, *of: Any) -> CompiledFunction:
        """Return the function of a name, whose graph takes arguments ``of``.

        Raises
        ------
        GradientError
            When its graph needs a derivative that PyTensor lacks.
        """
        key = f"{name}{of or ''}"
        if key in self._refused:
            raise self._refused[key].with_traceback(None)
        if key not in self.compiled:
            try:
                with lean_rewriting():
                    graph = getattr(self.symbolic, f"{name}_graph")(*of)
            except GradientError as error:
                self._refused[key] = error
                raise
            self.compiled[key] = CompiledFunction(
                graph.inputs,
                graph.outputs,
                model=self.model,
                linker=self.linker,
                entries=self.worked,
                # All but the batches of draws come from an already rewritten graph.
                optimizer="fast_run" if name.startswith(_OF_DRAWS) else "fast_compile",
            )
        return self.compiled[key]

    def chosen(self, many: str, one: str) -> CompiledFunction:
        """Return the batched function, or that of one point where it cannot be batched."""
        if (many,) not in self._point_by_point:
            try:
                return self(many)
            except Exception:
                self._point_by_point.add((many,))
        return self(one)

    def batch(self, many: str, one: str, thetas: np.ndarray, *of: Any) -> list[np.ndarray]:
        """Evaluate at points (S, P), in a batch unless that fails where single points do not.

        Raises
        ------
        ParameterValueError, LinAlgError
            When there is no density at one of the points.
        """
        if (many, *of) not in self._point_by_point:
            try:
                return self(many, *of)(thetas, rows=len(thetas))
            except (MemoryError, *NO_DENSITY):
                raise
            except Exception:
                # An operation may raise any exception; a point at fault fails below, too.
                found = _one_by_one(self(one, *of), thetas)
                self._point_by_point.add((many, *of))
                return found
        return _one_by_one(self(one, *of), thetas)

    def in_chunks(
        self, many: str, one: str, names: Sequence[str], thetas: np.ndarray, *of: Any
    ) -> dict[str, np.ndarray]:
        """Evaluate named outputs (S, ...) as `batch` does, in chunks of bounded memory.

        Raises
        ------
        MemoryLimitError
            When the outputs would not fit in memory.
        """
        thetas = np.ascontiguousarray(thetas, dtype=float)
        whole: list[np.ndarray] = []
        for rows in self.chunks(len(thetas)):
            parts = self.batch(many, one, thetas[rows], *of)
            whole = whole or _room_for(len(thetas), names, parts)
            for array, part in zip(whole, parts, strict=True):
                array[rows] = part
        return dict(zip(names, whole, strict=True))

    @property
    def seconds_compiling(self) -> float:
        """Seconds spent so far on compiling."""
        return sum(function.seconds_compiling for function in self.compiled.values())

    @property
    def worked(self) -> int:
        """Size of most arrays in an evaluation: one entry per datum.

        A matrix of predictors is larger, but is only multiplied.
        """
        data = self.symbolic.lifted.named
        observed = {rv.name for rv in self.model.observed_RVs} & data.keys()
        sizes = [data[name].get_value(borrow=True).size for name in observed]
        return max(self.symbolic.size, *sizes) if sizes else self._entries

    def chunks(self, rows: int) -> list[slice]:
        """Split the rows of a batch of draws into chunks."""
        least = _FEWEST_ROWS if self._entries <= _MANY_ENTRIES else 1
        step = max(least, _ENTRIES_PER_CHUNK // self._entries)
        return [slice(first, first + step) for first in range(0, rows, step)]

    @property
    def _entries(self) -> int:
        return max(self.symbolic.size, self.symbolic.lifted.largest)


def _room_for(draws: int, names: Sequence[str], parts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Allocate (S, ...) for draws of quantities, given their first chunk (n, ...)."""
    sizes = [part[0].size for part in parts]
    largest = names[int(np.argmax(sizes))] if sizes else ""
    check_memory(
        f"A sample of {draws:,} draws of {sum(sizes):,} numbers each, most of them {largest!r},",
        draws * sum(sizes),
        "Ask for fewer draws, name the variables that you need (var_names=), or leave a large "
        "Deterministic out of the model.",
    )
    return [np.empty((draws, *part.shape[1:]), part.dtype) for part in parts]


def _one_by_one(function: CompiledFunction, thetas: np.ndarray) -> list[np.ndarray]:
    """Evaluate a function of one point (P,) at points (S, P): outputs (S, ...)."""
    points = [function(np.ascontiguousarray(theta)) for theta in thetas]
    return [np.array(values) for values in zip(*points, strict=True)]
