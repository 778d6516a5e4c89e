"""Run several methods on one model."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pymc as pm
import xarray as xr

from ..approximations import METHODS
from ..approximations.arguments import check_options, checked_arguments
from ..approximations.density import LogDensity, as_density
from ..approximations.errors import NoMethodError
from .comparison import Comparison
from .methods import Method, labelled, load_method


@checked_arguments
def compare(
    model: pm.Model | LogDensity | None = None,
    methods: Sequence[str | Method] = ("grid", "laplace", "nuts"),
    *,
    random_seed: int | None = None,
    progressbar: bool = True,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> Comparison:
    """Approximate one posterior by several methods.

    A method that fails (a grid for ten parameters, say, or a sampler that raises) does not stop the
    others: ``failures`` records the reason.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None.
    methods : sequence of str or callable, default ("grid", "laplace", "nuts")
        Names in `tripos.approximations.METHODS`, of an installed entry point, or of a function
        (``"package.module:function"``, ``"path/to/file.py:function"``); or functions
        ``model -> DataTree`` themselves; one alone needs no list. See
        `tripos.comparisons.methods`.
    random_seed : int, optional
    progressbar : bool, default True
        Shown on a terminal only.
    options : mapping of str to mapping, optional
        Arguments of each method: ``{"nuts": {"tune": 2000}, "grid": {"bounds": {...}}}``. The key
        of a function is its ``__name__``.

    Returns
    -------
    Comparison
        One tree per method, labelled by the method's name.

    Raises
    ------
    NoMethodError
        When ``methods`` or ``options`` names an unknown method, or no method could be run.
    ArgumentError
        When two methods have the same name, or a method does not accept its options.
    """
    options, found = options or {}, labelled(methods)
    if unknown := [name for name in options if name not in found and name not in METHODS]:
        raise NoMethodError(
            f"There are options for {', '.join(unknown)}, but the methods are {', '.join(found)}."
        )
    for name, method in found.items():
        check_options(name, method, options.get(name, {}))
    density = as_density(model)
    shared = {"random_seed": random_seed, "progressbar": progressbar}
    calls = {name: {**shared, **options.get(name, {})} for name in found}
    return run_methods({name: (found[name], density, call) for name, call in calls.items()})


def run_methods(
    cells: Mapping[str, tuple[str | Method, LogDensity, Mapping[str, Any]]],
    announce: Callable[[str], None] | None = None,
) -> Comparison:
    """Run labelled cells of (method, density, arguments), and gather trees and failures.

    Raises
    ------
    NoMethodError
        When every method failed.
    """
    trees: dict[str, xr.DataTree] = {}
    failures: dict[str, str] = {}
    for label, (named, density, call) in cells.items():
        method = load_method(named) if isinstance(named, str) else named
        if announce is not None:
            announce(label)
        accepted = inspect.signature(method).parameters
        # Some methods are too quick for a progress bar of their own.
        arguments = {k: v for k, v in call.items() if k in accepted or k != "progressbar"}
        try:
            trees[label] = method(density, **arguments)
        except Exception as failure:
            # Other packages may raise any exception, which must not stop the other methods.
            failures[label] = f"{type(failure).__name__}: {failure}"
    if not trees:
        reasons = "\n".join(f"  {label}: {reason}" for label, reason in failures.items())
        raise NoMethodError(f"None of the methods could be run:\n{reasons}")
    return Comparison(trees, failures)


def tell(label: str) -> None:
    """Name the cell that is being run, on a terminal."""
    if sys.stderr.isatty():
        print(f"running {label} ...", file=sys.stderr)
