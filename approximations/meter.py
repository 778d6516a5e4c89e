"""What a method costs: seconds of compiling, fitting and drawing, and density evaluations."""

from __future__ import annotations

import time

import xarray as xr

from .density import LogDensity
from .result import Clock, add_costs


class Meter:
    """A stopwatch on one density, started when it is made.

    Parameters
    ----------
    density : LogDensity
        It may have been used before: only what is spent from now on counts.
    """

    def __init__(self, density: LogDensity) -> None:
        self._density = density
        self._before = dict(density.evaluations)
        self._compiled = density.seconds_compiling
        self._started = time.perf_counter()
        self._fitted, self._compiled_fit = self._started, 0.0

    def fitted(self) -> None:
        """Say that the fit is done, and drawing begins."""
        self._fitted = time.perf_counter()
        self._compiled_fit = self._density.seconds_compiling - self._compiled

    def written_into(self, tree: xr.DataTree) -> xr.DataTree:
        """Write the costs until now into the tree's attributes."""
        compiling = self._density.seconds_compiling - self._compiled
        drawn = time.perf_counter() - self._fitted
        clock = Clock(
            compile=compiling,
            fit=self._fitted - self._started - self._compiled_fit,
            draw=drawn - (compiling - self._compiled_fit),
        )
        spent = self._density.evaluations.items()
        return add_costs(tree, clock, {name: n - self._before[name] for name, n in spent})
