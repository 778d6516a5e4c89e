"""A Bayesian neural network with one hidden layer, of any width."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pymc as pm

NOISE_SD = 0.2
"""What the data are simulated with."""


@dataclass(frozen=True)
class Curve:
    """N noisy values of a smooth function of D inputs.

    Attributes
    ----------
    inputs : (N, D) array
    outcome : (N,) array
    """

    inputs: np.ndarray
    outcome: np.ndarray


def simulated_curve(observations: int = 100, inputs: int = 1, random_seed: int = 20260101) -> Curve:
    """Simulate a sine wave along one direction of the inputs, which are uniform."""
    rng = np.random.default_rng(random_seed)
    x = rng.uniform(-2.0, 2.0, size=(observations, inputs))
    signal = np.sin(1.5 * x.sum(axis=1) / np.sqrt(inputs))
    return Curve(x, signal + NOISE_SD * rng.standard_normal(observations))


def neural_network(
    hidden: int = 10,
    inputs: int = 1,
    observations: int = 100,
    random_seed: int = 20260101,
) -> pm.Model:
    """Regression on tanh(x @ weights + bias) @ output, with normal priors on all the weights.

    It has ``hidden * (inputs + 2)`` weights. Hidden units can be permuted and change sign, so the
    posterior has ``hidden! 2^hidden`` equivalent modes.

    Parameters
    ----------
    hidden : int, default 10
        Width of the hidden layer.
    inputs, observations : int
        Numbers of inputs and of observations.
    random_seed : int
        Seed of the simulated data, and of the initial point: with all weights at 0, where PyMC
        would start, the density has a saddle point.

    Returns
    -------
    pymc.Model
        With ``weights`` (input, unit) ~ N(0, 2 / sqrt(inputs)), ``bias`` (unit) ~ N(0, 1),
        ``output`` (unit) ~ N(0, 2 / sqrt(hidden)) and known noise. Priors scaled by the width keep
        the prior over functions alike (Neal 1996).
    """
    data = simulated_curve(observations, inputs, random_seed)
    rng = np.random.default_rng(random_seed + 1)
    coords = {"input": range(inputs), "unit": range(hidden), "observation": range(observations)}
    with pm.Model(coords=coords) as model:
        x = pm.Data("x", data.inputs, dims=("observation", "input"))

        def normal(name: str, sd: float, *dims: str) -> pm.Distribution:
            start = sd * rng.standard_normal([len(coords[dim]) for dim in dims])
            return pm.Normal(name, 0.0, sd, dims=dims, initval=start)

        weights = normal("weights", 2 / np.sqrt(inputs), "input", "unit")
        bias = normal("bias", 1.0, "unit")
        output = normal("output", 2 / np.sqrt(hidden), "unit")
        signal = pm.math.tanh(x @ weights + bias) @ output
        pm.Normal("y", signal, NOISE_SD, observed=data.outcome, dims="observation")
    return model
