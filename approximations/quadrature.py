"""Adaptive Gauss-Hermite quadrature: a rule centred on the mode, scaled by the curvature there.

Naylor and Smith (1982), Applied Statistics 31; Liu and Pierce (1994), Biometrika 81; Bilodeau,
Stringer and Tang (2022), JASA.
"""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import pymc as pm
import xarray as xr
from scipy.special import logsumexp, softmax

from .arguments import checked_arguments
from .density import LogDensity, as_density
from .errors import GridSizeError, QuadratureWarning
from .limits import HEAVY_SQUARE, HEAVY_TAIL, LEAST_SHARE
from .linear_algebra.gaussian import triangular_inverse
from .meter import Meter
from .method import registered
from .mode import Mode, find_mode
from .mode.given_start import Start, recorded_start
from .result import Record, assemble, checked_count, generator, parameter_array
from .rules.hermite import Table, tabulate
from .rules.quasi_random import quasi_random_normals
from .rules.transport import marginal_density, transported
from .scalars.grid_moments import PROBABILITIES
from .scalars.poles import tail_far_out
from .scalars.quantities import scalar_at, scalars_at
from .scalars.tails import tail_index
from .weights.support import checked_logp

MOST_SCALARS = 6
_POINTS = {1: 25, 2: 15, 3: 11, 4: 9, 5: 7, 6: 5}
# Nodes along an axis, and in all. More along an axis reach beyond 18 sds, where weights underflow.
_MOST_POINTS = 100
_MOST_NODES = 1_000_000
# Quasi-random points, a power of two, for moments, and those among them for marginal densities.
_MOMENT_POINTS = 2**12
_MARGINAL_POINTS = 2**9
_PLACES = 201
# Points for the tails of quantities, and the factor by which they spread wider.
_WIDE_POINTS, _WIDE = 2**10, 2.0


@registered(
    draws="independent",
    is_exact=True,
    needs=("gradient", "hessian", "mode"),
    most_scalars=MOST_SCALARS,
    rung=3,
    takes_new_data=True,
    look=("#E69F00", (10.0, 3.0), "p"),
)
@checked_arguments
def quadrature(
    model: pm.Model | LogDensity | None = None,
    draws: int = 4000,
    *,
    points: int | None = None,
    start: Start = None,
    random_seed: int | np.random.Generator | None = None,
    max_iterations: int = 200,
) -> xr.DataTree:
    """Integrate a posterior by adaptive Gauss-Hermite quadrature in unconstrained space.

    The log density is evaluated at ``points`` nodes along each of P axes, placed at the mode + C z,
    where C is the lower Cholesky factor of the inverse of the negative Hessian there. The evidence
    is the weighted sum over the nodes. With one node per axis it is exactly the Laplace
    approximation, draws included.

    Draws and moments come from a density interpolated from the nodes: that of each parameter, given
    those before it, is interpolated on the log scale (by a cubic spline; beyond the outermost nodes
    the log ratio to the normal is extrapolated linearly) from the rule's sums over the others.

    Convergence is not monotone in ``points``: evidence and moments oscillate around their limits,
    and a larger rule can be worse than a smaller one (and both worse than Laplace) before they
    converge. The rule covers one mode only, and nothing beyond its outermost nodes.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None. It may have up to 6 free scalars.
    draws : int, default 4000
        Number of independent draws S.
    points : int, optional
        Nodes per axis, k; 25, 15, 11, 9, 7, 5 for 1 to 6 scalars by default. The rule has k^P
        nodes, at most a million.
    start : mapping, (P,) array or "find_MAP", optional
        Where the search for the mode starts; see `find_mode`.
    random_seed : int or Generator, optional
        With the same seed, draws are those of `laplace`, transformed.
    max_iterations : int, default 200
        Limit for the search for the mode.

    Returns
    -------
    DataTree
        As `laplace` returns it; ``sample_stats`` holds ``lp`` and ``log_proposal``, the log density
        of the distribution that the draws come from, so that lp - log_proposal are log importance
        weights. ``fit`` holds

        - ``nodes`` (node, parameter) and ``weights`` (node), the share of the evidence at each;
        - ``log_evidence`` and ``log_evidence_error``, the largest distance from it to the rules
          with one and two nodes fewer and to an importance sampling estimate;
        - ``mean``, ``sd``, ``quantiles`` of every quantity, from 4,096 quasi-random points of the
          interpolated density (quantiles to about 0.002 sd), and ``mean_error`` and ``sd_error``:
          how far importance weighting of these points moves them, and half the difference between
          the two halves of the points. ``tail_k`` is the tail index of these points, or of the
          quantity far out: where it is above 0.7, as for a ratio whose denominator can be zero,
          ``mean`` and ``sd`` are NaN; from 0.45 on, ``sd`` is NaN;
        - ``effective_share``, the effective sample size of those points under the weights over
        their number: near 1 where the interpolated density is the posterior; - ``marginal_density``
        (parameter, place) at ``marginal_place``, unconstrained scale; - ``mode``, ``covariance``,
        ``logp_mode``.

    Raises
    ------
    GridSizeError
        With more than 6 free scalars or more than a million nodes.
    QuadratureError
        When the log density is not finite at a node.
    NonFiniteDensityError
        When it is NaN or plus infinity at a draw where that matters.
    ModeAtInfinityError, ModeNotFoundError, CurvatureError
        When there is no peak to place the nodes around.
    StartingPointError, DiscreteVariableError, NoFreeVariableError, ArgumentError

    Warns
    -----
    QuadratureWarning
        When the effective share is below 0.1, with more than one node per axis.
    """
    draws = checked_count("draws", draws)
    rng = generator(random_seed)
    density = as_density(model)
    points = _checked_points(density, points)
    meter = Meter(density)
    mode = find_mode(density, start=start, max_iterations=max_iterations)
    gaussian = mode.gaussian
    root = np.linalg.cholesky(gaussian.covariance)
    table = tabulate(density, mode.theta, root, points)
    fit = _fit_dataset(density, mode, table)
    meter.fitted()

    # The normals of Laplace's own draws: with one node per axis they are left as they are.
    normals = (gaussian.draws(draws, rng) - mode.theta) @ triangular_inverse(root).T
    thetas, log_proposal = transported(table, normals)
    settings = {
        "draws": draws,
        "points": points,
        "start": recorded_start(start),
        "max_iterations": max_iterations,
    }
    tree = assemble(
        density,
        thetas,
        fit,
        Record("quadrature", settings, random_seed),
        sample_stats={
            "lp": checked_logp(density, gaussian, thetas),
            "log_proposal": log_proposal,
        },
        point=mode.theta,
    )
    return meter.written_into(tree)


def _checked_points(density: LogDensity, points: int | None) -> int:
    size = density.size
    if size > MOST_SCALARS:
        raise GridSizeError(
            f"Quadrature serves up to {MOST_SCALARS} free scalars, but this model has {size} "
            f"({', '.join(density.parameters[:6])}, ...). Use laplace or nuts instead."
        )
    points = checked_count("points", _POINTS[size] if points is None else points)
    if points > _MOST_POINTS or points**size > _MOST_NODES:
        most = min(_MOST_POINTS, int(_MOST_NODES ** (1 / size) + 1e-9))
        raise GridSizeError(
            f"{points} points along each of {size} axes make {float(points) ** size:.3g} nodes; "
            f"at most {_MOST_NODES:.0e} in all and {_MOST_POINTS} along an axis are allowed. "
            f"Choose at most {most} points."
        )
    return points


def _fit_dataset(density: LogDensity, mode: Mode, table: Table) -> xr.Dataset:
    normals = quasi_random_normals(_MOMENT_POINTS, table.size)
    thetas, log_proposal = transported(table, normals)
    log_weights = checked_logp(density, mode.gaussian, thetas) - log_proposal
    wide = transported(table, _WIDE * normals[:_WIDE_POINTS])
    fit = _moments(density, table, thetas, softmax(log_weights), wide)
    importance = float(logsumexp(log_weights) - np.log(len(log_weights)))
    share = np.exp(2 * logsumexp(log_weights) - logsumexp(2 * log_weights)) / len(log_weights)
    _warn_when_missed(table, share)
    labels = {"parameter": list(density.parameters)}
    places = _places(thetas)
    heights = marginal_density(table, normals[:_MARGINAL_POINTS], places)
    return fit.assign(
        log_evidence=table.log_evidence,
        log_evidence_error=_evidence_error(density, table, importance),
        effective_share=share,
        nodes=xr.DataArray(table.thetas, labels, ("node", "parameter")),
        weights=("node", softmax(table.log_masses.ravel())),
        marginal_place=xr.DataArray(places, labels, ("parameter", "place")),
        marginal_density=xr.DataArray(heights, labels, ("parameter", "place")),
        mode=parameter_array(density, mode.theta),
        covariance=parameter_array(density, mode.gaussian.covariance),
        logp_mode=mode.logp,
    )


def _moments(
    density: LogDensity,
    table: Table,
    thetas: np.ndarray,
    weights: np.ndarray,
    wide: tuple[np.ndarray, np.ndarray],
) -> xr.Dataset:
    """Moments of all quantities over points, and how far weights (S,) would move them."""
    scalars, far = scalars_at(density, thetas), scalars_at(density, wide[0])
    values = np.stack(list(scalars.values()))
    tail_k = np.array([tail_index(value[None], independent=True) for value in values])
    outside = [
        tail_far_out(*wide, far[label], table.root, partial(scalar_at, density, label))
        for label in scalars
    ]
    tail_k = np.fmax(tail_k, outside)
    has_mean = np.all(np.isfinite(values), axis=1) & ~(tail_k > HEAVY_TAIL)
    used = np.where(has_mean[:, None], values, np.nan)
    mean, sd = used.mean(axis=1), np.where(tail_k >= HEAVY_SQUARE, np.nan, used.std(axis=1))
    exact_mean = used @ weights
    exact_sd = np.sqrt((used - exact_mean[:, None]) ** 2 @ weights)
    # Each half of a quasi-random sequence is evenly spread, too.
    halves = used.reshape(len(used), 2, -1)
    apart = np.abs(np.diff(halves.mean(axis=2))) / 2, np.abs(np.diff(halves.std(axis=2))) / 2
    one, two = ("quantity",), ("quantity", "probability")
    return xr.Dataset(
        {
            "mean": (one, mean),
            "sd": (one, sd),
            "quantiles": (two, np.quantile(values, PROBABILITIES, axis=1, method="hazen").T),
            "mean_error": (one, np.abs(mean - exact_mean) + apart[0].ravel()),
            "sd_error": (one, np.abs(sd - exact_sd) + apart[1].ravel()),
            "tail_k": (one, tail_k),
        },
        coords={"quantity": list(scalars), "probability": list(PROBABILITIES)},
    )


def _evidence_error(density: LogDensity, table: Table, importance: float) -> float:
    """Distance to smaller rules and to importance sampling: none is reliable alone."""
    smaller = [k for k in (len(table.rule.nodes) - 1, len(table.rule.nodes) - 2) if k > 0]
    others = [tabulate(density, table.centre, table.root, k).log_evidence for k in smaller]
    return float(max(abs(other - table.log_evidence) for other in (*others, importance)))


def _warn_when_missed(table: Table, share: float) -> None:
    if len(table.rule.nodes) > 1 and share < LEAST_SHARE:
        warnings.warn(
            f"{len(table.rule.nodes)} nodes a side have missed much of the posterior: of the "
            f"points that they describe, reweighting leaves {share:.2g} effective. Use other "
            "points=, or importance or nuts.",
            QuadratureWarning,
            stacklevel=5,
        )


def _places(thetas: np.ndarray) -> np.ndarray:
    """Values (P, G) of each parameter, a little beyond the outermost of the points (S, P)."""
    margin = 0.5 * thetas.std(axis=0)
    return np.linspace(thetas.min(axis=0) - margin, thetas.max(axis=0) + margin, _PLACES, axis=1)
