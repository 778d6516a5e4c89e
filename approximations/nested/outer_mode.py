"""The mode of the outer parameters, with the latent field integrated out, and the curvature there.

A quasi-Newton search with exact gradients; the Hessian at the end is differences of those.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..density.graphs.parameters import describe_direction
from ..errors import CurvatureError, LatentModeError, ModeAtInfinityError, ModeNotFoundError
from ..linear_algebra.gaussian import Gaussian
from ..mode.tails import improper_priors
from .conditional import Conditional, conditional_at
from .latent_field import LatentField

# Squared distance to the mode, in sds, at which the search ends; target for the last Newton steps,
# with a Hessian by differences; and largest value accepted.
_NEAR, _CLOSE, _SETTLED = 1e-5, 1e-10, 1e-6
_MOST_POLISHES = 5
# Step of the differences in sds: their error is about a millionth of the third derivative's slope.
_STEP = 1e-2
# Trust-region radius in sds: initial and smallest.
_FIRST_RADIUS, _LEAST_RADIUS = 2.0, 1e-6
# Ratio of gain to predicted gain below which a step does not update the curvature.
_VOID = -3.0
# Number of apparent modes that are none, after which the search gives up.
_MOST_SADDLES = 5
# Distance from the start, in unconstrained units, beyond which a rising density has no mode.
_FAR, _FAR_ON_LOG_SCALE = 20.0, 10.0


@dataclass(frozen=True, eq=False)
class OuterMode:
    """The mode of the outer parameters.

    Attributes
    ----------
    conditional : Conditional
        The latent field at the mode.
    hessian : (K, K) array
        Hessian of the log marginal density.
    iterations : int
        Number of evaluations of the search.
    """

    conditional: Conditional
    hessian: np.ndarray
    iterations: int

    @property
    def gaussian(self) -> Gaussian:
        """The normal approximation of the outer parameters."""
        labels = self.conditional.field.outer_labels
        return Gaussian.from_precision(self.conditional.outer, -self.hessian, labels)


def follow_mode(near: Conditional, outer: np.ndarray) -> Conditional:
    """Find the latent field at a point, starting from a first-order prediction.

    Raises
    ------
    LatentModeError
    """
    return conditional_at(near.field, outer, near.moved(outer - near.outer))


def outer_mode(field: LatentField, theta: np.ndarray, max_iterations: int = 200) -> OuterMode:
    """Find the mode of the outer parameters.

    Parameters
    ----------
    field : LatentField
    theta : (P,) array
        Starting point of the search.
    max_iterations : int, default 200

    Raises
    ------
    LatentModeError
        When the latent field has no mode at the start, or at a step of the differences.
    ModeAtInfinityError, ModeNotFoundError
        When the outer parameters diverge, or ``max_iterations`` did not suffice.
    CurvatureError
        When the log marginal density is flat or curves upward at the end.
    """
    here = conditional_at(field, theta[field.outer], theta[field.latent])
    precision, left = _first_precision(here), max_iterations
    for _ in range(_MOST_SADDLES):
        here, precision, used = _climbed(here, precision, left)
        left -= used
        if left == 0 or not _is_level(here, precision):
            raise _no_mode(field, theta[field.outer], here, max_iterations - left, left > 0)
        try:
            return _polished(here, precision, max_iterations - left)
        except CurvatureError as error:
            # A saddle, or a curvature that the quasi-Newton updates got wrong.
            saddle = error
        hessian = outer_hessian(here, precision)
        precision = _positive(-hessian)
        here = _off_saddle(here, hessian, precision) or here
    raise saddle


def _climbed(
    here: Conditional, precision: np.ndarray, most: int
) -> tuple[Conditional, np.ndarray, int]:
    """Maximise by quasi-Newton steps: final point, precision, number of steps."""
    radius = _FIRST_RADIUS
    for steps in range(most):
        step, gain = _bounded_step(precision, here.marginal_gradient, radius)
        # After a shortened step a small gain does not mean convergence.
        if radius < _LEAST_RADIUS or (gain < _NEAR and _length(precision, step) < 0.99 * radius):
            return here, precision, steps
        there = _tried(here, step)
        if there is None or not _is_finite(there):
            radius = min(radius, _length(precision, step)) / 4
            continue
        gained = (there.log_marginal - here.log_marginal) / gain
        # A step with a large loss shows the curvature there, not here.
        if gained > _VOID:
            change = here.marginal_gradient - there.marginal_gradient
            precision = _updated(precision, step, change)
        if gained < 0.25:
            radius = min(radius, _length(precision, step)) / 3
        elif gained > 0.75:
            radius = max(radius, 2.5 * _length(precision, step))
        if gained > 1e-4:
            here = there
    return here, precision, most


def _is_level(here: Conditional, precision: np.ndarray) -> bool:
    return _bounded_step(precision, here.marginal_gradient, np.inf)[1] < _NEAR


def _off_saddle(
    here: Conditional, hessian: np.ndarray, precision: np.ndarray
) -> Conditional | None:
    """Move an sd along the direction of largest upward curvature, to the higher side."""
    upward = np.linalg.eigh(hessian)[1][:, -1]
    step = upward / _length(precision, upward)
    both = [there for there in (_tried(here, step), _tried(here, -step)) if there is not None]
    higher = [t for t in both if _is_finite(t) and t.log_marginal > here.log_marginal]
    return max(higher, key=lambda there: there.log_marginal, default=None)


def _polished(here: Conditional, precision: np.ndarray, iterations: int) -> OuterMode:
    """Take Newton steps with a Hessian by differences, until they converge."""
    for _ in range(_MOST_POLISHES):
        hessian = outer_hessian(here, precision)
        gaussian = Gaussian.from_precision(here.outer, -hessian, here.field.outer_labels)
        while (gain := _newton(gaussian, here)[1]) > _CLOSE:
            there = _tried(here, _newton(gaussian, here)[0])
            if there is None or _newton(gaussian, there)[1] > 0.3 * gain:
                break
            here = there
        if gain < _SETTLED:
            return OuterMode(here, hessian, iterations)
        precision = -hessian
    raise ModeNotFoundError(
        f"The search for the mode of the outer parameters came near {_said(here)} and then did not "
        "settle: the log marginal density is rough there, or flat. Give the outer parameters a "
        "proper prior, or use nuts."
    )


def _newton(gaussian: Gaussian, here: Conditional) -> tuple[np.ndarray, float]:
    step = gaussian.precision.solve(here.marginal_gradient)
    return step, float(step @ here.marginal_gradient)


def outer_hessian(here: Conditional, precision: np.ndarray) -> np.ndarray:
    """Central differences of exact gradients, along approximately independent axes.

    Parameters
    ----------
    here : Conditional
    precision : (K, K) array
        Approximate negative Hessian, which scales the differences.
    """
    eigenvalues, vectors = np.linalg.eigh(precision)
    axes = _STEP * vectors / np.sqrt(eigenvalues)
    here.sensitivity  # noqa: B018  (all directions at once, for the predictions)
    slopes = [
        (follow_mode(here, here.outer + a).marginal_gradient
         - follow_mode(here, here.outer - a).marginal_gradient) / 2
        for a in axes.T
    ]  # fmt: skip
    raw = np.linalg.solve(axes.T, np.array(slopes))
    return (raw + raw.T) / 2


def _first_precision(here: Conditional) -> np.ndarray:
    """Curvature of the log density along the latent field's mode, made positive definite.

    The log determinant's contribution is omitted; the search then learns it.
    """
    field, sizes = here.field, len(here.field.outer)
    along = np.zeros((sizes, field.density.size))
    along[np.arange(sizes), field.outer] = 1.0
    along[:, field.latent] = here.sensitivity.T
    return _positive(-(field.density.logp.hessian_vector_products(here.theta, along) @ along.T))


def _positive(raw: np.ndarray) -> np.ndarray:
    """Replace eigenvalues by their absolute values, for a search only."""
    eigenvalues, vectors = np.linalg.eigh((raw + raw.T) / 2)
    size = np.maximum(np.abs(eigenvalues), 1e-8 * np.max(np.abs(eigenvalues)) + 1e-8)
    return (vectors * size) @ vectors.T


def _bounded_step(
    precision: np.ndarray, gradient: np.ndarray, radius: float
) -> tuple[np.ndarray, float]:
    """Newton's step, limited to a number of sds, and its predicted gain."""
    step = np.linalg.solve(precision, gradient)
    length = _length(precision, step)
    step *= min(1.0, radius / length) if length > 0 else 1.0
    return step, float(gradient @ step - 0.5 * step @ precision @ step)


def _length(precision: np.ndarray, step: np.ndarray) -> float:
    return float(np.sqrt(step @ precision @ step))


def _updated(precision: np.ndarray, step: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Update the precision by the change of the gradient: damped BFGS (Powell 1978)."""
    moved = precision @ step
    expected, seen = float(step @ moved), float(step @ change)
    share = 1.0 if seen >= 0.2 * expected else 0.8 * expected / (expected - seen)
    blend = share * change + (1 - share) * moved
    return (
        precision - np.outer(moved, moved) / expected + np.outer(blend, blend) / float(step @ blend)
    )


def _is_finite(there: Conditional) -> bool:
    return bool(np.isfinite(there.log_marginal) and np.all(np.isfinite(there.marginal_gradient)))


def _tried(here: Conditional, step: np.ndarray) -> Conditional | None:
    """The point that a step leads to; None where the latent field has no mode there.

    A search may try such a point and turn back; what it returns has a mode.
    """
    try:
        return follow_mode(here, here.outer + step)
    except LatentModeError:
        return None


def _no_mode(
    field: LatentField, start: np.ndarray, here: Conditional, steps: int, is_stuck: bool
) -> ModeAtInfinityError | ModeNotFoundError:
    gone = here.outer - start
    rises = here.marginal_gradient @ gone > -_NEAR
    if rises and np.any(np.abs(gone) > np.where(_is_transformed(field), _FAR_ON_LOG_SCALE, _FAR)):
        reasons = improper_priors(field.density)
        return ModeAtInfinityError(
            "The log marginal density of the outer parameters keeps rising, or stays flat, along "
            f"{describe_direction(field.outer_labels, gone)}: it has no mode. A scale may go to "
            "its boundary; give it a prior that keeps it away, or use nuts."
            + (f" The posterior may be improper: {'; '.join(reasons)}." if reasons else "")
        )
    advice = (
        "no shorter step raises the log marginal density; start elsewhere (start=), or use nuts"
        if is_stuck
        else "ask for more (max_iterations=), or start nearer (start=)"
    )
    return ModeNotFoundError(
        f"The mode of the outer parameters was not found in {steps} steps; the search ended at "
        f"{_said(here)}: {advice}."
    )


def _is_transformed(field: LatentField) -> np.ndarray:
    """Whether each outer parameter (K,) is transformed from its variable's own scale."""
    inside = np.zeros(field.density.size, dtype=bool)
    for block in field.density.blocks:
        inside[block.slice] = block.value_name != block.name
    return inside[field.outer]


def _said(here: Conditional) -> str:
    pairs = zip(here.field.outer_labels, here.outer, strict=True)
    return ", ".join(f"{label} = {value:.4g}" for label, value in pairs)
