"""Draws with their mirror images (antithetic pairs), and diagnostics of their weights.

A draw x comes from a proposal q with a mirror image x', which follows q as well. A pair weighs what
its points do on average, (p(x) / q(x) + p(x') / q(x')) / 2, and each point has its share of that.
Where q is symmetric about one centre, q(x') = q(x), and this is the weight that remains after
reflection (see ``reflection``), with less noise: both points are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from scipy.special import logsumexp

from ..density import LogDensity
from ..limits import TRUSTED_K_HAT
from ..linear_algebra.gaussian import Gaussian
from .reflection import log_share
from .smoothing import smoothed_weights
from .support import checked_logp


class PairProposal(Protocol):
    """What pairs are drawn from: a `Proposal` about one mode, or a `Mixture` about several."""

    @property
    def name(self) -> str:
        """What it is called among the trials."""

    def pairs(self, pairs: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw points with their mirror images (2, S, P); log density at both (2, S)."""

    def log_density(self, thetas: np.ndarray) -> np.ndarray:
        """Log density (n,) at points ``thetas`` (n, P)."""


@dataclass(frozen=True)
class Trial:
    """A proposal that was tried, and its diagnostics.

    Attributes
    ----------
    name : str
    pairs : int
    effective_share : float
        Effective sample size over ``pairs``.
    pareto_khat : float
    """

    name: str
    pairs: int
    effective_share: float
    pareto_khat: float


@dataclass(frozen=True)
class DrawnPairs:
    """Pairs of mirrored draws, not weighted yet.

    Attributes
    ----------
    proposal : PairProposal
    thetas : (2, S, P) array
    logp : (2, S) array
    log_proposal : (2, S) array
    """

    proposal: PairProposal
    thetas: np.ndarray
    logp: np.ndarray
    log_proposal: np.ndarray

    @property
    def log_mean_density(self) -> np.ndarray:
        """Log of the posterior's mean over both points (S,)."""
        return np.logaddexp(*self.logp) - np.log(2)

    @property
    def log_ratios(self) -> np.ndarray:
        """Log weights (S,), raw: the mean of p / q over both points."""
        return np.logaddexp(*(self.logp - self.log_proposal)) - np.log(2)


@dataclass(frozen=True)
class WeightedPairs:
    """Pairs of mirrored draws with the log posterior at both points and a weight for each pair.

    Attributes
    ----------
    thetas : (2, S, P) array
        The draws, and their mirror images.
    logp : (2, S) array
        Log posterior density, not normalised.
    log_proposal : (2, S) array
        Log density of the proposal; the same at both points where it is symmetric.
    log_laplace : (2, S) array
        Log density of the normal approximation at the mode.
    mode : (P,) array
        The mode of the normal approximation.
    proposal : PairProposal
    log_weights : (S,) array
        Smoothed, and normalised over the pairs.
    pareto_khat : float
        Shape of the weights' upper tail: trusted below 0.7. Minus infinity when all weights are
        equal, infinity when too few draws have a positive weight.
    effective_sample_size : float
        One over the sum of the squared weights, in pairs.
    log_evidence, log_evidence_error : float
        Log of the integral of the posterior density, and its standard error.
    evaluations : int
        Log densities evaluated, pilots and the ridge's derivatives (a gradient or a Hessian column
        as one each) included.
    tried : tuple of Trial
        Pilots and full samples, in order.
    """

    thetas: np.ndarray
    logp: np.ndarray
    log_proposal: np.ndarray
    log_laplace: np.ndarray
    mode: np.ndarray
    proposal: PairProposal
    log_weights: np.ndarray
    pareto_khat: float
    effective_sample_size: float
    log_evidence: float
    log_evidence_error: float
    evaluations: int = 0
    tried: tuple[Trial, ...] = field(default=())

    @property
    def is_trusted(self) -> bool:
        """Whether k-hat says that the weights can be trusted."""
        return self.pareto_khat < TRUSTED_K_HAT

    @property
    def log_point_weights(self) -> np.ndarray:
        """Log weight (2, S) of each point, normalised over all: a pair's, divided by p / q."""
        one, other = self.logp - self.log_proposal
        return self.log_weights + np.stack([log_share(one, other), log_share(other, one)])

    @property
    def trial(self) -> Trial:
        """Diagnostics of these pairs."""
        size = len(self.log_weights)
        share = self.effective_sample_size / size
        return Trial(self.proposal.name, size, share, self.pareto_khat)


def draw_pairs(
    density: LogDensity,
    gaussian: Gaussian,
    proposal: PairProposal,
    pairs: int,
    rng: np.random.Generator,
) -> DrawnPairs:
    """Draw pairs and evaluate the posterior at all points in one batch.

    Raises
    ------
    NonFiniteDensityError
        When the log density is NaN or plus infinity where it matters; see `checked_logp`.
    """
    thetas, log_proposal = proposal.pairs(pairs, rng)
    logp = checked_logp(density, gaussian, thetas.reshape(2 * pairs, -1)).reshape(2, pairs)
    return DrawnPairs(proposal, thetas, logp, log_proposal)


def weigh(drawn: DrawnPairs, gaussian: Gaussian) -> WeightedPairs:
    """Smooth the weights of pairs, and compute their diagnostics.

    Raises
    ------
    WeightsError
        When all weights are 0.
    """
    smoothed, pareto_khat = smoothed_weights(drawn.log_ratios)
    pairs = len(smoothed)
    total = logsumexp(smoothed)
    shares = np.exp(smoothed - total)
    flat = drawn.thetas.reshape(2 * pairs, -1)
    return WeightedPairs(
        thetas=drawn.thetas,
        logp=drawn.logp,
        log_proposal=drawn.log_proposal,
        log_laplace=gaussian.log_density(flat).reshape(2, pairs),
        mode=gaussian.mean,
        proposal=drawn.proposal,
        log_weights=smoothed - total,
        pareto_khat=pareto_khat,
        effective_sample_size=float(1 / np.sum(shares**2)),
        log_evidence=float(total - np.log(pairs)),
        log_evidence_error=float(np.linalg.norm(shares - 1 / pairs)),
    )


def pooled_shares(drawn: list[DrawnPairs]) -> np.ndarray:
    """Estimate each proposal's effective sample size per draw from the draws of all.

    A proposal that misses part of the posterior looks good by its own draws; those of the others
    reveal what it misses. With m the mixture of all proposals, the share of q is (∫ p)² / ∫ p² / q,
    both integrals by draws from m (Owen and Zhou 2000 pool samples so).

    Parameters
    ----------
    drawn : list of DrawnPairs
        All about the same centre, and of equal size.

    Returns
    -------
    (K,) array
        Between 0 and 1; an estimate.
    """
    thetas = np.concatenate([pairs.thetas[0] for pairs in drawn])
    log_mean_density = np.concatenate([pairs.log_mean_density for pairs in drawn])
    each = np.array([pairs.proposal.log_density(thetas) for pairs in drawn])
    pool = logsumexp(each, axis=0) - np.log(len(drawn))
    mass = logsumexp(log_mean_density - pool) - np.log(len(pool))
    squares = logsumexp(2 * log_mean_density - pool - each, axis=1) - np.log(len(pool))
    return np.minimum(np.exp(2 * mass - squares), 1.0)
