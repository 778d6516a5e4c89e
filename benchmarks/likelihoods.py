"""Every likelihood of PyMC: is its Hessian the second derivative, and does Laplace answer?

`python benchmarks/likelihoods.py [word ...]` prints a line for each model whose name holds one of
the words: 20 observations of each distribution with free parameters; truncated, censored and as a
prior, where PyMC takes it. It ends with the number of wrong Hessians and of errors that are not
tripos's own, which should both be 0, and that is its exit code.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode

OBSERVATIONS, SEED = 20, 20260101
PLAIN = Mode(linker="py", optimizer="fast_compile")  # Numba would take seconds
# Largest difference between the Hessian and differences of the gradient, in scaled entries.
WRONG = 1e-3

# Each distribution with values of its parameters, the free ones by what they may be: any number,
# above 0, or between 0 and 1.
Kind = tuple[str, float]
Parameters = dict[str, Any]


def real(value: float) -> Kind:
    return "real", value


def positive(value: float) -> Kind:
    return "positive", value


def unit(value: float) -> Kind:
    return "unit", value


CONTINUOUS: dict[str, Parameters] = {
    "AsymmetricLaplace": {"b": positive(1.0), "kappa": positive(1.5), "mu": 0.5},
    "Beta": {"alpha": positive(2.0), "beta": positive(3.0)},
    "Cauchy": {"alpha": real(0.5), "beta": positive(1.0)},
    "ChiSquared": {"nu": positive(4.0)},
    "ExGaussian": {"mu": real(0.5), "sigma": positive(1.0), "nu": positive(2.0)},
    "Exponential": {"lam": positive(1.5)},
    "Gamma": {"alpha": positive(2.0), "beta": positive(1.5)},
    "Gumbel": {"mu": real(0.5), "beta": positive(1.5)},
    "HalfCauchy": {"beta": positive(1.5)},
    "HalfNormal": {"sigma": positive(1.5)},
    "HalfStudentT": {"nu": positive(4.0), "sigma": positive(1.5)},
    "InverseGamma": {"alpha": positive(3.0), "beta": positive(2.0)},
    "Kumaraswamy": {"a": positive(2.0), "b": positive(3.0)},
    "Laplace": {"mu": 0.5, "b": positive(1.0)},
    "Logistic": {"mu": real(0.5), "s": positive(1.0)},
    "LogitNormal": {"mu": real(0.5), "sigma": positive(1.0)},
    "LogNormal": {"mu": real(0.5), "sigma": positive(0.8)},
    "Moyal": {"mu": real(0.5), "sigma": positive(1.0)},
    "Normal": {"mu": real(0.5), "sigma": positive(1.5)},
    "Pareto": {"alpha": positive(3.0), "m": 1.0},
    "PolyaGamma": {"h": 1.0, "z": real(0.5)},
    "Rice": {"nu": positive(2.0), "sigma": positive(1.0)},
    "SkewNormal": {"mu": real(0.5), "sigma": positive(1.0), "alpha": real(2.0)},
    "SkewStudentT": {
        "a": positive(2.0),
        "b": positive(3.0),
        "mu": real(0.5),
        "sigma": positive(1.0),
    },
    "StudentT": {"nu": positive(4.0), "mu": real(0.5), "sigma": positive(1.0)},
    "Triangular": {"lower": -1.0, "c": 0.3, "upper": positive(2.0)},
    "TruncatedNormal": {"mu": real(0.5), "sigma": positive(1.0), "lower": -1.0, "upper": 2.0},
    "Uniform": {"lower": -1.0, "upper": positive(2.0)},
    "VonMises": {"mu": real(0.5), "kappa": positive(2.0)},
    "Wald": {"mu": positive(1.0), "lam": positive(2.0)},
    "Weibull": {"alpha": positive(1.5), "beta": positive(2.0)},
}
DISCRETE: dict[str, Parameters] = {
    "Bernoulli": {"p": unit(0.4)},
    "BetaBinomial": {"n": 10, "alpha": positive(2.0), "beta": positive(3.0)},
    "Binomial": {"n": 10, "p": unit(0.4)},
    "DiscreteUniform": {"lower": 0, "upper": 5},
    "DiscreteWeibull": {"q": unit(0.7), "beta": positive(1.2)},
    "Geometric": {"p": unit(0.4)},
    "HyperGeometric": {"N": 30, "k": 12, "n": 8},
    "NegativeBinomial": {"mu": positive(3.0), "alpha": positive(2.0)},
    "Poisson": {"mu": positive(3.0)},
    "HurdleNegativeBinomial": {"psi": unit(0.7), "mu": positive(3.0), "alpha": positive(2.0)},
    "HurdlePoisson": {"psi": unit(0.7), "mu": positive(3.0)},
    "ZeroInflatedBinomial": {"psi": unit(0.7), "n": 10, "p": unit(0.4)},
    "ZeroInflatedNegativeBinomial": {
        "psi": unit(0.7),
        "mu": positive(3.0),
        "alpha": positive(2.0),
    },
    "ZeroInflatedPoisson": {"psi": unit(0.7), "mu": positive(3.0)},
}
HURDLES: dict[str, Parameters] = {
    "HurdleGamma": {"psi": unit(0.7), "alpha": positive(2.0), "beta": positive(1.5)},
    "HurdleLogNormal": {"psi": unit(0.7), "mu": real(0.5), "sigma": positive(0.8)},
}


# Models.


def free(name: str, kind: Kind) -> Any:
    """Free variable whose prior is centred about the value."""
    space, value = kind
    if space == "real":
        return pm.Normal(name, value, 1.0)
    if space == "positive":
        return pm.Gamma(name, 4.0, 4.0 / value)
    return pm.Beta(name, 4 * value, 4 * (1 - value))


def parameters_of(given: Parameters) -> Parameters:
    """The parameters as free variables, in a model's context."""
    return {k: free(k, v) if isinstance(v, tuple) else v for k, v in given.items()}


def values_of(given: Parameters) -> Parameters:
    return {k: v[1] if isinstance(v, tuple) else v for k, v in given.items()}


def distribution(name: str, given: Parameters) -> Any:
    return getattr(pm, name).dist(**given)


def sample(name: str, given: Parameters) -> np.ndarray:
    drawn = distribution(name, values_of(given))
    return pm.draw(drawn, draws=OBSERVATIONS, random_seed=SEED, mode=PLAIN)


def plain(name: str, given: Parameters) -> None:
    getattr(pm, name)("y", **parameters_of(given), observed=sample(name, given))


def cut(name: str, given: Parameters, how: Callable[..., Any]) -> None:
    """Truncated or censored, above and below, in the middle of the data."""
    data = sample(name, given)
    low, high = np.quantile(data, (0.1, 0.8), method="nearest")
    if how is pm.Truncated:
        data = data[(data >= low) & (data <= high)]
    how("y", distribution(name, parameters_of(given)), low, high, observed=np.clip(data, low, high))


def as_prior(name: str, given: Parameters) -> None:
    x = getattr(pm, name)("x", **values_of(given))
    pm.Normal("y", x, 1.0, observed=sample(name, given)[:1])


def truncated_prior(name: str, given: Parameters) -> None:
    low, high = np.quantile(sample(name, given), (0.1, 0.8))
    x = pm.Truncated("x", distribution(name, values_of(given)), low, high)
    pm.Normal("y", x, 1.0, observed=np.array([(low + high) / 2]))


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
    data = rng().normal(size=OBSERVATIONS)
    pm.NormalMixture("y", w=weights, mu=np.arange(5) - 2.0, sigma=1.0, observed=data)


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
    "Flat, HalfFlat": flat,
}


def builders() -> Iterator[tuple[str, Callable[[], None]]]:
    """Every model by name, as a function that fills the model in context."""
    for name, given in {**CONTINUOUS, **DISCRETE, **HURDLES}.items():
        yield name, partial(plain, name, given)
        if name not in HURDLES:
            yield f"Truncated {name}", partial(cut, name, given, pm.Truncated)
            yield f"Censored {name}", partial(cut, name, given, pm.Censored)
    for name, given in CONTINUOUS.items():
        yield f"{name}, prior", partial(as_prior, name, given)
        yield f"Truncated {name}, prior", partial(truncated_prior, name, given)
    yield from OTHERS.items()


# What is found.


@dataclass(frozen=True)
class Row:
    """What came of a model.

    Attributes
    ----------
    name, hessian, laplace : str
    error : float
        Largest difference between Hessian and differences of the gradient, in scaled entries.
    is_foreign : bool
        Whether an error was not one of tripos.
    seconds : float
    """

    name: str
    hessian: str
    error: float
    laplace: str
    is_foreign: bool
    seconds: float

    def __str__(self) -> str:
        error = "" if np.isnan(self.error) else f"{self.error:.1e}"
        return f"{self.name:38}{self.hessian:12}{error:>8}  {self.seconds:5.1f} s  {self.laplace}"


def row(name: str, fill: Callable[[], None]) -> Row | str:
    """Fit a model; or say why PyMC does not make it."""
    from tripos.approximations import LogDensity, TriposError, laplace

    try:
        with pm.Model() as model, pytensor.config.change_flags(cxx=""):  # nor gcc
            fill()
            model.logp()
    except Exception as refusal:
        return (
            f"{name:38}PyMC has none: {type(refusal).__name__}: {str(refusal).splitlines()[0][:80]}"
        )
    begun, source, error = time.perf_counter(), "", np.nan
    try:
        density = LogDensity(model, linker="numpy")
        theta = density.initial_point()
        error = hessian_difference(density, theta + 0.1 * rng().uniform(size=len(theta)))
        source = {"exact": "exact"}.get(density.hessian_source, "differences")
        tree = laplace(density, draws=100, random_seed=1)
        error = max(error, hessian_difference(density, tree["fit"]["mode"].values))
        told, is_foreign = f"tree, least sd {float(tree['fit']['sd'].min()):.3g}", False
    except TriposError as failure:
        told, is_foreign = f"{type(failure).__name__}: {failure}"[:150], False
    except Exception as failure:
        told, is_foreign = f"FOREIGN {type(failure).__name__}: {failure}"[:150], True
    return Row(name, source, float(error), told, is_foreign, time.perf_counter() - begun)


def hessian_difference(density: Any, theta: np.ndarray) -> float:
    """Largest difference between the Hessian and differences of gradients, at their best step."""
    if not np.all(np.isfinite(theta)):
        return np.nan  # PyMC's own starting point is no point
    hessian = np.asarray(density.hessian(theta))
    scale = np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-300))
    least = np.inf
    for step in (1e-3, 1e-4, 1e-5):
        units = np.diag(step / scale)
        slopes = [(density.gradient(theta + u) - density.gradient(theta - u)) / 2 for u in units]
        found = np.array(slopes) / step / scale
        least = min(least, float(np.max(np.abs(found - hessian / np.outer(scale, scale)))))
    return least


def main(words: list[str]) -> int:
    """Print the table; return the number of faults."""
    warnings.simplefilter("ignore")
    rows: list[Row] = []
    for name, fill in builders():
        if words and not any(word in name for word in words):
            continue
        found = row(name, fill)
        print(found, flush=True)
        if isinstance(found, Row):
            rows.append(found)
    wrong = [r.name for r in rows if r.error > WRONG]
    foreign = [r.name for r in rows if r.is_foreign]
    trees = sum(r.laplace.startswith("tree") for r in rows)
    print(f"\n{len(rows)} models, {trees} trees; wrong Hessians: {wrong}; foreign: {foreign}")
    return len(wrong) + len(foreign)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
