"""Run several methods on one model."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pymc as pm
import xarray as xr

from ..approximations import METHODS, TriposError
from ..approximations.density import LogDensity
from ..approximations.errors import NoMethodError
from .comparison import Comparison


def compare(
    model: pm.Model | None = None,
    methods: Sequence[str] = ("grid", "laplace", "nuts"),
    *,
    random_seed: int | None = None,
    progressbar: bool = True,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> Comparison:
    """Approximate one posterior by several methods.

    A method that cannot serve the model (a grid for ten parameters, say) does not stop the others:
    its reason stands in ``failures``.

    Parameters
    ----------
    model : pymc.Model, optional
        The model in context, if None.
    methods : sequence of str, default ("grid", "laplace", "nuts")
        Names in `tripos.approximations.METHODS`.
    random_seed : int, optional
    progressbar : bool, default True
        On a terminal.
    options : mapping of str to mapping, optional
        Arguments of each method: ``{"nuts": {"tune": 2000}, "grid": {"bounds": {...}}}``.

    Returns
    -------
    Comparison
        One tree a method, labelled by its name.

    Raises
    ------
    NoMethodError
        When a method is unknown, or none could be run.
    """
    options = options or {}
    if unknown := [name for name in [*methods, *options] if name not in METHODS]:
        raise NoMethodError(f"There is no method called {unknown}; there are {sorted(METHODS)}.")
    if not methods:
        raise NoMethodError(f"Name at least one method of {sorted(METHODS)}.")
    density = LogDensity(model)
    shared = {"random_seed": random_seed, "progressbar": progressbar}
    calls = {name: {**shared, **options.get(name, {})} for name in methods}
    return run_methods({name: (name, density, call) for name, call in calls.items()})


def run_methods(
    cells: Mapping[str, tuple[str, LogDensity, Mapping[str, Any]]],
    told: Callable[[str], None] | None = None,
) -> Comparison:
    """Run labelled cells of (method, density, arguments), and gather trees and failures.

    Raises
    ------
    NoMethodError
        When every one failed.
    """
    trees: dict[str, xr.DataTree] = {}
    failures: dict[str, str] = {}
    for label, (name, density, call) in cells.items():
        if told is not None:
            told(label)
        accepted = inspect.signature(METHODS[name]).parameters
        # Not every method is long enough to show progress.
        arguments = {k: v for k, v in call.items() if k in accepted or k != "progressbar"}
        try:
            trees[label] = METHODS[name](density, **arguments)
        except TriposError as failure:
            failures[label] = f"{type(failure).__name__}: {failure}"
    if not trees:
        reasons = "\n".join(f"  {label}: {reason}" for label, reason in failures.items())
        raise NoMethodError(f"None of the methods could be run:\n{reasons}")
    return Comparison(trees, failures)


def tell(label: str) -> None:
    """Name the cell that is being run, on a terminal."""
    if sys.stderr.isatty():
        print(f"running {label} ...", file=sys.stderr)
