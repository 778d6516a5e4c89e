"""From a log density at Gauss-Hermite nodes to a density everywhere: draws, marginals.

The density of a coordinate, given those before it, is the rule's sum over the nodes of those after
it, interpolated on the log scale between its own nodes. Draws of it are standard normal draws, each
coordinate moved by a monotone map that depends on those before (the Knothe-Rosenblatt map).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy
from scipy.special import logsumexp, ndtr

from .hermite import Rule, Table, outer_sum

# Points at which a density on a line is stored, and their reach beyond the outermost node.
_PLACES = 601
_BEYOND = 8.0
# Entries of the largest array in a chunk of draws: about 2 MB, which a cache holds.
_ENTRIES_PER_CHUNK = 2**18


@dataclass(frozen=True)
class Lines:
    """R densities on a line, each linear between the same G places.

    Attributes
    ----------
    places : (G,) array
        In standard deviations from the mode, evenly spaced.
    heights : (R, G) array
        Each row integrates to 1.
    below : (R, G) array
        Distribution functions.
    """

    places: np.ndarray
    heights: np.ndarray
    below: np.ndarray

    @classmethod
    def of_ratios(cls, rule: Rule, log_ratios: np.ndarray) -> Lines:
        """Interpolate log ratios (R, k) of densities to the standard normal between nodes.

        Beyond the outermost nodes the log ratio goes on as a straight line, but never so steeply
        that the density would rise there: it may fall slowly, not grow.
        """
        last = rule.nodes[-1]
        places = np.linspace(-last - _BEYOND, last + _BEYOND, _PLACES)
        slopes = log_ratios @ _end_slopes(rule).T
        outward = np.minimum(slopes * (-1, 1), last)
        beyond = np.maximum([-last - places, places - last], 0.0)
        basis = np.vstack([interpolation(rule, places).T, beyond])
        logs = np.hstack([log_ratios, outward]) @ basis - 0.5 * places**2
        heights = np.exp(logs - logs.max(axis=1, keepdims=True))
        below = np.zeros_like(heights)
        half_step = 0.5 * (places[1] - places[0])
        np.cumsum(half_step * (heights[:, 1:] + heights[:, :-1]), axis=1, out=below[:, 1:])
        masses = below[:, -1:].copy()
        return cls(places, heights / masses, below / masses)

    def log_heights_at(self, places: np.ndarray) -> np.ndarray:
        """Log density (R,) of each row at one place; minus infinity beyond the last places."""
        step = self.places[1] - self.places[0]
        cell, share = np.divmod((places - self.places[0]) / step, 1)
        inside = (cell >= 0) & (cell < len(self.places) - 1)
        cell, row = np.where(inside, cell, 0).astype(int), np.arange(len(places))
        heights = (1 - share) * self.heights[row, cell] + share * self.heights[row, cell + 1]
        with np.errstate(divide="ignore"):  # of a height that underflows
            return np.where(inside, np.log(heights), -np.inf)

    def quantiles(self, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Invert distribution functions: each row at one probability, or one row at all.

        Parameters
        ----------
        probabilities : (S,) array
            As many as rows, unless there is one row.

        Returns
        -------
        places, heights : (S,) array
        """
        if len(self.below) == 1:
            row = np.zeros(len(probabilities), dtype=int)
            cell = np.searchsorted(self.below[0, 1:-1], probabilities)
        else:
            row = np.arange(len(self.below))
            cell = np.sum(self.below[:, 1:-1] < probabilities[:, None], axis=1)
        low, high = self.heights[row, cell], self.heights[row, cell + 1]
        # Up to the fraction t of its width a cell holds m = step (low t + (high - low) t^2 / 2).
        step = self.places[1] - self.places[0]
        mass = (probabilities - self.below[row, cell]) / step
        share = 2 * mass / (low + np.sqrt(low**2 + 2 * (high - low) * mass))
        return self.places[cell] + share * step, low + share * (high - low)


def transported(table: Table, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Transform standard normal draws to the density that a table describes.

    Parameters
    ----------
    table : Table
    normals : (S, P) array
        With one node per axis they are not changed.

    Returns
    -------
    thetas : (S, P) array
    log_density : (S,) array
        Log density of their distribution at each of them.
    """
    if len(table.rule.nodes) == 1:
        whitened = normals
        heights = -0.5 * (np.sum(normals**2, axis=1) + table.size * np.log(2 * np.pi))
    else:
        rest = table.log_ratio.size // len(table.rule.nodes)
        rows = max(1, _ENTRIES_PER_CHUNK // max(rest, _PLACES))
        parts = [_chunk(table, normals[k : k + rows]) for k in range(0, len(normals), rows)]
        whitened, heights = (np.concatenate(part) for part in zip(*parts, strict=True))
    return table.centre + whitened @ table.root.T, heights - table.log_determinant


def log_density_at(table: Table, whitened: np.ndarray) -> np.ndarray:
    """Log density (S,) that a table describes, at points (S, P) in its whitened coordinates.

    Minus infinity beyond the places between which it is linear.
    """
    rule, count, rows = table.rule, len(table.rule.nodes), len(whitened)
    if count == 1:
        return -0.5 * (np.sum(whitened**2, axis=1) + table.size * np.log(2 * np.pi))
    ratios = np.broadcast_to(table.log_ratio.reshape(1, count, -1), (rows, *_flat(table)))
    found = np.zeros(rows)
    for k in range(table.size):
        later = outer_sum([rule.log_normal_weights] * (table.size - k - 1)).ravel()
        lines = Lines.of_ratios(rule, logsumexp(ratios + later, axis=2))
        found += lines.log_heights_at(whitened[:, k])
        here = np.matmul(interpolation(rule, whitened[:, k])[:, None], ratios)[:, 0]
        ratios = here.reshape(rows, min(count, here.shape[1]), -1)
    return found


def marginal_density(table: Table, normals: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Density of each parameter, as the mean of its densities given those before it.

    Parameters
    ----------
    table : Table
    normals : (S, P) array
        Draws over which the mean is taken, preferably quasi-random.
    places : (P, G) array
        Values of each parameter.

    Returns
    -------
    (P, G) array
    """
    density = np.empty_like(places)
    whitened = np.zeros((len(normals), table.size))
    for k, lines, moved, _ in _conditionals(table, normals):
        shifts = table.centre[k] + whitened @ table.root[k]
        whitened[:, k] = moved
        scale = table.root[k, k]
        rows = np.broadcast_to(lines.heights, (len(normals), len(lines.places)))
        heights = [
            np.interp((places[k] - shift) / scale, lines.places, row, left=0.0, right=0.0)
            for shift, row in zip(shifts, rows, strict=True)
        ]
        density[k] = np.mean(heights, axis=0) / scale
    return density


def interpolation(rule: Rule, places: np.ndarray) -> np.ndarray:
    """Matrix (N, k) that interpolates values at the nodes to ``places`` (N,).

    A cubic spline, a polynomial for fewer than 4 nodes; beyond the outermost nodes, their values.
    """
    if len(rule.nodes) == 1:
        return np.ones((len(places), 1))
    return _spline(rule)(np.clip(places, rule.nodes[0], rule.nodes[-1]))


def _spline(rule: Rule) -> scipy.interpolate.make_interp_spline:
    count = len(rule.nodes)
    return scipy.interpolate.make_interp_spline(rule.nodes, np.eye(count), k=min(3, count - 1))


def _end_slopes(rule: Rule) -> np.ndarray:
    if len(rule.nodes) == 1:
        return np.zeros((2, 1))
    return _spline(rule)(rule.nodes[[0, -1]], 1)


def _chunk(table: Table, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    whitened, log_density = np.empty_like(normals), np.zeros(len(normals))
    for k, _, moved, heights in _conditionals(table, normals):
        whitened[:, k] = moved
        log_density += np.log(heights)
    return whitened, log_density


def _conditionals(
    table: Table, normals: np.ndarray
) -> Iterator[tuple[int, Lines, np.ndarray, np.ndarray]]:
    """Each axis's densities given draws on the previous axes, its draws, and their densities."""
    rule, count, rows = table.rule, len(table.rule.nodes), len(normals)
    ratios = np.broadcast_to(table.log_ratio.reshape(1, count, -1), (rows, *_flat(table)))
    for k in range(table.size):
        later = outer_sum([rule.log_normal_weights] * (table.size - k - 1)).ravel()
        # The first axis depends on no other: all draws share one line.
        lines = Lines.of_ratios(rule, logsumexp((ratios[:1] if k == 0 else ratios) + later, axis=2))
        moved, heights = lines.quantiles(ndtr(normals[:, k]))
        yield k, lines, moved, heights
        here = np.matmul(interpolation(rule, moved)[:, None], ratios)[:, 0]
        ratios = here.reshape(rows, min(count, here.shape[1]), -1)


def _flat(table: Table) -> tuple[int, int]:
    count = len(table.rule.nodes)
    return count, table.log_ratio.size // count
