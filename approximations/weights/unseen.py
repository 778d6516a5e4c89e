"""Mass of a posterior that weighted draws missed, estimated with very wide proposals.

k-hat judges the weights that were drawn. Where a posterior is a narrow peak on top of a low
component hundreds of times as wide, no draw may fall where the rest of the mass is, and k-hat
cannot detect it.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from ..density import LogDensity
from ..linear_algebra.gaussian import Gaussian, triangular_inverse
from .pairs import WeightedPairs

# Scales of the wide proposal, in sds: octaves from 2 to a million. Half of the points are spread in
# all directions, half along the direction of one parameter.
_SCALES = 2.0 ** np.arange(1, 21)
_POINTS = 2000
# Estimated share above which the estimate is repeated, and number of repeats.
_NOTEWORTHY, _REPEATS = 0.01, 3
# Standard errors that an estimate must be above zero. That takes nine points of equal weight; one
# or two might be artefacts of rounding.
_SURE = 3.0


def unseen_share(
    density: LogDensity,
    gaussian: Gaussian,
    pairs: WeightedPairs,
    rng: np.random.Generator,
    *,
    points: int = _POINTS,
) -> float:
    """Estimate the mass where weights would exceed all those drawn.

    By importance sampling from a mixture of normals about the mode, of all widths up to a million
    sds, in all directions at once and along those of single parameters, with the others at their
    conditional mean in the normal approximation, or at the mode.

    Parameters
    ----------
    density : LogDensity
    gaussian : Gaussian
        The normal approximation at the mode.
    pairs : WeightedPairs
    rng : Generator
    points : int, default 2000
        Log densities evaluated, and three times as many where these find mass. A value that is NaN
        or above that at the mode, by overflow or cancellation so far out, is ignored.

    Returns
    -------
    float
        Relative to the mass that the pairs estimate; 0 where the estimate is less than three
        standard errors above 0. Mass that is found is real; some may be missed, most of all in many
        dimensions.
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
    """Draw points, and give the log (n,) of unbiased estimates of the unseen share."""
    whitened = _draws(directions, points, rng)
    thetas = gaussian.place(whitened)
    logp = density.batched_value(thetas)
    # A higher peak is the task of `other_modes`.
    logp = np.where(logp <= np.max(pairs.logp), logp, -np.inf)
    met = np.max(np.logaddexp(*(pairs.logp - pairs.log_proposal)) - np.log(2))
    # A pair's weight is the mean of two: half of this one at least.
    unmet = logp - np.log(2) - pairs.proposal.log_density(thetas) > met
    log_volume = -0.5 * gaussian.log_determinant  # of z by theta
    log_look = _log_density(whitened[unmet], directions) + log_volume
    shares = np.full(points, -np.inf)
    shares[unmet] = logp[unmet] - log_look - pairs.log_evidence
    return shares


def _directions(gaussian: Gaussian) -> np.ndarray:
    """Unit directions (2 P, P) in z: each parameter alone, and with its conditional means."""
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
    """Log density (n,) of the wide proposal at points z (n, P)."""
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
