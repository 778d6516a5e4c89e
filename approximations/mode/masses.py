"""How modes compare: their masses, how far apart they lie, and where.

The mass of a mode is that of the normal distribution at its peak, logp + P/2 log 2 pi +
1/2 log det(covariance): Gelman et al., Bayesian Data Analysis (3rd ed.), section 13.3, mixtures of
normals at several modes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import Mode

_LARGEST_EXPONENT = np.log(np.finfo(float).max)


def mass_ratio(mode: Mode, other: Mode) -> float:
    """Mass of the normal distribution at a mode over that at another."""
    gain = log_mass(mode) - log_mass(other)
    # Where the ratio overflows, the mode is taken as infinitely heavier.
    return float(np.exp(gain)) if gain < _LARGEST_EXPONENT else np.inf


def log_mass(mode: Mode) -> float:
    """Log mass of the normal distribution at a mode."""
    gaussian = mode.gaussian
    return float(mode.logp + 0.5 * (gaussian.size * np.log(2 * np.pi) + gaussian.log_determinant))


def most_different(modes: Sequence[Mode], most: int = 4) -> np.ndarray:
    """Entries of ``theta`` in which modes differ most, in conditional sds, in their order."""
    thetas = np.array([mode.theta for mode in modes])
    widest = 1 / np.sqrt(np.min([-mode.hessian.diagonal() for mode in modes], axis=0))
    return np.sort(np.argsort(-np.ptp(thetas, axis=0) / widest, kind="stable")[:most])


def place_of(mode: Mode, entries: np.ndarray) -> str:
    """Say where a mode is by some entries of ``theta``."""
    place = ", ".join(f"{mode.parameters[k]} = {mode.theta[k]:.4g}" for k in entries)
    return place + (", ..." if len(entries) < len(mode.parameters) else "")


def distance_between(one: Mode, other: Mode) -> float:
    """Distance in standard deviations of the mode that is narrower in that direction."""
    apart = one.theta - other.theta
    squares = [apart @ -mode.hessian @ apart for mode in (one, other)]
    return float(np.sqrt(max(squares)))
