"""Joint draws of outer parameters and latent field, and the density that they are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..memory import check_memory
from .conditional import Conditional, conditional_at
from .outer_nodes import OuterNodes


@dataclass(frozen=True)
class NestedDraws:
    """Independent draws from a nested approximation.

    Attributes
    ----------
    thetas : (S, P) array
    log_proposal : (S,) array
        Log density of the approximation at the draws.
    mirrored : (S, P) array or None
        The same draws with the latent field mirrored at its mode, which is equally likely. None
        unless requested, as it doubles the memory.
    """

    thetas: np.ndarray
    log_proposal: np.ndarray
    mirrored: np.ndarray | None


def nested_draws(
    centre: Conditional,
    nodes: OuterNodes,
    draws: int,
    rng: np.random.Generator,
    *,
    with_mirrored: bool = False,
    wide: bool = False,
) -> NestedDraws:
    """Draw outer parameters from the density at the nodes, and the latent field given them.

    Given outer parameters the latent field is normal about the mode at the nearest node,
    extrapolated by the mode's first derivatives, with the precision at that node.

    Parameters
    ----------
    centre : Conditional
        The latent field at the mode of the outer parameters.
    nodes : OuterNodes
    draws : int
        Number of draws S.
    rng : Generator
    with_mirrored : bool, default False
        Whether each draw comes with its mirror image.
    wide : bool, default False
        Whether some outer parameters are drawn from further out; see `OuterNodes.draws`.

    Raises
    ------
    MemoryLimitError
        When the draws would not fit in memory.
    """
    field = centre.field
    check_memory(
        f"Joint draws ({draws:,} of {field.density.size:,} parameters)",
        4 * draws * field.density.size,
        "Ask for fewer draws=.",
    )
    outer, log_proposal = nodes.draws(draws, rng, wide=wide)
    thetas = np.empty((draws, field.density.size))
    thetas[:, field.outer] = outer
    mirrored = thetas.copy() if with_mirrored else None
    nearest = nodes.nearest(outer)
    for node in np.unique(nearest):
        rows = np.flatnonzero(nearest == node)
        here = conditional_at(field, nodes.outer[node], nodes.latent[node])
        modes = here.latent + (outer[rows] - here.outer) @ here.sensitivity.T
        normals = rng.standard_normal((len(rows), field.size))
        away = here.factor.unwhiten(normals)
        thetas[np.ix_(rows, field.latent)] = modes + away
        if mirrored is not None:
            mirrored[np.ix_(rows, field.latent)] = modes - away
        constant = 0.5 * (here.factor.log_determinant - field.size * np.log(2 * np.pi))
        log_proposal[rows] += constant - 0.5 * np.sum(normals**2, axis=1)
    return NestedDraws(thetas, log_proposal, mirrored)
