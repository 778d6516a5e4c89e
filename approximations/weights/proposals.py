"""Proposal densities for importance sampling, built on a mode and the curvature found there.

Each is symmetric about its centre, so that a draw x and its mirror image 2 c - x are equally
likely, and each is written in whitened coordinates z, with x = c + L'^-1 z and L the Cholesky
factor of the precision, so that scales of 1e-4 and 1e4 can be mixed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from scipy.special import gammaln, logsumexp

from ..linear_algebra.gaussian import Gaussian, triangular_inverse
from ..mode import Mode

# Share and width of the heavy-tailed component that bounds the weights of a mixture. The width is
# large enough to hold the tails of a logistic or an exponential term.
_DEFENCE = 0.1
_DEFENCE_SCALE = 1.3


@dataclass(frozen=True)
class Component:
    """A normal or t distribution in z, averaged with its own mirror image about 0.

    Attributes
    ----------
    weight : float
        Share of the mixture.
    df : float
        Degrees of freedom; infinite for a normal.
    shift : (P,) array
        Centre in z. When it is 0, the mirror image is the component itself.
    factor : (P, P) array
        Square root of the scale matrix.
    """

    weight: float
    df: float
    shift: np.ndarray
    factor: np.ndarray

    @classmethod
    def spherical(cls, size: int, df: float, scale: float, weight: float = 1.0) -> Component:
        """Make a spherical component about 0, ``scale`` times as wide as the normal."""
        return cls(weight, df, np.zeros(size), scale * np.eye(size))

    def place(self, normals: np.ndarray, uniforms: np.ndarray, signs: np.ndarray) -> np.ndarray:
        """Turn standard normals (n, P), uniforms (n,) and signs (n,) into draws of z (n, P)."""
        if np.isfinite(self.df):
            normals = normals * np.sqrt(self.df / scipy.stats.chi2.ppf(uniforms, self.df))[:, None]
        return signs[:, None] * (self.shift + normals @ self.factor.T)

    def log_density(self, whitened: np.ndarray) -> np.ndarray:
        """Log density (n,) at points z (n, P)."""
        here = self._one_sided(whitened)
        if not self.shift.any():
            return here
        return np.logaddexp(here, self._one_sided(-whitened)) - np.log(2)

    def _one_sided(self, whitened: np.ndarray) -> np.ndarray:
        size, inverse = len(self.shift), self._inverse
        own = (whitened - self.shift) @ inverse.T
        distance = np.einsum("ij,ij->i", own, own)
        if np.isinf(self.df):
            return -0.5 * (size * np.log(2 * np.pi) + distance) - self._log_scale
        half = (self.df + size) / 2
        constant = gammaln(half) - gammaln(self.df / 2) - size / 2 * np.log(self.df * np.pi)
        return constant - self._log_scale - half * np.log1p(distance / self.df)

    @cached_property
    def _inverse(self) -> np.ndarray:
        return np.linalg.inv(self.factor)

    @cached_property
    def _log_scale(self) -> float:
        return float(np.linalg.slogdet(self.factor)[1])


@dataclass(frozen=True)
class Proposal:
    """A mixture, symmetric about its centre.

    Attributes
    ----------
    name : str
    centre : (P,) array
    factor : (P, P) array
        Lower Cholesky factor L of the precision that whitens: x = centre + L'^-1 z.
    components : tuple of Component
        Their weights sum to 1.
    """

    name: str
    centre: np.ndarray
    factor: np.ndarray
    components: tuple[Component, ...]

    @property
    def size(self) -> int:
        """Number of parameters, P."""
        return len(self.centre)

    @property
    def root(self) -> np.ndarray:
        """L'^-1 (P, P), which maps z to the parameters' units."""
        return triangular_inverse(self.factor).T

    def draws(self, draws: int, rng: np.random.Generator) -> np.ndarray:
        """Draw points (S, P).

        The components get their shares almost exactly (systematic sampling), in random order. The
        numbers taken from ``rng`` do not depend on the components, so that two proposals can be
        tried on the same random numbers.
        """
        normals = rng.standard_normal((draws, self.size))
        uniforms = 1 - rng.random(draws)
        signs = np.where(rng.random(draws) < 0.5, -1.0, 1.0)
        strata = (rng.permutation(draws) + rng.random(draws)) / draws
        edges = np.cumsum([component.weight for component in self.components])
        chosen = np.minimum(np.searchsorted(edges, strata, side="right"), len(edges) - 1)
        whitened = np.empty_like(normals)
        for k, component in enumerate(self.components):
            rows = chosen == k
            whitened[rows] = component.place(normals[rows], uniforms[rows], signs[rows])
        return self.centre + whitened @ self.root.T

    def log_density(self, thetas: np.ndarray) -> np.ndarray:
        """Log density (S,) at points ``thetas`` (S, P)."""
        whitened = (thetas - self.centre) @ self.factor
        parts = [c.log_density(whitened) + np.log(c.weight) for c in self.components]
        return logsumexp(parts, axis=0) + np.sum(np.log(np.diag(self.factor)))

    def pairs(self, pairs: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw points with their mirror images 2 c - x (2, S, P); log density at both (2, S)."""
        thetas = self.draws(pairs, rng)
        log_density = self.log_density(thetas)
        return np.stack([thetas, 2 * self.centre - thetas]), np.stack([log_density, log_density])


def candidates(mode: Mode, gaussian: Gaussian) -> tuple[Proposal, ...]:
    """List the spherical proposals that are tried first, all about the mode.

    First the normal approximation itself. Then a normal mixed with a tenth of a t, for posteriors
    that are nearly normal after mirroring, in any dimension; and t distributions from nearly normal
    to heavy and wide. The weights of all but the first are bounded when the posterior's tails are
    no heavier than the t's.

    Parameters
    ----------
    mode : Mode
    gaussian : Gaussian
        The normal approximation there.
    """
    normal = Component.spherical(gaussian.size, np.inf, 1.0)
    return (
        _alone("normal", mode, gaussian, np.inf, 1.0),
        defended("normal + t5", mode, gaussian, (normal,)),
        _alone("t20", mode, gaussian, 20.0, 1.0),
        _alone("t5", mode, gaussian, 5.0, 1.0),
        _alone("t5, covariance x 1.3", mode, gaussian, 5.0, np.sqrt(1.3)),
        _alone("t5, covariance x 2", mode, gaussian, 5.0, np.sqrt(2.0)),
        _alone("t3, covariance x 4", mode, gaussian, 3.0, 2.0),
    )


def defended(
    name: str, mode: Mode, gaussian: Gaussian, components: tuple[Component, ...]
) -> Proposal:
    """Mix components, whose weights need not sum to 1, with a tenth of a t about the mode.

    Hesterberg (1995), Weighted average importance sampling and defensive mixture distributions.
    """
    total = sum(component.weight for component in components)
    scaled = tuple(
        Component((1 - _DEFENCE) * c.weight / total, c.df, c.shift, c.factor) for c in components
    )
    defence = Component.spherical(gaussian.size, 5.0, _DEFENCE_SCALE, _DEFENCE)
    return Proposal(name, mode.theta, gaussian.factor, (*scaled, defence))


def _alone(name: str, mode: Mode, gaussian: Gaussian, df: float, scale: float) -> Proposal:
    component = Component.spherical(gaussian.size, df, scale)
    return Proposal(name, mode.theta, gaussian.factor, (component,))
