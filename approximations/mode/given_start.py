"""Where a search begins, and what is wrong there."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import pymc as pm
from pytensor.compile.mode import Mode as CompileMode

from ..density import LogDensity
from ..density.graphs.lean import lean_rewriting
from ..errors import ArgumentError, StartingPointError
from .peak import Mode
from .trust_region import Iterate

Start = Mapping[str, Any] | np.ndarray | Literal["find_MAP"] | Mode | None


def first_iterate(density: LogDensity, start: Start) -> Iterate:
    """Evaluate the starting point of a search; see `find_mode` for what ``start`` may be.

    Raises
    ------
    StartingPointError
        When the log density, its gradient or its Hessian is not finite there.
    ArgumentError
        When ``start`` is a word other than ``"find_MAP"``.
    """
    theta = starting_point(density, start)
    first = Iterate.at(density, theta)
    if first.is_finite:
        return first
    if not np.isfinite(first.logp):
        raise StartingPointError(
            f"The log density is {first.logp} at the starting point, where "
            f"{_terms_that_fail(density, theta)}. Check the data for values that the likelihood "
            "cannot take, or pass start={...} with values that it can."
        )
    slopes = np.isfinite(first.gradient) & first.curved.finite_rows
    where = [density.parameters[k] for k in np.flatnonzero(~slopes)]
    raise StartingPointError(
        f"The gradient or Hessian of the log density is not finite in {', '.join(where[:5])} at "
        "the starting point. Pass start={...} with another point."
    )


def starting_point(density: LogDensity, start: Start) -> np.ndarray:
    """Convert a user's ``start`` to ``theta`` (P,).

    Raises
    ------
    ArgumentError
        When it is a word other than ``"find_MAP"``.
    """
    if isinstance(start, Mode):
        return checked_mode(density, start).theta
    if not isinstance(start, str):
        return density.initial_point(start)
    if start != "find_MAP":
        raise ArgumentError(f"start must be a point or 'find_MAP', but {start!r} was given.")
    return _map_point(density)


def checked_mode(density: LogDensity, mode: Mode) -> Mode:
    """Check that a mode that was found before is one of this density.

    Raises
    ------
    ArgumentError
        When it is of another model, or of other data.
    """
    if mode.parameters == density.parameters:
        if is_same_value(density.value(mode.theta), mode.logp):
            return mode
        what = f"has log density {mode.logp:.6g}, and that of the model there is another one"
    else:
        what = f"is in {_listed(mode.parameters)}, and the model has {_listed(density.parameters)}"
    raise ArgumentError(
        f"start is a mode of another model, or of other data: it {what}. Pass a mode that "
        "find_mode has found for this model, or leave start out."
    )


def is_same_value(one: float, other: float) -> bool:
    """Whether two log densities are the same to rounding, on any machine."""
    return bool(np.isclose(one, other, rtol=1e-10, atol=1e-8))


def recorded_start(start: Start) -> Any:
    """Take what a tree's settings record of a start: the point where it is a mode."""
    return start.theta if isinstance(start, Mode) else start


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:6])


def _terms_that_fail(density: LogDensity, theta: np.ndarray) -> str:
    """Name the variables whose log density is not finite, by PyMC's own account of each term."""
    if density.has_new_data:
        return "PyMC's own account of each term knows the old data only"
    terms = terms_at(density, theta)
    failing = [f"{name!r} gives {v:.4g}" for name, v in terms.items() if not np.isfinite(v)]
    return " and ".join(failing) if failing else "no single variable is at fault"


def terms_at(density: LogDensity, theta: np.ndarray) -> dict[str, float]:
    """Log density of each of the model's variables and potentials at ``theta`` (P,), by name.

    Uses the model's own data, even after `LogDensity.set_data`.
    """
    names, function = _terms(density)
    point = {block.value_name: block.take(theta) for block in density.blocks}
    with np.errstate(all="ignore"):
        return dict(zip(names, map(float, function(point)), strict=True))


@lru_cache(maxsize=1)
def _terms(density: LogDensity) -> tuple[list[str], Callable[[dict[str, Any]], list[np.ndarray]]]:
    """Compile the terms of a model, as `pymc.Model.point_logps` does at each call."""
    model = density.model
    terms = [*model.basic_RVs, *model.potentials]
    mode = CompileMode(linker="py", optimizer="fast_compile")  # Numba would need seconds
    with lean_rewriting():
        sums = [factor.sum() for factor in model.logp(terms, sum=False)]
        return [term.name for term in terms], model.compile_fn(sums, mode=mode)


def _map_point(density: LogDensity) -> np.ndarray:
    """PyMC's own optimum, in the signature that PyMC 6.0 and 6.4 share."""
    options: dict[str, Any] = {"progressbar": False, "model": density.model}
    if "jitter" in inspect.signature(pm.find_MAP).parameters:
        options["jitter"] = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        point = pm.find_MAP(**options)
    names = {block.value_name for block in density.blocks}
    return density.initial_point({name: v for name, v in point.items() if name in names})
