"""The Hessian of a log density with few nonzeros, from few Hessian-vector products."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csc_array

from ...errors import SparsityError
from .colouring import Colouring, coloured

# Below this number of parameters a dense Hessian costs less than finding its zeros.
_FEWEST_PARAMETERS = 300
# With a larger share of nonzeros, or of products, a dense Hessian costs no more.
_MOST_FILLED, _MOST_PRODUCTS = 0.1, 0.25
# Tolerated relative error of a product: exact, and by differences of a noisy gradient.
_ROUNDING, _NOISE = 1e-7, 1e-3
_SEED = 20260101

Product = Callable[[np.ndarray], np.ndarray]


def may_pay(size: int) -> bool:
    """Whether there are enough parameters to look for zeros in the Hessian."""
    return size >= _FEWEST_PARAMETERS


def colouring_that_pays(structure: csc_array | None) -> Colouring | None:
    """Group the columns of a Hessian (P, P), or give None where it is better dense."""
    size = 0 if structure is None else structure.shape[0]
    if structure is None or structure.nnz > _MOST_FILLED * size**2:
        return None
    return coloured(structure, int(_MOST_PRODUCTS * size))


def sparse_hessian(colouring: Colouring, product: Product, *, exact: bool = True) -> csc_array:
    """Evaluate a Hessian in as many Hessian-vector products as its colouring has groups.

    They are taken one by one: a batch of few gains nothing on long vectors, and takes PyTensor far
    longer to compile where it holds blocks (8 s against 0.6 s with an LKJ prior).

    Parameters
    ----------
    colouring : Colouring
    product : callable
        Maps a vector (P,) to the Hessian times it (P,).
    exact : bool, default True
        Whether the products are exact to rounding.

    Returns
    -------
    (P, P) csc_array
        Exactly symmetric.

    Raises
    ------
    SparsityError
        When one more product, with a random vector, does not agree.
    """
    structure, entries = colouring.structure, colouring.places[1]
    order, starts = colouring.order
    data = np.empty(structure.nnz)
    for group in range(colouring.count):
        here = order[starts[group] : starts[group + 1]]
        data[here] = product(colouring.seed(group))[entries[here]]
    hessian = csc_array((data, structure.indices, structure.indptr), shape=structure.shape)
    check_product(hessian, product, exact=exact)
    return hessian


def check_product(hessian: csc_array, product: Product, *, exact: bool = True) -> None:
    """Compare the Hessian's product with a random vector with ``product``'s.

    Raises
    ------
    SparsityError
        When they do not agree.
    """
    diagonal = np.abs(hessian.diagonal())
    scale = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    vector = np.random.default_rng(_SEED).standard_normal(len(scale)) / scale
    known = product(vector)
    if not (np.all(np.isfinite(known)) and np.all(np.isfinite(hessian.data))):
        # The caller checks for values that are not finite, as with a dense Hessian.
        return
    size = abs(hessian) @ np.abs(vector) + scale
    error = np.abs(hessian @ vector - known) / size
    worst = int(np.argmax(error))
    explained = _ROUNDING if exact else _NOISE
    if error[worst] > explained:
        raise SparsityError(
            f"The sparse Hessian and a Hessian-vector product differ in entry {worst} of "
            f"{len(scale)}, by {error[worst]:.2g} of its size, where rounding explains "
            f"{explained:.0e}. The pattern of zeros that was found for this model is wrong, which "
            "is a fault of tripos: please report the model."
        )
