"""A maximum of a log density, and the normal distribution there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csc_array

from ..linear_algebra.gaussian import Gaussian


@dataclass(frozen=True)
class Mode:
    """A maximum of the log density in unconstrained space.

    Attributes
    ----------
    theta : (P,) array
    logp : float
        Log density at the mode, Jacobian terms included.
    gradient : (P,) array
        Remaining gradient.
    hessian : (P, P) array or csc_array
        Hessian of the log density, as `LogDensity.hessian` gives it; its negative is the precision
        of the normal approximation.
    parameters : tuple of str
        Labels of the P entries.
    iterations : int
        Newton steps tried.
    hessian_error : float
        Error of the Hessian's entries, as a share of their size, where they are differences of the
        gradient (see `LogDensity.has_exact_hessian`); else 0.
    """

    theta: np.ndarray
    logp: float
    gradient: np.ndarray
    hessian: np.ndarray | csc_array
    parameters: tuple[str, ...]
    iterations: int
    hessian_error: float = 0.0

    @cached_property
    def gaussian(self) -> Gaussian:
        """The normal approximation here.

        Raises
        ------
        CurvatureError
            When the Hessian is not negative definite.
        """
        return Gaussian.from_precision(self.theta, -self.hessian, self.parameters)
