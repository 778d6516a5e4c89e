"""Checks of the derivatives at the mode: the latent precision's, and the marginal density's."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..density.derivatives.checking import hessian_error
from ..density.sparsity.hessian import check_product
from ..errors import DerivativeError
from ..linear_algebra.sparse_cholesky import unit_scale
from .conditional import Conditional, precision_entries
from .outer_mode import OuterMode, follow_mode

# Step in sds along which gradient and value are compared, the tolerated error of the gradient, in
# reciprocal sds, and the relative rounding error of a log density.
_STEP, _TOLERATED, _ROUNDING = 0.1, 1e-3, 1e-11
_SEED = 20260103


def check_precision(here: Conditional) -> float:
    """Compare the latent precision with the Hessian, and the Hessian with gradients.

    Returns
    -------
    float
        Error of the Hessian; see `hessian_error`.

    Raises
    ------
    SparsityError, DerivativeError
        When they do not agree.
    """
    field, density = here.field, here.field.density
    product = partial(density.hessian_vector_product, here.theta)
    precision = field.matrix(precision_entries(here))

    def latent_product(vector: np.ndarray) -> np.ndarray:
        placed = np.zeros(density.size)
        placed[field.latent] = vector
        return -product(placed)[field.latent]

    check_product(precision, latent_product, exact=density.has_exact_hessian)
    diagonal, outer = np.empty(density.size), np.arange(len(field.outer))
    diagonal[field.latent] = precision.diagonal()
    units = np.zeros((len(outer), density.size))
    units[outer, field.outer] = 1.0
    diagonal[field.outer] = density.logp.hessian_vector_products(here.theta, units)[
        outer, field.outer
    ]
    return hessian_error(density, here.theta, product, unit_scale(diagonal))


def check_marginal_gradient(mode: OuterMode) -> None:
    """Compare the gradient of the log marginal density along a line with values at its ends.

    Raises
    ------
    DerivativeError
        When they do not agree.
    """
    here = mode.conditional
    whitened = np.random.default_rng(_SEED).standard_normal(len(here.outer))
    root = np.linalg.cholesky(mode.gaussian.covariance)
    step = root @ (_STEP * whitened / np.linalg.norm(whitened))
    below, above = (follow_mode(here, here.outer + side * step) for side in (-1, 1))
    rise = above.log_marginal - below.log_marginal
    # By Simpson's rule, whose own error is about a millionth.
    slopes = [place.marginal_gradient @ step for place in (below, here, above)]
    expected = float(np.dot([1, 4, 1], slopes)) / 3
    if not abs(rise - expected) <= _TOLERATED * _STEP + _ROUNDING * abs(here.logp):
        raise DerivativeError(
            "The gradient of the log marginal density at the mode of the outer parameters is not "
            f"its slope: over {2 * _STEP:g} sds it predicts a rise by {expected:.3g}, but the "
            f"density rises by {rise:.3g}. Third derivatives of the model omit a term. Write "
            "the model in another way, or use laplace, smc or nuts."
        )
