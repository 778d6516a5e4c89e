"""The bioassay by Laplace and by grid, refitted for each table, and numbers that compare the two.

Both stand in the same coordinates, (alpha, beta) or (alpha, log beta): the two axes of the grid are
the two parameters of the normal distribution.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from dose_table import Doses
from scipy.stats import multivariate_normal, norm

from tripos.approximations import LogDensity, grid, laplace
from tripos.comparisons.pictures.contours import grid_mass
from tripos.models.bioassay import Prior, Slope, bioassay

PROBABILITIES = (0.025, 0.25, 0.5, 0.75, 0.975)
# Cells along each axis: the contours and the second decimals are those of 401, in half the time.
_POINTS = 201


@dataclass(frozen=True)
class Fits:
    """One posterior, twice.

    Attributes
    ----------
    normal, exact : DataTree
        By `laplace` and by `grid`.
    seconds : float
        What the Laplace fit took, new data and draws included.
    """

    normal: xr.DataTree
    exact: xr.DataTree
    seconds: float

    @property
    def slope(self) -> str:
        """Label of the second coordinate: ``"beta"`` or ``"beta_log__"``."""
        return str(self.normal["fit"]["parameter"].values[1])

    @property
    def trees(self) -> dict[str, xr.DataTree]:
        """The trees under the labels that the pictures show."""
        return {"grid (exact)": self.exact, "Laplace": self.normal}


def compiled_density(prior: Prior, slope: Slope) -> LogDensity:
    """Make the log density of the bioassay, with all compiled that a fit needs: about a second."""
    density = LogDensity(bioassay(prior, slope), linker="numpy")
    laplace(density, draws=10, random_seed=1)
    return density


def refit(density: LogDensity, doses: Doses, draws: int = 4000, random_seed: int = 1) -> Fits:
    """Put new doses into a log density, and fit it by both methods, with nothing compiled.

    Raises
    ------
    TriposError
        When the posterior has no peak, as when a dose separates the dead from the living.
    """
    started = time.perf_counter()
    density.set_data(doses.data, coords={"dose": doses.labels})
    normal = laplace(density, draws=draws, random_seed=random_seed)
    seconds = time.perf_counter() - started
    exact = grid(density, points=_POINTS, draws=draws, random_seed=random_seed, progressbar=False)
    return Fits(normal, exact, seconds)


def in_coordinates(tree: xr.DataTree) -> xr.DataTree:
    """Show a tree in the coordinates that it was fitted in: log beta stays log beta."""
    names = {"beta_log__": "log beta"}
    draws = tree["unconstrained_posterior"].to_dataset()
    fit = tree["fit"].to_dataset()
    new = [names.get(str(name), str(name)) for name in fit["parameter"].values]
    fit = fit.assign_coords({dim: new for dim in ("parameter", "parameter_bis") if dim in fit.dims})
    point = xr.Dataset({name: fit["mode"].sel(parameter=name, drop=True) for name in new})
    shown = xr.DataTree.from_dict(
        {
            "posterior": draws.rename({old: to for old, to in names.items() if old in draws}),
            "fit": fit,
            "point_estimate": point,
        }
    )
    shown.attrs = dict(tree.attrs)
    return shown


def correlation_of(tree: xr.DataTree) -> float:
    """Correlation of the two parameters of a normal approximation."""
    sd = tree["fit"]["sd"].values
    return float(tree["fit"]["covariance"].values[0, 1] / (sd[0] * sd[1]))


def beta_quantiles(fits: Fits) -> pd.DataFrame:
    """Quantiles of beta, from the normal distribution itself and from the grid's cells."""
    mode, sd = (fits.normal["fit"][name].values[1] for name in ("mode", "sd"))
    normal = norm(mode, sd).ppf(PROBABILITIES)
    exact = fits.exact["fit"]["quantiles"].sel(quantity="beta")
    rows = {
        "grid (exact)": exact.sel(probability=list(PROBABILITIES), method="nearest").values,
        "Laplace": normal if fits.slope == "beta" else np.exp(normal),
    }
    return _by_probability(rows)


def ld50_quantiles(fits: Fits) -> pd.DataFrame:
    """Quantiles of LD50 where the slope is positive: without one, no dose kills half.

    From the grid's cells, and from the draws of the normal distribution.
    """
    posterior = fits.normal["posterior"]
    rises = posterior["beta"].values > 0
    draws = posterior["ld50"].values[rises]
    ratio, mass = _ld50_of_cells(fits)
    rows = {
        "grid (exact)": np.quantile(ratio, PROBABILITIES, weights=mass, method="inverted_cdf"),
        "Laplace": np.quantile(draws, PROBABILITIES),
    }
    return _by_probability(rows)


def _ld50_of_cells(fits: Fits) -> tuple[np.ndarray, np.ndarray]:
    """Ratio and mass of the cells whose slope is positive."""
    mass = grid_mass(fits.exact, ["alpha", fits.slope])
    alpha, slope = (mass[dim].values for dim in mass.dims)
    beta = slope if fits.slope == "beta" else np.exp(slope)
    rises = beta > 0
    ratio = -alpha[:, None] / beta[rises]
    return ratio.ravel(), mass.values[:, rises].ravel()


def negative_slope(fits: Fits) -> dict[str, float]:
    """Probability that beta is negative."""
    if fits.slope != "beta":
        return dict.fromkeys(fits.trees, 0.0)
    mode, sd = (fits.normal["fit"][name].values[1] for name in ("mode", "sd"))
    return {"grid (exact)": exact_below(fits, 0.0), "Laplace": float(norm(mode, sd).cdf(0))}


def exact_share(fits: Fits, level: float) -> float:
    """Exact mass inside Laplace's central interval of the slope that claims to hold ``level``."""
    mode, sd = (fits.normal["fit"][name].values[1] for name in ("mode", "sd"))
    low, high = norm(mode, sd).interval(level)
    return exact_below(fits, high) - exact_below(fits, low)


def exact_below(fits: Fits, place: float) -> float:
    """Exact mass below a place on the slope's axis, on the scale of the coordinates."""
    mass = grid_mass(fits.exact, [fits.slope])
    centres = mass[mass.dims[0]].values
    edges = np.append(centres, 2 * centres[-1] - centres[-2]) - (centres[1] - centres[0]) / 2
    return float(np.interp(place, edges, np.append(0.0, np.cumsum(mass.values))))


def total_variation(fits: Fits) -> float:
    """Total variation distance of the normal distribution from the posterior, on the grid."""
    mass = grid_mass(fits.exact, ["alpha", fits.slope])
    axes = [mass[dim].values for dim in mass.dims]
    cell = np.prod([axis[1] - axis[0] for axis in axes])
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    fit = fits.normal["fit"]
    normal = cell * multivariate_normal(fit["mode"].values, fit["covariance"].values).pdf(places)
    # What the normal has outside the box, the posterior lacks.
    return float(0.5 * (np.abs(mass.values - normal).sum() + 1 - normal.sum()))


def beta_mean_under(fits: Fits, sd_alpha: float, sd_beta: float) -> float:
    """Exact mean of beta when a normal prior around 0 takes the place of a flat one.

    The grid's cells hold it already: each is multiplied by the prior's density.
    """
    mass = grid_mass(fits.exact, ["alpha", "beta"])
    alpha, beta = (mass[dim].values for dim in mass.dims)
    weights = mass.values * np.outer(norm(0, sd_alpha).pdf(alpha), norm(0, sd_beta).pdf(beta))
    return float(weights.sum(axis=0) @ beta / weights.sum())


def exact_moments(fits: Fits) -> tuple[np.ndarray, np.ndarray]:
    """Means (2,) and standard deviations (2,) of the two coordinates, from the grid's cells."""
    mass = grid_mass(fits.exact, ["alpha", fits.slope])
    axes = [mass[dim] for dim in mass.dims]
    means = np.array([float((mass * axis).sum()) for axis in axes])
    squares = [float((mass * (axis - m) ** 2).sum()) for axis, m in zip(axes, means, strict=True)]
    return means, np.sqrt(squares)


def _by_probability(rows: dict[str, np.ndarray]) -> pd.DataFrame:
    names = [f"{100 * p:g} %" for p in PROBABILITIES]
    return pd.DataFrame.from_dict(rows, orient="index", columns=names)
