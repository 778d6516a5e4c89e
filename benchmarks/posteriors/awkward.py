"""Heavy tails, funnels, boundaries and skewness: where a normal distribution fits ill."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from scipy import stats

from .posterior import (
    ClosedForm,
    Marginal,
    Nuts,
    Posterior,
    Quadrature,
    marginal_by_cdf,
    marginal_of,
    row,
)

# Heavy tails.


def student_t_4() -> pm.Model:
    """A t distribution with 5 degrees of freedom in four correlated dimensions."""
    with pm.Model() as model:
        pm.MvStudentT("x", nu=5, mu=np.arange(4.0), scale=_t_scale(), shape=4)
    return model


def _t_scale() -> np.ndarray:
    sds = np.array([0.1, 1.0, 3.0, 10.0])
    return 0.6 ** np.abs(np.subtract.outer(range(4), range(4))) * np.outer(sds, sds)


def student_t_marginals() -> dict[str, Marginal]:
    scales = np.sqrt(np.diag(_t_scale()))
    return {f"x[{k}]": marginal_of(stats.t(5, float(k), s)) for k, s in enumerate(scales)}


def cauchy() -> pm.Model:
    with pm.Model() as model:
        pm.Cauchy("x", 1.0, 2.0)
    return model


def cauchy_marginals() -> dict[str, Marginal]:
    return {"x": Marginal(np.nan, np.nan, stats.cauchy(1.0, 2.0).ppf)}


def mean_lifetime() -> pm.Model:
    """Mean of an exponential distribution, from two deaths: an inverse gamma posterior."""
    with pm.Model() as model:
        mean = pm.InverseGamma("mean", alpha=3.0, beta=2.0)
        pm.Exponential("y", 1 / mean, observed=np.array([0.4, 2.6]))
    return model


def mean_lifetime_marginals() -> dict[str, Marginal]:
    return {"mean": marginal_of(stats.invgamma(5.0, scale=5.0))}


# Funnels and curved ridges.


def funnel(size: int, sd: float) -> pm.Model:
    """Neal's funnel: v ~ N(0, sd), x ~ N(0, exp(v / 2))."""
    with pm.Model() as model:
        v = pm.Normal("v", 0.0, sd)
        pm.Normal("x", 0.0, pm.math.exp(v / 2), shape=size)
    return model


def funnel_marginals(size: int, sd: float) -> dict[str, Marginal]:
    v = np.linspace(-10 * sd, 10 * sd, 20_001)
    weights = stats.norm.pdf(v, 0.0, sd)
    weights /= weights.sum()
    spread = float(np.exp(sd**2 / 4))
    reach = 1e3 * spread
    x = marginal_by_cdf(
        0.0, spread, lambda q: float(weights @ stats.norm.cdf(q * np.exp(-v / 2))), (-reach, reach)
    )
    return {"v": marginal_of(stats.norm(0.0, sd))} | {f"x[{k}]": x for k in range(size)}


def banana() -> pm.Model:
    """A ridge along a parabola: y ~ N(x^2, 0.3)."""
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 1.0)
        pm.Normal("y", x**2, 0.3)
    return model


def banana_marginals() -> dict[str, Marginal]:
    x = np.linspace(-10.0, 10.0, 20_001)
    weights = stats.norm.pdf(x)
    weights /= weights.sum()
    y = marginal_by_cdf(
        1.0,
        float(np.sqrt(2 + 0.3**2)),
        lambda q: float(weights @ stats.norm.cdf((q - x**2) / 0.3)),
        (-5.0, 90.0),
    )
    return {"x": marginal_of(stats.norm()), "y": y}


def _horseshoe_data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(51)
    design = rng.standard_normal((40, 6))
    return design, design @ np.array([1.5, -0.6, 0, 0, 0, 0]) + rng.standard_normal(40)


def horseshoe() -> pm.Model:
    """Six coefficients, two of them not 0, with heavy-tailed local scales (3 d.f.)."""
    design, y = _horseshoe_data()
    with pm.Model() as model:
        x = pm.Data("x", design)
        tau = pm.HalfNormal("tau", 0.5)
        local = pm.HalfStudentT("local", nu=3, sigma=1.0, shape=6)
        z = pm.Normal("z", 0.0, 1.0, shape=6)
        b = pm.Deterministic("b", z * local * tau)
        sigma = pm.HalfNormal("sigma", 2.0)
        pm.Normal("y", x @ b, sigma, observed=y)
    return model


def horseshoe_whitened() -> pm.Model:
    """The same posterior with z integrated out, and drawn given the scales, where NUTS is at ease.

    Given the scales z is normal with precision W = I + S X'X S / sigma^2, S = diag(local tau), and
    mean W^-1 S X'y / sigma^2; a free standard normal ``e`` places it.
    """
    design, y = _horseshoe_data()
    with pm.Model() as model:
        tau = pm.HalfNormal("tau", 0.5)
        local = pm.HalfStudentT("local", nu=3, sigma=1.0, shape=6)
        sigma = pm.HalfNormal("sigma", 2.0)
        e = pm.Normal("e", 0.0, 1.0, shape=6)
        scale = local * tau
        gram = pm.Data("gram", design.T @ design) * scale[:, None] * scale / sigma**2
        factor = pt.linalg.cholesky(pt.eye(6) + gram)
        half = pt.linalg.solve_triangular(factor, scale * (design.T @ y) / sigma**2, lower=True)
        misfit = y @ y / sigma**2 - pt.sum(half**2)
        log_determinant = 2 * pt.sum(pt.log(pt.diag(factor)))
        pm.Potential("y", -y.size * pt.log(sigma) - 0.5 * (log_determinant + misfit))
        z = pm.Deterministic("z", pt.linalg.solve_triangular(factor.T, half + e, lower=False))
        pm.Deterministic("b", z * scale)
    return model


# Boundaries and skewness.


def variance_near_zero() -> pm.Model:
    """Ten group means more alike than their errors allow: tau piles up at 0."""
    errors = np.linspace(0.4, 0.8, 10)
    means = errors * np.array([-0.5, 0.6, -0.2, 0.1, 0.4, -0.7, 0.3, -0.3, 0.5, -0.1])
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.0, 2.0)
        tau = pm.HalfNormal("tau", 1.0)
        pm.Normal("y", mu, pm.math.sqrt(tau**2 + errors**2), observed=means)
    return model


def share_near_zero() -> pm.Model:
    """None of 30, uniform prior."""
    with pm.Model() as model:
        p = pm.Uniform("p", 0.0, 1.0)
        pm.Binomial("y", n=30, p=p, observed=0)
    return model


def share_near_zero_marginals() -> dict[str, Marginal]:
    return {"p": marginal_of(stats.beta(1, 31))}


def shares() -> pm.Model:
    """0, 1, 60 and 199 of 200, uniform priors."""
    with pm.Model() as model:
        p = pm.Beta("p", 1.0, 1.0, shape=4)
        pm.Binomial("y", n=200, p=p, observed=np.array([0, 1, 60, 199]))
    return model


def shares_marginals() -> dict[str, Marginal]:
    counts = (0, 1, 60, 199)
    return {f"p[{k}]": marginal_of(stats.beta(1 + y, 201 - y)) for k, y in enumerate(counts)}


def rates() -> pm.Model:
    """Poisson rates from counts of 0, 2, 12 and 150, gamma priors."""
    with pm.Model() as model:
        rate = pm.Gamma("rate", 1.0, 0.05, shape=4)
        pm.Poisson("y", rate, observed=np.array([0, 2, 12, 150]))
    return model


def rates_marginals() -> dict[str, Marginal]:
    counts = (0, 2, 12, 150)
    gammas = [stats.gamma(1.0 + y, scale=1 / 1.05) for y in counts]
    return {f"rate[{k}]": marginal_of(gamma) for k, gamma in enumerate(gammas)}


def cut_off() -> pm.Model:
    """A normal distribution two sds below the boundary at 0 that cuts it off."""
    with pm.Model() as model:
        pm.TruncatedNormal("x", -2.0, 1.0, lower=0.0, initval=0.5)
    return model


def cut_off_marginals() -> dict[str, Marginal]:
    return {"x": marginal_of(stats.truncnorm(2.0, np.inf, -2.0, 1.0))}


_HORSESHOE = ("tau", "sigma", *(f"{v}[{k}]" for v in ("local", "z", "b") for k in range(6)))

AWKWARD = (
    row(student_t_4, "heavy tails", "t with 5 degrees of freedom, 4 dimensions",
        ClosedForm(student_t_marginals)),
    row(cauchy, "heavy tails", "no mean at all", ClosedForm(cauchy_marginals),
        without_mean=("x",)),
    row(mean_lifetime, "heavy tails", "inverse gamma, two deaths",
        ClosedForm(mean_lifetime_marginals)),
    Posterior("funnel_3", lambda: funnel(2, 1.0), "funnel", "v ~ N(0, 1), two x ~ N(0, exp(v/2))",
              ClosedForm(lambda: funnel_marginals(2, 1.0))),
    Posterior("funnel_10", lambda: funnel(9, 3.0), "funnel", "Neal's: v ~ N(0, 3), nine x",
              ClosedForm(lambda: funnel_marginals(9, 3.0)), only=("v", "x[0]", "x[1]")),
    row(banana, "funnel", "a ridge along a parabola", ClosedForm(banana_marginals)),
    row(horseshoe, "funnel", "6 coefficients with heavy-tailed local scales",
        Nuts(horseshoe_whitened, target_accept=0.95), only=_HORSESHOE),
    row(variance_near_zero, "boundary", "between-group sd piles up at 0",
        Quadrature(((-4.0, 4.0), (-25.0, 3.0)), (401, 4001))),
    row(share_near_zero, "boundary", "0 of 30", ClosedForm(share_near_zero_marginals)),
    row(shares, "boundary", "0, 1, 60 and 199 of 200", ClosedForm(shares_marginals)),
    row(cut_off, "boundary", "a normal cut off at 0", ClosedForm(cut_off_marginals)),
    row(rates, "skewed", "Poisson rates: counts of 0, 2, 12, 150",
        ClosedForm(rates_marginals)),
)  # fmt: skip
