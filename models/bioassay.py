"""The bioassay of Racine et al. (1986): how a chemical's dose kills animals, four doses of five."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import pymc as pm
from pymc.distributions.transforms import log as log_transform

Prior = Literal["flat", "weak", "normal", "normal_variance", "correlated"]
Slope = Literal["natural", "log"]

LOG_DOSES = (-0.86, -0.30, -0.05, 0.73)
ANIMALS = (5, 5, 5, 5)
DEATHS = (0, 1, 3, 5)

# Location and standard deviation of (alpha, beta).
_NORMAL_PRIORS = {
    "weak": ((0.0, 100.0), (0.0, 100.0)),
    "normal": ((0.0, 4.0), (10.0, 10.0)),
    "normal_variance": ((0.0, 2.0), (10.0, np.sqrt(10.0))),
    "correlated": ((0.0, 2.0), (10.0, 10.0)),
}
_CORRELATION = 0.5


def bioassay(
    prior: Prior = "flat",
    slope: Slope = "natural",
    *,
    log_doses: Sequence[float] = LOG_DOSES,
    animals: Sequence[int] = ANIMALS,
    deaths: Sequence[int] = DEATHS,
) -> pm.Model:
    """Logistic regression of deaths on log dose: logit(p) = alpha + beta * dose.

    Parameters
    ----------
    prior : {"flat", "weak", "normal", "normal_variance", "correlated"}
        ``"flat"`` on (alpha, beta), as in the book's section 3.7; ``"weak"``, normal with sd 100;
        ``"normal"``, alpha ~ N(0, sd 4) and beta ~ N(10, sd 10); ``"normal_variance"``, the same
        numbers read as variances; ``"correlated"``, the bivariate normal of exercise 3.11, sds 2
        and 10, means 0 and 10, correlation 0.5.
    slope : {"natural", "log"}
        Whether the unconstrained coordinate is beta or log beta. With ``"log"`` the prior is the
        same density of beta, truncated to beta > 0, and the change of coordinates adds its Jacobian
        term.
    log_doses : sequence of float
        Log of dose in g/ml.
    animals, deaths : sequence of int
        Number of animals given each dose, and number of deaths.

    Returns
    -------
    pymc.Model
        With ``alpha``, ``beta``, and ``ld50`` = -alpha / beta, the log dose that kills half.

    Raises
    ------
    ValueError
        When ``prior`` or ``slope`` is not one of those listed.
    """
    for name, value, known in (("prior", prior, Prior), ("slope", slope, Slope)):
        if value not in get_args(known):
            raise ValueError(f"{name} must be one of {get_args(known)}, but {value!r} was given.")
    # The initial point of a flat prior, 0, has no logarithm.
    on_log_scale = {"transform": log_transform, "initval": 1.0} if slope == "log" else {}
    with pm.Model(coords={"dose": [f"{x:+.2f}" for x in log_doses]}) as model:
        log_dose = pm.Data("log_dose", np.asarray(log_doses, dtype=float), dims="dose")
        group = pm.Data("animals", np.asarray(animals), dims="dose")
        if prior == "flat":
            alpha, beta = pm.Flat("alpha"), pm.Flat("beta", **on_log_scale)
        else:
            (mean_alpha, sd_alpha), (mean_beta, sd_beta) = _NORMAL_PRIORS[prior]
            alpha = pm.Normal("alpha", mean_alpha, sd_alpha)
            if prior == "correlated":
                mean_beta = mean_beta + _CORRELATION * sd_beta / sd_alpha * (alpha - mean_alpha)
                sd_beta = sd_beta * np.sqrt(1 - _CORRELATION**2)
            beta = pm.Normal("beta", mean_beta, sd_beta, **on_log_scale)
        pm.Binomial(
            "deaths", n=group, logit_p=alpha + beta * log_dose, observed=deaths, dims="dose"
        )
        pm.Deterministic("ld50", -alpha / beta)
    return model
