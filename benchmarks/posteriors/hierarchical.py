"""Groups partially pooled, centred and not.

A centred density with a free scale has no finite maximum (the scale goes to 0 and all groups to the
mean), however little mass lies there; where the data are strong a local maximum exists besides.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pymc as pm

from tripos.models import eight_schools
from tripos.models.eight_schools import EFFECTS, SCHOOLS, STANDARD_ERRORS

from .datasets import columns
from .posterior import Nuts, Posterior, Quadrature, row


def _groups(name: str, mean: object, sd: object, size: int, *, centred: bool) -> object:
    """Group effects N(mean, sd), free themselves or as standard normals ``z``."""
    if centred:
        return pm.Normal(name, mean, sd, shape=size)
    z = pm.Normal("z", 0.0, 1.0, shape=size)
    return pm.Deterministic(name, mean + sd * z)


def eight_schools_marginal() -> pm.Model:
    """Eight schools with theta integrated out by hand: mu and tau remain."""
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.0, 5.0)
        tau = pm.HalfCauchy("tau", 5.0)
        sd = pm.math.sqrt(tau**2 + np.array(STANDARD_ERRORS) ** 2)
        pm.Normal("effect", mu, sd, observed=EFFECTS)
    return model


def radon(*, centred: bool) -> pm.Model:
    """Simulated log radon: 15 counties of 2 to 16 houses, one predictor."""
    rng = np.random.default_rng(31)
    county = np.repeat(np.arange(15), np.arange(2, 17))
    floor = rng.integers(0, 2, county.size)
    effects = 1.5 + 0.35 * rng.standard_normal(15)
    y = effects[county] - 0.6 * floor + 0.75 * rng.standard_normal(county.size)
    with pm.Model() as model:
        x = pm.Data("x", floor.astype(float))
        mu = pm.Normal("mu", 0.0, 3.0)
        tau = pm.HalfNormal("tau", 1.0)
        slope = pm.Normal("slope", 0.0, 2.0)
        sigma = pm.HalfNormal("sigma", 1.0)
        a = _groups("a", mu, tau, 15, centred=centred)
        pm.Normal("y", a[county] + slope * x, sigma, observed=y)
    return model


def grouped_logistic(*, centred: bool) -> pm.Model:
    """Simulated shares of 10 groups, 12 trials each; half-normal scale."""
    rng = np.random.default_rng(32)
    logits = -0.5 + 0.8 * rng.standard_normal(10)
    successes = rng.binomial(12, 1 / (1 + np.exp(-logits)))
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.0, 2.0)
        tau = pm.HalfNormal("tau", 1.0)
        a = _groups("a", mu, tau, 10, centred=centred)
        pm.Binomial("y", n=12, logit_p=a, observed=successes)
    return model


def grouped_poisson(*, centred: bool) -> pm.Model:
    """Simulated counts of 8 groups around 15: the data are strong, the scale stays away from 0."""
    rng = np.random.default_rng(33)
    counts = rng.poisson(np.exp(2.7 + 0.7 * rng.standard_normal(8)))
    with pm.Model() as model:
        mu = pm.Normal("mu", 2.0, 2.0)
        tau = pm.LogNormal("tau", -0.5, 0.7)
        a = _groups("a", mu, tau, 8, centred=centred)
        pm.Poisson("y", pm.math.exp(a), observed=counts)
    return model


def grunfeld(*, centred: bool) -> pm.Model:
    """Log investment of 11 firms in 20 years, on log value and log capital."""
    invest, value, capital = np.log(columns("grunfeld", "invest", "value", "capital")).T
    firm = np.repeat(np.arange(11), 20)
    with pm.Model() as model:
        x = pm.Data("x", np.column_stack([value - value.mean(), capital - capital.mean()]))
        mu = pm.Normal("mu", 3.0, 2.0)
        tau = pm.LogNormal("tau", -0.5, 0.7)
        b = pm.Normal("b", 0.0, 1.0, shape=2)
        sigma = pm.HalfNormal("sigma", 1.0)
        a = _groups("a", mu, tau, 11, centred=centred)
        pm.Normal("y", a[firm] + x @ b, sigma, observed=invest)
    return model


def _labels(name: str, size: int) -> tuple[str, ...]:
    return tuple(f"{name}[{k}]" for k in range(size))


def _row(
    build: Callable[..., pm.Model], description: str, recipe: Nuts, *, centred: bool, **more: object
) -> Posterior:
    name = build.__name__ + ("_centred" if centred else "")
    model = partial(build, centred=centred)
    return Posterior(name, model, "hierarchical", description, recipe, **more)


def _other(build: Callable[..., pm.Model]) -> Nuts:
    """Sample the non-centred coordinates of the same posterior."""
    return Nuts(partial(build, centred=False), target_accept=0.95)


HIERARCHICAL = (
    _row(eight_schools, "non-centred, 8 schools", Nuts(target_accept=0.98), centred=False),
    _row(eight_schools, "centred: no finite mode", Nuts(eight_schools, target_accept=0.98),
         centred=True, only=("mu", "tau", *(f"theta[{school}]" for school in SCHOOLS))),
    row(eight_schools_marginal, "hierarchical", "theta integrated out: mu and tau",
        Quadrature(((-32.0, 38.0), (-22.0, 9.0)), (701, 3001))),
    _row(radon, "non-centred, 15 simulated counties", _other(radon), centred=False,
         only=("mu", "tau", "slope", "sigma", *_labels("z", 5), *_labels("a", 8))),
    _row(radon, "centred, 15 simulated counties", _other(radon), centred=True,
         only=("mu", "tau", "slope", "sigma", *_labels("a", 15))),
    _row(grouped_logistic, "non-centred, 10 shares of 12 trials", _other(grouped_logistic),
         centred=False, only=("mu", "tau", *_labels("z", 8), *_labels("a", 10))),
    _row(grouped_logistic, "centred, 10 shares of 12 trials", _other(grouped_logistic),
         centred=True, only=("mu", "tau", *_labels("a", 10))),
    _row(grouped_poisson, "centred, 8 counts, lognormal scale", Nuts(target_accept=0.95),
         centred=True),
    _row(grunfeld, "centred, 11 firms in 20 years, lognormal scale", Nuts(target_accept=0.95),
         centred=True),
)  # fmt: skip
