"""Products with a sparse constant as indexing and sums, which can be batched.

PyTensor's own operations on sparse matrices cannot be batched.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.graph.basic import Constant
from pytensor.sparse import Dot, StructuredDot, TrueDot
from pytensor.sparse.type import SparseTensorType


def is_sparse_product(node: Any) -> bool:
    """Whether a node multiplies an array by a sparse constant, from either side."""
    if not isinstance(node.op, Dot | StructuredDot | TrueDot):
        return False
    sparse = [isinstance(x.type, SparseTensorType) for x in node.inputs]
    constant = [isinstance(x, Constant) for x in node.inputs]
    return sum(sparse) == 1 and constant[sparse.index(True)]


def indexed_product(left: Any, right: Any) -> Any:
    """Multiply two variables of which one is a sparse constant.

    The other is a vector or a matrix.
    """
    if isinstance(right.type, SparseTensorType):
        return _product(right.data.T, left.T).T
    return _product(left.data, right)


def _product(matrix: Any, array: Any) -> Any:
    entries = matrix.tocoo()
    rows, columns = (pytensor.shared(np.asarray(i, dtype="int64")) for i in entries.coords)
    values = pytensor.shared(np.asarray(entries.data, dtype="float64"))
    if array.type.ndim == 2:
        values = values[:, None]
    empty = pt.zeros((matrix.shape[0], *(array.shape[k] for k in range(1, array.type.ndim))))
    return pt.inc_subtensor(empty[rows], values * array[columns])
