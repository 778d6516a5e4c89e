"""Approximations of a PyMC model's posterior, one method a file, each `model -> DataTree`.

The methods, and below each the rooms that it has to itself:

- ``grid``: ``box``, ``grid_moments``
- ``laplace``
- ``skew_laplace``, ``importance``: ``proposals``, ``ridge``, ``pairs``, ``smoothing``,
  ``weighting``, ``moment_matching``, ``unseen``
- ``quadrature``: ``hermite``, ``transport``, ``quasi_random``
- ``nuts``

Two more that answer with something else than draws: ``tierney_kadane`` (``tilted``,
``constrained``, ``marginal``) and ``find_modes`` in ``modes`` (``starts``, ``exploring``).

What all of them stand on, from the model upwards:

- a model's graph over one vector: ``parameters``, ``lifting``, ``hoisting``, ``symbolic``;
- compiled: ``compiling``, ``numpy_rewrites``, ``numpy_calls``; called: ``density``, ``new_data``;
- the mode: ``starting``, ``trust_region``, ``mode``, and why there is none: ``no_mode``,
  ``runaway_mass``; the normal distribution there: ``gaussian``;
- the tree: ``result``, ``quantities``, ``metering``; ``progress`` and ``errors``.
"""

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
