"""Distributions of vectors, matrices and series, mixtures, and what is made of other parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from .scalars import OBSERVATIONS, SEED


def rng() -> np.random.Generator:
    return np.random.default_rng(SEED)


def normals(*shape: int) -> np.ndarray:
    return rng().normal(size=shape)


def categorical() -> None:
    pm.Categorical(
        "y", p=pm.Dirichlet("p", np.ones(3)), observed=rng().integers(0, 3, OBSERVATIONS)
    )


def dirichlet() -> None:
    data = rng().dirichlet([2.0, 3.0, 4.0], OBSERVATIONS)
    pm.Dirichlet("y", a=pm.Gamma("a", 4, 1, shape=3), observed=data)


def dirichlet_multinomial() -> None:
    data = rng().multinomial(12, [0.2, 0.3, 0.5], OBSERVATIONS)
    pm.DirichletMultinomial("y", n=12, a=pm.Gamma("a", 4, 1, shape=3), observed=data)


def multinomial() -> None:
    data = rng().multinomial(12, [0.2, 0.3, 0.5], OBSERVATIONS)
    pm.Multinomial("y", n=12, p=pm.Dirichlet("p", np.ones(3)), observed=data)


def cutpoints() -> Any:
    ordered = pm.distributions.transforms.ordered
    return pm.Normal("c", 0, 2, shape=3, transform=ordered, initval=[-1.0, 0.0, 1.0])


def ordered_logistic() -> None:
    data = rng().integers(0, 4, OBSERVATIONS)
    eta = pm.Normal("b") * normals(OBSERVATIONS)
    pm.OrderedLogistic("y", eta=eta, cutpoints=cutpoints(), observed=data)


def ordered_probit() -> None:
    data = rng().integers(0, 4, OBSERVATIONS)
    eta = pm.Normal("b") * normals(OBSERVATIONS)
    pm.OrderedProbit("y", eta=eta, cutpoints=cutpoints(), observed=data)


def ordered_multinomial() -> None:
    data = rng().multinomial(12, [0.2, 0.3, 0.3, 0.2], OBSERVATIONS)
    pm.OrderedMultinomial("y", eta=pm.Normal("b"), cutpoints=cutpoints(), n=12, observed=data)


def mvnormal_lkj() -> None:
    factor, _, _ = pm.LKJCholeskyCov("L", n=2, eta=2, sd_dist=pm.HalfNormal.dist(1))
    pm.MvNormal("y", pm.Normal("mu", shape=2), chol=factor, observed=normals(OBSERVATIONS, 2))


def mvnormal_cov() -> None:
    rho = pm.Uniform("rho", -1, 1)
    cov = pt.stacklists([[1.0, rho], [rho, 1.0]])
    pm.MvNormal("y", pm.Normal("mu", shape=2), cov=cov, observed=normals(OBSERVATIONS, 2))


def mvnormal_lkjcorr() -> None:
    corr = pm.LKJCorr("R", n=3, eta=2)
    pm.MvNormal("y", np.zeros(3), cov=corr, observed=normals(OBSERVATIONS, 3))


def mvstudent() -> None:
    sd = pm.HalfNormal("sd", 1, shape=2)
    mu = pm.Normal("mu", shape=2)
    pm.MvStudentT("y", nu=pm.Gamma("nu", 4, 1), mu=mu, scale=pt.diag(sd**2),
                  observed=normals(OBSERVATIONS, 2))  # fmt: skip


def matrix_normal() -> None:
    sd = pm.HalfNormal("sd", 1, shape=3)
    pm.MatrixNormal("y", mu=np.zeros((4, 3)), rowcov=np.eye(4), colcov=pt.diag(sd**2),
                    observed=normals(4, 3))  # fmt: skip


def kronecker_normal() -> None:
    sd = pm.HalfNormal("sd", 1)
    covs = [np.eye(2) * 1.5, pt.exp(-np.abs(np.subtract.outer(np.arange(3), np.arange(3))) / sd)]
    pm.KroneckerNormal("y", mu=np.zeros(6), covs=covs, sigma=pm.HalfNormal("noise", 1),
                       observed=normals(6))  # fmt: skip


def neighbours() -> np.ndarray:
    return np.diag(np.ones(OBSERVATIONS - 1), 1) + np.diag(np.ones(OBSERVATIONS - 1), -1)


def car() -> None:
    pm.CAR("y", mu=pm.Normal("mu") * np.ones(OBSERVATIONS), W=neighbours(),
           alpha=pm.Beta("alpha", 2, 2), tau=pm.Gamma("tau", 2, 2),
           observed=normals(OBSERVATIONS))  # fmt: skip


def icar() -> None:
    field = pm.ICAR("field", W=neighbours())
    pm.Normal("y", field, pm.HalfNormal("sd", 1), observed=normals(OBSERVATIONS))


def zero_sum() -> None:
    effects = pm.ZeroSumNormal("effects", sigma=pm.HalfNormal("sd", 1), shape=OBSERVATIONS)
    pm.Normal("y", effects, 1.0, observed=normals(OBSERVATIONS))


def stick_breaking() -> None:
    weights = pm.StickBreakingWeights("w", alpha=2.0, K=4)
    mu = np.arange(5) - 2.0
    pm.NormalMixture("y", w=weights, mu=mu, sigma=1.0, observed=normals(OBSERVATIONS))


def wishart() -> None:
    data = normals(OBSERVATIONS, 2)
    scatter = data.T @ data
    scale = pm.HalfNormal("scale", 1)
    pm.Wishart("y", nu=float(OBSERVATIONS), V=scale * np.eye(2), observed=scatter)


def wishart_bartlett() -> None:
    precision = pm.WishartBartlett("P", np.eye(2), nu=4, is_cholesky=False)
    pm.MvNormal("y", np.zeros(2), tau=precision, observed=normals(OBSERVATIONS, 2))


def normal_mixture() -> None:
    data = np.r_[normals(10) - 2, normals(10) + 2]
    pm.NormalMixture("y", w=pm.Dirichlet("w", np.ones(2)), sigma=pm.HalfNormal("s", 1),
                     mu=pm.Normal("mu", [-2.0, 2.0], 1.0), observed=data)  # fmt: skip


def mixture(parts: Callable[[], list[Any]], data: np.ndarray) -> None:
    pm.Mixture("y", w=pm.Dirichlet("w", np.ones(2)), comp_dists=parts(), observed=data)


def gamma_mixture() -> None:
    data = rng().gamma(2, 1, OBSERVATIONS)
    mixture(
        lambda: [pm.Gamma.dist(pm.Gamma("a", 4, 2), 1), pm.LogNormal.dist(pm.Normal("m"), 1)], data
    )


def truncated_gamma_mixture() -> None:
    data = np.clip(rng().gamma(2, 1, OBSERVATIONS), 0, 4)

    def parts() -> list[Any]:
        gamma = pm.Gamma.dist(pm.Gamma("a", 4, 2), 1)
        return [pm.Truncated.dist(gamma, upper=5), pm.Exponential.dist(pm.Gamma("lam", 4, 4))]

    mixture(parts, data)


def poisson_mixture() -> None:
    data = rng().poisson(3, OBSERVATIONS)
    mixture(
        lambda: [pm.Poisson.dist(pm.Gamma("a", 4, 2)), pm.NegativeBinomial.dist(mu=5, alpha=2)],
        data,
    )


def autoregression() -> None:
    pm.AR("y", rho=pm.Normal("rho", 0, 0.5, shape=3), sigma=pm.HalfNormal("s", 1), constant=True,
          init_dist=pm.Normal.dist(0, 2), observed=normals(OBSERVATIONS))  # fmt: skip


def random_walk() -> None:
    pm.GaussianRandomWalk("y", mu=pm.Normal("mu"), sigma=pm.HalfNormal("s", 1),
                          init_dist=pm.Normal.dist(0, 2),
                          observed=normals(OBSERVATIONS).cumsum())  # fmt: skip


def student_walk() -> None:
    steps = pm.StudentT.dist(pm.Gamma("nu", 4, 1), mu=0, sigma=pm.HalfNormal("s", 1))
    pm.RandomWalk("y", innovation_dist=steps, init_dist=pm.Normal.dist(0, 2),
                  observed=normals(OBSERVATIONS).cumsum())  # fmt: skip


def latent_walk() -> None:
    walk = pm.GaussianRandomWalk("x", sigma=0.5, init_dist=pm.Normal.dist(0, 2), steps=9)
    pm.Normal("y", walk, pm.HalfNormal("s", 1), observed=normals(10))


def vector_walk() -> None:
    pm.MvGaussianRandomWalk("y", mu=pm.Normal("mu", shape=2), chol=np.eye(2),
                            init_dist=pm.MvNormal.dist(np.zeros(2), np.eye(2)),
                            observed=normals(OBSERVATIONS, 2).cumsum(axis=0))  # fmt: skip


def vector_student_walk() -> None:
    pm.MvStudentTRandomWalk("y", nu=pm.Gamma("nu", 4, 1), mu=pm.Normal("mu", shape=2),
                            scale=np.eye(2), init_dist=pm.MvNormal.dist(np.zeros(2), np.eye(2)),
                            observed=normals(OBSERVATIONS, 2).cumsum(axis=0))  # fmt: skip


def garch() -> None:
    alpha = pm.Uniform("alpha", 0, 1)
    pm.GARCH11("y", omega=pm.HalfNormal("omega", 1), alpha_1=alpha, initial_vol=1.0,
               beta_1=pm.Uniform("beta", 0, 0.9) * (1 - alpha),
               observed=normals(OBSERVATIONS))  # fmt: skip


def euler_maruyama() -> None:
    pm.EulerMaruyama("y", dt=0.1, sde_fn=lambda x, rate: (-rate * x, 1.0),
                     sde_pars=(pm.HalfNormal("rate", 1),), init_dist=pm.Normal.dist(0, 1),
                     observed=normals(OBSERVATIONS).cumsum() * 0.3)  # fmt: skip


def interpolated() -> None:
    places = np.linspace(-3, 3, 50)
    x = pm.Interpolated("x", places, np.exp(-(places**2) / 2))
    pm.Normal("y", x, 1.0, observed=normals(OBSERVATIONS))


def custom() -> None:
    def logp(value: Any, mu: Any) -> Any:
        return -pt.log(pt.cosh(value - mu))

    pm.CustomDist("y", pm.Normal("mu"), logp=logp, observed=normals(OBSERVATIONS))


def simulator() -> None:
    def simulate(generator: np.random.Generator, mu: Any, size: Any) -> Any:
        return generator.normal(mu, 1.0, size=size)

    pm.Simulator("y", simulate, pm.Normal("mu"), sum_stat="sort", epsilon=1.0,
                 observed=normals(OBSERVATIONS))  # fmt: skip


def truncated_custom() -> None:
    def dist(mu: Any, size: Any) -> Any:
        return pm.Normal.dist(mu, 1.0, size=size)

    latent = pm.CustomDist.dist(pm.Normal("mu"), dist=dist)
    pm.Censored("y", latent, None, 1.0, observed=np.minimum(normals(OBSERVATIONS), 1.0))


def flat() -> None:
    pm.Normal("y", pm.Flat("mu"), pm.HalfFlat("s"), observed=normals(OBSERVATIONS))


def dirac() -> None:
    parts = [pm.DiracDelta.dist(0), pm.Poisson.dist(pm.Gamma("mu", 4, 2))]
    mixture(lambda: parts, rng().poisson(2, OBSERVATIONS))


def hurdle_of_truncated() -> None:
    dist = pm.Truncated.dist(pm.NegativeBinomial.dist(mu=pm.Gamma("mu", 4, 1), alpha=2.0), lower=1)
    data = np.maximum(rng().poisson(3, OBSERVATIONS), 1)
    pm.Mixture("y", w=[0.5, 0.5], comp_dists=[dist, pm.Poisson.dist(3.0)], observed=data)


OTHERS: dict[str, Callable[[], None]] = {
    "Categorical": categorical,
    "Dirichlet": dirichlet,
    "DirichletMultinomial": dirichlet_multinomial,
    "Multinomial": multinomial,
    "OrderedLogistic": ordered_logistic,
    "OrderedProbit": ordered_probit,
    "OrderedMultinomial": ordered_multinomial,
    "MvNormal, LKJCholeskyCov": mvnormal_lkj,
    "MvNormal, covariance": mvnormal_cov,
    "MvNormal, LKJCorr": mvnormal_lkjcorr,
    "MvStudentT": mvstudent,
    "MatrixNormal": matrix_normal,
    "KroneckerNormal": kronecker_normal,
    "CAR": car,
    "ICAR": icar,
    "ZeroSumNormal": zero_sum,
    "StickBreakingWeights": stick_breaking,
    "Wishart": wishart,
    "WishartBartlett": wishart_bartlett,
    "NormalMixture": normal_mixture,
    "Mixture of Gamma": gamma_mixture,
    "Mixture of Truncated": truncated_gamma_mixture,
    "Mixture of Poisson": poisson_mixture,
    "Mixture of DiracDelta": dirac,
    "Mixture of Truncated counts": hurdle_of_truncated,
    "AR": autoregression,
    "GaussianRandomWalk": random_walk,
    "GaussianRandomWalk, latent": latent_walk,
    "RandomWalk": student_walk,
    "MvGaussianRandomWalk": vector_walk,
    "MvStudentTRandomWalk": vector_student_walk,
    "GARCH11": garch,
    "EulerMaruyama": euler_maruyama,
    "Interpolated": interpolated,
    "CustomDist": custom,
    "Censored CustomDist": truncated_custom,
    "Simulator": simulator,
    "Flat, HalfFlat": flat,
}
