"""Derivatives of a log density along given vectors, a few at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.graph.replace import vectorize_graph
from pytensor.graph.rewriting.utils import rewrite_graph

from ..density import LogDensity
from ..density.derivatives.differences import central_difference
from ..density.derivatives.exactness import LEFT_OUT, exact_where_possible
from ..density.graphs.symbolic import Graph, SymbolicDensity, gradient_of
from ..errors import GradientError

# Entries of a temporary array: vectors times the largest number of data.
_ENTRIES = 2**22
# Length in sds of a step of differences of products, which may be differences themselves.
_STEP = 1e-2
# Third derivatives along so many vectors are taken one by one: a batch of them takes ten times as
# long to compile.
_ONE_BY_ONE = 16


def products_along(density: LogDensity, theta: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Multiply the Hessian at ``theta`` (P,) by each of ``vectors`` (V, P), exactly."""
    return derivatives_along(density, theta, vectors)[2]


@exact_where_possible
def derivatives_along(
    density: LogDensity, theta: np.ndarray, vectors: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Log density, gradient (P,) and the Hessian times each of ``vectors`` (V, P).

    They share their work, as far as all vectors go through one call.
    """
    if not density.has_exact_hessian:
        found = [density.hessian_vector_product(theta, vector) for vector in vectors]
        return *density.value_and_gradient(theta), np.array(found)
    function = density._function("derivatives", density._symbolic.derivatives_graph)
    theta, parts = np.ascontiguousarray(theta, dtype=float), []
    for rows in _chunks(density, len(vectors)):
        value, gradient, products = function(theta, vectors[rows], rows=len(vectors[rows]))
        density.evaluations["gradient"] += 1
        parts.append(np.array(products))
    density.evaluations["hessian_vector_product"] += len(vectors)
    return float(value), np.array(gradient), np.concatenate(parts)


def product_gradient(
    density: LogDensity, theta: np.ndarray, vectors: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Gradient (P,) of the sum of ``w' H v`` over rows of weights and vectors (V, P), held fixed.

    These are third derivatives, by one more reverse pass, which costs about two products each; or
    by differences of products, where PyTensor has none.
    """
    try:
        return _exact_product_gradient(density, theta, vectors, weights)
    except (GradientError, *LEFT_OUT):
        pairs = zip(vectors, weights, strict=True)
        return np.sum([_difference_of_products(density, theta, v, w) for v, w in pairs], axis=0)


def _exact_product_gradient(
    density: LogDensity, theta: np.ndarray, vectors: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    theta, total = np.ascontiguousarray(theta, dtype=float), np.zeros(density.size)
    if len(vectors) <= _ONE_BY_ONE:
        one = density._function("product_gradient", lambda: _product_gradient(density._symbolic))
        for vector, weight in zip(vectors, weights, strict=True):
            total += one(theta, vector, weight)[0]
    else:
        many = density._function("product_gradients", lambda: _product_gradients(density._symbolic))
        for rows in _chunks(density, len(vectors)):
            total += many(theta, vectors[rows], weights[rows], rows=len(vectors[rows]))[0]
    density.evaluations["hessian_vector_product"] += 2 * len(vectors)
    return total


def _difference_of_products(
    density: LogDensity, theta: np.ndarray, vector: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """How the product with a vector (P,) changes along a weight (P,): third derivatives commute."""

    def product(place: np.ndarray) -> np.ndarray:
        return density.hessian_vector_product(place, vector)

    curved = np.max(np.abs(weight * density.hessian_vector_product(theta, weight)))
    if not curved > 0:
        return np.zeros(density.size)
    return central_difference(product, theta, weight, _STEP / np.sqrt(curved))


def _product_gradient(symbolic: SymbolicDensity) -> Graph:
    one = symbolic.product_graph()
    weight = pt.vector("weight", shape=symbolic.theta.type.shape)
    # Two reverse passes leave much that is said twice, and a third would double it again.
    product: Any = rewrite_graph(one.outputs[0], include=("canonicalize", "stabilize"))
    slope = gradient_of((product * weight).sum(), symbolic.theta)
    return Graph([*one.inputs, weight], [slope])


def _product_gradients(symbolic: SymbolicDensity) -> Graph:
    one = _product_gradient(symbolic)
    _, vector, weight = one.inputs
    many = [pt.matrix(name, shape=(None, *vector.type.shape)) for name in ("vectors", "weights")]
    slopes: Any = vectorize_graph(one.outputs[0], {vector: many[0], weight: many[1]})
    # Of a normal density there is no third derivative, and no axis of vectors.
    total = slopes.sum(axis=0) if slopes.type.ndim == 2 else slopes
    return Graph([symbolic.theta, *many], [total])


def _chunks(density: LogDensity, rows: int) -> list[slice]:
    if rows == 1:
        return [slice(1)]
    step = max(1, _ENTRIES // density._worked)
    return [slice(first, first + step) for first in range(0, rows, step)]
