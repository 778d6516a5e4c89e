"""Approximations of a PyMC model's posterior, one method a file, each `model -> DataTree`."""

from collections.abc import Callable

import xarray as xr

from .density import LogDensity
from .errors import TriposError
from .gaussian import Gaussian
from .grid import grid
from .importance import importance
from .laplace import laplace
from .mode import Mode, find_mode
from .modes import Modes, find_modes
from .nuts import nuts
from .quadrature import quadrature
from .skew_laplace import skew_laplace
from .tierney_kadane import tierney_kadane

METHODS: dict[str, Callable[..., xr.DataTree]] = {
    "grid": grid,
    "laplace": laplace,
    "skew_laplace": skew_laplace,
    "importance": importance,
    "quadrature": quadrature,
    "nuts": nuts,
}
"""Every method by name."""

__all__ = [
    "METHODS",
    "Gaussian",
    "LogDensity",
    "Mode",
    "Modes",
    "TriposError",
    "find_mode",
    "find_modes",
    "grid",
    "importance",
    "laplace",
    "nuts",
    "quadrature",
    "skew_laplace",
    "tierney_kadane",
]
