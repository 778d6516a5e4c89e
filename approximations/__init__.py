"""Approximations of a PyMC model's posterior, one method a file, each `model -> DataTree`.

The methods: ``grid``, ``laplace``, ``low_rank_laplace``, ``diagonal_laplace``, ``skew_laplace``,
``importance``, ``quadrature``, ``nested_laplace``, ``advi`` (and ``fullrank_advi``), ``dadvi``,
``pathfinder``, ``smc``, ``nuts``.
Two more answer with something else than draws: ``tierney_kadane``, and `find_modes` in ``modes``.

All of them stand on the log density (``density``), its mode (``mode``), the normal distribution
there (``gaussian``), the tree (``result``), ``arguments``, ``errors`` and ``memory``. Their parts,
each folder on those above it alone:

- ``graphs``: a model as graphs over one vector, compiled
- ``sparse``: where a Hessian is zero, and its Cholesky factors
- ``search``: the steps to a mode, to several, and why there is none
- ``matrix_free``: `low_rank_laplace` and `diagonal_laplace`, without a Hessian
- ``weights``: proposals and importance weights
- ``rules``: nodes of quadrature, and a grid's box
- ``scalars``: moments and marginals of one quantity
- ``nested``: the rooms of `nested_laplace`
- ``running``: methods of other packages, progress, costs
"""

from collections.abc import Callable

import xarray as xr

from .advi import advi, fullrank_advi
from .dadvi import dadvi
from .density import LogDensity
from .diagonal_laplace import diagonal_laplace
from .errors import TriposError
from .gaussian import Gaussian
from .grid import grid
from .importance import importance
from .laplace import laplace
from .low_rank_laplace import low_rank_laplace
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
    "low_rank_laplace": low_rank_laplace,
    "diagonal_laplace": diagonal_laplace,
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
    "diagonal_laplace",
    "find_mode",
    "find_modes",
    "fullrank_advi",
    "grid",
    "importance",
    "laplace",
    "low_rank_laplace",
    "nested_laplace",
    "nuts",
    "pathfinder",
    "quadrature",
    "skew_laplace",
    "smc",
    "tierney_kadane",
]
