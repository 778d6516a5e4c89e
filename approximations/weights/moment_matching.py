"""Adapt a proposal to the posterior's mean and covariance under its own weighted draws.

Paananen, Piironen, Buerkner and Vehtari (2021), Implicitly adaptive importance sampling,
arXiv 1906.08850. There, draws are transformed to match weighted moments; here, where new draws are
cheap, a new proposal is built from the moments.
"""

from __future__ import annotations

import numpy as np

from .proposals import Component, Proposal

_DF = 5.0
_DEFENCE = 0.2


def matched_proposals(
    proposal: Proposal, thetas: np.ndarray, weights: np.ndarray, size: float
) -> tuple[Proposal, ...]:
    """Build proposals whose moments are those of weighted draws.

    One keeps the centre and matches the second moments about it, as mirrored pairs need; the other
    moves to the weighted mean and matches the covariance.

    Parameters
    ----------
    proposal : Proposal
        Proposal of the draws; it remains as a fifth of each new proposal.
    thetas : (n, P) array
    weights : (n,) array
        They sum to 1.
    size : float
        Effective sample size of the weights: the smaller, the more the covariances are shrunk to
        zero and the scales to the old ones.
    """
    whitened = (thetas - proposal.centre) @ proposal.factor
    mean = weights @ whitened
    about_centre = _shrunk(whitened, weights, size)
    about_mean = _shrunk(whitened - mean, weights, size)
    moved = proposal.centre + proposal.root @ mean
    still = Component(1 - _DEFENCE, _DF, np.zeros_like(mean), _root(about_centre))
    fresh = Component(1 - _DEFENCE, _DF, np.zeros_like(mean), _root(about_mean))
    kept = _scaled(proposal.components, np.zeros_like(mean))
    return (
        Proposal("second moments matched", proposal.centre, proposal.factor, (still, *kept)),
        Proposal(
            "moments matched", moved, proposal.factor, (fresh, *_scaled(proposal.components, mean))
        ),
    )


def _shrunk(whitened: np.ndarray, weights: np.ndarray, size: float) -> np.ndarray:
    """Second moments (P, P), shrunk towards their diagonal and the diagonal towards 1."""
    moments = (whitened.T * weights) @ whitened
    diagonal = np.diag(moments)
    trust = size / (size + len(diagonal))
    variances = size / (size + 5) * diagonal + 5 / (size + 5)
    return trust * moments + np.diag(variances - trust * diagonal)


def _root(matrix: np.ndarray) -> np.ndarray:
    # Scaled to a unit diagonal, or the smallest of very different variances would be lost.
    scale = np.sqrt(np.diag(matrix))
    return scale[:, None] * np.linalg.cholesky(matrix / np.outer(scale, scale))


def _scaled(components: tuple[Component, ...], mean: np.ndarray) -> tuple[Component, ...]:
    """Shift components to a centre at ``mean``, with a fifth of their weight."""
    return tuple(Component(_DEFENCE * c.weight, c.df, c.shift - mean, c.factor) for c in components)
