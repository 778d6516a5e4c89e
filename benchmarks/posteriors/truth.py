"""The golden values: what is known about each quantity of each posterior, and how well."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

PATH = Path(__file__).with_name("truth.json")
PROBABILITIES = np.round(np.arange(1, 400) * 0.0025, 4)
# Quantiles are stored as whole steps from the median, so many to the interquartile range.
STEPS = 10_000


@dataclass(frozen=True)
class Known:
    """The true distribution of one quantity.

    Attributes
    ----------
    mean, sd : float
        NaN where they do not exist.
    mcse_mean, mcse_sd : float
        Monte Carlo standard errors; 0 where the truth is exact.
    has_mean : bool
        Whether mean and standard deviation exist.
    quantiles : (399,) array
        At `PROBABILITIES`.
    ess : float
        Effective number of draws behind a probability; infinite where the truth is exact.
    """

    mean: float
    sd: float
    mcse_mean: float
    mcse_sd: float
    has_mean: bool
    quantiles: np.ndarray
    ess: float

    def probability_below(self, value: np.ndarray) -> np.ndarray:
        """Distribution function, linear between stored quantiles.

        Beyond the outermost, which leave 0.0025 on each side, the tail goes on exponentially: it
        halves with each step as long as the last one, in which it halved too.
        """
        q, first = self.quantiles, PROBABILITIES[0]
        inside = np.interp(value, q, PROBABILITIES)
        steps_below = np.maximum(q[0] - value, 0) / (q[1] - q[0])
        steps_above = np.maximum(value - q[-1], 0) / (q[-1] - q[-2])
        return inside - first * (1 - 0.5**steps_below) + first * (1 - 0.5**steps_above)

    def mass(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Probability of [low, high]."""
        return self.probability_below(high) - self.probability_below(low)

    def mcse_probability(self, probability: np.ndarray) -> np.ndarray:
        """Standard error of a probability."""
        return np.sqrt(probability * (1 - probability) / self.ess)


@dataclass(frozen=True)
class Truth:
    """What is known about one posterior.

    Attributes
    ----------
    quantities : dict of str to Known
    how : str
        "closed form", "quadrature" or "nuts".
    diagnostics : dict
        Of the long run: ``r_hat``, ``ess``, ``divergences``, ``draws``, ``chains``,
        ``target_accept``, ``seconds``; or of the grid: ``edge_mass``. Empty for closed forms.
    reference : dict
        Cost and quality of an everyday run of nutpie on the model: 4 chains of 1,000 draws after
        1,000 of tuning, on one core: ``seconds_compile``, ``seconds``, ``r_hat``, ``ess``, ...
    versions : dict of str to str
    """

    quantities: dict[str, Known]
    how: str
    diagnostics: dict[str, Any]
    reference: dict[str, Any]
    versions: dict[str, str]

    @property
    def trusted(self) -> bool:
        """Exact, or a long run without a blemish."""
        d = self.diagnostics
        if self.how != "nuts":
            return True
        return d["r_hat"] < 1.005 and d["ess"] >= 20_000 and d["divergences"] == 0


def load_truth(name: str) -> Truth:
    """Read the golden values of a posterior.

    Raises
    ------
    KeyError
        When there are none: run ``python -m benchmarks.posteriors.generate --only NAME``.
    """
    stored = _stored()["posteriors"]
    if name not in stored:
        raise KeyError(
            f"There is no truth for {name!r}; make it with "
            f"python -m benchmarks.posteriors.generate --only {name}"
        )
    return truth_of_json(stored[name])


def truth_of_json(entry: dict[str, Any]) -> Truth:
    """Unpack a `Truth` from what JSON holds."""
    quantities = {label: _known(values) for label, values in entry["quantities"].items()}
    parts = {key: entry[key] for key in ("how", "diagnostics", "reference", "versions")}
    return Truth(quantities, **parts)


def known_to_json(known: Known) -> dict[str, Any]:
    """Pack a `Known` into numbers that JSON has."""
    at = dict(zip(PROBABILITIES.tolist(), known.quantiles, strict=True))
    centre, scale = at[0.5], at[0.75] - at[0.25]
    steps = np.round((known.quantiles - centre) / scale * STEPS).astype(int)
    scalars = {name: getattr(known, name) for name in ("mean", "sd", "mcse_mean", "mcse_sd", "ess")}
    return {
        **{name: float(f"{x:.10g}") if np.isfinite(x) else None for name, x in scalars.items()},
        "has_mean": known.has_mean,
        "centre": float(centre),
        "scale": float(scale),
        "steps": steps.tolist(),
    }


def _known(values: dict[str, Any]) -> Known:
    names = ("mean", "sd", "mcse_mean", "mcse_sd")
    return Known(
        **{name: np.nan if values[name] is None else values[name] for name in names},
        has_mean=values["has_mean"],
        quantiles=values["centre"] + values["scale"] * np.array(values["steps"]) / STEPS,
        ess=np.inf if values["ess"] is None else values["ess"],
    )


@cache
def _stored() -> dict[str, Any]:
    return json.loads(PATH.read_text())
