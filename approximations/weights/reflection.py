"""The rule by which a draw is exchanged for its mirror image, wherever draws are reflected.

A draw x of a density q that is symmetric about c, and its mirror image x' = 2 c - x, are equally
likely. Taking x with probability p(x) / (p(x) + p(x')), and x' else, gives a draw from the density
2 q(x) p(x) / (p(x) + p(x')), which has the skewness of p (Pozza, Durante and Szabo 2024, arXiv
2409.14167).
"""

from __future__ import annotations

import numpy as np


def log_share(logp: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """Log probability (S,) of keeping points rather than their mirror images.

    Parameters
    ----------
    logp, mirrored : (S,) array
        Log density at the points and at their mirror images; minus infinity where it is zero. Where
        both are zero neither is better, and the probability is one half.
    """
    total = np.logaddexp(logp, mirrored)
    is_zero = total == -np.inf
    return np.where(is_zero, -np.log(2), logp - np.where(is_zero, 0.0, total))


def reflected(
    draws: np.ndarray,
    images: np.ndarray,
    logp: np.ndarray,
    mirrored: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Choose between draws and their mirror images.

    Parameters
    ----------
    draws, images : (S, P) array
    logp, mirrored : (S,) array
        Log density at the draws and at their images.
    rng : Generator

    Returns
    -------
    (S, P) array
        The points that were chosen.
    (S,) array
        Log density at them.
    (S,) array
        Log of the factor by which that choice changes the proposal density.
    (S,) array of bool
        Which are mirror images.
    """
    is_image = rng.random(len(logp)) >= np.exp(log_share(logp, mirrored))
    points = np.where(is_image[:, None], images, draws)
    here, there = np.where(is_image, (mirrored, logp), (logp, mirrored))
    return points, here, np.log(2) + log_share(here, there), is_image
