"""Approximations of a PyMC model's posterior, one method a file, each `model -> DataTree`."""

from collections.abc import Callable

import xarray as xr

from .density import LogDensity
from .errors import TriposError
from .gaussian import Gaussian
from .grid import grid
from .laplace import laplace
from .mode import Mode, find_mode
from .nuts import nuts

METHODS: dict[str, Callable[..., xr.DataTree]] = {"grid": grid, "laplace": laplace, "nuts": nuts}
"""Every method by name."""

__all__ = [
    "METHODS",
    "Gaussian",
    "LogDensity",
    "Mode",
    "TriposError",
    "find_mode",
    "grid",
    "laplace",
    "nuts",
]
