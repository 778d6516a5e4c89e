"""A scalar function of ``theta`` with its derivatives: a log density, or a posterior quantity."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial

import numpy as np
from scipy.sparse import csc_array

from ...errors import GradientError
from ..graphs.functions import NO_DENSITY, Functions
from ..graphs.lean import lean_rewriting
from ..sparsity.colouring import Colouring
from ..sparsity.hessian import colouring_that_pays, may_pay, sparse_hessian
from ..sparsity.pattern import Pattern, pattern_of
from .differences import central_difference, product_by_differences
from .exactness import LEFT_OUT, exact_where_possible

# Largest size of a temporary array: vectors times the largest number of data.
_ENTRIES = 2**22
# Step in sds for differences of products, which may be differences themselves.
_STEP = 1e-2
# Up to this many third derivatives are taken one by one: a batch takes ten times as long to
# compile.
_ONE_BY_ONE = 16


class ScalarFunction:
    """The scalar ``logp`` of some graphs over ``theta`` (P,); for attributes see `LogDensity`."""

    def __init__(self, functions: Functions) -> None:
        self.functions = functions
        self.size = functions.symbolic.size
        self.evaluations = {"value": 0, "gradient": 0, "hessian_vector_product": 0}

    def value(self, theta: np.ndarray) -> float:
        """Value at ``theta`` (P,); minus infinity where the graph rejects the point."""
        self.evaluations["value"] += 1
        function = self.functions("value")
        try:
            return float(function(_vector(theta))[0])
        except NO_DENSITY:
            return -np.inf

    def batched_value(
        self, thetas: np.ndarray, *, progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """Values (S,) at points ``thetas`` (S, P), in chunks; ``progress`` is called after each."""
        # Column-major, as the arrays of a batch are.
        thetas = np.asfortranarray(thetas, dtype=float)
        self.evaluations["value"] += len(thetas)
        values = np.empty(len(thetas))
        for rows in self.functions.chunks(len(thetas)):
            values[rows] = self._values(thetas[rows])
            if progress is not None:
                progress(len(thetas[rows]))
        return values

    def _values(self, thetas: np.ndarray) -> np.ndarray:
        """Evaluate a batch; where a row is rejected, halve the batch until that row is isolated."""
        try:
            return self.functions.batch("batched_value", "value", thetas)[0]
        except NO_DENSITY:
            if len(thetas) == 1:
                return np.array([-np.inf])
            half = len(thetas) // 2
            return np.concatenate([self._values(part) for part in (thetas[:half], thetas[half:])])

    def value_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and gradient (P,) at ``theta`` (P,)."""
        self.evaluations["gradient"] += 1
        function = self.functions("gradient")
        try:
            value, gradient = function(_vector(theta))
        except NO_DENSITY:
            return -np.inf, np.full(self.size, np.nan)
        return float(value), np.array(gradient)

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Gradient (P,) at ``theta`` (P,)."""
        return self.value_and_gradient(theta)[1]

    def nearby(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and gradient (P,), without compiling where a Hessian was asked for."""
        compiled = [name for name, f in self.functions.compiled.items() if f.is_compiled]
        if "gradient" in compiled or "derivatives" not in compiled:
            return self.value_and_gradient(theta)
        self.evaluations["gradient"] += 1
        unit = np.eye(1, self.size)
        value, gradient, _ = self.functions("derivatives")(_vector(theta), unit)
        return float(value), np.array(gradient)

    @cached_property
    def has_exact_hessian(self) -> bool:
        """Whether there are second derivatives; see `LogDensity.has_exact_hessian`."""
        self.functions("gradient")
        try:
            self.functions("hessian_vector_product")
        except GradientError:
            return False
        return True

    @property
    def hessian_source(self) -> str:
        """``"exact"``, ``"differences of the gradient"``, or ``""`` before the first Hessian."""
        sources = {None: "", True: "exact", False: "differences of the gradient"}
        return sources[self.__dict__.get("has_exact_hessian")]

    @exact_where_possible
    def hessian_vector_product(self, theta: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """Hessian at ``theta`` (P,) times ``vector`` (P,)."""
        if not self.has_exact_hessian:
            return product_by_differences(self.gradient, _vector(theta), _vector(vector))
        self.evaluations["hessian_vector_product"] += 1
        function = self.functions("hessian_vector_product")
        try:
            return function(_vector(theta), _vector(vector))[0]
        except NO_DENSITY:
            return np.full(self.size, np.nan)

    @exact_where_possible
    def derivatives_along(
        self, theta: np.ndarray, vectors: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Value, gradient (P,) and the Hessian times each of ``vectors`` (V, P).

        They share their work, if one call can take all vectors.
        """
        if not self.has_exact_hessian:
            found = [self.hessian_vector_product(theta, vector) for vector in vectors]
            return *self.value_and_gradient(theta), np.array(found)
        theta, vectors = _vector(theta), _vector(vectors)
        function, products = self.functions("derivatives"), np.empty(vectors.shape)
        self.evaluations["hessian_vector_product"] += len(vectors)
        for rows in self._chunks(len(vectors)):
            self.evaluations["gradient"] += 1
            given = theta, vectors[rows]
            try:
                value, gradient, products[rows] = function(*given, rows=len(given[1]))
            except NO_DENSITY:
                return -np.inf, np.full(self.size, np.nan), np.full(vectors.shape, np.nan)
        return float(value), np.array(gradient), products

    def hessian_vector_products(self, theta: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Hessian at ``theta`` (P,) times each of ``vectors`` (V, P)."""
        return self.derivatives_along(theta, vectors)[2]

    @exact_where_possible
    def derivatives(self, theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray | csc_array]:
        """Value, gradient (P,) and Hessian (P, P), which is sparse where that pays."""
        if self.colouring is None and self.has_exact_hessian:
            value, gradient, products = self.derivatives_along(theta, np.eye(self.size))
            return value, gradient, _symmetric(products)
        return *self.value_and_gradient(theta), self.hessian(theta)

    @exact_where_possible
    def hessian(self, theta: np.ndarray) -> np.ndarray | csc_array:
        """Hessian (P, P) at ``theta`` (P,)."""
        product = partial(self.hessian_vector_product, theta)
        if self.colouring is not None:
            return sparse_hessian(self.colouring, product, exact=self.has_exact_hessian)
        if self.has_exact_hessian:
            return self.derivatives(theta)[2]
        return _symmetric(np.array([product(unit) for unit in np.eye(self.size)]))

    def product_gradient(
        self, theta: np.ndarray, vectors: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        """Gradient (P,) of the sum of ``w' H v`` over rows of weights and vectors (V, P).

        These are third derivatives, by one more reverse pass, which costs about two products each;
        or by differences of products, where PyTensor has no third derivative.
        """
        try:
            return self._exact_product_gradient(_vector(theta), vectors, weights)
        except (GradientError, *LEFT_OUT):
            pairs = zip(vectors, weights, strict=True)
            return np.sum([self._difference_of_products(theta, v, w) for v, w in pairs], axis=0)

    def _exact_product_gradient(
        self, theta: np.ndarray, vectors: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        total = np.zeros(self.size)
        if len(vectors) <= _ONE_BY_ONE:
            one = self.functions("product_gradient")
            for vector, weight in zip(vectors, weights, strict=True):
                total += one(theta, vector, weight)[0]
        else:
            many = self.functions("product_gradients")
            for rows in self._chunks(len(vectors)):
                total += many(theta, vectors[rows], weights[rows], rows=len(vectors[rows]))[0]
        self.evaluations["hessian_vector_product"] += 2 * len(vectors)
        return total

    def _difference_of_products(
        self, theta: np.ndarray, vector: np.ndarray, weight: np.ndarray
    ) -> np.ndarray:
        """Change of the product with a vector along a weight: third derivatives are symmetric."""
        curved = np.max(np.abs(weight * self.hessian_vector_product(theta, weight)))
        if not curved > 0:
            return np.zeros(self.size)
        product = partial(self.hessian_vector_product, vector=vector)
        return central_difference(product, theta, weight, _STEP / np.sqrt(curved))

    def _chunks(self, rows: int) -> list[slice]:
        if rows == 1:
            return [slice(1)]
        step = max(1, _ENTRIES // self.functions.worked)
        return [slice(first, first + step) for first in range(0, rows, step)]

    @cached_property
    def pattern(self) -> Pattern:
        """Where the Hessian may differ from zero, for the current data."""
        with lean_rewriting():
            return pattern_of(self.functions.symbolic)

    @cached_property
    def colouring(self) -> Colouring | None:
        """Groups of columns that share a product; None where a dense Hessian is better."""
        return colouring_that_pays(self.pattern.structure) if may_pay(self.size) else None

    def refresh(self) -> None:
        """Recompute what depends on the data."""
        self.functions.symbolic.refresh()
        if "pattern" in self.__dict__ and not self.pattern.holds():
            del self.pattern
            self.__dict__.pop("colouring", None)


def _vector(theta: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(theta, dtype=float)


def _symmetric(hessian: np.ndarray) -> np.ndarray:
    return hessian / 2 + hessian.T / 2
