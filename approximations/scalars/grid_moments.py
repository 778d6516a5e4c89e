"""Means, standard deviations and quantiles of named quantities, from the cells of a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from ..density import LogDensity
from ..graphs.parameters import stands_alone
from ..result import posterior_dataset
from ..rules.box import Box
from .quantities import flatten

PROBABILITIES = (0.025, 0.25, 0.5, 0.75, 0.975)
# Of the quantiles that a grid keeps: enough to tell the mass of any interval, the five among them.
FINE_PROBABILITIES = tuple(k / 400 for k in range(1, 400))
# Cells that together hold less than this are left out of sums over quantities.
_NEGLIGIBLE = 1e-9


@dataclass(frozen=True)
class Moments:
    """Moments of Q quantities.

    Attributes
    ----------
    quantities : tuple of str
        Labels, ``"theta[Choate]"``.
    mean, sd : (Q,) array
    quantiles : (Q, 399) array
        At `FINE_PROBABILITIES`.
    """

    quantities: tuple[str, ...]
    mean: np.ndarray
    sd: np.ndarray
    quantiles: np.ndarray


def moments_of_grid(density: LogDensity, box: Box, weights: np.ndarray) -> Moments:
    """Compute moments of all free variables and deterministics.

    Sums over cell centres converge faster than any power of the cell width for a smooth density
    that vanishes at the edges. Quantiles of a variable that is a function of one parameter come
    from that parameter's distribution function, interpolated; the others from sorted cells, whose
    error is of the order of a cell.
    """
    centres = box.centres(weights.shape)
    flat = weights.ravel()
    kept = np.flatnonzero(flat > _NEGLIGIBLE / flat.size)
    index = np.unravel_index(kept, weights.shape)
    thetas = np.column_stack([c[i] for c, i in zip(centres, index, strict=True)])
    mass = flat[kept] / flat[kept].sum()
    values = flatten(posterior_dataset(density, density.unravel(thetas)))
    exact = _quantiles_of_single_parameters(density, box, weights)
    mean, sd, quantiles = [], [], []
    for label, value in values.items():
        value = value[0]
        mean.append(mass @ value)
        sd.append(np.sqrt(mass @ (value - mean[-1]) ** 2))
        quantiles.append(exact[label] if label in exact else _weighted_quantiles(value, mass))
    return Moments(tuple(values), np.array(mean), np.array(sd), np.array(quantiles))


def _quantiles_of_single_parameters(
    density: LogDensity, box: Box, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Quantiles of variables that are monotone functions of one parameter each, by label."""
    axes = range(weights.ndim)
    thetas = np.empty((len(FINE_PROBABILITIES), weights.ndim))
    for k in axes:
        marginal = weights.sum(axis=tuple(a for a in axes if a != k))
        thetas[:, k] = _axis_quantiles(marginal, box.low[k], box.high[k])
    values = density.unravel(thetas)
    elementwise = {
        block.name: values[block.name]
        for block in density.blocks
        if stands_alone(density.model, block)
    }
    flat = flatten(posterior_dataset(density, elementwise)) if elementwise else {}
    # A transform may fall where its parameter rises.
    return {label: np.sort(value[0]) for label, value in flat.items()}


def _axis_quantiles(marginal: np.ndarray, low: float, high: float) -> np.ndarray:
    edges = np.linspace(low, high, len(marginal) + 1)
    # A cell's mass is its centre's density and a 24th of the curvature: an error of h^4, not h^2.
    padded = np.pad(marginal, 1)
    marginal = np.maximum(marginal + np.diff(padded, n=2) / 24, 0.0)
    below = np.concatenate([[0.0], np.cumsum(marginal)]) / marginal.sum()
    rising = np.concatenate([[True], np.diff(below) > 0])
    return PchipInterpolator(below[rising], edges[rising])(FINE_PROBABILITIES)


def _weighted_quantiles(value: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """Quantiles of a discrete distribution, interpolated between the middles of its steps."""
    # Equal values that differ by rounding only are one step.
    spread = np.ptp(value)
    digits = 12 - int(np.ceil(np.log10(spread))) if spread > 0 else 12
    steps, where = np.unique(np.round(value, digits), return_inverse=True)
    heights = np.bincount(where, weights=mass)
    return np.interp(FINE_PROBABILITIES, np.cumsum(heights) - heights / 2, steps)
