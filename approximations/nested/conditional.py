"""The latent field given the outer parameters: its mode, and the normal approximation there.

Tierney and Kadane (1986), JASA 81, equation 4.1; Rue, Martino and Chopin (2009), JRSS B 71; the
gradient is that of Kristensen et al. (2016), TMB, J. Stat. Software 70, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import IndefiniteMatrixError, LatentModeError
from ..linear_algebra.diagonal_factor import DiagonalFactor
from ..linear_algebra.sparse_cholesky import SparseFactor
from .latent_field import LatentField

# Squared Newton decrement, over all latent entries, at which the mode is found.
_CLOSE = 1e-12
# Steps of a search, and halvings of one step.
_MOST_STEPS, _MOST_HALVINGS = 50, 20
# Curvature added, relative to a unit diagonal, where the log density does not curve down; never 1,
# which would cancel a diagonal that curves upward.
_FIRST_SHIFT, _LAST_SHIFT = 2e-3, 2e6
_ROUNDING = 1e-13


@dataclass(frozen=True, eq=False)
class Conditional:
    """The normal approximation of the latent field at one point of the outer parameters.

    Attributes
    ----------
    field : LatentField
    theta : (P,) array
        The outer parameters, and the latent field's mode given them.
    logp : float
        Log density of all parameters at ``theta``.
    gradient : (P,) array
        Its gradient, 0 in the latent entries.
    factor : SparseFactor or DiagonalFactor
        Factor of the latent precision (n, n), the negative Hessian.
    """

    field: LatentField
    theta: np.ndarray
    logp: float
    gradient: np.ndarray
    factor: SparseFactor | DiagonalFactor

    @property
    def outer(self) -> np.ndarray:
        """The outer parameters (K,)."""
        return self.theta[self.field.outer]

    @property
    def latent(self) -> np.ndarray:
        """Mode (n,) of the latent field."""
        return self.theta[self.field.latent]

    @property
    def log_marginal(self) -> float:
        """Laplace's approximation of the log density of the outer parameters and the data."""
        size = self.field.size
        return float(self.logp + 0.5 * (size * np.log(2 * np.pi) - self.factor.log_determinant))

    @cached_property
    def sensitivity(self) -> np.ndarray:
        """Derivatives (n, K) of the latent mode with respect to the outer parameters."""
        field = self.field
        units = np.zeros((len(field.outer), field.density.size))
        units[np.arange(len(field.outer)), field.outer] = 1.0
        products = field.density.logp.hessian_vector_products(self.theta, units)
        return self.factor.solve(products[:, field.latent].T)

    def moved(self, shift: np.ndarray) -> np.ndarray:
        """Predict by first order the latent mode (n,) where the outer parameters moved by (K,)."""
        if "sensitivity" in self.__dict__:
            return self.latent + self.sensitivity @ shift
        direction = np.zeros((1, self.field.density.size))
        direction[0, self.field.outer] = shift
        product = self.field.density.logp.hessian_vector_products(self.theta, direction)[0]
        return self.latent + self.factor.solve(product[self.field.latent])

    @cached_property
    def marginal_gradient(self) -> np.ndarray:
        """Exact gradient (K,) of `log_marginal`.

        With q the sum of S_ij times the entries of the Hessian, the selected inverse S held fixed,
        half the gradient of q is the log determinant's contribution; the implicit function theorem
        maps its latent part to the outer parameters.
        """
        field = self.field
        slope = field.density.logp.product_gradient(
            self.theta, field.seeds, self._determinant_weights()
        )
        carried = np.zeros(field.density.size)
        carried[field.latent] = self.factor.solve(slope[field.latent])
        through_latent = field.density.hessian_vector_product(self.theta, carried)
        return (self.gradient + 0.5 * (slope + through_latent))[field.outer]

    def _determinant_weights(self) -> np.ndarray:
        """Weights (V, P) of Hessian products that sum to S_ij times the Hessian's entries."""
        field = self.field
        weights = np.zeros_like(field.seeds)
        groups, entries = field.colouring.places
        chosen = field.inverse_entries(self.factor)
        np.add.at(weights, (groups, field.latent[entries]), chosen)
        return weights


def precision_entries(here: Conditional) -> np.ndarray:
    """Entries (nnz,) of the latent precision, in the order of the field's structure."""
    return _Point.at(here.field, here.theta).precision


def conditional_at(field: LatentField, outer: np.ndarray, latent: np.ndarray) -> Conditional:
    """Find the latent field's mode given the outer parameters, by a safeguarded Newton search.

    Parameters
    ----------
    field : LatentField
    outer : (K,) array
    latent : (n,) array
        Starting point of the search.

    Raises
    ------
    LatentModeError
        When the search does not converge, or the log density is not finite at its start.
    """
    theta = np.empty(field.density.size)
    theta[field.outer], theta[field.latent] = outer, latent
    here = _Point.at(field, theta)
    if not here.is_finite:
        raise LatentModeError(
            f"The log density or its derivatives are not finite at {_said(field, outer)}, where "
            "the search for the mode of the latent field begins. Check the data, or pass start=."
        )
    for _ in range(_MOST_STEPS):
        factor, shifted = _factored(field, here, outer)
        step = factor.solve(here.gradient[field.latent])
        decrement = float(here.gradient[field.latent] @ step)
        if decrement <= max(_CLOSE, _ROUNDING * abs(here.logp)) and not shifted:
            return Conditional(field, here.theta, here.logp, here.gradient, factor)
        there = _improved(field, here, step, decrement)
        if there is None:
            break
        here = there
    raise LatentModeError(
        f"The mode of the latent field ({', '.join(field.names)}) was not found given "
        f"{_said(field, outer)}: after {_MOST_STEPS} Newton steps at most it is still "
        f"{np.sqrt(max(decrement, 0.0)):.2g} sds away. The likelihood may be flat in the latent "
        "field, or have several modes; try another parametrisation, or nuts."
    )


@dataclass(frozen=True)
class _Point:
    theta: np.ndarray
    logp: float
    gradient: np.ndarray
    precision: np.ndarray  # its entries, in the order of the field's structure

    @classmethod
    def at(cls, field: LatentField, theta: np.ndarray) -> _Point:
        logp, gradient, products = field.density.logp.derivatives_along(theta, field.seeds)
        groups, entries = field.colouring.places
        return cls(theta, logp, gradient, -products[groups, field.latent[entries]])

    @property
    def is_finite(self) -> bool:
        # A finite sum has finite terms, and takes a third of the time to check; one that overflows
        # is inconclusive.
        with np.errstate(all="ignore"):
            if np.isfinite(self.logp + self.gradient.sum() + self.precision.sum()):
                return True
        parts = (self.logp, self.gradient, self.precision)
        return all(bool(np.all(np.isfinite(part))) for part in parts)


def _factored(
    field: LatentField, here: _Point, outer: np.ndarray
) -> tuple[SparseFactor | DiagonalFactor, bool]:
    """Factor the precision, made positive definite by a shift where it is not."""
    shift = 0.0
    while shift <= _LAST_SHIFT:
        try:
            return field.factor(here.precision, shift), shift > 0
        except IndefiniteMatrixError:
            shift = max(10 * shift, _FIRST_SHIFT)
    raise LatentModeError(
        f"Given {_said(field, outer)}, the log density of the latent field does not curve down "
        "anywhere near, so that it has no mode there."
    )


def _improved(
    field: LatentField, here: _Point, step: np.ndarray, decrement: float
) -> _Point | None:
    """Backtrack along the step until the log density rises."""
    noise = 10 * _ROUNDING * (1 + abs(here.logp))
    share = 1.0
    for _ in range(_MOST_HALVINGS):
        theta = here.theta.copy()
        theta[field.latent] += share * step
        there = _Point.at(field, theta)
        if there.is_finite and there.logp >= here.logp + 1e-4 * share * decrement - noise:
            return there
        share /= 2
    return None


def _said(field: LatentField, outer: np.ndarray) -> str:
    pairs = zip(field.outer_labels, outer, strict=True)
    return ", ".join(f"{label} = {value:.4g}" for label, value in pairs)
