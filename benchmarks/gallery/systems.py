"""Maps, gaps in the data, differential equations, factors."""

from __future__ import annotations

import warnings

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt

from .entry import entry


def _lattice(side: int) -> np.ndarray:
    """Which cells of a square share an edge (N, N)."""
    row, column = np.divmod(np.arange(side * side), side)
    apart = np.abs(row[:, None] - row) + np.abs(column[:, None] - column)
    return (apart == 1).astype(float)


def _cases(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Neighbours, expected cases, a predictor, and cases on a map of 25 regions."""
    rng, near = np.random.default_rng(seed), _lattice(5)
    precision = np.diag(near.sum(axis=1)) - 0.9 * near
    field = 0.5 * np.linalg.solve(np.linalg.cholesky(precision).T, rng.normal(size=25))
    expected, x = rng.uniform(3.0, 20.0, 25), rng.normal(size=25)
    return near, expected, x, rng.poisson(expected * np.exp(0.1 + 0.3 * x + field))


def car_map() -> pm.Model:
    """Cases in 25 regions, a proper conditional autoregression."""
    near, expected, x, y = _cases(601)
    with pm.Model() as model:
        b0, b1 = pm.Normal("b0", 0.0, 2.0), pm.Normal("b1", 0.0, 2.0)
        alpha = pm.Beta("alpha", 2.0, 2.0)
        tau = pm.Gamma("tau", 2.0, 2.0)
        phi = pm.CAR("phi", mu=np.zeros(25), tau=tau, alpha=alpha, W=near)
        pm.Poisson("y", expected * pm.math.exp(b0 + b1 * x + phi), observed=y)
        pm.Deterministic("risk", pm.math.exp(b0 + b1 * x + phi)[:3])
    return model


def bym_map() -> pm.Model:
    """Cases in 25 regions: an intrinsic autoregression and independent noise, mixed."""
    near, expected, x, y = _cases(602)
    with pm.Model() as model:
        b0, b1 = pm.Normal("b0", 0.0, 1.0), pm.Normal("b1", 0.0, 1.0)
        theta = pm.Normal("theta", 0.0, 1.0, shape=25)
        phi = pm.ICAR("phi", W=near)
        sigma = pm.HalfNormal("sigma", 1.0)
        rho = pm.Beta("rho", 0.5, 0.5)
        mixed = pt.sqrt(1.0 - rho) * theta + pt.sqrt(rho / 0.7) * phi
        pm.Poisson("y", expected * pm.math.exp(b0 + b1 * x + sigma * mixed), observed=y)
    return model


def missing_predictor() -> pm.Model:
    """A regression with 12 of 80 values of a predictor missing."""
    rng = np.random.default_rng(603)
    z = rng.normal(size=80)
    x = 0.7 * z + rng.normal(0.0, 0.7, 80)
    y = 1.0 + 0.5 * x - 0.8 * z + rng.normal(0.0, 0.6, 80)
    seen = x.copy()
    seen[rng.choice(80, 12, replace=False)] = np.nan
    with pm.Model() as model, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Data in x contains missing values")
        c, d = pm.Normal("c", 0.0, 1.0), pm.Normal("d", 0.0, 1.0)
        sd = pm.Exponential("sd", 1.0)
        full = pm.Normal("x", c + d * z, sd, observed=np.ma.masked_invalid(seen))
        a, b = pm.Normal("a", 0.0, 1.0), pm.Normal("b", 0.0, 1.0, shape=2)
        sigma = pm.Exponential("sigma", 1.0)
        pm.Normal("y", a + b[0] * full + b[1] * z, sigma, observed=y)
    return model


def epidemic() -> pm.Model:
    """Susceptible, infected, recovered: 30 steps of a scan, daily cases."""
    rng = np.random.default_rng(604)

    def day(s: object, i: object, beta: object, gamma: object) -> tuple[object, object, object]:
        new = beta * s * i
        return s - new, i + new - gamma * i, new

    s, i, cases = 0.99, 0.01, []
    for _ in range(30):
        s, i, new = day(s, i, 0.5, 0.2)
        cases.append(rng.poisson(1000.0 * new))
    with pm.Model() as model:
        beta = pm.LogNormal("beta", np.log(0.4), 0.5)
        gamma = pm.LogNormal("gamma", np.log(0.125), 0.5)
        i0 = pm.Beta("i0", 1.0, 50.0)
        _, _, new = pytensor.scan(
            day, outputs_info=[1.0 - i0, i0, None], non_sequences=[beta, gamma], n_steps=30,
            return_updates=False,
        )  # fmt: skip
        pm.Poisson("cases", 1000.0 * new, observed=cases)
        pm.Deterministic("r0", beta / gamma)
    return model


def lotka_volterra() -> pm.Model:
    """Predators and prey, Runge-Kutta steps written out, measured eight times."""
    rng, step = np.random.default_rng(605), 0.25

    def slopes(x: list, p: list) -> list:
        return [x[0] * (p[0] - p[1] * x[1]), x[1] * (p[2] * x[0] - p[3])]

    def forward(x: list, p: list) -> list:
        half = [a + step / 2.0 * b for a, b in zip(x, slopes(x, p), strict=True)]
        return [a + step * b for a, b in zip(x, slopes(half, p), strict=True)]

    def seen(x: list, p: list) -> list:
        found = []
        for k in range(1, 25):
            x = forward(x, p)
            if k % 3 == 0:
                found.append(x)
        return found

    data = np.array(seen([3.0, 1.0], [0.9, 0.5, 0.25, 0.8])) * rng.lognormal(0.0, 0.1, (8, 2))
    with pm.Model(coords={"rate": ["birth", "eaten", "fed", "death"]}) as model:
        rates = pm.LogNormal("rates", np.log([1.0, 0.5, 0.3, 1.0]), 0.5, dims="rate")
        start = pm.LogNormal("start", np.log([3.0, 1.0]), 0.5, shape=2)
        sigma = pm.HalfNormal("sigma", 0.5)
        path = seen([start[0], start[1]], [rates[k] for k in range(4)])
        pm.LogNormal("y", pt.log(pt.stack([pt.stack(x) for x in path])), sigma, observed=data)
    return model


def ornstein_uhlenbeck() -> pm.Model:
    """A path that returns to its mean, by Euler and Maruyama, seen with noise: 50 latent steps."""
    rng, dt = np.random.default_rng(606), 0.2
    z = [1.0]
    for _ in range(49):
        z.append(z[-1] - 0.8 * (z[-1] - 0.3) * dt + 0.6 * np.sqrt(dt) * rng.normal())
    y = np.array(z) + rng.normal(0.0, 0.1, 50)

    def sde(x: object, rate: object, mean: object, noise: object) -> tuple[object, object]:
        return rate * (mean - x), noise

    with pm.Model() as model:
        rate = pm.HalfNormal("rate", 2.0)
        mean = pm.Normal("mean", 0.0, 1.0)
        noise = pm.HalfNormal("noise", 1.0)
        path = pm.EulerMaruyama(
            "path", dt=dt, sde_fn=sde, sde_pars=(rate, mean, noise),
            init_dist=pm.Normal.dist(0.0, 2.0), shape=50, initval=y,
        )  # fmt: skip
        pm.Normal("y", path, 0.1, observed=y)
    return model


def one_factor() -> pm.Model:
    """Five indicators of one latent factor, 40 persons."""
    rng = np.random.default_rng(607)
    factor = rng.normal(size=40)
    y = np.outer(factor, [1.0, 0.8, 0.9, 0.6, 1.1]) + rng.normal(0.0, 0.6, (40, 5))
    with pm.Model() as model:
        sd = pm.HalfNormal("sd", 2.0)
        f = pm.Normal("f", 0.0, sd, shape=40)
        free = pm.Normal("loading", 1.0, 1.0, shape=4)
        loadings = pt.concatenate([[1.0], free])
        sigma = pm.HalfNormal("sigma", 1.0, shape=5)
        pm.Normal("y", f[:, None] * loadings, sigma, observed=y)
    return model


SYSTEMS = (
    entry(car_map, "spatial", ("b0", "b1", "alpha", "risk"), "conditional autoregression"),
    entry(bym_map, "spatial", ("b0", "b1", "sigma", "rho"), "Besag, York and Mollié"),
    entry(missing_predictor, "missing data", ("a", "b", "sigma"), "12 values are imputed"),
    entry(epidemic, "ODE", ("beta", "gamma", "i0", "r0"), "an epidemic by a scan"),
    entry(lotka_volterra, "ODE", ("rates", "sigma"), "predators and prey, steps written out"),
    entry(ornstein_uhlenbeck, "SDE", ("rate", "mean", "noise"), "Euler-Maruyama, 50 steps"),
    entry(one_factor, "latent", ("sd", "loading", "sigma"), "five indicators of one factor"),
)  # fmt: skip
