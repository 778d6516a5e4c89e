"""A proposal for a posterior with several modes: a mixture of heavy-tailed peaks, one about each.

Draws of all peaks are weighted by the density of the whole mixture, so that it does not matter
which of them a draw comes from: the balance heuristic of Veach and Guibas (1995), the
deterministic mixture of Owen and Zhou (2000, JASA 95). The shares of the peaks follow the
posterior's mass about each of them: Cappe, Douc, Guillin, Marin and Robert (2008), Adaptive
importance sampling in general mixture classes, arXiv 0710.4242, equation 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy
from scipy.special import gammaln, logsumexp

from ..linear_algebra.gaussian import Gaussian

# Of the draws, spread evenly over the modes: those of a mode whose mass was underestimated.
_EVEN = 0.1


@dataclass(frozen=True)
class Shape:
    """How peaks are shaped: a t distribution, mixed with the normal itself.

    Attributes
    ----------
    name : str
    df : float
        Degrees of freedom of the t.
    scale : float
        Its width, in units of the normal approximation.
    normal : float
        Share of the normal.
    """

    name: str
    df: float
    scale: float = 1.0
    normal: float = 0.0


SHAPES = (
    Shape("normal + t5", 5.0, 1.3, 0.9),
    Shape("t20", 20.0),
    Shape("t5", 5.0),
    Shape("t5, covariance x 2", 5.0, float(np.sqrt(2.0))),
    Shape("t3, covariance x 4", 3.0, 2.0),
)
"""Those that are tried, from light to heavy tails."""


@dataclass(frozen=True)
class Mixture:
    """Peaks of one shape about several centres, each symmetric about its own.

    Attributes
    ----------
    shape : Shape
    peaks : tuple of Gaussian
        The normal approximation at each of M modes, dense or sparse.
    shares : (M,) array
        They sum to 1.
    """

    shape: Shape
    peaks: tuple[Gaussian, ...]
    shares: np.ndarray

    @property
    def name(self) -> str:
        """The shape, and about how many modes."""
        return f"{self.shape.name}, about {len(self.peaks)} modes"

    def pairs(self, pairs: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw points, each with its image about the centre of the peak that it comes from.

        The peaks get their shares almost exactly (systematic sampling), and the random numbers do
        not depend on the shape, so that shapes can be tried on the same ones.

        Returns
        -------
        (2, S, P) array
            Points and images.
        (2, S) array
            Log density of the mixture at both.
        """
        size = self.peaks[0].size
        normals = rng.standard_normal((pairs, size))
        uniforms, is_normal = 1 - rng.random(pairs), rng.random(pairs) < self.shape.normal
        strata = (rng.permutation(pairs) + rng.random(pairs)) / pairs
        chosen = np.searchsorted(np.cumsum(self.shares)[:-1], strata, side="right")
        widths = self.shape.scale * np.sqrt(
            self.shape.df / scipy.stats.chi2.ppf(uniforms, self.shape.df)
        )
        normals *= np.where(is_normal, 1.0, widths)[:, None]
        thetas = np.empty((2, pairs, size))
        for k, peak in enumerate(self.peaks):
            rows = chosen == k
            away = peak.precision.unwhiten(normals[rows])
            thetas[:, rows] = peak.mean + away, peak.mean - away
        return thetas, self.log_density(thetas.reshape(2 * pairs, size)).reshape(2, pairs)

    def log_density(self, thetas: np.ndarray) -> np.ndarray:
        """Log density (n,) at points ``thetas`` (n, P)."""
        return logsumexp(self._log_parts(thetas), axis=0)

    def following(self, thetas: np.ndarray, weights: np.ndarray) -> Mixture:
        """Take as shares the mass about each mode, by weighted draws of this mixture.

        Parameters
        ----------
        thetas : (n, P) array
        weights : (n,) array
            They sum to 1.
        """
        parts = self._log_parts(thetas)
        masses = np.exp(parts - logsumexp(parts, axis=0)) @ weights
        return replace(self, shares=evened(masses))

    @cached_property
    def _log_shares(self) -> np.ndarray:
        return np.log(self.shares)

    def _log_parts(self, thetas: np.ndarray) -> np.ndarray:
        """Log density (M, n) of each peak, times its share."""
        return np.stack(
            [
                share + _log_density(self.shape, peak, thetas)
                for share, peak in zip(self._log_shares, self.peaks, strict=True)
            ]
        )


def evened(masses: Sequence[float] | np.ndarray) -> np.ndarray:
    """Shares (M,) of draws for modes of given masses, each with a part of an even tenth."""
    relative = np.asarray(masses) / np.sum(masses)
    return (1 - _EVEN) * relative + _EVEN / len(relative)


def _log_density(shape: Shape, peak: Gaussian, thetas: np.ndarray) -> np.ndarray:
    """Log density (n,) of one peak."""
    size, df = peak.size, shape.df
    squares = np.sum(peak.precision.whiten(thetas - peak.mean) ** 2, axis=1)
    half = (df + size) / 2
    constant = gammaln(half) - gammaln(df / 2) - size / 2 * np.log(df * np.pi)
    own = constant - size * np.log(shape.scale) - half * np.log1p(squares / shape.scale**2 / df)
    if shape.normal:
        normal = -0.5 * (size * np.log(2 * np.pi) + squares)
        own = np.logaddexp(np.log(1 - shape.normal) + own, np.log(shape.normal) + normal)
    return own - 0.5 * peak.log_determinant
