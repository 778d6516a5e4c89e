"""How far the Laplace approximation really is from each posterior: what a verdict should say.

``python -m benchmarks.posteriors.errors`` prints the table. The approximation's own moments are
integrals over a normal distribution; scrambled Sobol points give them to about 1e-4 sd, and several
scrambles the error of that.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from tripos.approximations import LogDensity
from tripos.approximations.errors import TriposError
from tripos.approximations.linear_algebra.gaussian import Gaussian
from tripos.approximations.mode import find_mode
from tripos.approximations.scalars.quantities import scalars_at

from . import POSTERIORS, Posterior
from .truth import Known, load_truth

# The default tolerances of a verdict (issue 3): shift of the mean in sds, log ratio
# of sds, true mass of the 50 % and 95 % intervals less its nominal value.
TOLERANCES = np.array([0.1, np.log(1.1), 0.03, 0.03])
SCRAMBLES, POINTS = 8, 2**15
_ENDS = (0.025, 0.25, 0.75, 0.975)


@dataclass(frozen=True)
class Discrepancy:
    """True errors of the Laplace approximation for one quantity.

    Attributes
    ----------
    shift : float
        Mean of the approximation less the true mean, in true sds.
    log_sd_ratio : float
        Log of the approximation's sd over the true one.
    mass_50, mass_95 : float
        True probability of the approximation's central intervals, less 0.5 and 0.95.
    errors : tuple of float
        Standard errors of the four, in this order: of the truth and of the integration.
    has_mean : bool
        Where False, the first two are NaN and only the masses count.
    """

    shift: float
    log_sd_ratio: float
    mass_50: float
    mass_95: float
    errors: tuple[float, float, float, float]
    has_mean: bool

    @property
    def worst(self) -> float:
        """Largest error in units of its tolerance: 0.5 is well inside, above 1 is outside."""
        return float(np.nanmax(self._scaled))

    @property
    def worst_error(self) -> float:
        """Standard error of the largest error, in the same units."""
        return float((self.errors / TOLERANCES)[np.nanargmax(self._scaled)])

    @property
    def _scaled(self) -> np.ndarray:
        found = np.array([self.shift, self.log_sd_ratio, self.mass_50, self.mass_95])
        return np.abs(found) / TOLERANCES

    @property
    def place(self) -> str:
        """Whether "well inside" (half of every tolerance), "inside" or "outside"."""
        if self.worst <= 0.5:
            return "well inside"
        return "inside" if self.worst <= 1 else "outside"


def true_errors(name: str) -> dict[str, Discrepancy]:
    """Compare the Laplace approximation of a posterior with the truth, quantity by quantity.

    Raises
    ------
    TriposError
        What `laplace` raises, where there is no approximation.
    KeyError
        When there is no truth yet.
    """
    truth, posterior = load_truth(name), POSTERIORS[name]
    samples = laplace_values(posterior)
    return {label: discrepancy(samples[label], known) for label, known in truth.quantities.items()}


def laplace_values(posterior: Posterior) -> dict[str, np.ndarray]:
    """Quantities (SCRAMBLES, POINTS) under the Laplace approximation, at quasi-random points."""
    density = LogDensity(posterior.build())
    mode = find_mode(density)
    gaussian = Gaussian.from_precision(mode.theta, -mode.hessian, mode.parameters)
    blocks = []
    for seed in range(SCRAMBLES):
        uniform = qmc.Sobol(gaussian.size, rng=np.random.default_rng(seed)).random(POINTS)
        # A scrambled point may be 0 exactly, whose normal quantile is minus infinity.
        whitened = ndtri(np.maximum(uniform, 2.0**-33))
        blocks.append(posterior.judged(scalars_at(density, gaussian.place(whitened))))
    return {label: np.stack([block[label] for block in blocks]) for label in blocks[0]}


def discrepancy(values: np.ndarray, known: Known) -> Discrepancy:
    """True errors from values (scrambles, points) under the approximation."""
    low95, low50, high50, high95 = np.quantile(values, _ENDS, axis=1)
    estimates = np.full((4, len(values)), np.nan)
    if known.has_mean:
        estimates[0] = (values.mean(axis=1) - known.mean) / known.sd
        estimates[1] = np.log(values.std(axis=1) / known.sd)
    estimates[2] = known.mass(low50, high50) - 0.5
    estimates[3] = known.mass(low95, high95) - 0.95
    integration = estimates.std(axis=1, ddof=1) / np.sqrt(len(values))
    return Discrepancy(
        *estimates.mean(axis=1).tolist(),
        errors=tuple(np.hypot(integration, _errors_of_truth(known, estimates)).tolist()),
        has_mean=known.has_mean,
    )


def _errors_of_truth(known: Known, estimates: np.ndarray) -> np.ndarray:
    masses = estimates[2:].mean(axis=1) + np.array([0.5, 0.95])
    moments = (known.mcse_mean / known.sd, known.mcse_sd / known.sd)
    return np.array([*moments, *known.mcse_probability(masses)])


def row(name: str) -> str:
    """One line of the table: how many quantities are well inside, inside and outside."""
    posterior = POSTERIORS[name]
    size = LogDensity(posterior.build()).size
    start = f"{name:28s} {size:3d}  {posterior.kind:13s} {posterior.how:11s}"
    try:
        found = true_errors(name)
    except TriposError as error:
        return f"{start}  {type(error).__name__}"
    places = [d.place for d in found.values()]
    counts = "  ".join(f"{places.count(p):4d}" for p in ("well inside", "inside", "outside"))
    near = sum(abs(d.worst - 1) < 2 * d.worst_error for d in found.values())
    return f"{start} {counts}  {near:4d}"


def main() -> None:
    print(f"{'posterior':28s} {'P':>3s}  {'kind':13s} {'truth':11s} well  in    out   near 1")
    for name in POSTERIORS:
        try:
            load_truth(name)
        except KeyError:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            print(row(name), flush=True)


if __name__ == "__main__":
    main()
