"""Adapt a proposal to what its own weighted draws say of the posterior's mean and covariance.

Paananen, Piironen, Buerkner and Vehtari (2021), Implicitly adaptive importance sampling,
arXiv 1906.08850. There, draws are transformed to match weighted moments; here, where new draws cost
little, a new proposal is made from the moments.
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

    One stays about the centre and takes the second moments about it, which is what mirrored pairs
    need; the other moves to the weighted mean and takes the covariance.

    Parameters
    ----------
    proposal : Proposal
        Where the draws come from; a fifth of each new proposal keeps to it.
    thetas : (n, P) array
    weights : (n,) array
        They add up to 1.
    size : float
        Effective sample size of the weights: few draws know few covariances, so the fewer there
        are, the more of the covariances is left out and the more of the old scale is kept.
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
    """Second moments (P, P), drawn towards their diagonal and the diagonal towards 1."""
    moments = (whitened.T * weights) @ whitened
    diagonal = np.diag(moments)
    trust = size / (size + len(diagonal))
    variances = size / (size + 5) * diagonal + 5 / (size + 5)
    return trust * moments + np.diag(variances - trust * diagonal)


def _root(matrix: np.ndarray) -> np.ndarray:
    # Scaled to a unit diagonal: of variances that are decades apart the smallest would be lost.
    scale = np.sqrt(np.diag(matrix))
    return scale[:, None] * np.linalg.cholesky(matrix / np.outer(scale, scale))


def _scaled(components: tuple[Component, ...], mean: np.ndarray) -> tuple[Component, ...]:
    """Carry components over to a centre that lies at ``mean``, at a fifth of their weight."""
    return tuple(Component(_DEFENCE * c.weight, c.df, c.shift - mean, c.factor) for c in components)
