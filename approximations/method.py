"""The register of methods: what the rest of tripos knows of each, declared in the method's file.

The ladder of `fit`, suites, calibrations, verdicts, reports, pictures and the contract test read it
from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import xarray as xr

Need = Literal["gradient", "hessian", "mode", "latent_field"]
Draws = Literal["independent", "resampled", "chains"]
Look = tuple[str, tuple[float, ...], str]


@dataclass(frozen=True, kw_only=True)
class Method:
    """A method and its properties.

    It can be called like its function.

    Attributes
    ----------
    function : callable
        ``model, draws, *, ... -> DataTree``.
    needs : tuple of str
        What it requires of a model: a ``"gradient"``, a ``"hessian"``, a joint ``"mode"``,
        a ``"latent_field"``.
    most_scalars : int or None
        Largest number of free scalars.
    draws : "independent", "resampled" or "chains"
        Kind of draws, which determines their Monte Carlo errors: independent ones; ones resampled
        by importance weights; or Markov chains.
    is_exact : bool
        Whether it gives the posterior up to Monte Carlo or quadrature error, rather than an
        approximating distribution.
    judge_rank : int or None
        The tree with the lowest rank judges the others in a comparison. None never judges.
    rung : float or None
        Position on the ladder of `fit`, cheapest first. None if it is not on it.
    takes_new_data : bool
        Whether it accepts a `LogDensity` whose data were changed by `set_data`.
    extra : str or None
        The extra of tripos that installs the package it needs, such as ``"pymc-extras"``.
    in_suites : mapping
        Default arguments in a suite, where processes share the cores.
    look : (str, tuple of float, str) or None
        Style in pictures: hexadecimal colour, dashes (none is a solid line), marker. With None it
        gets one that is free.
    """

    function: Callable[..., xr.DataTree]
    draws: Draws
    is_exact: bool
    needs: tuple[Need, ...] = ()
    most_scalars: int | None = None
    judge_rank: int | None = None
    rung: float | None = None
    takes_new_data: bool = False
    extra: str | None = None
    in_suites: Mapping[str, Any] = field(default_factory=dict)
    look: Look | None = None

    @property
    def name(self) -> str:
        """Name of the function."""
        return self.function.__name__

    @property
    def __wrapped__(self) -> Callable[..., xr.DataTree]:
        """The function, whose signature and source `inspect` then finds."""
        return self.function

    def __call__(self, *arguments: Any, **options: Any) -> xr.DataTree:
        """Call the function."""
        return self.function(*arguments, **options)


METHODS: dict[str, Method] = {}
"""Every method by name."""


def registered[F: Callable[..., xr.DataTree]](**known: Any) -> Callable[[F], F]:
    """Register the function that is defined below, with the fields of a `Method`."""

    def register(function: F) -> F:
        METHODS[function.__name__] = Method(function=function, **known)
        return function

    return register


def method_of(tree: xr.DataTree) -> Method | None:
    """Find the method that made a tree; None for a tree from elsewhere."""
    return METHODS.get(str(tree.attrs.get("method", "")))
