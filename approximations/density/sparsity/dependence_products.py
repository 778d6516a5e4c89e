"""Rules of dependence for linear algebra: products, solutions of equations, batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from pytensor.graph.basic import Apply
from pytensor.sparse import math as sparse_math
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg.solvers.core import SolveBase
from pytensor.tensor.math import Dot
from scipy.sparse import csr_array, eye_array, kron

from .dependence import Dependence, broadcast, merged, product, taken, union
from .dependence_rules import Known, Reader, State, outputs_of, shapes_of_outputs, summed

# A column of a matrix with a larger share of nonzeros counts as full: its zeros save nothing.
_FULL = 0.5


@outputs_of.register(Dot)
@outputs_of.register(sparse_math.Dot)
@outputs_of.register(sparse_math.StructuredDot)
def _matrix_product(op: Any, node: Apply, inputs: Sequence[State], reader: Reader) -> list[State]:
    left, right = inputs
    if len(left.shape) != 2 or len(right.shape) != 2:
        return outputs_of.dispatch(object)(op, node, inputs, reader)
    if isinstance(left, Known) and isinstance(right, Dependence):
        return [_product_with_known(left, right, reader)]
    if isinstance(left, Dependence) and isinstance(right, Known):
        transposed = Known(right.value.T, right.sources)
        return [_transposed(_product_with_known(transposed, _transposed(left), reader))]
    shape = (left.shape[0], right.shape[1])
    rows, columns = summed(reader.dependence(left), [1]), summed(reader.dependence(right), [0])
    return [union([rows, columns], shape)]


@outputs_of.register(SolveBase)
def _solution(op: Any, node: Apply, inputs: Sequence[State], reader: Reader) -> list[State]:
    matrix, right = (reader.dependence(state) for state in inputs)
    # Each right-hand side is solved separately.
    return [union([summed(matrix, [0, 1]).reshaped((1,)), summed(right, [0])], right.shape)]


@outputs_of.register(Blockwise)
def _batch(op: Any, node: Apply, inputs: Sequence[State], reader: Reader) -> list[State]:
    pairs = list(zip(inputs, map(len, op.inputs_sig), strict=True))
    batch = np.broadcast_shapes(*(s.shape[: len(s.shape) - core] for s, core in pairs))
    if prod(batch) == 1 and isinstance(op.core_op, Dot | SolveBase):
        flat = [_without_batch(state, core) for state, core in pairs]
        (found,) = outputs_of(op.core_op, node, flat, reader)
        return [reader.dependence(found).reshaped((*batch, *found.shape))]
    mixed = [_mixed_core(s, core, batch) for s, core in pairs if isinstance(s, Dependence)]
    together = union(mixed, batch)
    shapes = shapes_of_outputs(node, inputs, reader)
    lengths = [(*batch, *(1 for _ in shape[len(batch) :])) for shape in shapes]
    return [
        broadcast(together.reshaped(ones), shape)
        for ones, shape in zip(lengths, shapes, strict=True)
    ]


def _without_batch(state: State, core: int) -> State:
    shape = state.shape[len(state.shape) - core :]
    if isinstance(state, Known):
        return Known(state.value.reshape(shape), state.sources)
    return state.reshaped(shape)


def _mixed_core(source: Dependence, core: int, batch: tuple[int, ...]) -> Dependence:
    """Mix all entries of a block, and repeat the blocks to a batch."""
    own = source.shape[: len(source.shape) - core]
    blocks = np.arange(prod(own)).repeat(prod(source.shape[len(own) :]))
    return broadcast(merged(source, blocks, own), batch)


def _product_with_known(matrix: Known, right: Dependence, reader: Reader) -> Dependence:
    """Describe matrix (N, K) times array (K, H): row n mixes the rows where n has no zero.

    What a full column multiplies enters all rows, and so becomes common to them.
    """
    shape = (matrix.shape[0], right.shape[1])
    nonzero = matrix.value != 0
    full = np.asarray(nonzero.sum(axis=0)).ravel() > _FULL * shape[0]
    entries = np.arange(right.size).reshape(right.shape)
    parts = [summed(taken(right, entries[full]), [0])]
    if not full.all():
        reader.value(matrix)
        part = taken(right, entries[~full])
        few = csr_array(nonzero[:, ~full])
        each = kron(few, eye_array(shape[1], dtype=bool), format="csr")
        rows = product(csr_array(each.astype(bool)), part.rows)
        parts.append(Dependence(shape, rows, part.common))
    return union(parts, shape)


def _transposed(source: Dependence) -> Dependence:
    return taken(source, np.arange(source.size).reshape(source.shape).T)
