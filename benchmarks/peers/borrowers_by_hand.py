"""The hierarchical logistic model of `borrowers`, fitted in NumPy by a solver for it alone.

The marginal likelihood of intercept, slopes and log sigma, by Laplace's approximation in every
group (Tierney and Kadane 1986; Kristensen et al. 2016, equations 3 to 8): what a nested Laplace
approximation of any model has to be as right, and nearly as fast, as. K covariates, J groups,
Q = K + 2 outer parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, gammaln

from tripos.models.borrowers import INTERCEPT_SD, SLOPE_SD, Borrowers

_MOST_STEPS = 50
# Newton converges quadratically: after a step this small the next would be lost in rounding.
_SMALL_STEP = 1e-9
_SMALL_DECREMENT = 1e-16


@dataclass(frozen=True)
class Problem:
    """Counts of defaults, the predictors with a column of ones, and the sds of normal priors.

    Attributes
    ----------
    predictors : (J, K + 1) array
    trials, defaults : (J,) array
    prior_sd : (K + 1,) array
        Of intercept and slopes; sigma ~ HalfNormal(1).
    """

    predictors: np.ndarray
    trials: np.ndarray
    defaults: np.ndarray
    prior_sd: np.ndarray

    @property
    def log_coefficients(self) -> float:
        """Logarithm of the product of the binomial coefficients."""
        n, y = self.trials, self.defaults
        return float(np.sum(gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)))


def problem_of(data: Borrowers) -> Problem:
    """Take the data of `tripos.models.borrowers`, and its priors."""
    groups, covariates = data.design.shape
    return Problem(
        np.column_stack([np.ones(groups), data.design]),
        data.borrowers.astype(float),
        data.defaults.astype(float),
        np.r_[INTERCEPT_SD, np.full(covariates, SLOPE_SD)],
    )


@dataclass(frozen=True)
class Inner:
    """Modes of the effects for given outer parameters, and what depends on them.

    Attributes
    ----------
    effect, logit, probability, information, curvature : (J,) array
        ``information`` is n p (1 - p), and ``curvature`` that plus the prior's precision.
    precision : float
        1 / sigma^2.
    """

    effect: np.ndarray
    logit: np.ndarray
    probability: np.ndarray
    information: np.ndarray
    curvature: np.ndarray
    precision: float

    @property
    def slope(self) -> np.ndarray:
        """Derivative (J,) of the information with respect to the logit."""
        return self.information * (1 - 2 * self.probability)

    @property
    def bend(self) -> np.ndarray:
        """Second derivative (J,) of the information with respect to the logit."""
        return self.information * (1 - 6 * self.probability * (1 - self.probability))

    @property
    def by_log_sigma(self) -> np.ndarray:
        """Derivative (J,) of the modes with respect to log sigma."""
        return 2 * self.precision * self.effect / self.curvature


@dataclass(frozen=True)
class Fit:
    """Mode and curvature of the outer parameters, and the effects there.

    Attributes
    ----------
    outer : (Q,) array
        Intercept, slopes and log sigma.
    covariance : (Q, Q) array
        Inverse of the exact negative Hessian of the outer log density.
    effect : (J,) array
        Modes of the effects, given the outer mode.
    conditional_sd, sd : (J,) array
        Of the effects: given the outer mode, and with the outer uncertainty.
    logp, log_evidence : float
        Outer log density at its mode (binomial coefficients and the Jacobian of log sigma
        included), and its integral by Laplace's approximation.
    steps : int
        Newton steps in the outer parameters.
    """

    outer: np.ndarray
    covariance: np.ndarray
    effect: np.ndarray
    conditional_sd: np.ndarray
    sd: np.ndarray
    logp: float
    log_evidence: float
    steps: int


def inner(problem: Problem, outer: np.ndarray, effect: np.ndarray) -> Inner:
    """Find the modes of all effects at once, by Newton's method from ``effect`` (J,)."""
    offset = problem.predictors @ outer[:-1]
    precision = float(np.exp(-2 * outer[-1]))
    n, y = problem.trials, problem.defaults
    for _ in range(_MOST_STEPS):
        p = expit(offset + effect)
        information = n * p * (1 - p)
        step = (y - n * p - precision * effect) / (information + precision)
        # Where p is nearly 0 or 1 a full step may overshoot; a logit moves by 2 at most.
        effect = effect + np.clip(step, -2.0, 2.0)
        if np.max(np.abs(step)) < _SMALL_STEP:
            break
    else:
        raise ArithmeticError(f"The effects have no mode after {_MOST_STEPS} Newton steps.")
    logit = offset + effect
    p = expit(logit)
    information = n * p * (1 - p)
    return Inner(effect, logit, p, information, information + precision, precision)


def value(problem: Problem, outer: np.ndarray, at: Inner) -> float:
    """Outer log density: the effects integrated out, priors and Jacobian included."""
    n, y, log_sigma = problem.trials, problem.defaults, outer[-1]
    likelihood = np.sum(y * at.logit - n * np.logaddexp(0.0, at.logit)) + problem.log_coefficients
    effects = -0.5 * at.precision * np.sum(at.effect**2) - len(n) * log_sigma
    integral = -0.5 * np.sum(np.log(at.curvature))
    sds = problem.prior_sd
    prior = -0.5 * np.sum((outer[:-1] / sds) ** 2 + np.log(2 * np.pi * sds**2))
    prior += 0.5 * np.log(2 / np.pi) - 0.5 * np.exp(2 * log_sigma) + log_sigma
    return float(likelihood + effects + integral + prior)


def gradient(problem: Problem, outer: np.ndarray, at: Inner) -> np.ndarray:
    """Exact gradient (Q,) of the outer log density: the modes follow the outer parameters."""
    by_offset, by_log_sigma = _slopes(problem, at)
    prior = -outer[:-1] / problem.prior_sd**2
    prior_log_sigma = 1.0 - np.exp(2 * outer[-1])
    return np.r_[problem.predictors.T @ by_offset + prior, by_log_sigma.sum() + prior_log_sigma]


def hessian(problem: Problem, outer: np.ndarray, at: Inner) -> np.ndarray:
    """Exact Hessian (Q, Q) of the outer log density."""
    offset_offset, offset_sigma, sigma_sigma = _curvatures(at)
    x = problem.predictors
    result = np.empty((len(outer), len(outer)))
    result[:-1, :-1] = x.T @ (offset_offset[:, None] * x) - np.diag(1 / problem.prior_sd**2)
    result[:-1, -1] = result[-1, :-1] = x.T @ offset_sigma
    result[-1, -1] = sigma_sigma.sum() - 2 * np.exp(2 * outer[-1])
    return result


def solve(problem: Problem) -> Fit:
    """Find the outer mode by Newton's method with halved steps, then all the sds."""
    outer = np.zeros(problem.predictors.shape[1] + 1)
    here = inner(problem, outer, np.zeros(len(problem.trials)))
    height = value(problem, outer, here)
    for steps in range(1, _MOST_STEPS + 1):
        slope = gradient(problem, outer, here)
        step = _uphill(hessian(problem, outer, here), slope)
        if slope @ step < _SMALL_DECREMENT * len(problem.trials):
            return _described(problem, outer, here, height, steps)
        outer, here, height = _climbed(problem, outer, step, here, height)
    raise ArithmeticError(f"The outer parameters have no mode after {_MOST_STEPS} steps.")


def _slopes(problem: Problem, at: Inner) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives (J,) of each group's part with respect to its offset and to log sigma."""
    h, tau, u = at.curvature, at.precision, at.effect
    by_offset = problem.defaults - problem.trials * at.probability - 0.5 * tau * at.slope / h**2
    return by_offset, tau * (u**2 + 1 / h - at.slope * u / h**2) - 1


def _curvatures(at: Inner) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Second derivatives (J,) of each group's part: offset twice, offset and log sigma, its own."""
    h, tau, u, w, bend = at.curvature, at.precision, at.effect, at.slope, at.bend
    u_sigma = at.by_log_sigma
    h_sigma = w * u_sigma - 2 * tau
    offset_offset = tau / h * (-at.information - 0.5 * tau * bend / h**2 + tau * w**2 / h**3)
    offset_sigma = (
        -at.information * u_sigma
        - tau * (0.5 * bend * u_sigma - w) / h**2
        + tau * w * h_sigma / h**3
    )
    sigma_sigma = tau * (
        2 * u * (u_sigma - u)
        - 2 / h
        - h_sigma / h**2
        + (2 * w * u - bend * u_sigma * u - w * u_sigma) / h**2
        + 2 * w * u * h_sigma / h**3
    )
    return offset_offset, offset_sigma, sigma_sigma


def _uphill(hessian: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Newton's step, with the sign of each curvature changed that points the wrong way."""
    curvatures, vectors = np.linalg.eigh(-hessian)
    return vectors @ ((vectors.T @ slope) / np.abs(curvatures))


def _climbed(
    problem: Problem, outer: np.ndarray, step: np.ndarray, here: Inner, height: float
) -> tuple[np.ndarray, Inner, float]:
    """Go along ``step``, halved until the density does not fall."""
    for halvings in range(30):
        there = outer + step / 2**halvings
        at = inner(problem, there, here.effect)
        reached = value(problem, there, at)
        if reached >= height - 1e-12 * abs(height):
            return there, at, reached
    raise ArithmeticError("No step along the gradient raises the outer density.")


def _described(problem: Problem, outer: np.ndarray, at: Inner, height: float, steps: int) -> Fit:
    covariance = np.linalg.inv(-hessian(problem, outer, at))
    by_offset = -at.information / at.curvature
    by_outer = np.column_stack([by_offset[:, None] * problem.predictors, at.by_log_sigma])
    # Var(u) = E Var(u | outer) + Var E(u | outer), the modes being linear in the outer parameters.
    shared = np.einsum("jq,qr,jr->j", by_outer, covariance, by_outer, optimize=True)
    determinant = np.linalg.slogdet(covariance)[1]
    evidence = height + 0.5 * (len(outer) * np.log(2 * np.pi) + determinant)
    return Fit(
        outer,
        covariance,
        at.effect,
        1 / np.sqrt(at.curvature),
        np.sqrt(1 / at.curvature + shared),
        height,
        float(evidence),
        steps,
    )
