"""How far an approximation is from the posterior, quantity by quantity, with Monte Carlo errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from ...approximations.density import LogDensity
from ...approximations.errors import ArgumentError
from ...approximations.limits import HEAVY_TAIL
from ...approximations.weights.pairs import WeightedPairs
from ..monte_carlo import Sample, around
from .contrasts import (
    Contrast,
    contrasts_of_tree_and_pairs,
    contrasts_of_trees,
    samples_of_pairs,
)
from .quantities import chosen_labels

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
# Range of values, relative to the largest, that counts as rounding.
_CONSTANT = 1e-13
_LEVELS = {"level_50": 0.5, "level_95": 0.95}


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
        Weighted draws suit a tree of `laplace` best: they give the moments of both, so that their
        common noise cancels.
    density : LogDensity, optional
        Required with weighted draws.
    var_names : sequence of str, optional
        Variables; all that both have, if None.

    Returns
    -------
    DataFrame
        A row a quantity, by label. ``mean_shift`` is the approximation's mean less the exact one,
        in exact sds; ``log_sd_ratio`` the log of the ratio of sds; ``mass_50`` and ``mass_95`` the
        exact mass of the approximation's central intervals, and ``level_50`` and ``level_95`` the
        approximation's own, which is the level unless values are tied; ``q2.5_shift`` and so on the
        shift of quantiles, in exact sds (estimated from half the central 50 % interval, so that
        they exist without an sd); ``wasserstein`` the 1-Wasserstein distance in the same units.
        ``has_mean`` says whether the draws let mean and sd be compared: where they do not, the
        shift of the mean and the ratio are NaN. ``finite`` says whether all values were numbers:
        where they were not, all others are NaN.

    Raises
    ------
    ArgumentError
        When weighted draws come without their density, or ``var_names`` hold a name that one of
        them lacks.
    """
    if isinstance(against, xr.DataTree):
        contrasts = contrasts_of_trees(approximation, against)
    elif density is None:
        raise ArgumentError("Weighted draws need the density that they are draws of: pass density=")
    else:
        exact = samples_of_pairs(density, against, var_names)
        contrasts = contrasts_of_tree_and_pairs(approximation, density, against, exact)
    return measured(contrasts, var_names)


def measured(
    contrasts: Mapping[str, Contrast], var_names: Sequence[str] | None = None
) -> pd.DataFrame:
    """Measure each contrast; see `discrepancies` for the columns."""
    chosen = chosen_labels(contrasts, var_names)
    rows = {label: measures(contrasts[label]) for label in chosen}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("quantity")


def measures(contrast: Contrast) -> dict[str, float | bool]:
    """Measure one quantity."""
    one, exact = contrast.approximation, contrast.exact
    used = [s.values[s.weights > 0] for s in (one, exact)]
    if not all(np.all(np.isfinite(values)) for values in used):
        return {**_empty(MEASURES), **_LEVELS, "has_mean": False, "finite": False}
    varies = [not _is_constant(values) for values in used]
    if not all(varies):
        rows = _of_constants(varies, same=_is_constant(np.array([x[0] for x in used])))
        return {**rows, **_LEVELS, "has_mean": True, "finite": True}
    # Where the weight is 0 a value may be anything, even NaN.
    one, exact = (
        s if len(x) == len(s.values) else replace(s, values=np.where(s.weights > 0, s.values, x[0]))
        for s, x in zip((one, exact), used, strict=True)
    )
    contrast = replace(contrast, approximation=one, exact=exact)
    q_one, q_exact = (sample.quantiles(PROBABILITIES) for sample in (one, exact))
    light = [sample.tail_index(2) < HEAVY_TAIL for sample in (one, exact)]
    has_mean = all(
        squares or sample.tail_index(1) < HEAVY_TAIL
        for squares, sample in zip(light, (one, exact), strict=True)
    )
    rows = _moments(contrast, heavy=not all(light)) if has_mean else _empty(MEASURES[:2])
    rows |= _masses(contrast, q_one) | _quantile_shifts(contrast, q_one, q_exact)
    rows |= _wasserstein(contrast)
    return {**rows, "has_mean": has_mean, "finite": True}


def _moments(contrast: Contrast, *, heavy: bool) -> dict[str, float]:
    one, exact = contrast.approximation, contrast.exact
    (m_one, s_one, z_one), (m, s, z) = _standardised(one), _standardised(exact)
    shift, ratio = (m_one - m) / s, np.log(s_one / s)
    known = [sample.mean is not None for sample in (one, exact)]
    squares = [np.where(k, 0.0, (x**2 - 1) / 2) for k, x in zip(known, (z_one, z), strict=True)]
    influences = [np.where(k, 0.0, x) for k, x in zip(known, (z_one * s_one / s, z), strict=True)]
    influences[1] = influences[1] + shift * squares[1]  # of the sd that is its unit
    return {
        **_with_error("mean_shift", shift, contrast.error(*influences)),
        # A square with so heavy a tail has no usable standard error.
        **_with_error("log_sd_ratio", ratio, np.inf if heavy else contrast.error(*squares)),
    }


def _standardised(sample: Sample) -> tuple[float, float, np.ndarray]:
    values = np.where(sample.weights > 0, sample.values, 0.0)
    mean = sample.weights @ values if sample.mean is None else sample.mean
    sd = sample.sd if sample.sd is not None else np.sqrt(sample.weights @ (values - mean) ** 2)
    return float(mean), float(sd), (values - mean) / sd


def _masses(contrast: Contrast, quantiles: np.ndarray) -> dict[str, float]:
    """Exact mass of the approximation's central intervals."""
    rows: dict[str, float] = {}
    for name, ends in (("mass_50", (1, 3)), ("mass_95", (0, 4))):
        low, high = quantiles[list(ends)]
        masses = [
            float(s.weights[(s.values >= low) & (s.values <= high)].sum())
            for s in (contrast.approximation, contrast.exact)
        ]
        exact = ((contrast.exact.values >= low) & (contrast.exact.values <= high)) - masses[1]
        own = sum(
            sign
            * _ratio_at(contrast, PROBABILITIES[k])
            * (below - contrast.approximation.weights @ below)
            for sign, k in zip((-1, 1), ends, strict=True)
            for below in [contrast.approximation.values <= quantiles[k]]
        )
        rows |= _with_error(name, masses[1], contrast.error(own, exact))
        rows[name.replace("mass", "level")] = masses[0]
    return rows


def _ratio_at(contrast: Contrast, probability: float) -> float:
    """Exact density over the approximation's, at one of its quantiles."""
    ends = contrast.approximation.quantiles(around(probability))
    own, exact = (
        np.ptp(s.probability_below(ends)) for s in (contrast.approximation, contrast.exact)
    )
    return float(exact / own) if own > 0 else 1.0


def _quantile_shifts(contrast: Contrast, one: np.ndarray, exact: np.ndarray) -> dict[str, float]:
    if exact[0] == exact[-1] == one[0] == one[-1]:
        # All variation lies beyond these quantiles, which cannot be compared.
        return _empty([f"q{100 * p:g}_shift" for p in PROBABILITIES])
    spread = contrast.exact.spread
    rows: dict[str, float] = {}
    for k, p in enumerate(PROBABILITIES):
        influences = [
            sample.quantile_influence(p) / spread
            for sample in (contrast.approximation, contrast.exact)
        ]
        shift = (one[k] - exact[k]) / spread
        rows |= _with_error(f"q{100 * p:g}_shift", shift, contrast.error(*influences))
    return rows


def _wasserstein(contrast: Contrast) -> dict[str, float]:
    """Distance, and its error: that of the mean of the potential, whose slope is sign(F - G)."""
    one, exact = contrast.approximation, contrast.exact
    both = [exact.values] if one.values is exact.values else [one.values, exact.values]
    at = np.unique(np.concatenate(both))
    steps = np.diff(at, append=at[-1])
    apart = one.probability_below(at) - exact.probability_below(at)
    distance = np.abs(apart) @ steps
    potential = np.concatenate([[0.0], np.cumsum(np.sign(apart) * steps)[:-1]])
    influences = []
    for sample in (one, exact):
        value = np.interp(sample.values, at, potential)
        influences.append((value - sample.weights @ value) / exact.spread)
    return _with_error("wasserstein", distance / exact.spread, contrast.error(*influences))


def _with_error(name: str, value: float, error: float) -> dict[str, float]:
    return {name: float(value), f"{name}_se": float(error) + _ROUNDING}


def _empty(names: Sequence[str]) -> dict[str, float]:
    return {column: np.nan for name in names for column in (name, f"{name}_se")}


def _is_constant(values: np.ndarray) -> bool:
    return bool(np.ptp(values) <= _CONSTANT * np.max(np.abs(values)))


def _of_constants(varies: Sequence[bool], *, same: bool) -> dict[str, float]:
    """Measures of a quantity that is constant on at least one side: equal, or far off."""
    rows = {column: 0.0 for name in MEASURES for column in (name, f"{name}_se")}
    rows |= _LEVELS | {"mass_50": 0.5, "mass_95": 0.95}
    if any(varies):
        return rows | {"log_sd_ratio": np.inf if varies[0] else -np.inf}
    return rows if same else rows | {"mean_shift": np.inf}
