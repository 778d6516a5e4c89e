"""Find the mode of a log density: Newton's method in a trust region, with the Hessian.

The quadratic model of the log density is maximised within an ellipsoid whose axes follow the
curvature, so that badly scaled parameters are handled. A sparse Hessian is never made dense: the
steps then come from sparse Cholesky factors. SciPy's ``trust-exact`` is not used because it
measures its radius in raw units, loops on NaN, and cannot distinguish a maximum from a slope that
flattens for ever.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pymc as pm

from ..arguments import checked_arguments
from ..density import LogDensity, as_density
from ..density.derivatives.checking import check_flatness, check_kink, hessian_error
from ..density.graphs.parameters import describe_direction
from ..errors import CurvatureError, DifferencesWarning, TriposError
from ..result import checked_count
from .given_start import Start, checked_mode, first_iterate
from .no_mode import is_collapse, why_no_mode
from .peak import Mode as Mode
from .tails import check_tails
from .trust_region import Iterate, ascent, is_peak, polished

# For a Hessian by differences: the smallest ratio of the lowest curvature to its error, and the
# relative error of a variance above which to warn.
_FLAT_ERRORS, _TELL_ERROR = 10.0, 0.01
# Radius in sds below which a search is stuck.
_SHORTEST = 1e-12
# Log density below that of a mode from which a search leads to it: a fifth of an sd away.
_IN_REACH = 0.02


@checked_arguments
def find_mode(
    model: pm.Model | LogDensity | None = None,
    *,
    start: Start = None,
    max_iterations: int = 200,
) -> Mode:
    """Find the posterior mode in unconstrained space, Jacobian terms included.

    The mode depends on the coordinates: this one is the maximum of the density around which the
    normal approximation is expanded; it differs from `pymc.find_MAP`, which omits the Jacobian.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None.
    start : mapping, (P,) array, "find_MAP" or Mode, optional
        Where to start: values on the variables' own scale, a point in unconstrained space, or the
        result of `pymc.find_MAP`. Default: the model's initial point. A `Mode` of this model that
        was found before is returned as it is.
    max_iterations : int, default 200

    Returns
    -------
    Mode

    Raises
    ------
    StartingPointError
        When the log density, its gradient or its Hessian is not finite at the start.
    ModeAtInfinityError
        When the log density is flat along a direction, or grows without end.
    CurvatureError
        When the curvature vanishes at the maximum.
    DerivativeError
        When the Hessian at the maximum is not the second derivative: it is compared with
        differences of the gradient.
    ModeNotFoundError
        When ``max_iterations`` did not suffice.
    ImproperPosteriorError
        When a prior is improper, and the density does not fall off where the prior does not.

    Warns
    -----
    DifferencesWarning
        When the Hessian is by differences, and a variance may be off by more than 1 %.
    """
    max_iterations = checked_count("max_iterations", max_iterations)
    density = as_density(model)
    if isinstance(start, Mode):
        return checked_mode(density, start)
    return new_or_known(density, start, max_iterations)


def new_or_known(
    density: LogDensity, start: Start, max_iterations: int, known: Sequence[Mode] = ()
) -> Mode:
    """Search as `find_mode` does, but end at a known mode as soon as one is in reach.

    Returns
    -------
    Mode
        A new one, or that of ``known`` to which the search leads.
    """
    path = [first_iterate(density, start)]
    climb = ascent(density, path[0], 10 * np.sqrt(density.size))
    for iterations, (here, radius) in enumerate(climb):
        if here is not path[-1]:
            path[-1] = path[-1].left_behind()
            path.append(here)
        for mode in known:
            if _is_in_reach(mode, here):
                return mode
        if here.is_close and (here.is_flat or is_peak(density, here)):
            break
        is_stuck = radius < _SHORTEST
        if is_stuck or iterations == max_iterations:
            if here.is_near and is_peak(density, here):
                break  # as close as rounding lets a search come
            raise _no_mode(density, path, None if is_stuck else max_iterations)
        if is_collapse(density, path):
            raise why_no_mode(density, path, None)
    if here.is_flat:
        raise _no_mode(density, path, None)
    here = polished(density, here)
    mode = Mode(
        here.theta,
        here.logp,
        here.gradient,
        -here.curvature,
        density.parameters,
        iterations,
        _checked_error(density, here),
    )
    if not density.falls_off:
        check_tails(density, mode.theta, mode.gaussian)
        density.falls_off = True
    return mode


def _is_in_reach(mode: Mode, here: Iterate) -> bool:
    """Whether a point is so near a mode, and so high, that a search from it ends there."""
    if not mode.logp - _IN_REACH < here.logp <= mode.logp + _IN_REACH:
        return False
    away = here.theta - mode.theta
    return bool(away @ (-mode.hessian @ away) < 2 * _IN_REACH)


def _no_mode(density: LogDensity, path: list[Iterate], limit: int | None) -> TriposError:
    """Say why there is no mode: first, whether the derivatives are wrong."""
    here = path[-1]
    if here.is_close and density.has_exact_hessian:
        check_flatness(density, here.theta, here.product)
    elif not here.is_close:
        steepest = int(np.argmax(here.scaled_slopes))
        check_kink(density, here.theta, steepest, float(here.curved.scale[steepest]))
    return why_no_mode(density, path, limit)


def _checked_error(density: LogDensity, here: Iterate) -> float:
    """Check the Hessian at a mode, and return its error where it is by differences.

    A curvature's relative error is also that of a variance; below ten errors it may be zero.
    """
    error = hessian_error(density, here.theta, here.product, here.curved.scale)
    if not error:
        return error
    lowest = here.curved.lowest
    if lowest < _FLAT_ERRORS * error:
        raise CurvatureError(
            "PyTensor has no second derivative of this model, and to the accuracy of differences "
            f"of its gradient ({error:.1g} of the curvature) the log density is flat along "
            f"{describe_direction(density.parameters, here.flattest)} at the mode. Give one of the "
            "variables in it a narrower prior, or use smc or nuts."
        )
    if lowest < error / _TELL_ERROR:
        warnings.warn(
            "PyTensor has no second derivative of this model, and differences of its gradient are "
            f"so noisy that a variance at the mode may be off by {100 * error / lowest:.2g} %, "
            f"most along {describe_direction(density.parameters, here.flattest)}.",
            DifferencesWarning,
            stacklevel=4,
        )
    return error
