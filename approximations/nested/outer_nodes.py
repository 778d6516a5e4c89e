"""The outer parameters' density at a design of nodes, with the latent field at each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from scipy.special import logsumexp, softmax

from ..errors import LatentModeError, QuadratureError
from ..memory import check_memory
from ..rules.central_composite import central_composite
from ..rules.hermite import Table, gauss_hermite
from ..rules.quasi_random import quasi_random_normals
from ..rules.transport import interpolation, log_density_at, transported
from .conditional import Conditional, conditional_at
from .group_quadrature import group_correction
from .latent_field import LatentField
from .outer_mode import OuterMode
from .surrogate import Surrogate

# Largest number of outer parameters for a product rule, and its nodes per axis.
_MOST_AXES = 4
_MOMENT_POINTS = 2**12
# Share, width and degrees of freedom of draws from a t distribution, for weights.
_WIDE_SHARE, _WIDTH, _DF = 0.25, 1.5, 5
_POINTS = {1: 41, 2: 9, 3: 5, 4: 3}


@dataclass(frozen=True, eq=False)
class OuterNodes:
    """M nodes of the outer parameters.

    Attributes
    ----------
    centre : (K,) array
    root : (K, K) array
        Lower Cholesky factor of the covariance: a node is centre + root z.
    places : (M, K) array
        Nodes z.
    latent, variances : (M, n) array
        Mode and variances of the latent field, given each node.
    log_masses : (M,) array
        Log of each node's contribution to the evidence.
    rule : Table or Surrogate
        Interpolant of the values at the nodes, for draws.
    log_evidence, log_evidence_error : float
    """

    centre: np.ndarray
    root: np.ndarray
    places: np.ndarray
    latent: np.ndarray
    variances: np.ndarray
    log_masses: np.ndarray
    rule: Table | Surrogate
    log_evidence: float
    log_evidence_error: float

    @property
    def outer(self) -> np.ndarray:
        """The nodes (M, K) as outer parameters."""
        return self.centre + self.places @ self.root.T

    @property
    def weights(self) -> np.ndarray:
        """Share (M,) of the evidence at each node."""
        return softmax(self.log_masses)

    def draws(
        self, draws: int, rng: np.random.Generator, *, wide: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw outer parameters (S, K), with their log density (S,).

        With ``wide`` a quarter of them comes from a t distribution about the mode: the interpolants
        end not far beyond their nodes, and weights cannot find what no draw reaches.
        """
        return self._wide_draws(draws, rng) if wide else self._own_draws(draws, rng)

    def _wide_draws(self, draws: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw from the mixture of both (defensive importance sampling, Hesterberg 1995)."""
        size = len(self.centre)
        count = round(_WIDE_SHARE * draws)
        own, _ = self._own_draws(draws - count, rng)
        tail = scipy.stats.multivariate_t(shape=_WIDTH**2 * np.eye(size), df=_DF)
        wide = tail.rvs(count, random_state=rng).reshape(count, size)
        places = np.concatenate([np.linalg.solve(self.root, (own - self.centre).T).T, wide])
        if isinstance(self.rule, Table):
            inside = log_density_at(self.rule, places)
        else:
            inside = self.rule.log_density(places)
        mixed = np.logaddexp(
            np.log1p(-_WIDE_SHARE) + inside, np.log(_WIDE_SHARE) + tail.logpdf(places)
        )
        order = rng.permutation(draws)
        determinant = float(np.sum(np.log(np.diag(self.root))))
        return (self.centre + places @ self.root.T)[order], mixed[order] - determinant

    def _own_draws(self, draws: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        if isinstance(self.rule, Table):
            return transported(self.rule, rng.standard_normal((draws, len(self.centre))))
        moved, heights = self.rule.draws(draws, rng)
        determinant = float(np.sum(np.log(np.diag(self.root))))
        return self.centre + moved @ self.root.T, heights - determinant

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation (K,) of the outer parameters."""
        if isinstance(self.rule, Table):
            normals = quasi_random_normals(_MOMENT_POINTS, len(self.centre))
            points, _ = transported(self.rule, normals)
            return points.mean(axis=0), points.std(axis=0)
        mean, covariance, _ = self.rule.moments
        spread = self.root @ covariance @ self.root.T
        return self.centre + self.root @ mean, np.sqrt(np.diag(spread))

    def nearest(self, outer: np.ndarray) -> np.ndarray:
        """Nearest node (S,) to each of some outer parameters (S, K), in sds."""
        whitened = np.linalg.solve(self.root, (outer - self.centre).T).T
        apart = np.sum(whitened**2, axis=1)[:, None] - 2 * whitened @ self.places.T
        return np.argmin(apart + np.sum(self.places**2, axis=1), axis=1)


def outer_nodes(mode: OuterMode, points: int | None = None, nodes: int = 1) -> OuterNodes:
    """Integrate the outer parameters out.

    Up to four use an adaptive Gauss-Hermite product rule, more a central composite design.

    Parameters
    ----------
    mode : OuterMode
    points : int, optional
        Nodes along each axis of a product rule: 41, 9, 5, 3 for 1 to 4 axes by default.
    nodes : int, default 1
        Nodes for each latent scalar; see `group_correction`.

    Raises
    ------
    LatentModeError
        When the latent field has no mode at a node.
    QuadratureError
        When the density does not fall from the mode to the design's nodes.
    """
    size = len(mode.conditional.outer)
    if points is None and size > _MOST_AXES:
        return _composite(mode, nodes)
    return _product(mode, points or _POINTS[size], nodes)


@dataclass(frozen=True, eq=False)
class _Visits:
    """Values at M nodes.

    Attributes
    ----------
    values, corrections : (M,) array
        Log marginal density by Laplace, and its quadrature correction.
    slopes : (M, K) array
        Gradient of ``values``, where requested.
    latent, variances : (M, n) array
    """

    values: np.ndarray
    corrections: np.ndarray
    slopes: np.ndarray
    latent: np.ndarray
    variances: np.ndarray

    @classmethod
    def empty(cls, count: int, outer: int, latent: int) -> _Visits:
        """Allocate arrays for some nodes, outer and latent parameters."""
        return cls(
            values=np.empty(count),
            corrections=np.empty(count),
            slopes=np.empty((count, outer)),
            latent=np.empty((count, latent)),
            variances=np.empty((count, latent)),
        )


def _product(mode: OuterMode, points: int, nodes: int) -> OuterNodes:
    rule, size = gauss_hermite(points), len(mode.conditional.outer)
    mesh = np.meshgrid(*[rule.nodes] * size, indexing="ij")
    places = np.column_stack([axis.ravel() for axis in mesh])
    centre, root = mode.conditional.outer, np.linalg.cholesky(mode.gaussian.covariance)
    visits = _visited(mode.conditional, places @ root.T, nodes)
    log_density = (visits.values + visits.corrections).reshape((points,) * size)
    table = Table(rule, centre, root, log_density)
    _check_ends(mode.conditional.field, table)
    evidence = table.log_evidence
    error = abs(_thinned(table).log_evidence - evidence)
    masses, fields = table.log_masses.ravel(), (visits.latent, visits.variances)
    return OuterNodes(centre, root, places, *fields, masses, table, evidence, error)


def _thinned(table: Table) -> Table:
    """The rule with two nodes fewer, from values between the nodes of this one."""
    rule = gauss_hermite(max(len(table.rule.nodes) - 2, 1))
    carry, values = interpolation(table.rule, rule.nodes), table.log_ratio
    for axis in range(table.size):
        values = np.moveaxis(np.tensordot(carry, values, axes=(1, axis)), 0, axis)
    empty = Table(rule, table.centre, table.root, np.zeros(values.shape))
    return Table(rule, table.centre, table.root, values - empty.log_ratio)


def _composite(mode: OuterMode, nodes: int) -> OuterNodes:
    centre, root = mode.conditional.outer, np.linalg.cholesky(mode.gaussian.covariance)
    size = len(centre)
    design = central_composite(size)
    visits = _visited(mode.conditional, design.nodes @ root.T, nodes, with_slopes=True)
    constant = np.sum(np.log(np.diag(root))) + 0.5 * size * np.log(2 * np.pi)
    laplace = visits.values + 0.5 * np.sum(design.nodes**2, axis=1) + constant
    ratios = laplace + visits.corrections
    log_masses = ratios + np.log(design.weights)
    _check_falls(mode.conditional.field, visits.values + visits.corrections)
    surrogate = Surrogate.through(design.nodes, laplace, visits.slopes @ root + design.nodes)
    if nodes > 1:
        surrogate = surrogate.corrected(design.nodes, visits.corrections)
    evidence = ratios[0] + surrogate.moments[2]
    error = abs(float(logsumexp(log_masses)) - evidence)
    fields = (visits.latent, visits.variances)
    return OuterNodes(centre, root, design.nodes, *fields, log_masses, surrogate, evidence, error)


def _check_falls(field: LatentField, values: np.ndarray) -> None:
    if np.all(values[1:] < values[0]):
        return
    raise QuadratureError(
        "The log marginal density of the outer parameters is higher at a node of the design than "
        f"at the mode ({', '.join(field.outer_labels)}): it has another mode, or is far from "
        "normal. Use nuts."
    )


def _check_ends(field: LatentField, table: Table) -> None:
    """Reject a density at least half as high at the outermost nodes as its maximum."""
    for axis, label in enumerate(field.outer_labels):
        others = tuple(k for k in range(table.size) if k != axis)
        heights = logsumexp(table.log_masses, axis=others) - table.rule.log_weights
        if len(heights) > 2 and max(heights[0], heights[-1]) > heights.max() - np.log(2):
            raise QuadratureError(
                f"The log marginal density of the outer parameters does not fall along {label} "
                "from the mode to the outermost nodes: the posterior may be improper, or have "
                f"another mode. Give {label} a proper prior, or use nuts."
            )


def _visited(
    centre: Conditional, shifts: np.ndarray, nodes: int, *, with_slopes: bool = False
) -> _Visits:
    """Evaluate nodes from the centre outward, each starting from the nearest earlier one."""
    field, count = centre.field, len(shifts)
    check_memory(
        f"The latent field at {count} nodes of the outer parameters",
        2 * count * field.size,
        "Ask for fewer points=.",
    )
    visits = _Visits.empty(count, len(field.outer), field.size)
    order = np.argsort(np.sum(np.linalg.solve(_spread(shifts), shifts.T) ** 2, axis=0))
    for k, node in enumerate(order):
        done = order[:k]
        start, apart = centre.latent, shifts[node]
        if k:
            near = done[np.argmin(np.sum((shifts[done] - shifts[node]) ** 2, axis=1))]
            start, apart = visits.latent[near], shifts[node] - shifts[near]
        predicted = start + centre.sensitivity @ apart
        try:
            here = conditional_at(field, centre.outer + shifts[node], predicted)
        except LatentModeError as error:
            raise _no_latent_mode(error, field, shifts) from error
        visits.values[node], visits.latent[node] = here.log_marginal, here.latent
        visits.corrections[node] = group_correction(here, nodes)
        visits.variances[node] = here.factor.variances()
        if with_slopes:
            visits.slopes[node] = here.marginal_gradient
    return visits


def _no_latent_mode(
    error: LatentModeError, field: LatentField, shifts: np.ndarray
) -> LatentModeError:
    reach = np.max(np.abs(shifts), axis=0)
    label = field.outer_labels[int(np.argmax(reach))]
    return LatentModeError(
        f"{error} That is a node of the outer parameters: they reach {np.max(reach):.3g} from the "
        f"mode in {label}. If that is further than plausible, the density is flat there: give "
        f"{label} a proper prior. If not, ask for fewer points=."
    )


def _spread(shifts: np.ndarray) -> np.ndarray:
    """Square root of the nodes' scatter, in which distances are measured."""
    return np.linalg.cholesky(shifts.T @ shifts + 1e-300 * np.eye(shifts.shape[1]))
