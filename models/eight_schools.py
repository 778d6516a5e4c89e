"""Eight schools: effects of coaching on test scores, partially pooled (Rubin 1981)."""

from __future__ import annotations

import pymc as pm

SCHOOLS = (
    "Choate", "Deerfield", "Phillips Andover", "Phillips Exeter",
    "Hotchkiss", "Lawrenceville", "St. Paul's", "Mt. Hermon",
)  # fmt: skip
EFFECTS = (28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0)
STANDARD_ERRORS = (15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0)


def eight_schools(centred: bool = False) -> pm.Model:
    """Normal effects theta ~ N(mu, tau), with mu ~ N(0, 5) and tau ~ HalfCauchy(5).

    Parameters
    ----------
    centred : bool, default False
        Whether theta itself is the free variable. Its joint density then grows without bound as
        tau goes to 0, so it has no mode; with False the free variable is (theta - mu) / tau.

    Returns
    -------
    pymc.Model
        With ``mu``, ``tau`` and ``theta`` (school), points on the test.
    """
    with pm.Model(coords={"school": SCHOOLS}) as model:
        mu = pm.Normal("mu", 0.0, 5.0)
        tau = pm.HalfCauchy("tau", 5.0)
        if centred:
            theta = pm.Normal("theta", mu, tau, dims="school")
        else:
            eta = pm.Normal("eta", 0.0, 1.0, dims="school")
            theta = pm.Deterministic("theta", mu + tau * eta, dims="school")
        pm.Normal("effect", theta, STANDARD_ERRORS, observed=EFFECTS, dims="school")
    return model
