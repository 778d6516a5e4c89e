"""The cheapest posterior that can be trusted: methods by rising cost, until one is accepted."""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from ...approximations import METHODS
from ...approximations.arguments import checked_arguments
from ...approximations.density import LogDensity, as_density
from ...approximations.errors import (
    ArgumentError,
    CurvatureError,
    ImproperPosteriorError,
    ModeAtInfinityError,
    ModeNotFoundError,
    NoMethodError,
    NoTrustedMethodError,
    QuadratureWarning,
    TriposError,
    UntrustedWeightsWarning,
)
from ...approximations.progress import is_terminal
from ...approximations.result import checked_count, generator
from ...approximations.trust_words import distrust_of
from ..compare import tell
from ..verdict import verdict
from ..verdict.judging import Tolerances
from ..verdict.result import Verdict

_RUNGS = {method.rung: name for name, method in METHODS.items() if method.rung is not None}

LADDER = tuple(_RUNGS[rung] for rung in sorted(_RUNGS))
"""The rungs, cheapest first."""

# Errors that mean there is no joint mode to start from.
_NO_MODE = (ModeAtInfinityError, ModeNotFoundError, CurvatureError)


@dataclass(frozen=True)
class Rung:
    """One method that was tried.

    Attributes
    ----------
    method : str
    accepted : bool
    why : str
        A sentence.
    seconds, evaluations : float
        Total cost of the method and of its verdict.
    """

    method: str
    accepted: bool
    why: str
    seconds: float
    evaluations: int


@checked_arguments
def fit(
    model: pm.Model | LogDensity | None = None,
    *,
    tolerance: Tolerances | None = None,
    var_names: Sequence[str] | None = None,
    methods: Sequence[str] = LADDER,
    draws: int = 4000,
    random_seed: int | np.random.Generator | None = None,
    progressbar: bool = True,
) -> xr.DataTree:
    """Approximate a posterior by the cheapest method that a verdict accepts.

    Where a search from the model's initial point ends at a mode of negligible mass, and a verdict
    finds a heavier one, later rungs start from that mode; ``ladder`` records it.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None.
    tolerance : Tolerances, optional
        Acceptable errors; see `verdict`.
    var_names : sequence of str, optional
        The variables that matter: a method is accepted when all of their quantities agree. All, if
        None.
    methods : sequence of str, optional
        The rungs to climb, in this order.
    draws : int, default 4000
        Number of independent draws of the methods that draw them; NUTS uses its own default.
    random_seed : int or Generator, optional
    progressbar : bool, default True
        Shown on a terminal only.

    Returns
    -------
    DataTree
        The accepted method's. Its group ``ladder`` (dim ``rung``) records what was tried:
        ``method``, ``accepted``, ``why``, ``seconds`` and ``evaluations``, verdicts included.

    Raises
    ------
    NoTrustedMethodError
        When no rung was accepted; the message says why for each.
    ImproperPosteriorError
        When there is no posterior to approximate.
    NoMethodError
        When a rung is not the name of a method.
    DiscreteVariableError, NoFreeVariableError, ArgumentError
    """
    if unknown := [name for name in methods if name not in LADDER]:
        raise NoMethodError(f"The ladder has no rung called {unknown}; it has {list(LADDER)}.")
    if not methods:
        raise ArgumentError(f"Name at least one rung of {list(LADDER)}.")
    density, rng = as_density(model), generator(random_seed)
    rungs: list[Rung] = []
    without_mode = ""
    options: dict[str, Any] = {"draws": checked_count("draws", draws)}
    pending = deque(methods)
    while pending:
        method = pending.popleft()
        most = METHODS[method].most_scalars
        if most is not None and density.size > most:
            continue
        if without_mode and "mode" in METHODS[method].needs:
            why = f"It stands on the joint mode, too, and {without_mode} found none."
            rungs.append(Rung(method, False, why, 0.0, 0))
            continue
        if progressbar:
            tell(method)
        chains = METHODS[method].draws == "chains"
        call = {"progressbar": progressbar and is_terminal()} if chains else options
        try:
            tree, rung, found = _tried(method, density, call, rng, tolerance, var_names)
        except _NO_MODE as failure:
            without_mode = method
            rungs.append(Rung(method, False, f"{type(failure).__name__}: {failure}", 0.0, 0))
            continue
        rungs.append(rung)
        if tree is not None and rung.accepted:
            tree["ladder"] = xr.DataTree(_record(rungs))
            return tree
        if found is not None and found.second_mode:
            break
        if found is not None and found.heavier_mode is not None and "start" not in options:
            # Repeat this rung, and run all that follow, from the heavier mode.
            options["start"] = found.heavier_mode
            pending.appendleft(method)
    raise NoTrustedMethodError(
        "No method was accepted.\n" + "\n".join(f"  {rung.method}: {rung.why}" for rung in rungs)
    )


def _tried(
    method: str,
    density: LogDensity,
    call: dict[str, Any],
    rng: np.random.Generator,
    tolerance: Tolerances | None,
    var_names: Sequence[str] | None,
) -> tuple[xr.DataTree | None, Rung, Verdict | None]:
    """Run one rung, and judge it; NUTS judges itself.

    Raises
    ------
    ModeAtInfinityError, ModeNotFoundError, CurvatureError
        When there is no mode to start from.
    ImproperPosteriorError
    """
    judged = partial(verdict, tolerance=tolerance, var_names=var_names)
    started, before = time.perf_counter(), sum(density.evaluations.values())
    with warnings.catch_warnings():
        # The verdict repeats these warnings, and the record keeps it.
        warnings.simplefilter("ignore", UntrustedWeightsWarning)
        warnings.simplefilter("ignore", QuadratureWarning)
        try:
            tree = METHODS[method](density, random_seed=rng, **call)
            chains = METHODS[method].draws == "chains"
            found = None if chains else judged(tree, density, random_seed=rng)
        except (*_NO_MODE, ImproperPosteriorError):
            raise
        except TriposError as failure:
            why = f"{type(failure).__name__}: {failure}"
            seconds = time.perf_counter() - started
            return None, Rung(method, False, why, seconds, 0), None
    accepted, why = _accepted_chains(tree) if found is None else _accepted(found)
    evaluations = sum(density.evaluations.values()) - before
    evaluations += tree.attrs["evaluations_gradient"] if chains else 0
    rung = Rung(method, accepted, why, time.perf_counter() - started, int(evaluations))
    return tree, rung, found


def _accepted(found: Verdict) -> tuple[bool, str]:
    counts = ", ".join(f"{count} {name}" for name, count in found.counts.items() if count)
    if found.agrees:
        return True, f"{counts}."
    against = found.table[found.table["judgement"] != "agrees"]
    return False, f"{counts}: {against['sentence'].iloc[0]}"


def _accepted_chains(tree: xr.DataTree) -> tuple[bool, str]:
    why = distrust_of(tree)
    if why is None:
        return True, "The chains have converged."
    return False, f"{why[0].upper()}{why[1:]}."


def _record(rungs: Sequence[Rung]) -> xr.Dataset:
    names = [field.name for field in fields(Rung)]
    return xr.Dataset({name: ("rung", [getattr(rung, name) for rung in rungs]) for name in names})
