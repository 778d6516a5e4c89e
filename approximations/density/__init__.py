"""The log density of a PyMC model over one flat vector, with its derivatives and the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import pymc as pm
from pytensor.compile.sharedvalue import SharedVariable
from scipy.sparse import csc_array

from ..arguments import checked_arguments, model_given
from ..errors import GradientError, RandomDensityError
from .derivatives.differences import product_by_differences
from .derivatives.exactness import exact_where_possible
from .graphs.batches import NO_DENSITY, Batches, room_for
from .graphs.compiling import CompiledFunction, Linker
from .graphs.lean import lean_rewriting
from .graphs.named_start import checked_start, named_start
from .graphs.new_data import DataSlots, checked_data
from .graphs.parameters import Block, blocks_of, ravel_point
from .graphs.symbolic import Graph, SymbolicDensity
from .sparsity.colouring import Colouring
from .sparsity.hessian import colouring_that_pays, may_pay, sparse_hessian
from .sparsity.pattern import Pattern, pattern_of

# Entries of the largest temporary array in a batched evaluation: about 1 MB, which a cache holds.
_ENTRIES_PER_CHUNK = 2**17
# A matrix of predictors is no temporary array, so a few rows at a time fit beside it.
_FEWEST_ROWS, _MANY_ENTRIES = 16, 10**6

_OF_DRAWS = ("batched_value", "unravel")


class LogDensity:
    """Log posterior density of a PyMC model in unconstrained space, Jacobian terms included.

    Nothing is compiled until it is asked for. Data are lifted out of the graph, so `set_data`
    compiles nothing either. Where the model's own checks refuse a point (a scale that underflows to
    0 within a scan, say) its log density is minus infinity, and has no derivatives: they are NaN.

    Parameters
    ----------
    model : pymc.Model, optional
        The model in context, if None.
    linker : {"auto", "numpy", "numba"}, default "auto"
        ``"numpy"`` is ready in under a second, ``"numba"`` answers fifty times faster after 5 to
        100 s of compiling (0.3 s when PyTensor's cache has the graph); ``"auto"`` starts on NumPy
        and moves to Numba when the work counted so far (not timed) would pay for it.

    Attributes
    ----------
    model : pymc.Model
    parameters : tuple of str
        Labels of the P entries of ``theta``: ``"theta[Choate]"``, and ``"tau_log__"`` where
        PyMC transforms the variable.
    size : int
        P.
    variables : tuple of str
        Names of the free variables and deterministics, which `unravel` returns.
    has_new_data : bool
        Whether `set_data` was called, so that the data differ from the model's.
    falls_off : bool
        Whether a search has seen that the posterior falls off where its priors do not.
    evaluations : dict of str to int
        How often value, gradient and Hessian-vector product were evaluated, batches by row.

    Raises
    ------
    NoFreeVariableError, DiscreteVariableError
        When the model has nothing continuous to estimate.
    """

    @checked_arguments
    def __init__(self, model: pm.Model | None = None, *, linker: Linker = "auto") -> None:
        self.model: pm.Model = model_given(model)
        self._linker = linker
        self.evaluations = {"value": 0, "gradient": 0, "hessian_vector_product": 0}
        self._functions: dict[str, CompiledFunction] = {}
        self._refused: dict[str, GradientError] = {}
        self._batches = Batches()
        with lean_rewriting():
            self._start = self.model.initial_point()
            self.blocks: tuple[Block, ...] = blocks_of(self.model, self._start)
            self._symbolic = SymbolicDensity.of_model(self.model, self.blocks)
        self._coords = dict(self.model.coords)
        free, deterministic = self.model.free_RVs, self.model.deterministics
        self.variables: tuple[str, ...] = tuple(rv.name for rv in (*free, *deterministic))
        self.has_new_data = False
        self.falls_off = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """Labels of the entries of ``theta``."""
        return tuple(label for block in self.blocks for label in block.labels)

    @cached_property
    def size(self) -> int:
        """Number of entries of ``theta``."""
        return sum(len(block.labels) for block in self.blocks)

    @property
    def seconds_compiling(self) -> float:
        """Seconds spent so far on compiling."""
        return sum(function.seconds_compiling for function in self._functions.values())

    @property
    def seconds_per_value(self) -> float:
        """What a point of `batched_value` costs on NumPy, roughly: counted, not timed."""
        many, one = self._built("batched_value"), self._built("value")
        return self._batches.chosen("batched_value", many, one).seconds_per_row

    def value(self, theta: np.ndarray) -> float:
        """Log density at ``theta`` (P,)."""
        self.evaluations["value"] += 1
        function = self._function("value", self._symbolic.value_graph)
        try:
            return float(function(_vector(theta))[0])
        except NO_DENSITY:
            return -np.inf

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Gradient (P,) of the log density at ``theta`` (P,)."""
        return self.value_and_gradient(theta)[1]

    def value_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Log density and its gradient (P,) at ``theta`` (P,), in one evaluation."""
        self.evaluations["gradient"] += 1
        function = self._function("gradient", self._symbolic.gradient_graph)
        try:
            value, gradient = function(_vector(theta))
        except NO_DENSITY:
            return -np.inf, np.full(self.size, np.nan)
        return float(value), np.array(gradient)

    def check_gradient(self) -> None:
        """Raise a GradientError where PyTensor cannot differentiate the log density."""
        self._function("gradient", self._symbolic.gradient_graph)

    def nearby(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Log density and gradient (P,), without compiling where a Hessian was asked for."""
        compiled = [name for name, f in self._functions.items() if f.is_compiled]
        if "gradient" in compiled or "derivatives" not in compiled:
            return self.value_and_gradient(theta)
        self.evaluations["gradient"] += 1
        value, gradient, _ = self._functions["derivatives"](_vector(theta), self._units[:1])
        return float(value), np.array(gradient)

    @exact_where_possible
    def hessian_vector_product(self, theta: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """Hessian of the log density at ``theta`` (P,) times ``vector`` (P,).

        Exactly, or by differences of the gradient: see `has_exact_hessian`.
        """
        if not self.has_exact_hessian:
            return product_by_differences(self.gradient, _vector(theta), _vector(vector))
        self.evaluations["hessian_vector_product"] += 1
        function = self._function("hessian_vector_product", self._symbolic.product_graph)
        try:
            return function(_vector(theta), _vector(vector))[0]
        except NO_DENSITY:
            return np.full(self.size, np.nan)

    @exact_where_possible
    def hessian(self, theta: np.ndarray) -> np.ndarray | csc_array:
        """Hessian (P, P) of the log density at ``theta`` (P,): negative definite at a mode.

        It is made of Hessian-vector products, exact ones where `has_exact_hessian`: of P, or of a
        few where it is mostly zero. It is a SciPy sparse array then; see `has_sparse_hessian`.

        Raises
        ------
        GradientError
            When PyTensor has no first derivative either.
        SparsityError
            When a sparse Hessian disagrees with one more product.
        """
        product = partial(self.hessian_vector_product, theta)
        if self._colouring is not None:
            return sparse_hessian(self._colouring, product, exact=self.has_exact_hessian)
        if not self.has_exact_hessian:
            return _symmetric(np.array([product(unit) for unit in np.eye(self.size)]))
        if self._hessian_fits:
            return self.derivatives(theta)[2]
        self.evaluations["hessian_vector_product"] += self.size
        function = self._function("products", self._symbolic.products_graph)
        units = np.eye(self.size)
        try:
            products = [
                function(_vector(theta), units[rows], rows=len(units[rows]))[0]
                for rows in self._chunks(self.size)
            ]
        except NO_DENSITY:
            return np.full((self.size, self.size), np.nan)
        return _symmetric(np.concatenate(products))

    @exact_where_possible
    def derivatives(self, theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray | csc_array]:
        """Log density, gradient (P,) and Hessian (P, P) at ``theta`` (P,), sharing their work.

        The Hessian is sparse or not as from `hessian`.
        """
        if self.has_sparse_hessian or not self._hessian_fits or not self.has_exact_hessian:
            return *self.value_and_gradient(theta), self.hessian(theta)
        self.evaluations["gradient"] += 1
        self.evaluations["hessian_vector_product"] += self.size
        function = self._function("derivatives", self._symbolic.derivatives_graph)
        try:
            value, gradient, products = function(_vector(theta), self._units, rows=self.size)
        except NO_DENSITY:
            return -np.inf, np.full(self.size, np.nan), np.full_like(self._units, np.nan)
        return float(value), np.array(gradient), _symmetric(products)

    @cached_property
    def has_exact_hessian(self) -> bool:
        """Whether Hessians are PyTensor's second derivatives, and not differences of gradients.

        Some operations have a gradient and no more, such as the distribution functions of the
        gamma and beta, or the solution of a differential equation.

        Raises
        ------
        GradientError
            When there is no first derivative either.
        """
        self.check_gradient()
        try:
            self._function("hessian_vector_product", self._symbolic.product_graph)
        except GradientError:
            return False
        return True

    @property
    def has_sparse_hessian(self) -> bool:
        """Whether `hessian` and `derivatives` give the Hessian as a sparse array.

        It is so for 300 parameters and more, when a tenth of the entries at most, and a product
        for every fourth parameter at most, tell the Hessian.
        """
        return self._colouring is not None

    @cached_property
    def pattern(self) -> Pattern:
        """Where the Hessian may differ from zero, for the data as they are."""
        with lean_rewriting():
            return pattern_of(self._symbolic)

    @cached_property
    def _colouring(self) -> Colouring | None:
        return colouring_that_pays(self.pattern.structure) if may_pay(self.size) else None

    def batched_value(
        self, thetas: np.ndarray, *, progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """Log density (S,) at many points ``thetas`` (S, P), in chunks of bounded memory.

        It is NaN or plus infinity where the model's own arithmetic is.

        Parameters
        ----------
        thetas : (S, P) array
        progress : callable, optional
            Told the number of points done after each chunk.
        """
        # Columns in one piece each: that is how the arrays of a batch lie, too.
        thetas = np.asfortranarray(thetas, dtype=float)
        self.evaluations["value"] += len(thetas)
        values = np.empty(len(thetas))
        for rows in self._chunks(len(thetas)):
            values[rows] = self._values(thetas[rows])
            if progress is not None:
                progress(len(thetas[rows]))
        return values

    def unravel(
        self, thetas: np.ndarray, var_names: Sequence[str] | None = None
    ) -> dict[str, np.ndarray]:
        """Free variables on their own scale, and deterministics, for draws of ``theta``.

        Parameters
        ----------
        thetas : (S, P) array
        var_names : sequence of str, optional
            Which of `variables`; all of them, if None.

        Returns
        -------
        dict of str to array
            (S, *shape) for each.

        Raises
        ------
        MemoryLimitError
            When so many would not fit.
        """
        places = tuple(
            k for k, name in enumerate(self.variables) if var_names is None or name in var_names
        )
        names = [self.variables[k] for k in places]
        thetas = np.ascontiguousarray(thetas, dtype=float)
        whole: list[np.ndarray] = []
        for rows in self._chunks(len(thetas)):
            parts = self._batch("unravel", "quantities", thetas[rows], places)
            whole = whole or room_for(len(thetas), names, parts)
            for array, part in zip(whole, parts, strict=True):
                array[rows] = part
        return dict(zip(names, whole, strict=True))

    @cached_property
    def entries_of_a_draw(self) -> int:
        """Numbers in one draw: ``theta``, free variables on their own scale, deterministics."""
        one = self.unravel(self.initial_point()[None])
        return self.size + sum(values.size for values in one.values())

    def initial_point(self, start: Mapping[str, Any] | np.ndarray | None = None) -> np.ndarray:
        """Turn a starting point into ``theta`` (P,).

        Parameters
        ----------
        start : mapping or (P,) array, optional
            Values of some free variables on their own scale, as ``initvals`` of `pymc.sample`; or
            a point in unconstrained space; or None for the model's own initial point.

        Raises
        ------
        StartingPointError
            When ``start`` has another size or names a variable that the model lacks.
        """
        if start is None:
            return ravel_point(self.blocks, self._start)
        if isinstance(start, Mapping):
            return named_start(self.model, self.blocks, self._start, start, self.unravel)
        return checked_start(self.parameters, start)

    def set_data(
        self, data: Mapping[str, Any], coords: Mapping[str, Sequence[Any]] | None = None
    ) -> None:
        """Put new data in the place of the old, without compiling and without touching the model.

        Parameters
        ----------
        data : mapping of str to array
            New values of observed variables and `pymc.Data`, by name.
        coords : mapping of str to sequence, optional
            New coordinates of the dims whose length changes. A dim can change its length when no
            free variable has it; then all data with this dim must be given together.

        Raises
        ------
        DataError
            When a name is unknown, a dtype differs, or the model cannot take a shape; nothing is
            changed then.
        """
        slots = DataSlots(self.model, self.blocks, self._symbolic, self._coords)
        new = checked_data(slots, data, coords or {}, self.initial_point())
        for container, value in new.values.items():
            container.set_value(value)
        self._coords |= new.coords
        self._symbolic.refresh()
        self.has_new_data = True
        for derived in ("_hessian_fits", "entries_of_a_draw"):
            self.__dict__.pop(derived, None)
        if "pattern" in self.__dict__ and not self.pattern.holds():
            del self.pattern
            self.__dict__.pop("_colouring", None)

    @property
    def data(self) -> dict[str, SharedVariable]:
        """The containers of observed variables and `pymc.Data`, by name."""
        return dict(self._symbolic.lifted.named)

    @property
    def coords(self) -> dict[str, Any]:
        """Coordinates of the model's dims, as `set_data` left them."""
        return dict(self._coords)

    def _values(self, thetas: np.ndarray) -> np.ndarray:
        """Evaluate a batch; where a row is refused, halves of it, until that row stands alone."""
        try:
            return self._batch("batched_value", "value", thetas)[0]
        except NO_DENSITY:
            if len(thetas) == 1:
                return np.array([-np.inf])
            half = len(thetas) // 2
            return np.concatenate([self._values(part) for part in (thetas[:half], thetas[half:])])

    def _batch(self, many: str, one: str, thetas: np.ndarray, *of: Any) -> list[np.ndarray]:
        both = self._built(many, *of), self._built(one, *of)
        return self._batches.call(f"{many}{of or ''}", *both, thetas)

    def _built(self, name: str, *of: Any) -> Callable[[], CompiledFunction]:
        build = partial(getattr(self._symbolic, f"{name}_graph"), *of)
        return partial(self._function, f"{name}{of or ''}", build)

    def _function(self, name: str, build: Callable[[], Graph]) -> CompiledFunction:
        if name in self._refused:
            raise self._refused[name].with_traceback(None)
        if name not in self._functions:
            try:
                with lean_rewriting():
                    graph = build()
            except GradientError as error:
                self._refused[name] = error
                raise
            self._functions[name] = CompiledFunction(
                graph.inputs,
                graph.outputs,
                model=self.model,
                linker=self._linker,
                entries=self._worked,
                # All but the batches of draws come from a graph that is rewritten already.
                optimizer="fast_run" if name.startswith(_OF_DRAWS) else "fast_compile",
            )
        return self._functions[name]

    @property
    def _entries(self) -> int:
        return max(self.size, self._symbolic.lifted.largest)

    @property
    def _worked(self) -> int:
        """Entries that most operations of an evaluation go through: a number a datum.

        A matrix of predictors is larger, and only multiplied.
        """
        observed = {rv.name for rv in self.model.observed_RVs} & self.data.keys()
        sizes = [self.data[name].get_value(borrow=True).size for name in observed]
        return max(self.size, *sizes) if sizes else self._entries

    @cached_property
    def _units(self) -> np.ndarray:
        return np.eye(self.size)

    @cached_property
    def _hessian_fits(self) -> bool:
        """Whether all columns of the Hessian can be had in one batch."""
        return self.size * self._entries <= _ENTRIES_PER_CHUNK

    def _chunks(self, rows: int) -> list[slice]:
        least = _FEWEST_ROWS if self._entries <= _MANY_ENTRIES else 1
        step = max(least, _ENTRIES_PER_CHUNK // self._entries)
        return [slice(first, first + step) for first in range(0, rows, step)]


def as_density(model: pm.Model | LogDensity | None) -> LogDensity:
    """Take a model, or the log density that was made of one before, for a method to stand on.

    Raises
    ------
    RandomDensityError
        When it draws random numbers, such as minibatches of the data.
    """
    density = model if isinstance(model, LogDensity) else LogDensity(model)
    if why := density._symbolic.drawn:
        raise RandomDensityError(why)
    return density


def _vector(theta: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(theta, dtype=float)


def _symmetric(hessian: np.ndarray) -> np.ndarray:
    return hessian / 2 + hessian.T / 2
