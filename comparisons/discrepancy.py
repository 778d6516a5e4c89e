"""How far an approximation is from the posterior, quantity by quantity, with Monte Carlo errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.base import array_stats
from scipy.stats import wasserstein_distance

from ..approximations.density import LogDensity
from ..approximations.errors import ArgumentError
from ..approximations.pairs import WeightedPairs
from .sides import Sample, Sides, sides_of_pairs, sides_of_tree_and_pairs, sides_of_trees
from .summary import HEAVY_TAIL

PROBABILITIES = (0.025, 0.25, 0.5, 0.75, 0.975)
MEASURES = (
    "mean_shift",
    "log_sd_ratio",
    "mass_50",
    "mass_95",
    *(f"q{100 * p:g}_shift" for p in PROBABILITIES),
    "wasserstein",
)
"""Columns of the table; each has its standard error in a column of the same name with ``_se``."""

_ROUNDING = 1e-9
# Half the central 50 % interval of a normal distribution, in sds.
_QUARTILE = 0.6744897501960817
# Probability on each side of a quantile, from whose width its density is read.
_WINDOW = 0.02


def discrepancies(
    approximation: xr.DataTree,
    against: xr.DataTree | WeightedPairs,
    density: LogDensity | None = None,
    var_names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Measure an approximation against a tree that is trusted, or against weighted draws.

    Parameters
    ----------
    approximation : DataTree
    against : DataTree or WeightedPairs
        Weighted draws serve a tree of `laplace` best: they give the moments of both, so that what
        is common to both cancels.
    density : LogDensity, optional
        Needed with weighted draws.
    var_names : sequence of str, optional
        Variables; all that both have, if None.

    Returns
    -------
    DataFrame
        A row a quantity, by label. ``mean_shift`` is the approximation's mean less the exact one,
        in exact sds; ``log_sd_ratio`` the log of the ratio of sds; ``mass_50`` and ``mass_95`` the
        exact mass of the approximation's central intervals; ``q2.5_shift`` and so on the shift of
        quantiles, in exact sds (as half the central 50 % interval tells them, so that they exist
        without an sd); ``wasserstein`` the 1-Wasserstein distance in the same units. ``has_mean``
        says whether the draws let mean and sd be compared: where they do not, the shift of the
        mean and the ratio are NaN. ``finite`` says whether all values were numbers: where they
        were not, all others are NaN.

    Raises
    ------
    ArgumentError
        When weighted draws come without their density.
    """
    if isinstance(against, xr.DataTree):
        sides = sides_of_trees(approximation, against)
    elif density is None:
        raise ArgumentError("Weighted draws need the density that they are draws of: pass density=")
    elif approximation.attrs.get("method") == "laplace":
        sides = sides_of_pairs(density, against)
    else:
        sides = sides_of_tree_and_pairs(approximation, density, against)
    chosen = {
        label: side
        for label, side in sides.items()
        if var_names is None or label.split("[")[0] in var_names
    }
    rows = {label: measures(side) for label, side in chosen.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("quantity")


def total_variation(pairs: WeightedPairs) -> tuple[float, float]:
    """Total variation distance between the normal approximation and the posterior, and its error.

    Half the integral of the absolute difference of the two densities, over all parameters at once.
    """
    exact = np.exp(pairs.log_point_weights)
    normal = np.exp(pairs.log_laplace - pairs.log_proposal)
    normal /= normal.sum()
    sign = np.sign(exact - normal)
    influence = np.sum((exact - normal) * sign / 2, axis=0)
    distance = float(influence.sum())
    return distance, float(np.linalg.norm(influence - distance * np.exp(pairs.log_weights)))


def measures(sides: Sides) -> dict[str, float | bool]:
    """Measure one quantity."""
    one, exact = sides.approximation, sides.exact
    used = [s.values[s.weights > 0] for s in (one, exact)]
    if not all(np.all(np.isfinite(values)) for values in used):
        return {**_empty(MEASURES), "has_mean": False, "finite": False}
    if all(np.ptp(values) == 0 for values in used):
        same = float(used[0][0] == used[1][0])
        return {**_of_constants(same), "has_mean": True, "finite": True}
    q_one, q_exact = (weighted_quantiles(s, PROBABILITIES) for s in (one, exact))
    has_mean = all(_has_mean(sample) for sample in (one, exact))
    rows = _moments(sides) if has_mean else _empty(MEASURES[:2])
    rows |= _masses(sides, q_one) | _quantile_shifts(sides, q_one, q_exact)
    rows |= _wasserstein(sides, _spread(q_exact))
    return {**rows, "has_mean": has_mean, "finite": True}


def weighted_quantiles(sample: Sample, probabilities: Sequence[float]) -> np.ndarray:
    """Quantiles of a weighted sample: where the middle of a value's weight is its probability."""
    order = np.argsort(sample.values)
    weights = sample.weights[order]
    return np.interp(probabilities, np.cumsum(weights) - weights / 2, sample.values[order])


def _moments(sides: Sides) -> dict[str, float]:
    one, exact = sides.approximation, sides.exact
    (m_one, s_one, z_one), (m, s, z) = _standardised(one), _standardised(exact)
    shift, ratio = (m_one - m) / s, np.log(s_one / s)
    known = [sample.mean is not None for sample in (one, exact)]
    influences = [np.where(k, 0.0, x) for k, x in zip(known, (z_one * s_one / s, z), strict=True)]
    squares = [np.where(k, 0.0, (x**2 - 1) / 2) for k, x in zip(known, (z_one, z), strict=True)]
    heavy = max(_weight_tail(sample, 2) for sample in (one, exact)) >= HEAVY_TAIL
    return {
        **_with_error("mean_shift", shift, sides.error(*influences)),
        # A square with so heavy a tail has no standard error to speak of.
        **_with_error("log_sd_ratio", ratio, np.inf if heavy else sides.error(*squares)),
    }


def _standardised(sample: Sample) -> tuple[float, float, np.ndarray]:
    values = np.where(sample.weights > 0, sample.values, 0.0)
    mean = sample.weights @ values if sample.mean is None else sample.mean
    sd = sample.sd if sample.sd is not None else np.sqrt(sample.weights @ (values - mean) ** 2)
    return float(mean), float(sd), (values - mean) / sd


def _masses(sides: Sides, quantiles: np.ndarray) -> dict[str, float]:
    """Exact mass of the central intervals, whose ends the approximation's own draws give."""
    rows: dict[str, float] = {}
    for name, low, high in (("mass_50", *quantiles[[1, 3]]), ("mass_95", *quantiles[[0, 4]])):
        inside = [
            ((s.values >= low) & (s.values <= high)).astype(float)
            for s in (sides.approximation, sides.exact)
        ]
        weights = (sides.approximation.weights, sides.exact.weights)
        masses = [float(w @ x) for w, x in zip(weights, inside, strict=True)]
        influences = [x - mass for x, mass in zip(inside, masses, strict=True)]
        rows |= _with_error(name, masses[1], sides.error(*influences))
    return rows


def _quantile_shifts(sides: Sides, one: np.ndarray, exact: np.ndarray) -> dict[str, float]:
    spread = _spread(exact)
    rows: dict[str, float] = {}
    for k, p in enumerate(PROBABILITIES):
        influences = [
            (p - (sample.values <= at[k])) / (_density_at(sample, p) * spread)
            for sample, at in ((sides.approximation, one), (sides.exact, exact))
        ]
        shift = (one[k] - exact[k]) / spread
        rows |= _with_error(f"q{100 * p:g}_shift", shift, sides.error(*influences))
    return rows


def _density_at(sample: Sample, probability: float) -> float:
    width = min(_WINDOW, probability / 2, (1 - probability) / 2)
    low, high = weighted_quantiles(sample, (probability - width, probability + width))
    return 2 * width / max(high - low, np.finfo(float).tiny)


def _wasserstein(sides: Sides, spread: float) -> dict[str, float]:
    """Distance, and its error: that of the mean of the potential, whose slope is sign(F - G)."""
    one, exact = sides.approximation, sides.exact
    distance = wasserstein_distance(one.values, exact.values, one.weights, exact.weights)
    at = np.sort(np.concatenate([one.values, exact.values]))
    steps = np.diff(at, append=at[-1])
    below = [_distribution(sample, at) for sample in (one, exact)]
    potential = np.concatenate([[0.0], np.cumsum(np.sign(below[0] - below[1]) * steps)[:-1]])
    influences = []
    for sample in (one, exact):
        value = np.interp(sample.values, at, potential)
        influences.append((value - sample.weights @ value) / spread)
    return _with_error("wasserstein", distance / spread, sides.error(*influences))


def _distribution(sample: Sample, at: np.ndarray) -> np.ndarray:
    order = np.argsort(sample.values)
    cumulated = np.concatenate([[0.0], np.cumsum(sample.weights[order])])
    return cumulated[np.searchsorted(sample.values[order], at, side="right")]


def _has_mean(sample: Sample) -> bool:
    return _weight_tail(sample, 2) < HEAVY_TAIL or _weight_tail(sample, 1) < HEAVY_TAIL


def _weight_tail(sample: Sample, power: int) -> float:
    """Tail index of what is summed for a moment (Vehtari et al. 2024, section 3)."""
    values = np.where(sample.weights > 0, sample.values, 0.0)
    terms = sample.weights * np.abs(values - sample.weights @ values) ** power
    return float(array_stats.pareto_khat(terms[None], chain_axis=0, draw_axis=1, tail="right"))


def _spread(quantiles: np.ndarray) -> float:
    half = (quantiles[3] - quantiles[1]) / 2
    return float(max(half / _QUARTILE, np.finfo(float).tiny))


def _with_error(name: str, value: float, error: float) -> dict[str, float]:
    return {name: float(value), f"{name}_se": float(error) + _ROUNDING}


def _empty(names: Sequence[str]) -> dict[str, float]:
    return {column: np.nan for name in names for column in (name, f"{name}_se")}


def _of_constants(same: float) -> Mapping[str, float]:
    """Rows of a quantity that does not vary: all agrees when it is the same, nothing otherwise."""
    rows = {column: 0.0 for name in MEASURES for column in (name, f"{name}_se")}
    if same:
        return rows | {"mass_50": 0.5, "mass_95": 0.95}
    return rows | {"mean_shift": np.inf}
