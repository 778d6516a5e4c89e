"""The cheapest posterior that can be trusted: methods by rising cost, until one is accepted."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
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
    ImproperPosteriorError,
    MemoryLimitError,
    NoMethodError,
    NoTrustedMethodError,
    QuadratureWarning,
    SmallGroupsWarning,
    TriposError,
    UntrustedWarning,
    UntrustedWeightsWarning,
)
from ...approximations.progress import is_terminal
from ...approximations.result import checked_count, generator
from ..compare import tell
from ..verdict.judging import Tolerances
from ..verdict.quantities import quantities_asked
from .chains import checked_options
from .record import Attempt, Rung, ladder_group, no_attempt, said_of_none
from .rungs import RUNGS, Outcome, by_method
from .shared import Request, Shared


def rung_names() -> tuple[str, ...]:
    """Methods that are rungs of the ladder, cheapest first, as they are registered now."""
    known = {method.rung: name for name, method in METHODS.items() if method.rung is not None}
    return tuple(known[rung] for rung in sorted(known))


LADDER = rung_names()
"""The rungs of tripos's own methods, cheapest first."""


@checked_arguments
def fit(
    model: pm.Model | LogDensity | None = None,
    *,
    tolerance: Tolerances | None = None,
    var_names: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    draws: int = 4000,
    random_seed: int | np.random.Generator | None = None,
    nuts: Mapping[str, Any] | None = None,
    strict: bool = False,
    progressbar: bool = True,
) -> xr.DataTree:
    """Approximate a posterior by the cheapest method that can be trusted.

    An approximation is accepted when its distance from the posterior is within the tolerance for
    all that was asked; an answer that is exact up to Monte Carlo error when its own diagnostics
    hold and that error is small: see `verdict`. Rungs share their work: one search for the mode
    and for others beside it, one weighted sample, which judges the approximations and is itself a
    rung. Where there are several modes, the sample is drawn about all of them, and the chains of
    NUTS start at each.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None.
    tolerance : Tolerances, optional
        Acceptable errors; see `verdict`.
    var_names : sequence of str, optional
        The variables that matter: a method is accepted when all of their quantities are. All, if
        None.
    methods : sequence of str, optional
        The rungs to climb, in this order; all of `LADDER`, and those that were registered since,
        if None.
    draws : int, default 4000
        Number of independent draws of the methods that draw them.
    random_seed : int or Generator, optional
    nuts : mapping, optional
        Options of the rung of NUTS, such as ``{"time_limit": 60, "target_accept": 0.9}``; see
        `tripos.comparisons.ladder.chains.sampled_to_target`. It samples until what was asked is
        known well enough.
    strict : bool, default False
        Whether to raise an error where nothing can be trusted.
    progressbar : bool, default True
        Shown on a terminal only.

    Returns
    -------
    DataTree
        The accepted method's, with attribute ``accepted`` 1. Where none was accepted, or NUTS was
        interrupted, that of the method with most quantities accepted, the last of those, with
        ``accepted`` 0.
        Its group ``ladder`` (dims ``rung`` and ``quantity``) records what was tried: ``method``,
        ``accepted``, ``why``, ``seconds`` and ``evaluations``, verdicts included; and the
        ``judgement`` and ``sentence`` of each quantity.

    Raises
    ------
    NoTrustedMethodError
        When no rung was accepted, with ``strict``, or none gave a tree at all; the message says why
        for each. It holds the best ``tree``, and what was tried as ``ladder``.
    ImproperPosteriorError
        When there is no posterior to approximate.
    NoMethodError
        When a rung is not the name of a method.
    ArgumentError
        When ``var_names`` hold a name without quantities, or ``nuts`` an option that is unknown:
        before anything runs.
    DiscreteVariableError, NoFreeVariableError

    Warns
    -----
    UntrustedWarning
        When no rung was accepted: what is the matter with which quantities, and what to do.
    """
    methods, known = rung_names() if methods is None else methods, rung_names()
    if unknown := [name for name in methods if name not in known]:
        raise NoMethodError(f"The ladder has no rung called {unknown}; it has {list(known)}.")
    if not methods:
        raise ArgumentError(f"Name at least one rung of {list(known)}.")
    density = as_density(model)
    request = Request(
        density,
        tolerance or Tolerances(),
        tuple(quantities_asked(density, var_names)),
        checked_count("draws", draws),
        checked_options(density, nuts or {}),
        random_seed,
        generator(random_seed),
        progressbar,
    )
    tried, attempts = _climbed(request, methods)
    group = ladder_group(tried, attempts, request.quantities)
    best, tree = _best_tree(attempts)
    if tree is not None:
        tree.attrs["accepted"] = int(best.accepted)
        tree["ladder"] = xr.DataTree(group)
        if best.accepted:
            return tree
    if tree is None or strict:
        said = "\n".join(f"  {rung.method}: {rung.why}" for rung in tried)
        raise NoTrustedMethodError(f"No method was accepted.\n{said}", tree, group)
    warnings.warn(said_of_none(best, tree.attrs["method"]), UntrustedWarning, stacklevel=3)
    return tree


def _climbed(request: Request, methods: Sequence[str]) -> tuple[list[Rung], list[Attempt]]:
    """Try the rungs in order, until one is accepted."""
    shared, tried, attempts = Shared(), list[Rung](), list[Attempt]()
    for method in methods:
        if request.progressbar:
            tell(method)
        started, before = time.perf_counter(), sum(request.density.evaluations.values())
        try:
            attempt, shared = _tried(method, request, shared)
        except KeyboardInterrupt:
            if not any(attempt.make for attempt in attempts):
                raise
            attempt = replace(
                no_attempt("It was interrupted before it had a tree."), is_interrupted=True
            )
        seconds = time.perf_counter() - started
        evaluations = sum(request.density.evaluations.values()) - before + attempt.evaluations
        tried.append(Rung(method, attempt.accepted, attempt.why, seconds, evaluations))
        attempts.append(attempt)
        if request.progressbar and is_terminal():
            print(tried[-1], file=sys.stderr)
        if attempt.accepted or attempt.is_interrupted:
            break
    return tried, attempts


def _tried(method: str, request: Request, shared: Shared) -> Outcome:
    """Try one rung; a failure that is known is recorded.

    Raises
    ------
    ImproperPosteriorError
    """
    most = METHODS[method].most_scalars
    if most is not None and request.density.size > most:
        why = (
            f"It was skipped: it serves up to {most} scalars, and there are {request.density.size}."
        )
        return no_attempt(why), shared
    with warnings.catch_warnings():
        # What these say is a part of the judgement, and the record keeps it.
        for said in (UntrustedWeightsWarning, QuadratureWarning, SmallGroupsWarning):
            warnings.simplefilter("ignore", said)
        try:
            return RUNGS.get(method, partial(by_method, method))(request, shared)
        except ImproperPosteriorError:
            raise
        except TriposError as failure:
            return no_attempt(f"{type(failure).__name__}: {failure}"), shared


def _best_tree(attempts: Sequence[Attempt]) -> tuple[Attempt, xr.DataTree | None]:
    """Make the tree of the attempt with most quantities accepted, the last of those.

    A tree that cannot be made, since memory is short, gives way to the next best.
    """
    merits = [(attempt.agreeing, k) for k, attempt in enumerate(attempts) if attempt.make]
    for _, k in sorted(merits, reverse=True):
        make = attempts[k].make
        with warnings.catch_warnings(), suppress(MemoryLimitError):
            warnings.simplefilter("ignore", UntrustedWeightsWarning)
            if make is not None:
                return attempts[k], make()
    return attempts[-1], None
