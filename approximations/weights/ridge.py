"""A proposal that follows a ridge: local normals along the direction in which a posterior widens.

Hierarchical posteriors are funnels: given the scale tau they are nearly normal, but how wide
depends on tau. One normal at the mode misses that, and so does any spherical mixture about it. Here
the posterior is cut along the direction z = s u in which its volume changes most; for each s the
rest is maximised and expanded to second order, as nested Laplace approximations do for their
hyperparameters (Rue, Martino and Chopin 2009, section 3), and the slices become components of a
mixture (compare the iterated Laplace approximation of Bornkamp 2011). Importance weights then
correct the remaining error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..density import LogDensity
from ..linear_algebra.gaussian import Gaussian, triangular_inverse
from ..mode import Mode
from .proposals import Component, Proposal, defended

# All lengths are in whitened units, where the normal approximation has standard deviation 1.
_SPACING = 0.8
_WIDTH = 0.8 * _SPACING  # of a slice along the ridge; narrower leaves gaps, wider blurs
_MOST_SLICES = 30  # to each side
_NEGLIGIBLE = 7.0  # drop in log mass beyond which no slice is needed
_DIFFERENCE = 0.5  # step of the second differences of the gradient
_LONGEST_SHIFT = 1.0  # of a slice from its mode to its mean; the expansion is local
_LEAST_CURVATURE = 1e-12  # relative to the largest: a funnel may widen a million times
_LEAST_WIDENING = 0.05
_MOST_NEWTON_STEPS = 20
_MOST_HALVINGS = 12
_NEWTON_TOLERANCE = 1e-4  # of twice the rise still expected: a component needs no more
# A slice costs about two Hessians and 2 P gradients.
MOST_PARAMETERS = 100


@dataclass(frozen=True)
class Whitened:
    """A log density in z, with x = centre + root @ z."""

    density: LogDensity
    centre: np.ndarray
    root: np.ndarray

    def gradient(self, z: np.ndarray) -> np.ndarray:
        """Gradient (P,) at z (P,)."""
        return self.root.T @ self.density.gradient(self.centre + self.root @ z)

    def expansion(self, z: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Log density of x, its gradient (P,) and negative Hessian (P, P) at z (P,)."""
        value, gradient, hessian = self.density.derivatives(self.centre + self.root @ z)
        return value, self.root.T @ gradient, -self.root.T @ hessian @ self.root

    def widening(self, z: np.ndarray, basis: np.ndarray) -> np.ndarray:
        """Half the sum over k of the third derivative (P,) in direction ``basis[:, k]``, twice.

        With a root of the covariance as basis this is minus half the gradient of the log
        determinant of the precision: the change of volume and, to first order, the distance of the
        mean from the mode. The gradient is differenced twice; its own errors are exact to rounding.
        """
        here = self.gradient(z)
        total = np.zeros(len(z))
        for step in _DIFFERENCE * basis.T:
            total += self.gradient(z + step) + self.gradient(z - step) - 2 * here
        return total / (2 * _DIFFERENCE**2)


@dataclass(frozen=True)
class Slice:
    """The posterior across the ridge, at one place along it.

    Attributes
    ----------
    along : float
        Place s.
    top : (P,) array
        Where the density is highest given s.
    slope : (P,) array
        Derivative of ``top`` with respect to s.
    spread : (P, P - 1) array
        Square root of the covariance given s.
    log_mass : float
        Laplace's approximation of the slice's mass, up to a constant.
    """

    along: float
    top: np.ndarray
    slope: np.ndarray
    spread: np.ndarray
    log_mass: float


def ridge_proposals(density: LogDensity, mode: Mode, gaussian: Gaussian) -> tuple[Proposal, ...]:
    """Build the proposals that follow the ridge: normal slices, and t slices with 10 d.f.

    Parameters
    ----------
    density : LogDensity
    mode : Mode
    gaussian : Gaussian
        The normal approximation there.

    Returns
    -------
    tuple of Proposal
        Empty when the posterior widens in no direction, or has more than
        `MOST_PARAMETERS` parameters.
    """
    if gaussian.size > MOST_PARAMETERS:
        return ()
    whitened = Whitened(density, mode.theta, triangular_inverse(gaussian.factor).T)
    direction = whitened.widening(np.zeros(gaussian.size), np.eye(gaussian.size))
    length = np.linalg.norm(direction)
    if not length > _LEAST_WIDENING or not np.isfinite(length):
        return ()
    slices = _slices(whitened, direction / length)
    places = [(slice_.log_mass, *_middle_and_factor(whitened, slice_)) for slice_ in slices]
    highest = max(place[0] for place in places)
    return tuple(
        defended(
            name,
            mode,
            gaussian,
            tuple(Component(np.exp(m - highest), df, *place) for m, *place in places),
        )
        for name, df in (("ridge of normals", np.inf), ("ridge of t10", 10.0))
    )


def _slices(whitened: Whitened, direction: np.ndarray) -> list[Slice]:
    """Cut slices outwards from the mode on both sides, until the mass is negligible."""
    size = len(direction)
    across = np.linalg.qr(np.column_stack([direction, np.eye(size)]))[0][:, 1:size]
    first = _cut(whitened, direction, across, 0.0, np.zeros(size - 1))
    if first is None:
        return []
    slices = [first]
    for side in (1.0, -1.0):
        last = first
        for _ in range(_MOST_SLICES):
            guess = across.T @ (last.top + side * _SPACING * last.slope)
            cut = _cut(whitened, direction, across, last.along + side * _SPACING, guess)
            if cut is None:
                break
            slices.append(cut)
            if cut.log_mass < max(s.log_mass for s in slices) - _NEGLIGIBLE:
                break
            last = cut
    highest = max(s.log_mass for s in slices)
    return [s for s in slices if s.log_mass >= highest - _NEGLIGIBLE]


def _cut(
    whitened: Whitened,
    direction: np.ndarray,
    across: np.ndarray,
    along: float,
    start: np.ndarray,
) -> Slice | None:
    """Maximise across the ridge by Newton steps, halved where they overshoot; None on failure."""
    top = along * direction + across @ start
    value, gradient, curvature = whitened.expansion(top)
    for _ in range(_MOST_NEWTON_STEPS):
        if not (np.isfinite(value) and np.all(np.isfinite(curvature))):
            return None
        eigenvalues, vectors = np.linalg.eigh(across.T @ curvature @ across)
        slopes = vectors.T @ (across.T @ gradient)
        least = _LEAST_CURVATURE * np.max(np.abs(eigenvalues), initial=0.0)
        steps = slopes / np.maximum(np.abs(eigenvalues), least)
        if np.all(eigenvalues > least) and slopes @ steps < _NEWTON_TOLERANCE:
            spread = across @ (vectors / np.sqrt(eigenvalues))
            slope = direction - spread @ (spread.T @ (curvature @ direction))
            log_mass = value - 0.5 * float(np.sum(np.log(eigenvalues)))
            return Slice(along, top, slope, spread, log_mass)
        step, lowest = across @ (vectors @ steps), value
        for halvings in range(_MOST_HALVINGS):
            trial = top + step / 2**halvings
            value, gradient, curvature = whitened.expansion(trial)
            if value >= lowest:
                break
        else:
            return None
        top = trial
    return None


def _middle_and_factor(whitened: Whitened, cut: Slice) -> tuple[np.ndarray, np.ndarray]:
    """Mean and square root of the covariance of a slice with the spacing's thickness."""
    shift = cut.spread.T @ whitened.widening(cut.top, cut.spread)
    length = np.linalg.norm(shift)
    if not np.isfinite(length):
        shift = np.zeros_like(shift)
    elif length > _LONGEST_SHIFT:
        shift = shift * (_LONGEST_SHIFT / length)
    return cut.top + cut.spread @ shift, np.column_stack([_WIDTH * cut.slope, cut.spread])
