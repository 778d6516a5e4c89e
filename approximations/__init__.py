"""Approximations of a PyMC model's posterior, one method a file, each `model -> DataTree`.

The methods, and below each the rooms that it has to itself:

- ``grid``: ``box``, ``grid_moments``
- ``laplace``; without the exact Hessian: ``curvature``, ``low_rank``, ``prior_curvature``,
  ``newton_cg``
- ``skew_laplace``, ``importance``: ``proposals``, ``ridge``, ``pairs``, ``smoothing``,
  ``weighting``, ``moment_matching``, ``unseen``
- ``quadrature``: ``hermite``, ``transport``, ``quasi_random``
- ``nested_laplace``: ``latent_field``, ``conditional``, ``directional``, ``group_quadrature``,
  ``outer_mode``, ``corrected_mode``, ``outer_nodes``, ``central_composite``, ``surrogate``,
  ``nested_draws``
- ``advi`` and ``fullrank_advi``: ``ascent``; with ``dadvi``: ``variational``
- ``pathfinder``, ``smc``, ``nuts``; with those above, what is run by other packages: ``outside``

Two more that answer with something else than draws: ``tierney_kadane`` (``tilted``,
``constrained``, ``marginal``) and ``find_modes`` in ``modes`` (``starts``, ``exploring``).

What all of them stand on, from the model upwards:

- a model's graph over one vector: ``parameters``, ``lifting`` (``sparse_products``), ``guards``,
  ``hoisting``, ``symbolic``;
- compiled: ``compiling``, ``numpy_rewrites``, ``numpy_calls``; called: ``density``, ``new_data``;
- where its Hessian is zero: ``dependence``, ``dependence_rules``, ``dependence_products``,
  ``sparsity``; in few products: ``colouring``, ``sparse_hessian``;
- the mode: ``starting`` (``named_start``), ``trust_region`` (``dense_curvature``,
  ``sparse_curvature``, ``flattest``), ``mode``, and why there is none: ``no_mode``,
  ``runaway_mass``;
- the normal distribution there: ``gaussian``, ``sparse_cholesky``, ``sparse_kernels``,
  ``diagonal_factor``, ``memory``;
- the tree: ``result``, ``quantities``, ``metering``; ``progress`` and ``errors``.
"""

from collections.abc import Callable

import xarray as xr

from .advi import advi, fullrank_advi
from .dadvi import dadvi
from .density import LogDensity
from .errors import TriposError
from .gaussian import Gaussian
from .grid import grid
from .importance import importance
from .laplace import laplace
from .mode import Mode, find_mode
from .modes import Modes, find_modes
from .nested_laplace import nested_laplace
from .nuts import nuts
from .pathfinder import pathfinder
from .quadrature import quadrature
from .skew_laplace import skew_laplace
from .smc import smc
from .tierney_kadane import tierney_kadane

METHODS: dict[str, Callable[..., xr.DataTree]] = {
    "grid": grid,
    "laplace": laplace,
    "skew_laplace": skew_laplace,
    "importance": importance,
    "quadrature": quadrature,
    "nested_laplace": nested_laplace,
    "pathfinder": pathfinder,
    "advi": advi,
    "fullrank_advi": fullrank_advi,
    "dadvi": dadvi,
    "smc": smc,
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
    "advi",
    "dadvi",
    "find_mode",
    "find_modes",
    "fullrank_advi",
    "grid",
    "importance",
    "laplace",
    "nested_laplace",
    "nuts",
    "pathfinder",
    "quadrature",
    "skew_laplace",
    "smc",
    "tierney_kadane",
]
