"""The log density of a PyMC model over one flat vector, its derivatives and back-transformation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Variable
from scipy.sparse import csc_array

from ..arguments import checked_arguments, model_given
from ..errors import RandomDensityError
from .derivatives.scalar_function import ScalarFunction
from .derivatives.tilting import Tilted
from .graphs.compiling import Linker
from .graphs.functions import Functions
from .graphs.lean import lean_rewriting
from .graphs.named_start import checked_start, named_start
from .graphs.new_data import DataSlots, checked_data
from .graphs.parameters import Block, blocks_of, ravel_point
from .graphs.symbolic import SymbolicDensity
from .sparsity.pattern import Pattern
from .sparsity.terms import Term, terms_of


class LogDensity:
    """Log posterior density of a PyMC model in unconstrained space, Jacobian terms included.

    Functions are compiled at their first use. Data are lifted out of the graph, so `set_data`
    recompiles nothing. Where the model's own checks reject a point (a scale that underflows to 0
    within a scan, say) its log density is minus infinity, and has no derivatives: they are NaN.

    Parameters
    ----------
    model : pymc.Model, optional
        The model in context, if None.
    linker : {"auto", "numpy", "numba"}, default "auto"
        ``"numpy"`` is ready in under a second, ``"numba"`` is fifty times faster after 5 to 100 s
        of compiling (0.3 s when PyTensor's cache has the graph); ``"auto"`` starts on NumPy and
        moves to Numba when the work counted so far (not timed) would pay for it.

    Attributes
    ----------
    model : pymc.Model
    blocks : tuple of Block
        Position of each free variable in ``theta`` (P,).
    symbolic : SymbolicDensity
        The log density and the variables as graphs over ``theta``.
    logp : ScalarFunction
        The log density with all its derivatives: products with many vectors, third derivatives.
    parameters : tuple of str
        Labels of ``theta``: ``"theta[Choate]"``; ``"tau_log__"`` where PyMC transforms a variable.
    size : int
        P.
    variables : tuple of str
        Names of the free variables and deterministics, which `unravel` returns.
    data : dict of str to SharedVariable
        The containers of observed variables and `pymc.Data`, by name.
    coords : dict of str to sequence or None
        Current coordinates of the model's dims, as changed by `set_data`.
    has_new_data, falls_off : bool
        Whether `set_data` was called, and whether a search has found that the posterior is proper
        where its priors are not.
    evaluations : dict of str to int
        Numbers of evaluations of value, gradient and Hessian-vector product, batches by row.

    Raises
    ------
    NoFreeVariableError, DiscreteVariableError
        When the model has no free variable, or a discrete one.
    """

    @checked_arguments
    def __init__(self, model: pm.Model | None = None, *, linker: Linker = "auto") -> None:
        self.model: pm.Model = model_given(model)
        with lean_rewriting():
            self._start = self.model.initial_point()
            self.blocks: tuple[Block, ...] = blocks_of(self.model, self._start)
            self.symbolic = SymbolicDensity.of_model(self.model, self.blocks)
        self._functions = Functions(self.model, self.symbolic, linker)
        self.logp = ScalarFunction(self._functions)
        self.size, self.evaluations = self.logp.size, self.logp.evaluations
        self.parameters = tuple(label for block in self.blocks for label in block.labels)
        self.data: dict[str, SharedVariable] = dict(self.symbolic.lifted.named)
        self.coords: dict[str, Any] = dict(self.model.coords)
        free, deterministic = self.model.free_RVs, self.model.deterministics
        self.variables: tuple[str, ...] = tuple(rv.name for rv in (*free, *deterministic))
        self.has_new_data = False
        self.falls_off = False

    @property
    def seconds_compiling(self) -> float:
        """Seconds spent so far on compiling."""
        return self._functions.seconds_compiling

    @property
    def seconds_per_value(self) -> float:
        """Approximate cost of a point of `batched_value` on NumPy: counted, not timed."""
        return self._functions.chosen("batched_value", "value").seconds_per_row

    def value(self, theta: np.ndarray) -> float:
        """Log density at ``theta`` (P,)."""
        return self.logp.value(theta)

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Gradient (P,) of the log density at ``theta`` (P,)."""
        return self.logp.gradient(theta)

    def value_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Log density and its gradient (P,) at ``theta`` (P,), in one evaluation."""
        return self.logp.value_and_gradient(theta)

    def check_gradient(self) -> None:
        """Raise a GradientError where PyTensor cannot differentiate the log density."""
        self._functions("gradient")

    def nearby(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Log density and gradient (P,), without compiling where a Hessian was asked for."""
        return self.logp.nearby(theta)

    def hessian_vector_product(self, theta: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """Hessian of the log density at ``theta`` (P,) times ``vector`` (P,).

        Exact, or by differences of the gradient: see `has_exact_hessian`.
        """
        return self.logp.hessian_vector_product(theta, vector)

    def hessian(self, theta: np.ndarray) -> np.ndarray | csc_array:
        """Hessian (P, P) of the log density at ``theta`` (P,): negative definite at a mode.

        Built from Hessian-vector products, exact ones where `has_exact_hessian`: P of them, or a
        few where it is mostly zero. It is then a SciPy sparse array (see `has_sparse_hessian`), and
        a SparsityError is raised where one more product disagrees.
        """
        return self.logp.hessian(theta)

    def derivatives(self, theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray | csc_array]:
        """Log density, gradient (P,) and `hessian` (P, P) at ``theta`` (P,), sharing their work."""
        return self.logp.derivatives(theta)

    @property
    def has_exact_hessian(self) -> bool:
        """Whether Hessians are PyTensor's second derivatives, and not differences of gradients.

        Some operations have only a gradient, such as the distribution functions of the gamma and
        beta, or differential equations. Raises a GradientError where even that is missing.
        """
        return self.logp.has_exact_hessian

    @property
    def has_sparse_hessian(self) -> bool:
        """Whether `hessian` and `derivatives` give the Hessian as a sparse array.

        True for 300 parameters or more, when at most a tenth of the entries are nonzero and at most
        one product for every four parameters determines the Hessian.
        """
        return self.logp.colouring is not None

    @property
    def pattern(self) -> Pattern:
        """Where the Hessian may differ from zero, for the current data."""
        return self.logp.pattern

    def function_of(self, graph: Variable) -> ScalarFunction:
        """Prepare the derivatives of a scalar of `symbolic`'s graphs, for the current data."""
        symbolic = replace(self.symbolic, logp=pt.cast(graph, "float64"))
        return ScalarFunction(Functions(self.model, symbolic, self._functions.linker))

    def tilted(self, function: ScalarFunction, strength: float) -> Tilted:
        """Add a multiple of a function of ``theta``, from `function_of`, to the log density."""
        return Tilted(self.logp, function, strength, self.parameters)

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """Random variables, with their Jacobians, and potentials: their elements sum to `value`.

        Each records which parameters its elements depend on.
        """
        with lean_rewriting():
            return terms_of(self.model, self.symbolic)

    def term_values(self, thetas: np.ndarray) -> dict[str, np.ndarray]:
        """Log densities (S, *shape) of the elements of each of `terms` at ``thetas`` (S, P).

        Raises as `unravel` does, and whatever the model's own operations raise.
        """
        names = [term.name for term in self.terms]
        return self._functions.in_chunks("batched_terms", "terms", names, thetas)

    def batched_value(
        self, thetas: np.ndarray, *, progress: Callable[[int], None] | None = None
    ) -> np.ndarray:
        """Log density (S,) at many points ``thetas`` (S, P), in chunks of bounded memory.

        NaN or plus infinity where the model's own arithmetic gives that. After each chunk
        ``progress`` is called with the number of points done.
        """
        return self.logp.batched_value(thetas, progress=progress)

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
        dict of str to (S, *shape) array

        Raises
        ------
        MemoryLimitError
            When the draws would not fit in memory.
        """
        places = tuple(
            k for k, name in enumerate(self.variables) if var_names is None or name in var_names
        )
        names = [self.variables[k] for k in places]
        return self._functions.in_chunks("unravel", "quantities", names, thetas, places)

    @cached_property
    def entries_of_a_draw(self) -> int:
        """Size of one draw: ``theta``, free variables on their own scale, deterministics."""
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
        """Replace the data, without recompiling and without changing the model.

        Parameters
        ----------
        data : mapping of str to array
            New values of observed variables and `pymc.Data`, by name.
        coords : mapping of str to sequence, optional
            New coordinates of the dims whose length changes. A dim can change its length if no free
            variable has it; then all data with this dim must be given together.

        Raises
        ------
        DataError
            When a name is unknown, a dtype differs, or the model cannot take a shape; nothing is
            changed then.
        """
        slots = DataSlots(self.model, self.blocks, self.symbolic, self.coords)
        new = checked_data(slots, data, coords or {}, self.initial_point())
        for container, value in new.values.items():
            container.set_value(value)
        self.coords = self.coords | new.coords
        self.logp.refresh()
        self.has_new_data = True
        for derived in ("entries_of_a_draw", "terms"):
            self.__dict__.pop(derived, None)


def as_density(model: pm.Model | LogDensity | None) -> LogDensity:
    """Return the log density of a model; a `LogDensity` is returned as it is.

    Raises
    ------
    RandomDensityError
        When the log density draws random numbers, such as minibatches of the data.
    """
    density = model if isinstance(model, LogDensity) else LogDensity(model)
    if why := density.symbolic.drawn:
        raise RandomDensityError(why)
    return density
