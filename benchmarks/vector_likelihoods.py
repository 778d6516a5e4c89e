"""Models with a vector likelihood and an LKJ factor: memory of a verdict, time of a fit.

`python benchmarks/vector_likelihoods.py` measures, each in a process of its own,

- the peak memory of Laplace and its verdict on a model of the size of the radon data (85 counties
  with an intercept and a slope each, 919 observations, an LKJ factor: 176 parameters), which is to
  stay under 1.5 GiB;
- the seconds of CPU that Laplace takes for 10,000 rows of a bivariate normal with an LKJ factor
  (5 parameters), compiling included, against the same written out in NumPy: the mode found by
  SciPy, the Hessian by differences, 4,000 draws and the log density of each. It is to be at most 3
  times as long. What is imported once is imported before.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
from measuring import judged
from scipy.linalg import solve_triangular
from scipy.optimize import minimize
from scipy.stats import norm

from tripos.approximations import LogDensity, laplace
from tripos.comparisons import verdict
from tripos.models import globe

COUNTIES, OBSERVATIONS, ROWS, DRAWS = 85, 919, 10_000, 4000
MOST_GIB, MOST_RATIO = 1.5, 3.0
# Step of the peer's central differences, in unconstrained units, where sds are about 0.01.
STEP = 1e-4


def radon() -> pm.Model:
    """Varying intercepts and slopes, not centred."""
    rng = np.random.default_rng(1)
    county, floor = rng.integers(COUNTIES, size=OBSERVATIONS), rng.integers(2, size=OBSERVATIONS)
    effects = rng.normal(size=(COUNTIES, 2)) * [0.35, 0.3] + [1.5, -0.7]
    y = effects[county, 0] + effects[county, 1] * floor + rng.normal(0, 0.75, OBSERVATIONS)
    with pm.Model() as model:
        beta = pm.Normal("beta", 0, 2, shape=2)
        chol, _, _ = pm.LKJCholeskyCov("chol", n=2, eta=2, sd_dist=pm.HalfNormal.dist(1, shape=2))
        z = pm.Normal("z", 0, 1, shape=(COUNTIES, 2))
        effect = beta + pm.math.dot(z, chol.T)
        sigma = pm.HalfNormal("sigma", 1)
        pm.Normal("y", effect[county, 0] + effect[county, 1] * floor, sigma, observed=y)
    return model


def rows() -> np.ndarray:
    """Rows (10,000, 2) of a bivariate normal."""
    covariance = [[1.0, 0.6], [0.6, 2.0]]
    return np.random.default_rng(2).multivariate_normal([1.0, -1.0], covariance, ROWS)


def bivariate(y: np.ndarray) -> pm.Model:
    """Mean and LKJ factor of the rows."""
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 5, shape=2)
        chol, _, _ = pm.LKJCholeskyCov("chol", n=2, eta=1, sd_dist=pm.HalfNormal.dist(2, shape=2))
        pm.MvNormal("y", mu, chol=chol, observed=y)
    return model


def by_hand(y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mode (5,), covariance (5, 5) and log densities of draws (4000,), written out.

    The parameters are the means, logs of the factor's diagonal, and its other entry between them.

    With eta=1 the prior of the correlation is flat: that of the factor, with sds s and correlation
    r, is half-normal in each s, over the Jacobian from (s, r) to the factor's entries.
    """

    def minus_logp(theta: np.ndarray) -> float:
        first, second, below = np.exp(theta[2]), np.exp(theta[4]), theta[3]
        factor = np.array([[first, 0.0], [below, second]])
        z = solve_triangular(factor, (y - theta[:2]).T, lower=True)
        likelihood = -0.5 * np.sum(z**2) - len(y) * (theta[2] + theta[4])
        spread = np.hypot(below, second)
        prior = norm.logpdf(theta[:2], 0, 5).sum()
        prior += norm.logpdf([first, spread], 0, 2).sum() - 2 * np.log(spread)
        return -(likelihood + prior + theta[2] + 2 * theta[4])

    start = np.zeros(5)
    found = minimize(minus_logp, start, method="BFGS", options={"gtol": 1e-3})
    units = STEP * np.eye(5)
    hessian = np.array(
        [
            [
                sum(
                    a * b * minus_logp(found.x + a * one + b * other)
                    for a in (-1, 1)
                    for b in (-1, 1)
                )
                for other in units
            ]
            for one in units
        ]
    ) / (4 * STEP**2)
    covariance = np.linalg.inv(hessian)
    draws = np.random.default_rng(1).multivariate_normal(found.x, covariance, DRAWS)
    return found.x, covariance, np.array([-minus_logp(theta) for theta in draws])


def memory_of_a_verdict() -> float:
    """Peak GiB of this process after Laplace and its verdict."""
    density = LogDensity(radon())
    print(f"  {density.size} parameters:", verdict(laplace(density, random_seed=1), density).counts)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def seconds_of_laplace() -> tuple[float, np.ndarray, np.ndarray]:
    """Seconds of CPU, and the means and sds of means."""
    y = rows()
    laplace(globe(), random_seed=1)
    started = time.process_time()
    tree = laplace(bivariate(y), random_seed=1)
    seconds = time.process_time() - started
    fit = tree["fit"]
    return seconds, fit["mode"].values, fit["sd"].values


def seconds_by_hand() -> tuple[float, np.ndarray, np.ndarray]:
    """The same, of the peer."""
    y = rows()
    started = time.process_time()
    mode, covariance, _ = by_hand(y)
    return time.process_time() - started, mode, np.sqrt(np.diag(covariance))


def alone(work: Callable[[], Any]) -> Any:
    """Do some work in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work)


def told(what: str, value: float, wanted: float) -> None:
    print(f"{what} {value:.2f} (wanted {wanted}): {judged(value <= wanted)}")


def main() -> None:
    """Print what was measured."""
    told("Peak GiB of a verdict, radon with LKJ:", alone(memory_of_a_verdict), MOST_GIB)
    ours, mode, sd = alone(seconds_of_laplace)
    peers, mode_by_hand, sd_by_hand = alone(seconds_by_hand)
    print(f"Laplace {ours:.2f} s, by hand {peers:.2f} s")
    apart = np.abs(mode - mode_by_hand)[:2] / sd[:2]
    print(
        f"  means apart {apart.max():.2g} sds, sds by {np.abs(sd_by_hand / sd - 1)[:2].max():.2g}"
    )
    told("Laplace on 10,000 rows over by hand:", ours / peers, MOST_RATIO)


if __name__ == "__main__":
    main()
