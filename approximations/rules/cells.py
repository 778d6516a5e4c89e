"""A box cut into cells, with the log density at their centres: masses, marginals, draws."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import logsumexp

from .box import Box


@dataclass(frozen=True)
class Cells:
    """A box cut into cells, and the log density at their centres.

    Attributes
    ----------
    box : Box
    log_density : array
        One axis per parameter.
    """

    box: Box
    log_density: np.ndarray

    @property
    def points(self) -> tuple[int, ...]:
        """Number of cells along each axis."""
        return self.log_density.shape

    @cached_property
    def log_sum(self) -> float:
        """Log of the sum of the density over the cells."""
        return float(logsumexp(self.log_density))

    @cached_property
    def weights(self) -> np.ndarray:
        """Share of the mass in each cell, in the shape of ``log_density``."""
        return np.exp(self.log_density - self.log_sum)

    @property
    def log_evidence(self) -> float:
        """Log of the integral of the density over the box."""
        volume = np.sum(np.log(self.box.steps(self.points)))
        return float(self.log_sum + volume)

    @cached_property
    def marginals(self) -> list[np.ndarray]:
        """Mass along each axis."""
        axes = range(self.log_density.ndim)
        return [self.weights.sum(axis=tuple(a for a in axes if a != k)) for k in axes]


def draws_in_cells(cells: Cells, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Draw cells by their mass, and a place inside each at random: (S, P)."""
    flat = cells.weights.ravel()
    chosen = np.unravel_index(rng.choice(flat.size, size=draws, p=flat / flat.sum()), cells.points)
    centres = cells.box.centres(cells.points)
    thetas = np.column_stack([c[index] for c, index in zip(centres, chosen, strict=True)])
    return thetas + (rng.random(thetas.shape) - 0.5) * cells.box.steps(cells.points)
