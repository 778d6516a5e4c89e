"""A box cut into cells, with the log density at their centres: masses, marginals, draws."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .box import Box, marginals_of, masses, resolution_error


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
    def _masses(self) -> tuple[np.ndarray, float]:
        return masses(self.log_density)

    @property
    def weights(self) -> np.ndarray:
        """Share of the mass in each cell, in the shape of ``log_density``."""
        return self._masses[0]

    @property
    def log_evidence(self) -> float:
        """Log of the integral of the density over the box."""
        volume = np.sum(np.log(self.box.steps(self.points)))
        return float(self._masses[1] + volume)

    @cached_property
    def marginals(self) -> list[np.ndarray]:
        """Mass along each axis."""
        return marginals_of(self.weights)

    @cached_property
    def resolution_error(self) -> float:
        """Error of the log evidence, estimated from half the cells."""
        return resolution_error(self.weights)


def draws_in_cells(cells: Cells, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Draw cells by their mass, and a place inside each at random: (S, P)."""
    below = np.cumsum(cells.weights)
    levels = below[-1] * rng.random(draws)
    chosen = np.unravel_index(np.searchsorted(below, levels, side="right"), cells.points)
    centres = cells.box.centres(cells.points)
    thetas = np.column_stack([c[index] for c, index in zip(centres, chosen, strict=True)])
    return thetas + (rng.random(thetas.shape) - 0.5) * cells.box.steps(cells.points)
