"""Cost of a call of a graph on NumPy, and what Numba would save of it: counted, not timed.

The count is the same in every run, which takes the same path and gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from pytensor.compile.builders import OpFromGraph
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.traversal import applys_between
from pytensor.link.basic import PerformLinker
from pytensor.scalar.loop import ScalarLoop
from pytensor.scan.op import Scan
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import Elemwise

_Result = TypeVar("_Result")

# Seconds per operation or loop iteration in Python, and per entry read or written.
SECONDS_PER_OPERATION = 5e-6
_SECONDS_PER_ENTRY = 2e-9
# Share of the latter that Numba saves: it fuses loops, but an exponential takes it as long.
_SAVED_PER_ENTRY = 0.5
# Operations per entry of a series summed in Python, as for the derivative of the gamma's
# distribution function by its shape.
_TURNS_OF_SERIES = 600


class CountingLinker(PerformLinker):
    """PyTensor's Python linker, which can also count what Numba would save of a call."""

    def __init__(self) -> None:
        super().__init__()
        # PyTensor compiles with a copy of a linker: this list is in both.
        self._programs: list[tuple[list[Any], list[Apply]]] = []

    def make_all(self, *args: Any, **kwargs: Any) -> Any:
        """Make a function of each operation, and keep the list that every call runs."""
        made = super().make_all(*args, **kwargs)
        self._programs.append((made[3], made[4]))
        return made

    @property
    def nodes(self) -> list[Apply]:
        """Operations of a call, in order."""
        return self._programs[-1][1]

    @property
    def operations(self) -> int:
        """Number of operations in a call."""
        return len(self.nodes)

    def counted(self, call: Callable[[], _Result]) -> tuple[_Result, float]:
        """Call the compiled function, and return its result and the seconds Numba would save."""
        thunks, order = self._programs[-1]
        plain, seconds = list(thunks), list[float]()
        thunks[:] = [_counting(*pair, seconds.append) for pair in zip(plain, order, strict=True)]
        try:
            return call(), sum(seconds)
        finally:
            thunks[:] = plain


def _counting(thunk: Any, node: Apply, tell: Callable[[float], None]) -> Callable[[], None]:
    def counting() -> None:
        thunk()
        tell(seconds_saved(node, [cell[0] for cell in (*thunk.inputs, *thunk.outputs)]))

    return counting


def seconds_saved(node: Apply, arrays: list[Any]) -> float:
    """Count the seconds that Numba saves on an operation, given its inputs and outputs."""
    entries = _SAVED_PER_ENTRY * _SECONDS_PER_ENTRY * sum(np.size(array) for array in arrays)
    return SECONDS_PER_OPERATION * _turns(node, arrays) + entries


def seconds_per_row(inputs: Sequence[Variable], outputs: Sequence[Variable], entries: int) -> float:
    """Estimate, before any call, the seconds per row of a batch.

    Parameters
    ----------
    inputs, outputs : sequence of Variable
    entries : int
        Size of most arrays, and number of steps of a scan.
    """
    nodes = list(applys_between(inputs, outputs))
    operations = [node.op for node in nodes]
    blocks = sum(isinstance(op, Blockwise) for op in operations)
    series = sum(
        1 if all(node.outputs[0].type.broadcastable) else entries
        for node in nodes
        if _is_series(node.op)
    )
    own = [getattr(op, "core_op", op) for op in operations]
    steps = entries * sum(len(op.fgraph.apply_nodes) for op in own if isinstance(op, Scan))
    turns = 4 * blocks + steps + _TURNS_OF_SERIES * series
    return 10 * _SECONDS_PER_ENTRY * entries + SECONDS_PER_OPERATION * turns


def _is_series(op: Any) -> bool:
    return isinstance(op, Elemwise) and isinstance(op.scalar_op, ScalarLoop)


def _turns(node: Apply, arrays: list[Any]) -> float:
    """Total number of operations, counting iterations of loops in Python."""
    op: Any = node.op
    rows = 1.0
    if isinstance(op, Blockwise):
        if getattr(op.core_op, "gufunc_spec", None) is None:
            rows = float(np.prod(np.shape(arrays[-1])[: op.batch_ndim(node)]))
        op = op.core_op
    if _is_series(op):
        return float(_TURNS_OF_SERIES * np.size(arrays[-1]))
    if isinstance(op, Scan):
        # The first input is the number of steps, one for each row of a batch.
        return rows * float(np.max(arrays[0])) * len(op.fgraph.apply_nodes)
    if isinstance(op, OpFromGraph):
        return rows * len(op.fgraph.apply_nodes)
    return rows
