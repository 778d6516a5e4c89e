"""The textbook's posteriors, from tripos' own catalogue."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy import stats
from scipy.special import gammaln

from tripos.models import bioassay, globe, windshield
from tripos.models.windshield import LINES

from .posterior import ClosedForm, Marginal, Posterior, Quadrature, marginal_of, row


def windshield_marginals() -> dict[str, Marginal]:
    """The t distribution of mu, and sigma by the chi-square distribution (BDA3 section 3.2)."""
    y = np.array(LINES[1])
    freedom, s = y.size - 1, y.std(ddof=1)
    mu = stats.t(freedom, y.mean(), s / np.sqrt(y.size))
    variance = stats.invgamma(freedom / 2, scale=freedom * s**2 / 2)
    log_chi2 = stats.loggamma(freedom / 2)  # log of a chi-square variable over 2
    centre = 0.5 * np.log(freedom * s**2 / 2)
    mean_sigma = np.sqrt(freedom / 2) * s * np.exp(_log_gamma_ratio(freedom))
    return {
        "mu": marginal_of(mu),
        "log_sigma": Marginal(
            float(centre - 0.5 * log_chi2.mean()),
            float(0.5 * log_chi2.std()),
            lambda p: 0.5 * np.log(variance.ppf(p)),
        ),
        "sigma": Marginal(
            float(mean_sigma),
            float(np.sqrt(variance.mean() - mean_sigma**2)),
            lambda p: np.sqrt(variance.ppf(p)),
        ),
    }


def _log_gamma_ratio(freedom: int) -> float:
    return float(gammaln((freedom - 1) / 2) - gammaln(freedom / 2))


def globe_marginals() -> dict[str, Marginal]:
    """Beta(7, 4)."""
    return {"p": marginal_of(stats.beta(7, 4))}


TEXTBOOK = (
    row(bioassay, "textbook", "logistic, flat prior, four doses; ld50 has no mean",
        Quadrature(((-14.0, 26.0), (-15.0, 135.0)), (1001, 2501)), without_mean=("ld50",)),
    Posterior("bioassay_normal", partial(bioassay, "normal"), "textbook",
              "logistic, normal prior, four doses; ld50 has no mean",
              Quadrature(((-9.0, 11.0), (-35.0, 70.0)), (801, 1601)), without_mean=("ld50",)),
    row(windshield, "textbook", "normal data, mean and log sd unknown, n = 9",
        ClosedForm(windshield_marginals)),
    row(globe, "textbook", "binomial, 6 of 9, uniform prior", ClosedForm(globe_marginals)),
)  # fmt: skip
