"""Posteriors with two modes, whose masses and distances are known exactly."""

from __future__ import annotations

from functools import partial

import numpy as np
import pymc as pm
from scipy import stats

from .posterior import ClosedForm, Marginal, Posterior, Quadrature, marginal_by_cdf, row

# Direction in which the two modes of a mixture in five dimensions lie, of length 1.
_DIRECTION = np.array([0.7, 0.5, -0.3, 0.4, 0.1])
_DIRECTION = _DIRECTION / np.linalg.norm(_DIRECTION)


def mixture_marginal(share: float, means: tuple[float, float], sd: float) -> Marginal:
    """Distribution of ``share`` N(means[0], sd) + (1 - share) N(means[1], sd)."""
    weights, centres = np.array([share, 1 - share]), np.array(means)
    mean = float(weights @ centres)
    variance = sd**2 + float(weights @ (centres - mean) ** 2)
    bracket = (min(means) - 12 * sd, max(means) + 12 * sd)
    return marginal_by_cdf(
        mean,
        float(np.sqrt(variance)),
        lambda x: float(weights @ stats.norm.cdf((x - centres) / sd)),
        bracket,
    )


def mixture_1d(share: float, distance: float) -> pm.Model:
    """Two normals with sd 1, ``distance`` apart."""
    with pm.Model() as model:
        ends = np.array([-distance / 2, distance / 2])
        pm.NormalMixture("x", np.array([share, 1 - share]), ends, 1.0)
    return model


def mixture_1d_marginals(share: float, distance: float) -> dict[str, Marginal]:
    return {"x": mixture_marginal(share, (-distance / 2, distance / 2), 1.0)}


def mixture_5d(share: float, distance: float) -> pm.Model:
    """Two spherical normals in five dimensions."""
    shift = distance / 2 * _DIRECTION
    with pm.Model() as model:
        x = pm.Flat("x", shape=5)
        peaks = [
            np.log(weight) - 0.5 * pm.math.sum((x - sign * shift) ** 2)
            for weight, sign in ((share, -1), (1 - share, 1))
        ]
        pm.Potential("mixture", pm.math.logaddexp(*peaks))
    return model


def mixture_5d_marginals(share: float, distance: float) -> dict[str, Marginal]:
    shift = distance / 2 * _DIRECTION
    return {f"x[{k}]": mixture_marginal(share, (-s, s), 1.0) for k, s in enumerate(shift)}


def unordered_means() -> pm.Model:
    """Two groups of unknown mean, no order imposed: each mean has two modes."""
    rng = np.random.default_rng(41)
    y = np.concatenate([rng.normal(-1.5, 1.0, 15), rng.normal(1.5, 1.0, 15)])
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.0, 3.0, shape=2, initval=np.array([-1.0, 1.0]))
        pm.NormalMixture("y", np.array([0.5, 0.5]), mu, 1.0, observed=y)
    return model


def robust_location() -> pm.Model:
    """Cauchy noise, five observations in two camps."""
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.0, 10.0)
        pm.Cauchy("y", mu, 0.5, observed=np.array([-1.9, -1.6, -1.2, 2.4, 2.7]))
    return model


def _mixture(name: str, share: float, distance: float, *, five: bool) -> Posterior:
    build, marginals = (
        (mixture_5d, mixture_5d_marginals) if five else (mixture_1d, mixture_1d_marginals)
    )
    return Posterior(
        name,
        partial(build, share, distance),
        "two modes",
        f"two normals, {distance:g} sds apart, {share:.0%} in the one",
        ClosedForm(partial(marginals, share, distance)),
        unimodal=distance <= 2,
    )


TWO_MODES = (
    _mixture("mixture_1d_equal_far", 0.5, 8.0, five=False),
    _mixture("mixture_1d_unequal_far", 0.8, 8.0, five=False),
    _mixture("mixture_1d_near", 0.7, 3.0, five=False),
    _mixture("mixture_1d_shoulder", 0.75, 2.0, five=False),
    _mixture("mixture_5d_equal_far", 0.5, 8.0, five=True),
    _mixture("mixture_5d_unequal_far", 0.9, 10.0, five=True),
    _mixture("mixture_5d_near", 0.7, 3.5, five=True),
    row(unordered_means, "two modes", "mixture of two normals, labels free to switch",
        Quadrature(((-6.0, 6.0), (-6.0, 6.0)), (1201, 1201)), unimodal=False),
    row(robust_location, "two modes", "location under Cauchy noise, observations in two camps",
        Quadrature(((-60.0, 60.0),), (200_001,)), unimodal=False),
)  # fmt: skip
