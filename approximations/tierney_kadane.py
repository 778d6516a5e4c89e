"""Moments and the marginal density of one scalar, by Laplace's method applied to each integral.

Tierney and Kadane (1986), "Accurate approximations for posterior moments and marginal densities",
JASA 81; Tierney, Kass and Kadane (1989), "Fully exponential Laplace approximations to expectations
and variances of nonpositive functions", JASA 84.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pymc as pm
import xarray as xr
from scipy import sparse

from .arguments import checked_arguments
from .density import LogDensity, as_density
from .errors import ModeNotFoundError
from .linear_algebra.sparse_cholesky import sparse_cholesky
from .meter import Meter
from .mode import Mode, find_mode
from .mode.given_start import Start, recorded_start
from .result import Record, attributes
from .scalars.constrained import Problem, marginal_path
from .scalars.grid_moments import PROBABILITIES
from .scalars.marginal import Marginal
from .scalars.tilted import Quantity, as_quantity, find_scalar, tilted_mode

Kind = Literal["positive", "smooth"]

# Step, in reciprocal sds of the quantity, of differences of the log determinant, and weights for
# its first and second derivatives, with errors of fourth order in the step.
_STEP = 0.05
_OFFSETS = np.array([-2, -1, 0, 1, 2])
_FIRST = np.array([1, -8, 0, 8, -1]) / 12
_SECOND = np.array([-1, 16, -30, 16, -1]) / 12


@checked_arguments
def tierney_kadane(
    model: pm.Model | LogDensity | None,
    quantity: str,
    *,
    start: Start = None,
    kind: Kind | None = None,
    max_iterations: int = 200,
) -> xr.Dataset:
    """Approximate mean, standard deviation and marginal density of one scalar.

    The mean of a positive quantity g is a ratio of two integrals, of g p and of p, and Laplace's
    method is applied to each, at its own peak; errors of order 1/n cancel. For other smooth
    quantities the same is done to the moment generating function, integral of exp(s g) p, and its
    logarithm differentiated at s = 0. The marginal density is Laplace's approximation of the
    integral over all points with g = value, at each of many values, and renormalised.

    Both expand around the posterior's mode: neither a second mode nor a second branch of g = value
    (as for a square) is detected.

    Parameters
    ----------
    model : pymc.Model or LogDensity, or None
        The model in context, if None. Pass a `LogDensity` for several quantities.
    quantity : str
        Label of a scalar: an entry of a free variable or deterministic, ``"sigma"`` or
        ``"theta[Choate]"``, or of a parameter, ``"tau_log__"``.
    start : mapping, (P,) array or "find_MAP", optional
        Where the search for the mode starts; see `find_mode`.
    kind : {"positive", "smooth"}, optional
        Method for the moments. Default: ``"positive"`` if the quantity is above 0 at all of 1,025
        points of the normal approximation.
    max_iterations : int, default 200
        Limit for the search for the mode.

    Returns
    -------
    Dataset
        - ``mean``, ``sd``, fully exponential;
        - ``density`` and ``log_density`` (value), normalised, at the values in the coordinate
          ``value``, which lie closer where the quantity changes little;
        - ``marginal_mean``, ``marginal_sd`` and ``quantiles`` (probability) of that density;
        - ``mean_error`` and ``sd_error``, the differences between the two methods. Both errors fall
        with the sample size, at different rates, so these indicate their size and are no bound; -
        ``log_normaliser``, of the marginal before it was renormalised: a correction to Laplace's
        log evidence.

        Where the marginal's tails fall so slowly that there is no mean (or no sd), all values of
        that moment are NaN and attribute ``note`` says so. Attributes hold ``quantity``, ``kind``,
        ``hessian`` (as in `laplace`), method, settings, versions and costs.

    Raises
    ------
    QuantityError
        When there is no such scalar, or it is not smooth, or not positive for ``kind="positive"``.
    ModeNotFoundError
        When the posterior has no mode or, tilted by the quantity, no peak nearby.
    MarginalError
        When the marginal density cannot be followed until it vanishes.
    GradientError
        When PyTensor cannot differentiate the quantity.
    DerivativeError
        When the Hessian of the log density or of the quantity is not the second derivative.
    ModeAtInfinityError, CurvatureError, StartingPointError, DiscreteVariableError,
    NoFreeVariableError, ArgumentError
    """
    density = as_density(model)
    meter = Meter(density)
    mode = find_mode(density, start=start, max_iterations=max_iterations)
    scalar = find_scalar(density, mode, mode.gaussian, quantity)
    is_log = scalar.is_positive if kind is None else kind == "positive"
    function = as_quantity(density, scalar, is_log=is_log)

    marginal = _marginal(density, function, mode)
    mean, sd, note = _moments(density, function, mode, marginal)
    meter.compiled(function.function.functions.seconds_compiling)
    meter.fitted()
    settings = {"start": recorded_start(start), "kind": kind, "max_iterations": max_iterations}
    result = _dataset(marginal, mean, sd).assign_attrs(
        attributes(Record("tierney_kadane", settings)),
        quantity=quantity,
        kind="positive" if is_log else "smooth",
        note=note,
        hessian=density.logp.hessian_source,
    )
    return meter.written_into(result)


def _marginal(density: LogDensity, quantity: Quantity, mode: Mode) -> Marginal:
    root = np.linalg.cholesky(mode.gaussian.covariance)
    path = marginal_path(Problem(density, quantity, root), mode)
    values = np.array([point.value for point in path])
    log_heights = np.array([point.log_density for point in path])
    # With this constant it integrates to the ratio of the evidence to Laplace's.
    constant = mode.logp + 0.5 * np.log(2 * np.pi)
    return Marginal(values, log_heights - constant, quantity.is_log)


def _moments(
    density: LogDensity, quantity: Quantity, mode: Mode, marginal: Marginal
) -> tuple[float, float, str]:
    """Mean, sd, and a sentence where one of them does not exist."""
    moments = _moments_of_positive if quantity.is_log else _moments_of_smooth
    if np.isnan(marginal.mean):
        note = "The tails of the marginal density fall too slowly for a mean."
        return float("nan"), float("nan"), note
    mean, sd = moments(density, quantity, mode)
    if np.isnan(marginal.sd):
        note = "The tails of the marginal density fall too slowly for a standard deviation."
        return mean, float("nan"), note
    return mean, sd, ""


def _moments_of_positive(
    density: LogDensity, quantity: Quantity, mode: Mode
) -> tuple[float, float]:
    """Tierney and Kadane (1986), equations 2.4 and 2.5: of g and of its square."""
    logs = []
    for power in (1.0, 2.0):
        peak = tilted_mode(density, quantity, power, mode)
        narrower = -0.5 * (mode.gaussian.log_determinant + _log_determinant(peak.curvature))
        logs.append(peak.logp - mode.logp + narrower)
    relative_variance = float(np.expm1(logs[1] - 2 * logs[0]))
    if relative_variance < 0:
        raise ModeNotFoundError(
            f"The approximate mean square of {quantity.label!r} is below the square of its mean, "
            "so it has no standard deviation. Use kind='smooth', or importance or nuts."
        )
    mean = float(np.exp(logs[0]))
    return mean, mean * float(np.sqrt(relative_variance))


def _moments_of_smooth(density: LogDensity, quantity: Quantity, mode: Mode) -> tuple[float, float]:
    """Tierney, Kass and Kadane (1989): derivatives at 0 of the log moment generating function.

    It is K(s) = L_s - L_0 + (log det H_0 - log det H_s) / 2, with L_s the maximum of log p + s g,
    and H_s the curvature there. The maximum's own derivatives are known: g at the mode, and the
    delta method's variance. Only the determinant's are taken by differences.
    """
    value, slope, _ = quantity.function.derivatives(mode.theta)
    variance = float(slope @ mode.gaussian.precision.solve(slope))
    step = _STEP / np.sqrt(variance)
    logs = [
        _log_determinant(tilted_mode(density, quantity, step * offset, mode).curvature)
        for offset in _OFFSETS
    ]
    mean = value - 0.5 * float(_FIRST @ logs) / step
    variance -= 0.5 * float(_SECOND @ logs) / step**2
    if not variance > 0:
        raise ModeNotFoundError(
            f"The approximate variance of {quantity.label!r} is {variance:.3g}: the posterior is "
            "too far from a normal for this expansion. Use importance or nuts."
        )
    return mean, float(np.sqrt(variance))


def _log_determinant(curvature: np.ndarray | sparse.csc_array) -> float:
    if sparse.issparse(curvature):
        return sparse_cholesky(curvature).log_determinant
    return float(2 * np.sum(np.log(np.diag(np.linalg.cholesky(curvature)))))


def _dataset(marginal: Marginal, mean: float, sd: float) -> xr.Dataset:
    return xr.Dataset(
        {
            "mean": mean,
            "sd": sd,
            "mean_error": abs(mean - marginal.mean),
            "sd_error": abs(sd - marginal.sd),
            "marginal_mean": marginal.mean,
            "marginal_sd": marginal.sd,
            "quantiles": ("probability", marginal.quantiles(PROBABILITIES)),
            "density": ("value", np.exp(marginal.log_density)),
            "log_density": ("value", marginal.log_density),
            "log_normaliser": marginal.log_total,
        },
        coords={"value": marginal.values, "probability": list(PROBABILITIES)},
    )
