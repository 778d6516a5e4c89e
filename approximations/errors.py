"""The known ways to fail, each an exception whose sentence says what was found and what to try.

All of them are `TriposError`, so that ``except TriposError`` catches what this package foresees and
nothing else. They are raised where the fault is found and never turned into a number.
"""

from __future__ import annotations

import numpy as np
import xarray as xr


class TriposError(Exception):
    """Every failure that tripos foresees."""


class ArgumentError(TriposError, ValueError):
    """An argument is outside its range, such as ``draws=0``."""


class DiscreteVariableError(TriposError):
    """A free variable is discrete, so the log density has no gradient with respect to it."""


class NoFreeVariableError(TriposError):
    """The model has nothing to estimate."""


class RandomDensityError(TriposError):
    """The log density holds random numbers, so that it is no function of the parameters."""


class GradientError(TriposError):
    """PyTensor cannot differentiate the model's log density."""


class StartingPointError(TriposError):
    """The log density or its gradient is not a finite number at the starting point."""


class ModeAtInfinityError(TriposError):
    """The log density has no finite maximum: it grows, or stays flat, without end."""


class ImproperPosteriorError(TriposError):
    """A prior is improper, and so is the posterior, as far as its tail was followed."""


class ModeNotFoundError(TriposError):
    """The search stopped before the gradient vanished."""


class CurvatureError(TriposError):
    """The negative Hessian is not positive definite: a saddle or a ridge, not a peak."""


NO_MODE = (ModeAtInfinityError, ModeNotFoundError, CurvatureError)
"""Errors that mean there is no joint mode to start from."""


class DerivativeError(CurvatureError):
    """A derivative at a mode disagrees with differences of the next lower one."""


class GridSizeError(TriposError):
    """The grid would have too many scalars or too many cells."""


class BoundsError(TriposError, ValueError):
    """The bounds of a grid do not describe a box that holds the posterior."""


class QuadratureError(TriposError):
    """A quadrature rule cannot follow the log density, such as one that is infinite at a node."""


class QuantityError(TriposError, ValueError):
    """A quantity is unknown, no scalar, or not as smooth or as positive as a method needs."""


class MarginalError(TriposError):
    """The marginal density of a quantity cannot be followed away from the mode."""


class SamplingError(TriposError):
    """The sampler could not start, is not installed, or refused its arguments."""


class DataError(TriposError, ValueError):
    """New data do not fit the model they are meant for."""


class NoSharedVariableError(TriposError):
    """The trees to compare have no variable in common."""


class NoMethodError(TriposError):
    """No method could be run, or a method is not known by that name."""


class NoTrustedMethodError(TriposError):
    """No method on the ladder gave a posterior that can be trusted.

    Parameters
    ----------
    message : str
    tree : DataTree or None
        The best tree that was found, as `fit` would have returned it.
    ladder : Dataset or None
        What was tried: its group ``ladder``.
    """

    def __init__(
        self, message: str, tree: xr.DataTree | None = None, ladder: xr.Dataset | None = None
    ) -> None:
        super().__init__(message)
        self.tree, self.ladder = tree, ladder


class UntrustedWarning(UserWarning):
    """No method on the ladder was accepted, and the best tree was returned, so marked."""


class TargetError(TriposError):
    """The command line's target names no model."""


class StorageError(TriposError):
    """A comparison cannot be written to, or read from, a folder."""


class GridEdgeWarning(UserWarning):
    """A given box cuts off enough of the posterior to distort the results."""


class QuadratureWarning(UserWarning):
    """The nodes of a quadrature rule have missed much of the posterior."""


class NonFiniteDensityError(TriposError):
    """The log density is NaN or plus infinity at a draw."""


class WeightsError(TriposError):
    """Importance weights that describe nothing: all zero, or all on one draw."""


class UntrustedWeightsWarning(UserWarning):
    """Importance weights have so heavy a tail that their means cannot be trusted."""


class UntrustedReferenceWarning(UserWarning):
    """A tree that others should be compared with fails its own diagnostics."""


class SecondModeWarning(UserWarning):
    """Another mode holds a share of the posterior that an approximation at this one leaves out."""


class DifferencesWarning(UserWarning):
    """A Hessian by differences is not accurate enough for the sds that it implies."""


class MemoryLimitError(TriposError):
    """A requested array would take more memory than is available."""


class IndefiniteMatrixError(CurvatureError):
    """A matrix to be factored as a precision is not positive definite.

    Parameters
    ----------
    lowest : float
        Curvature along ``direction``, after scaling to a unit diagonal: not positive.
    direction : (P,) array
        In the parameters' own units.
    """

    def __init__(self, lowest: float, direction: np.ndarray) -> None:
        super().__init__(
            f"The matrix is not positive definite: its scaled curvature along a direction is "
            f"{lowest:.2g}. Expected the negative Hessian of a log density at a peak."
        )
        self.lowest, self.direction = lowest, direction


class SparsityError(TriposError):
    """A sparse Hessian disagrees with an exact Hessian-vector product."""


class LatentFieldError(TriposError):
    """A model's variables cannot be split into a latent field and a few outer parameters."""


class LatentModeError(TriposError):
    """The mode of the latent field, given the outer parameters, was not found."""


class SmallGroupsWarning(UserWarning):
    """Laplace's approximation of small groups biases the outer parameters."""


class MethodError(TriposError):
    """A user-defined method raised an error, or returned no posterior."""


class MissingExtraError(SamplingError):
    """A method needs a package that is not installed; the message names the extra."""


class ConvergenceError(TriposError):
    """A fit stopped before its objective had converged, or the objective is not finite."""


class SuiteError(TriposError):
    """A suite cannot be run as it was asked for, or its executor broke down."""


class CorruptCellWarning(UserWarning):
    """A stored cell of a suite is damaged: it was put aside and is run again."""


class CalibrationError(TriposError):
    """A method cannot be calibrated on a model, such as one that cannot simulate data."""
