"""A polynomial fit to a log density and its gradient at a few nodes, and draws from it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy.special import logsumexp

from ..rules.quasi_random import quasi_random_normals
from ..weights.smoothing import systematic

# Proposal draws per draw kept, and the proposal's sd relative to the normal's.
_PROPOSED, _WIDTH = 10, 1.15
_MOMENT_POINTS = 2**14
# Distance in sds beyond the outermost node at which the polynomial is truncated.
_BEYOND = 1.5


@dataclass(frozen=True)
class Surrogate:
    """A log density of z, near that of a standard normal, as a polynomial of degree 4.

    It has all terms up to degree three, and the even ones, z_i^2 z_j^2, of degree four.

    Attributes
    ----------
    powers : (T, K) array of int
        Exponents of the terms.
    coefficients : (T,) array
        Coefficients of the log ratio to the standard normal.
    radius : float
        Distance from the centre within which it is used; the density is 0 beyond.
    """

    powers: np.ndarray
    coefficients: np.ndarray
    radius: float

    @classmethod
    def through(cls, places: np.ndarray, values: np.ndarray, slopes: np.ndarray) -> Surrogate:
        """Fit log ratios and their slopes by least squares.

        Parameters
        ----------
        places : (M, K) array
            Nodes z; the first is the centre.
        values : (M,) array
            Log ratios to the standard normal.
        slopes : (M, K) array
            Their gradients with respect to z.
        """
        powers = _powers(places.shape[1])
        solve = _least_squares(places.shape, np.ascontiguousarray(places, dtype=float).tobytes())
        coefficients = solve @ np.concatenate([values - values[0], *slopes.T])
        radius = float(np.max(np.linalg.norm(places, axis=1))) + _BEYOND
        return cls(powers, coefficients, radius)

    def corrected(self, places: np.ndarray, values: np.ndarray) -> Surrogate:
        """Add a quadratic fit of further log ratios (M,), whose slopes are not known."""
        quadratic = self.powers.sum(axis=1) <= 2
        found = np.linalg.lstsq(_terms(self.powers[quadratic], places), values - values[0])[0]
        coefficients = self.coefficients.copy()
        coefficients[quadratic] += found
        return Surrogate(self.powers, coefficients, self.radius)

    def log_ratio(self, places: np.ndarray) -> np.ndarray:
        """Log ratio (S,) to the standard normal, 0 at the centre; minus infinity far out."""
        return self._log_ratio(places, _terms(self.powers, places))

    def _log_ratio(self, places: np.ndarray, terms: np.ndarray) -> np.ndarray:
        is_believed = np.sum(places**2, axis=1) <= self.radius**2
        return np.where(is_believed, terms @ self.coefficients, -np.inf)

    def log_density(self, places: np.ndarray) -> np.ndarray:
        """Normalised log density (S,) at z (S, K); minus infinity far out."""
        return self.log_ratio(places) + _log_normal(places) - self.moments[2]

    def draws(self, draws: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw z (S, K) by importance resampling, with their log density (S,)."""
        proposed = _WIDTH * rng.standard_normal((_PROPOSED * draws, self.powers.shape[1]))
        log_weights, log_mass = self._weighted(proposed, _terms(self.powers, proposed))
        places = proposed[rng.permutation(systematic(np.exp(log_weights), draws, rng))]
        return places, self.log_ratio(places) + _log_normal(places) - log_mass

    @cached_property
    def moments(self) -> tuple[np.ndarray, np.ndarray, float]:
        """Mean (K,), covariance (K, K) and log mass, over quasi-random points."""
        places, terms = _moment_terms(self.powers.shape, self.powers.tobytes())
        log_weights, log_mass = self._weighted(places, terms)
        weights = np.exp(log_weights)
        mean = weights @ places
        away = places - mean
        return mean, (away * weights[:, None]).T @ away, log_mass

    def _weighted(self, places: np.ndarray, terms: np.ndarray) -> tuple[np.ndarray, float]:
        """Normalised log weights of proposed points, and the log of the density's mass."""
        # The proposal is normal with sd _WIDTH.
        excess = 0.5 * (1 / _WIDTH**2 - 1) * np.sum(places**2, axis=1)
        log_weights = self._log_ratio(places, terms) + excess + places.shape[1] * np.log(_WIDTH)
        total = float(logsumexp(log_weights))
        return log_weights - total, total - np.log(len(places))


def _log_normal(places: np.ndarray) -> np.ndarray:
    size = places.shape[1]
    return -0.5 * (np.sum(places**2, axis=1) + size * np.log(2 * np.pi))


# Cached: a refit has the same design and points, and this takes most of the time.


@lru_cache(maxsize=2)
def _least_squares(shape: tuple[int, int], places: bytes) -> np.ndarray:
    """Matrix (T, M + M K) that gives coefficients for values and slopes at nodes."""
    nodes = np.frombuffer(places).reshape(shape)
    powers = _powers(shape[1])
    rows = np.vstack([_terms(powers, nodes), *_slopes(powers, nodes)])
    solve = np.linalg.pinv(rows, rcond=max(rows.shape) * np.finfo(float).eps)
    solve.setflags(write=False)
    return solve


@lru_cache(maxsize=1)
def _moment_terms(shape: tuple[int, int], powers: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Points (M, K) for moments, and the terms (M, T) there."""
    places = _WIDTH * quasi_random_normals(_MOMENT_POINTS, shape[1])
    terms = _terms(np.frombuffer(powers, dtype=int).reshape(shape), places)
    for kept in (places, terms):
        kept.setflags(write=False)
    return places, terms


def _powers(size: int) -> np.ndarray:
    axes = [itertools.combinations_with_replacement(range(size), degree) for degree in (1, 2, 3)]
    powers = [np.bincount(chosen, minlength=size) for chosen in itertools.chain(*axes)]
    even = [2 * power for power in powers if power.sum() == 2]
    return np.array([*powers, *even])


def _terms(powers: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Values (M, T) of the terms, stored in column-major order."""
    raised = np.ones((5, *places.T.shape))
    for power in range(1, 5):
        raised[power] = raised[power - 1] * places.T
    terms = np.ones((len(powers), len(places)))
    for term, exponents in zip(terms, powers, strict=True):
        for axis in np.flatnonzero(exponents):
            term *= raised[exponents[axis], axis]
    return terms.T


def _slopes(powers: np.ndarray, places: np.ndarray) -> list[np.ndarray]:
    """Derivatives (M, T) of the terms, one array per axis."""
    slopes = []
    for axis in range(places.shape[1]):
        lowered = powers.copy()
        lowered[:, axis] = np.maximum(lowered[:, axis] - 1, 0)
        slopes.append(_terms(lowered, places) * powers[:, axis])
    return slopes
