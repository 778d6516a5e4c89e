"""Truth without Monte Carlo error: closed forms, and sums over a grid."""

from __future__ import annotations

import numpy as np

from tripos.approximations import LogDensity
from tripos.approximations.scalars.quantities import scalars_at

from .posterior import ClosedForm, Posterior, Quadrature
from .truth import PROBABILITIES, Known


def by_closed_form(posterior: Posterior, recipe: ClosedForm) -> dict[str, Known]:
    """Quantities by formula."""
    return {
        label: exactly(marginal.mean, marginal.sd, np.asarray(marginal.quantile(PROBABILITIES)))
        for label, marginal in posterior.judged(recipe.marginals()).items()
    }


def by_quadrature(posterior: Posterior, recipe: Quadrature) -> tuple[dict[str, Known], float]:
    """Quantities by sums over a product grid, and the mass on the grid's faces."""
    density = LogDensity(posterior.build())
    axes = [
        np.linspace(low, high, n) for (low, high), n in zip(recipe.box, recipe.points, strict=True)
    ]
    thetas = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    log_density = density.batched_value(thetas)
    weights = np.exp(log_density - log_density.max())
    weights /= weights.sum()
    matters = weights > 1e-25
    known = {
        label: _weighted(entries, weights[matters], label not in posterior.without_mean)
        for label, entries in posterior.judged(scalars_at(density, thetas[matters])).items()
    }
    return known, _edge_mass(weights.reshape(recipe.points))


def exactly(mean: float, sd: float, quantiles: np.ndarray) -> Known:
    """A quantity known without error; the mean does not exist where it is NaN."""
    error = 0.0 if np.isfinite(mean) else np.nan
    return Known(mean, sd, error, error, bool(np.isfinite(mean)), quantiles, np.inf)


def _weighted(values: np.ndarray, weights: np.ndarray, has_mean: bool) -> Known:
    # A point stands for its cell, so half of its mass lies below it.
    points, place = np.unique(values, return_inverse=True)
    masses = np.bincount(place, weights)
    quantiles = np.interp(PROBABILITIES, np.cumsum(masses) - masses / 2, points)
    if not has_mean:
        return exactly(np.nan, np.nan, quantiles)
    mean = float(masses @ points)
    return exactly(mean, float(np.sqrt(masses @ (points - mean) ** 2)), quantiles)


def _edge_mass(weights: np.ndarray) -> float:
    faces = [np.take(weights, [0, -1], axis=axis).sum() for axis in range(weights.ndim)]
    return float(sum(faces))
