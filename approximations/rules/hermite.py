"""A log density at the nodes of a Gauss-Hermite rule, centred at a mode, scaled by curvature.

Naylor and Smith (1982), "Applications of a method for the efficient computation of posterior
distributions"; Liu and Pierce (1994), "A note on Gauss-Hermite quadrature"; Bilodeau, Stringer and
Tang (2022), "Stochastic convergence rates and applications of adaptive quadrature in Bayesian
inference".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from scipy.special import logsumexp

from ..density import LogDensity
from ..errors import QuadratureError


@dataclass(frozen=True)
class Rule:
    """A Gauss-Hermite rule in one dimension.

    Attributes
    ----------
    nodes : (k,) array
        Roots of a Hermite polynomial, in standard deviations.
    log_weights : (k,) array
        Log of weights w: the sum of w f(z) over the nodes is the integral of f, exactly where f is
        the standard normal density times a polynomial of degree up to 2 k - 1.
    """

    nodes: np.ndarray
    log_weights: np.ndarray

    @property
    def log_normal_weights(self) -> np.ndarray:
        """Log weights (k,) for expectations under the standard normal."""
        return self.log_weights - 0.5 * (self.nodes**2 + np.log(2 * np.pi))


@cache
def gauss_hermite(points: int) -> Rule:
    """Give the rule with ``points`` nodes."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    return Rule(nodes, np.log(weights) + 0.5 * nodes**2)


@dataclass(frozen=True)
class Table:
    """A log density at the nodes theta = centre + root z of a product rule.

    Attributes
    ----------
    rule : Rule
        The same k nodes z along each of P axes.
    centre : (P,) array
    root : (P, P) array
        Lower Cholesky factor of the covariance.
    log_density : array
        P axes of length k.
    """

    rule: Rule
    centre: np.ndarray
    root: np.ndarray
    log_density: np.ndarray

    @property
    def size(self) -> int:
        """Number of parameters, P."""
        return len(self.centre)

    @property
    def thetas(self) -> np.ndarray:
        """Nodes (k^P, P)."""
        return _places(self.rule, self.centre, self.root)

    @cached_property
    def log_determinant(self) -> float:
        """Log determinant of the root."""
        return float(np.sum(np.log(np.diag(self.root))))

    @cached_property
    def log_ratio(self) -> np.ndarray:
        """Log density of z less that of the standard normal, in the shape of the nodes."""
        squares = outer_sum([0.5 * self.rule.nodes**2] * self.size)
        constant = self.log_determinant + 0.5 * self.size * np.log(2 * np.pi)
        return self.log_density + squares + constant

    @cached_property
    def log_masses(self) -> np.ndarray:
        """Log of each node's part of the evidence, in the shape of the nodes."""
        weights = outer_sum([self.rule.log_weights] * self.size)
        return self.log_density + weights + self.log_determinant

    @property
    def log_evidence(self) -> float:
        """Log of the integral of the density."""
        return float(logsumexp(self.log_masses))


def tabulate(density: LogDensity, centre: np.ndarray, root: np.ndarray, points: int) -> Table:
    """Evaluate a log density at the nodes of a product rule.

    Raises
    ------
    QuadratureError
        When it is not a finite number at some node.
    """
    rule = gauss_hermite(points)
    thetas = _places(rule, centre, root)
    values = density.batched_value(thetas)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        where = dict(zip(density.parameters, thetas[bad[0]].round(5).tolist(), strict=True))
        raise QuadratureError(
            f"The log density is {values[bad[0]]} at the node {where} (unconstrained scale), and "
            f"not finite at {bad.size} of {len(values)} nodes: a polynomial cannot fit an edge. "
            "Use fewer points, which stay closer to the mode, or nuts."
        )
    return Table(rule, centre, root, values.reshape((points,) * len(centre)))


def outer_sum(terms: Sequence[np.ndarray]) -> np.ndarray:
    """Outer sum of vectors of length k: an array with as many axes as vectors."""
    total = np.zeros(())
    for term in terms:
        total = total[..., None] + term
    return total


def _places(rule: Rule, centre: np.ndarray, root: np.ndarray) -> np.ndarray:
    mesh = np.meshgrid(*[rule.nodes] * len(centre), indexing="ij")
    return centre + np.column_stack([axis.ravel() for axis in mesh]) @ root.T
