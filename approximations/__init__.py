"""Approximations of a PyMC model's posterior, one method a file, each `model -> DataTree`.

The methods: ``grid``, ``laplace``, ``low_rank_laplace``, ``diagonal_laplace``, ``skew_laplace``,
``importance``, ``quadrature``, ``nested_laplace``, ``advi`` (and ``fullrank_advi``), ``dadvi``,
``pathfinder``, ``smc``, ``nuts``; ``method`` registers what the rest of tripos has to know of each.
Two more return something other than draws: ``tierney_kadane`` and `find_modes`.

They build on these folders, each of which imports only those above it:

- ``density``: the log density over one vector (its ``graphs``, the ``sparsity`` of its Hessian, its
  ``derivatives``)
- ``linear_algebra``: the normal distribution, Cholesky factors
- ``mode``: searches for one mode or several, and why there is none
- ``matrix_free``: `low_rank_laplace` and `diagonal_laplace`, without a Hessian
- ``rules``: nodes of quadrature, and a grid's box
- ``weights``: proposals and importance weights
- ``scalars``: moments and marginals of one quantity
- ``nested``: the parts of `nested_laplace`
- ``variational``: fits that maximise an evidence lower bound

and beside them ``result`` (the tree), ``meter``, ``trust``, ``limits``, ``errors``, ``arguments``,
``memory``, ``progress`` and ``other_packages``.
"""

from .advi import advi as advi, fullrank_advi as fullrank_advi
from .dadvi import dadvi as dadvi
from .density import LogDensity as LogDensity
from .diagonal_laplace import diagonal_laplace as diagonal_laplace
from .errors import TriposError as TriposError
from .grid import grid as grid
from .importance import importance as importance
from .laplace import laplace as laplace
from .linear_algebra.gaussian import Gaussian as Gaussian
from .low_rank_laplace import low_rank_laplace as low_rank_laplace
from .method import METHODS as METHODS, Method as Method
from .mode import Mode as Mode, find_mode as find_mode
from .mode.several import Modes as Modes, find_modes as find_modes
from .nested_laplace import nested_laplace as nested_laplace
from .nuts import nuts as nuts
from .pathfinder import pathfinder as pathfinder
from .quadrature import quadrature as quadrature
from .skew_laplace import skew_laplace as skew_laplace
from .smc import smc as smc
from .tierney_kadane import tierney_kadane as tierney_kadane
