"""Mass of a posterior that weighted draws have not met, as far as a wide look can find it.

k-hat judges the weights that were drawn. Where a posterior is a narrow peak upon something low and
wide, hundreds of times as wide as the peak, no draw may fall where the rest of the mass is, and all
is well as far as k-hat can tell.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from ..density import LogDensity
from ..linear_algebra.gaussian import Gaussian, triangular_inverse
from .pairs import WeightedPairs

# Widths of the look, in sds: octaves from 2 to a million. Half of the points are spread in all
# directions, half along the direction of one parameter.
_SCALES = 2.0 ** np.arange(1, 21)
_POINTS = 2000
# What one look tells from this share on is looked at again, so many times.
_NOTEWORTHY, _REPEATS = 0.01, 3
# Standard errors that an estimate must be above zero. It takes nine points of equal weight, where
# one or two may be places at which the digits of a log density are lost.
_SURE = 3.0


def unseen_share(
    density: LogDensity,
    gaussian: Gaussian,
    pairs: WeightedPairs,
    rng: np.random.Generator,
    *,
    points: int = _POINTS,
) -> float:
    """Estimate the mass where weights would be larger than all that were met.

    By importance sampling from a mixture of normals about the mode, of all widths up to a million
    sds, in all directions at once and along those of single parameters, with the others where the
    normal approximation has them given that one, or where they are at the mode.

    Parameters
    ----------
    density : LogDensity
    gaussian : Gaussian
        The normal approximation at the mode.
    pairs : WeightedPairs
    rng : Generator
    points : int, default 2000
        Log densities evaluated, and three times as many where these find something. Where one is
        not a number, or higher than at the mode, as variables overflow or digits cancel so far out,
        nothing is added.

    Returns
    -------
    float
        Over the mass that the pairs estimate; 0 where the estimate is not three of its standard
        errors above that. What it finds is there; what it does not find may be there still, in many
        dimensions more than in few.
    """
    directions = _directions(gaussian)
    log_shares = _log_shares(density, gaussian, pairs, directions, points, rng)
    if logsumexp(log_shares) - np.log(points) > np.log(_NOTEWORTHY):
        more = [
            _log_shares(density, gaussian, pairs, directions, points, rng) for _ in range(_REPEATS)
        ]
        log_shares = np.concatenate([log_shares, *more])
    highest = np.max(log_shares)
    if highest == -np.inf:
        return 0.0
    relative = np.exp(log_shares - highest)
    mean, error = relative.mean(), relative.std() / np.sqrt(len(relative))
    with np.errstate(over="ignore"):  # so much more that the ratio is infinite
        return float(np.exp(highest + np.log(mean))) if mean > _SURE * error else 0.0


def _log_shares(
    density: LogDensity,
    gaussian: Gaussian,
    pairs: WeightedPairs,
    directions: np.ndarray,
    points: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw points, and give the log (n,) of what each says of the unseen share; its mean is it."""
    whitened = _draws(directions, points, rng)
    thetas = gaussian.place(whitened)
    logp = density.batched_value(thetas)
    # A higher peak is looked for elsewhere (`other_modes`).
    logp = np.where(logp <= np.max(pairs.logp), logp, -np.inf)
    met = np.max(np.logaddexp(*pairs.logp) - np.log(2) - pairs.log_proposal)
    # A pair's weight is the mean of two densities: half of this one at least.
    unmet = logp - np.log(2) - pairs.proposal.log_density(thetas) > met
    log_volume = -0.5 * gaussian.log_determinant  # of z by theta
    log_look = _log_density(whitened[unmet], directions) + log_volume
    shares = np.full(points, -np.inf)
    shares[unmet] = logp[unmet] - log_look - pairs.log_evidence
    return shares


def _directions(gaussian: Gaussian) -> np.ndarray:
    """Directions of length 1 (2 P, P) in z: each parameter alone, and with what goes with it."""
    rows = np.concatenate([gaussian.factor, triangular_inverse(gaussian.factor).T])
    return rows / np.linalg.norm(rows, axis=1)[:, None]


def _draws(directions: np.ndarray, points: int, rng: np.random.Generator) -> np.ndarray:
    normals = rng.standard_normal((points, directions.shape[1]))
    scales = rng.permutation(np.resize(_SCALES, points))
    along = directions[rng.integers(len(directions), size=points)]
    part = np.sum(normals * along, axis=1)
    stretched = normals + ((scales - 1) * part)[:, None] * along
    one_way = np.arange(points) % 2 == 0
    return np.where(one_way[:, None], stretched, scales[:, None] * normals)


def _log_density(whitened: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Log density (n,) of the look at points z (n, P)."""
    size = whitened.shape[1]
    squares = np.sum(whitened**2, axis=1)
    parts = (whitened @ directions.T) ** 2
    terms = []
    for scale in _SCALES:
        shrunk = squares[:, None] - (1 - scale**-2) * parts
        one_way = logsumexp(-0.5 * shrunk, axis=1) - np.log(len(directions)) - np.log(scale)
        terms.append(np.logaddexp(one_way, -0.5 * squares / scale**2 - size * np.log(scale)))
    mixture = logsumexp(terms, axis=0) - np.log(2 * len(_SCALES))
    return mixture - 0.5 * size * np.log(2 * np.pi)
