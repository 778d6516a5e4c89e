"""A scalar quantity of the posterior as a function of ``theta``, and the density tilted by it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, cast

import numpy as np
import pytensor.tensor as pt

from ..density import LogDensity
from ..density.derivatives.checking import hessian_error
from ..density.derivatives.scalar_function import ScalarFunction
from ..errors import ModeNotFoundError, QuantityError
from ..linear_algebra.gaussian import Gaussian
from ..mode import Mode
from ..mode.trust_region import Iterate, ascent, polished
from ..result import posterior_dataset
from ..rules.quasi_random import quasi_random_normals
from .quantities import flatten

_PROBES = 2**10
_MOST_STEPS = 60


@dataclass(frozen=True)
class Quantity:
    """A smooth function of ``theta``: a scalar of the posterior, or its log.

    Attributes
    ----------
    label : str
        ``"theta[Choate]"``.
    function : ScalarFunction
    is_log : bool
        Whether it is the log of the scalar.
    """

    label: str
    function: ScalarFunction
    is_log: bool


@dataclass(frozen=True)
class Scalar:
    """A scalar found by its label.

    Attributes
    ----------
    label : str
    graph : Variable
        The scalar as a PyTensor function of ``theta``.
    probes : (S,) array
        Its values at quasi-random points of the normal approximation, the mode first.
    """

    label: str
    graph: Any
    probes: np.ndarray

    @cached_property
    def is_positive(self) -> bool:
        """Whether all values of ``probes`` are above 0."""
        return bool(np.all(self.probes > 0))


def find_scalar(density: LogDensity, mode: Mode, gaussian: Gaussian, label: str) -> Scalar:
    """Look a scalar up among the free variables, the deterministics and the parameters.

    Raises
    ------
    QuantityError
        When the model has no scalar of that name, or the name is an array's; when it is an integer
        or Boolean, or is not finite at the mode.
    """
    probes = _probes(gaussian)
    graphs = dict(zip(density.variables, density.symbolic.quantities, strict=True))
    entries: dict[str, Scalar] = {}
    for name, values in density.unravel(probes).items():
        scalars = flatten(posterior_dataset(density, {name: values}))
        for k, (key, value) in enumerate(scalars.items()):
            entries[key] = Scalar(key, graphs[name].ravel()[k], value[0].astype(float))
    for k, key in enumerate(density.parameters):
        entries.setdefault(key, Scalar(key, density.symbolic.theta[k], probes[:, k]))
    if label not in entries:
        raise QuantityError(_unknown(label, list(entries)))
    scalar = entries[label]
    if not scalar.graph.type.dtype.startswith("float"):
        raise QuantityError(
            f"{label!r} takes values of type {scalar.graph.type.dtype}, which do not change "
            "smoothly with the parameters. Count draws of laplace, importance or nuts instead."
        )
    if not np.isfinite(scalar.probes[0]):
        raise QuantityError(
            f"{label!r} is {scalar.probes[0]} at the posterior's mode; a finite number is needed."
        )
    return scalar


def as_quantity(density: LogDensity, scalar: Scalar, *, is_log: bool) -> Quantity:
    """Prepare a scalar's derivatives, with the density's current data.

    Raises
    ------
    QuantityError
        When its log is wanted and it is not positive throughout the normal approximation.
    """
    if is_log and not scalar.is_positive:
        below = np.mean(~(scalar.probes > 0))
        raise QuantityError(
            f"{scalar.label!r} is not a positive quantity: it is {scalar.probes[0]:.4g} at the "
            f"mode and not above 0 in {100 * below:.2g} % of the normal approximation. Use "
            "kind='smooth'."
        )
    graph = pt.log(scalar.graph) if is_log else scalar.graph
    return Quantity(scalar.label, density.function_of(graph), is_log)


def tilted_mode(density: LogDensity, quantity: Quantity, strength: float, mode: Mode) -> Iterate:
    """Find the maximum of log p + strength h that lies next to the posterior's mode.

    Raises
    ------
    ModeNotFoundError
        When there is no such maximum, as for a moment that does not exist.
    DerivativeError
        When the Hessian of the quantity, or of the log density, is not the second derivative.
    """
    tilted = cast(LogDensity, density.tilted(quantity.function, strength))
    first = Iterate.at(tilted, mode.theta)
    for here, radius in islice(ascent(tilted, first, np.sqrt(density.size)), _MOST_STEPS):
        if not here.is_finite or radius < 1e-10:
            break
        if here.is_close and not here.is_flat:
            here = polished(tilted, here)
            hessian_error(tilted, here.theta, here.product, here.curved.scale)
            return here
    raise ModeNotFoundError(
        f"The posterior tilted by {quantity.label!r} has no peak near the posterior's own: the "
        "search diverged. Either its mean or variance does not exist (a heavy tail, a "
        "ratio whose denominator can be 0), or the posterior is far from a normal. Use quantiles "
        "of draws of importance or nuts instead."
    )


def _probes(gaussian: Gaussian) -> np.ndarray:
    normals = quasi_random_normals(_PROBES, gaussian.size)
    return np.vstack([gaussian.mean, gaussian.place(normals)])


def _unknown(label: str, known: list[str]) -> str:
    if inside := [key for key in known if key.startswith(f"{label}[")]:
        return (
            f"{label!r} is an array of {len(inside)} numbers, and one scalar is needed: choose "
            f"{', '.join(inside[:5])}{', ...' if len(inside) > 5 else ''}."
        )
    shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    return f"The model has no quantity {label!r}; it has {shown}."
