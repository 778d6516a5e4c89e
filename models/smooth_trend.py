"""A trend in time, smoothed by a random walk: each level depends on the one before it only."""

from __future__ import annotations

import numpy as np
import pymc as pm

START_SD, STEP_SD, NOISE_SD = 1.0, 0.3, 0.5
"""What the data are simulated with."""


def simulated_series(times: int = 200, each: int = 3, random_seed: int = 20260101) -> np.ndarray:
    """Simulate ``each`` noisy measurements of a random walk at every time, (times, each)."""
    rng = np.random.default_rng(random_seed)
    steps = np.r_[START_SD, np.full(times - 1, STEP_SD)] * rng.standard_normal(times)
    return np.cumsum(steps)[:, None] + NOISE_SD * rng.standard_normal((times, each))


def smooth_trend(
    times: int = 200, each: int = 3, random_seed: int = 20260101, *, centred: bool = True
) -> pm.Model:
    """Random walk with normal steps, measured with normal noise.

    Given the two standard deviations the trend is normal with a tridiagonal precision, so it can
    be integrated out in closed form (a Kalman filter).

    Parameters
    ----------
    times : int, default 200
        Length of the trend.
    each : int, default 3
        Measurements at every time. With a single one the noise sd could go to 0, where the density
        is unbounded.
    random_seed : int
        Seed of the simulated data.
    centred : bool, default True
        Whether the trend itself is the free variable: its Hessian is tridiagonal, and its joint
        density grows without bound as ``step_sd`` goes to 0, so `laplace` may find no mode. With
        False the free variables are the steps over their standard deviation, and every level
        depends on all the steps before it.

    Returns
    -------
    pymc.Model
        With ``step_sd`` and ``noise_sd`` ~ HalfNormal(1), and ``trend`` (time), which starts at
        N(0, 1).
    """
    series = simulated_series(times, each, random_seed)
    with pm.Model(coords={"time": range(times), "repeat": range(each)}) as model:
        step_sd = pm.HalfNormal("step_sd", 1.0)
        noise_sd = pm.HalfNormal("noise_sd", 1.0)
        if centred:
            trend = pm.GaussianRandomWalk(
                "trend",
                mu=0.0,
                sigma=step_sd,
                init_dist=pm.Normal.dist(0.0, START_SD),
                dims="time",
            )
        else:
            z = pm.Normal("z", 0.0, 1.0, dims="time")
            walk = START_SD * z[0] + step_sd * pm.math.concatenate([[0.0], pm.math.cumsum(z[1:])])
            trend = pm.Deterministic("trend", walk, dims="time")
        pm.Normal("level", trend[:, None], noise_sd, observed=series, dims=("time", "repeat"))
    return model
