"""The mode of the outer parameters when quadrature corrects Laplace's integral of each group.

With many small groups it lies many standard deviations from the mode by Laplace alone, and nodes
placed around that one would miss the mass.
"""

from __future__ import annotations

import numpy as np

from ..errors import ModeNotFoundError
from .conditional import Conditional
from .group_quadrature import group_correction
from .outer_mode import OuterMode, follow_mode, outer_hessian

# Distance to the mode, in sds, at which the search ends: nodes need no better centring; the longest
# step; and the most steps.
_NEAR, _LONGEST, _MOST_STEPS = 0.05, 2.0, 50


def corrected_mode(mode: OuterMode, nodes: int) -> OuterMode:
    """Move to the mode of the quadrature-corrected density.

    Newton's method, with Laplace's gradient and curvature, and differences of the correction.

    Parameters
    ----------
    mode : OuterMode
        The mode by Laplace alone.
    nodes : int
        Nodes for each latent scalar; see `group_correction`.

    Raises
    ------
    ModeNotFoundError
        When the search does not converge.
    LatentModeError, LatentFieldError, CurvatureError
    """
    here, hessian = mode.conditional, mode.hessian
    for steps in range(_MOST_STEPS):
        covariance = OuterMode(here, hessian, steps).gaussian.covariance
        root = np.linalg.cholesky(covariance)
        whitened = root.T @ here.marginal_gradient + correction_slopes(here, root, nodes)
        length = float(np.linalg.norm(whitened))
        if length < _NEAR:
            return OuterMode(here, hessian, mode.iterations + steps)
        here = follow_mode(here, here.outer + root @ whitened * min(1.0, _LONGEST / length))
        hessian = outer_hessian(here, -hessian)
    raise ModeNotFoundError(
        f"With nagq={nodes} for each latent scalar, the mode of the outer parameters was not "
        f"found in {_MOST_STEPS} steps: the last was {length:.2g} sds long. Leave nagq=1 and take "
        "weights=True, or use nuts."
    )


def correction_slopes(here: Conditional, root: np.ndarray, nodes: int) -> np.ndarray:
    """Slopes (K,) of `group_correction` along the columns of a root (K, K), over two sds."""
    slopes = np.zeros(len(root))
    for axis, step in enumerate(root.T):
        below, above = (
            group_correction(follow_mode(here, place), nodes, roughly=True)
            for place in (here.outer - step, here.outer + step)
        )
        slopes[axis] = (above - below) / 2
    return slopes
