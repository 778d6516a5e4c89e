"""Reaction times of sleepless subjects: a line each, intercepts and slopes correlated (LKJ)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pymc as pm

EFFECTS = ("intercept", "slope")
MEAN, SD, CORRELATION, NOISE_SD = (2.5, 0.8), (0.6, 0.4), -0.3, 0.3
"""What the data are simulated with."""
ETA = 2.0
"""Shape parameter of the LKJ prior."""

Factor = tuple[pm.Distribution, pm.Distribution, pm.Distribution]
"""Entries (0, 0), (1, 0) and (1, 1) of the lower Cholesky factor of the lines' covariance."""


@dataclass(frozen=True)
class Reactions:
    """N measurements, each of one subject.

    Attributes
    ----------
    subject : (N,) array of int
    days : (N,) array
        Days of sleep deprivation, scaled to the range from -1 to 1.
    seconds : (N,) array
    """

    subject: np.ndarray
    days: np.ndarray
    seconds: np.ndarray


def simulated_reactions(
    subjects: int = 50, days: int = 10, random_seed: int = 20260101
) -> Reactions:
    """Simulate subjects who are measured on each of ``days`` days."""
    rng = np.random.default_rng(random_seed)
    correlation = np.array([[1.0, CORRELATION], [CORRELATION, 1.0]])
    lines = rng.multivariate_normal(MEAN, correlation * np.outer(SD, SD), size=subjects)
    subject = np.repeat(np.arange(subjects), days)
    x = np.tile(np.linspace(-1.0, 1.0, days), subjects)
    noise = NOISE_SD * rng.standard_normal(x.size)
    return Reactions(subject, x, lines[subject, 0] + lines[subject, 1] * x + noise)


def varying_slopes(
    subjects: int = 50,
    days: int = 10,
    random_seed: int = 20260101,
    *,
    centred: bool = True,
    packed: bool = True,
) -> pm.Model:
    """Linear regression with an intercept and a slope for each subject, and an LKJ(2) prior.

    The study of Belenky et al. (2003), which lme4 calls ``sleepstudy``, is of this kind.

    Parameters
    ----------
    subjects, days : int
        Number of subjects, and number of measurements of each.
    random_seed : int
        Seed of the simulated data.
    centred : bool, default True
        Whether intercepts and slopes themselves are free variables. Their joint density then
        grows without bound as their covariance becomes singular, so `laplace` may find no mode.
        With False the free variables are standard normal, and the lines are computed from them.
    packed : bool, default True
        Whether the free variable is ``factor``, the packed Cholesky factor that
        `pymc.LKJCholeskyCov` makes. With False the same prior is built by hand from free ``sd`` and
        ``correlation``: PyMC's own density overflows to plus infinity where the correlation rounds
        to 1, and takes seconds to differentiate twice.

    Returns
    -------
    pymc.Model
        With ``mean`` (effect) ~ N(0, 5), ``sd`` (effect) ~ HalfNormal(1), ``correlation`` of
        intercepts and slopes ~ LKJ(2), ``noise_sd`` ~ HalfNormal(1), and ``intercept`` and
        ``slope`` (subject).
    """
    data = simulated_reactions(subjects, days, random_seed)
    coords = {
        "subject": range(subjects),
        "effect": EFFECTS,
        "entry": ("intercept", "covariance", "slope"),
        "measurement": range(len(data.days)),
    }
    with pm.Model(coords=coords) as model:
        mean = pm.Normal("mean", 0.0, 5.0, dims="effect")
        factor = _packed_factor() if packed else _written_factor()
        noise_sd = pm.HalfNormal("noise_sd", 1.0)
        lines = _centred_lines if centred else _lines_of_standard_normals
        intercept, slope = lines(mean, factor)
        subject = pm.Data("subject_of_measurement", data.subject, dims="measurement")
        x = pm.Data("days", data.days, dims="measurement")
        expected = intercept[subject] + slope[subject] * x
        pm.Normal("seconds", expected, noise_sd, observed=data.seconds, dims="measurement")
    return model


def _packed_factor() -> Factor:
    packed = pm.LKJCholeskyCov(
        "factor",
        eta=ETA,
        n=2,
        sd_dist=pm.HalfNormal.dist(1.0, shape=2),
        compute_corr=False,
        dims="entry",
    )
    slope_sd = pm.math.sqrt(packed[1] ** 2 + packed[2] ** 2)
    pm.Deterministic("sd", pm.math.stack([packed[0], slope_sd]), dims="effect")
    pm.Deterministic("correlation", packed[1] / slope_sd)
    return packed[0], packed[1], packed[2]


def _written_factor() -> Factor:
    """Of two correlated variables, LKJ(eta) is a beta distribution on the range from -1 to 1."""
    sd = pm.HalfNormal("sd", 1.0, dims="effect")
    half = pm.Beta("half_correlation", ETA, ETA)
    correlation = pm.Deterministic("correlation", 2 * half - 1)
    # 1 - correlation^2, without the cancellation near its ends.
    independent = 2 * pm.math.sqrt(half * (1 - half))
    return sd[0], sd[1] * correlation, sd[1] * independent


def _centred_lines(
    mean: pm.Distribution, factor: Factor
) -> tuple[pm.Distribution, pm.Distribution]:
    """Draw intercepts, then slopes given them: as `pymc.MvNormal`, but without a matrix to solve.

    PyTensor would solve subject by subject, and rewriting the second derivatives of that can
    exhaust memory.
    """
    intercept = pm.Normal("intercept", mean[0], factor[0], dims="subject")
    given = mean[1] + factor[1] / factor[0] * (intercept - mean[0])
    return intercept, pm.Normal("slope", given, factor[2], dims="subject")


def _lines_of_standard_normals(
    mean: pm.Distribution, factor: Factor
) -> tuple[pm.Distribution, pm.Distribution]:
    z = pm.Normal("z", 0.0, 1.0, dims=("effect", "subject"))
    intercept = pm.Deterministic("intercept", mean[0] + factor[0] * z[0], dims="subject")
    deviation = factor[1] * z[0] + factor[2] * z[1]
    return intercept, pm.Deterministic("slope", mean[1] + deviation, dims="subject")
