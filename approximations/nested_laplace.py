"""Nested Laplace approximation: a latent field integrated out at each point of a few parameters.

Tierney and Kadane (1986), JASA 81; Rue, Martino and Chopin (2009), JRSS B 71; Kristensen, Nielsen,
Berg, Skaug and Bell (2016), J. Stat. Software 70.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from scipy.special import logsumexp

from .arguments import checked_arguments, renamed_arguments
from .density import LogDensity, as_density
from .errors import SmallGroupsWarning
from .meter import Meter
from .method import registered
from .mode.given_start import Start, recorded_start, starting_point
from .nested.checking import check_marginal_gradient, check_precision
from .nested.corrected_mode import corrected_mode, correction_slopes
from .nested.draws import NestedDraws, nested_draws
from .nested.latent_field import latent_field
from .nested.outer_mode import OuterMode, outer_mode
from .nested.outer_nodes import OuterNodes, outer_nodes
from .nested.tails import check_tails
from .nested.unseen import unseen_tail
from .result import Record, assemble, checked_count, draws_that_fit, generator
from .trust_words import warn_of_weights
from .weights.kept import with_weighted_points
from .weights.reflection import reflected
from .weights.smoothing import smoothed_weights, systematic
from .weights.support import Place, checked_logp

# Nodes per latent scalar for checking Laplace's approximation of small groups, and the smallest
# shift of an outer parameter, in sds, that is reported.
_CHECKING_NODES, _TELL_SHIFT = 5, 0.1


@registered(
    draws="independent",
    is_exact=False,
    needs=("gradient", "hessian", "latent_field"),
    rung=4,
    takes_new_data=True,
    look=("#56B4E9", (3.0, 1.5, 3.0, 4.0), "h"),
)
@renamed_arguments(nodes="nagq")
@checked_arguments
def nested_laplace(
    model: pm.Model | LogDensity | None = None,
    draws: int | None = None,
    *,
    latent: Sequence[str] | None = None,
    start: Start = None,
    random_seed: int | np.random.Generator | None = None,
    points: int | None = None,
    nagq: int = 1,
    skew: bool = False,
    weights: bool = False,
    max_iterations: int = 200,
) -> xr.DataTree:
    """Approximate the posterior of a hierarchical model, integrating its latent field out.

    Given the outer parameters, the latent field is approximated by a normal distribution at its
    mode, found with a sparse Hessian; that gives the outer parameters' density, with an exact
    gradient. Their mode is found, and nodes are placed around it: a Gauss-Hermite product rule for
    up to four outer parameters, a central composite design for up to ten.

    Fixed effects stay outside the latent field unless ``latent`` names them. With them inside, as
    in INLA, more models fit and the search is shorter, but with many small groups there is bias: in
    a logistic model with 10 trials a group, the log of the groups' sd moved by 0.3 of its sd and
    the intercept by 0.6 with 100 groups, by 1.2 and 17 with 100,000.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None.
    draws : int, optional
        Number of independent joint draws S. Default: 4000, or for more than 5000 parameters 20
        million numbers in all (200 draws of 100,000 parameters).
    latent : sequence of str, optional
        Names of the latent variables, n scalars in all. Default: arrays whose prior is normal given
        the other variables, except fixed effects; see `latent_field`.
    start : mapping, (P,) array or "find_MAP", optional
        Where the searches start; see `find_mode`.
    random_seed : int or Generator, optional
    points : int, optional
        Nodes along the axis of each outer parameter, for a product rule.
    nagq : int, default 1
        Quadrature nodes for each latent scalar, where these are independent given the outer
        parameters: 1 is Laplace; it is lme4's ``nAGQ``. Draws of the latent field stay normal.
    skew : bool, default False
        Whether draws of the latent field are reflected to match its skewness; see `skew_laplace`.
    weights : bool, default False
        Whether draws are resampled by Pareto-smoothed importance weights, so that they follow the
        exact posterior if ``pareto_khat`` in ``fit`` is below 0.7. The weighted draws are kept,
        too, as by `importance`.
    max_iterations : int, default 200
        Limit for the search for the mode of the outer parameters.

    Returns
    -------
    DataTree
        ``posterior`` with all variables and deterministics, ``unconstrained_posterior``,
        ``sample_stats`` with ``lp`` and, unless ``weights`` were used, ``log_proposal``, so that lp
        - log_proposal are log importance weights, and ``fit`` with

        - ``mode``, ``mean``, ``sd`` (parameter), unconstrained, including all uncertainty; the mode
        is that of the outer parameters (to a twentieth of an sd, with ``nagq``), and of the latent
        field given them; - ``outer_covariance`` at the mode; - ``nodes`` (node, outer) and
        ``weights`` (node), their shares of the evidence; - ``log_evidence``, its
        ``log_evidence_error`` by a coarser rule on the same nodes, and ``log_evidence_laplace``,
        with the outer parameters approximated as normal; - ``hessian_error``, as in `laplace`; -
        with ``weights``: ``pareto_khat``, ``effective_sample_size``, ``distinct_draws``, and
        ``unseen_tail``, the mass far out along an outer parameter (``unseen_tail_of``) that the
        draws lack.

        With ``weights`` there are ``weighted_posterior``, ``weighted_unconstrained_posterior`` and
        ``weighted_sample_stats``, the draws before they were resampled, too.

    Raises
    ------
    LatentFieldError
        When the variables cannot be split, or ``nagq`` does not suit the model.
    LatentModeError
        When a search for the latent field's mode does not converge.
    ModeAtInfinityError, ModeNotFoundError, CurvatureError
        When the outer parameters have no peak.
    ImproperPosteriorError
        When the marginal density does not fall off along an outer parameter with a flat prior.
    DerivativeError
        When a derivative at the mode disagrees with finite differences.
    QuadratureError
        When the outer density is higher at a node than at the mode.
    MemoryLimitError
        When draws or nodes would not fit in memory.
    NonFiniteDensityError
        When the log density is NaN or plus infinity at a draw where that matters.
    WeightsError
        When all weights are zero, with ``weights``.
    SparsityError
        When the sparsity pattern of the latent precision is wrong.
    StartingPointError, DiscreteVariableError, NoFreeVariableError, ArgumentError

    Warns
    -----
    SmallGroupsWarning
        When five nodes per latent scalar, instead of one, would move an outer parameter by more
        than a tenth of its sd.
    UntrustedWeightsWarning
        When ``weights`` cannot be trusted, with a k-hat of 0.7 or more.
    """
    nagq = checked_count("nagq", nagq)
    points = None if points is None else checked_count("points", points)
    rng = generator(random_seed)
    density = as_density(model)
    draws = draws_that_fit(draws, density)
    meter = Meter(density)
    field = latent_field(density, latent)
    mode = outer_mode(field, starting_point(density, start), max_iterations)
    error = check_precision(mode.conditional)
    check_tails(mode)
    check_marginal_gradient(mode)
    evidence = _laplace_evidence(mode)
    if nagq > 1:
        mode = corrected_mode(mode, nagq)
    elif field.is_independent:
        _warn_of_small_groups(mode)
    around = outer_nodes(mode, points, nagq)
    fit = _fit_dataset(mode, around)
    fit = fit.assign(log_evidence_laplace=evidence, hessian_error=error)
    meter.fitted()

    near = Place(fit["mean"].values, fit["sd"].values)
    drawn = nested_draws(mode.conditional, around, draws, rng, with_mirrored=skew, wide=weights)
    thetas, logp, log_proposal = _skewed(density, near, drawn, rng)
    settings = {"latent": field.names, "draws": draws, "points": points, "nagq": nagq}
    settings |= {
        "start": recorded_start(start),
        "skew": skew,
        "weights": weights,
        "max_iterations": max_iterations,
    }
    record = Record("nested_laplace", settings, random_seed)
    stats = {"lp": logp, "log_proposal": log_proposal}
    point = mode.conditional.theta
    if not weights:
        tree = assemble(density, thetas, fit, record, sample_stats=stats, point=point)
        return meter.written_into(tree)
    quality, chosen, stats["log_weight"] = _weighted(logp - log_proposal, rng)
    missing, where = unseen_tail(mode, thetas, np.exp(stats["log_weight"]))
    quality |= {"unseen_tail": missing, "unseen_tail_of": where}
    _warn_of_weights(quality, draws)
    # The result no longer follows the proposal, so its density is not stored.
    kept = {name: stats[name][chosen] for name in ("lp", "log_weight")}
    fit = fit.assign(quality)
    tree = assemble(density, thetas[chosen], fit, record, sample_stats=kept, point=point)
    stats["pair"] = np.arange(draws)
    return meter.written_into(with_weighted_points(tree, density, thetas, stats, record))


def _laplace_evidence(mode: OuterMode) -> float:
    """Log evidence with the outer parameters approximated as normal, too."""
    constant = len(mode.conditional.outer) * np.log(2 * np.pi)
    return mode.conditional.log_marginal + 0.5 * (constant + mode.gaussian.log_determinant)


def _fit_dataset(mode: OuterMode, around: OuterNodes) -> xr.Dataset:
    field, weights = mode.conditional.field, around.weights
    mean, sd = np.empty(field.density.size), np.empty(field.density.size)
    mean[field.latent] = weights @ around.latent
    spread = around.variances + (around.latent - mean[field.latent]) ** 2
    sd[field.latent] = np.sqrt(weights @ spread)
    mean[field.outer], sd[field.outer] = around.moments()
    one, outer = ("parameter",), list(field.outer_labels)
    return xr.Dataset(
        {
            "mode": (one, mode.conditional.theta),
            "mean": (one, mean),
            "sd": (one, sd),
            "outer_covariance": (("outer", "outer_bis"), mode.gaussian.covariance),
            "nodes": (("node", "outer"), around.outer),
            "weights": ("node", weights),
            "log_evidence": around.log_evidence,
            "log_evidence_error": around.log_evidence_error,
        },
        coords={"parameter": list(field.density.parameters), "outer": outer, "outer_bis": outer},
    )


def _skewed(
    density: LogDensity, near: Place, drawn: NestedDraws, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reflect draws (S, P): new draws, their log density and log proposal."""
    logp = checked_logp(density, near, drawn.thetas)
    if drawn.mirrored is None:
        return drawn.thetas, logp, drawn.log_proposal
    mirrored = checked_logp(density, near, drawn.mirrored)
    thetas, logp, log_factor, _ = reflected(drawn.thetas, drawn.mirrored, logp, mirrored, rng)
    return thetas, logp, drawn.log_proposal + log_factor


def _weighted(
    log_ratios: np.ndarray, rng: np.random.Generator
) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """Smooth weights (S,) and resample by them: quality, indices and log weights."""
    smoothed, pareto_khat = smoothed_weights(log_ratios)
    log_weights = smoothed - logsumexp(smoothed)
    shares = np.exp(log_weights)
    chosen = rng.permutation(systematic(shares, len(shares), rng))
    quality = {
        "pareto_khat": pareto_khat,
        "effective_sample_size": float(1 / np.sum(shares**2)),
        "distinct_draws": len(np.unique(chosen)),
    }
    return quality, chosen, log_weights


def _warn_of_weights(quality: dict[str, float], draws: int) -> None:
    warn_of_weights(
        "The weights of the nested approximation's draws",
        quality["pareto_khat"],
        quality["effective_sample_size"],
        draws,
        "With many latent scalars no weights can be: leave weights=False, try nagq= or skew=True, "
        "or use nuts.",
        stacklevel=5,
    )


def _warn_of_small_groups(mode: OuterMode) -> None:
    """Warn if quadrature of each latent scalar would move the outer parameters.

    In whitened coordinates the curvature at the mode is 1, so the slope of the correction is the
    shift.
    """
    centre, root = mode.conditional, np.linalg.cholesky(mode.gaussian.covariance)
    slopes = correction_slopes(centre, root, _CHECKING_NODES)
    shifts = root @ slopes / np.linalg.norm(root, axis=1)
    worst = int(np.argmax(np.abs(shifts)))
    if abs(shifts[worst]) > _TELL_SHIFT:
        warnings.warn(
            f"The groups are so small that {_CHECKING_NODES} quadrature nodes for each latent "
            f"scalar, instead of Laplace's one, would move "
            f"{centre.field.outer_labels[worst]} by about {shifts[worst]:+.2g} sds. Pass "
            f"nagq={_CHECKING_NODES}.",
            SmallGroupsWarning,
            stacklevel=4,
        )
