"""Simulation-based calibration of Laplace on the bioassay: 1,000 fits, and what a peer would need.

`python benchmarks/calibration.py` runs this, and times `pymc_extras.fit_laplace` on 20 simulated
data sets of the same kind. Its model holds the data in a `pymc.Data`, so that PyTensor's cache has
the graph from the first fit on: with plain arrays it compiles anew for each data set.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import numpy as np
from measuring import judged, timed

SIMULATIONS, PEER_FITS, DRAWS = 1000, 20, 500
WANTED = 30
PRIOR_SD = 2.5


def weak_bioassay() -> Any:
    """The bioassay with N(0, 2.5) on both parameters, so that data can be simulated."""
    import pymc as pm

    from tripos.models.bioassay import ANIMALS, DEATHS, LOG_DOSES

    with pm.Model() as model:
        log_dose = pm.Data("log_dose", np.array(LOG_DOSES))
        alpha, beta = pm.Normal("alpha", 0.0, PRIOR_SD), pm.Normal("beta", 0.0, PRIOR_SD)
        observed = pm.Data("observed_deaths", np.array(DEATHS))
        logit_p = alpha + beta * log_dose
        pm.Binomial("deaths", n=np.array(ANIMALS), logit_p=logit_p, observed=observed)
    return model


def simulated_deaths(size: int) -> np.ndarray:
    """Deaths (size, 4) in data sets drawn as the calibration draws them."""
    from tripos.models.bioassay import ANIMALS, LOG_DOSES

    rng = np.random.default_rng(1)
    alpha, beta = PRIOR_SD * rng.standard_normal((2, size, 1))
    risk = 1 / (1 + np.exp(-(alpha + beta * np.array(LOG_DOSES))))
    return rng.binomial(ANIMALS, risk)


def peer_seconds(size: int) -> tuple[float, np.ndarray]:
    """Seconds of the first `fit_laplace`, which compiles, and of those after it (size,)."""
    import pymc_extras as pmx

    model, seconds = weak_bioassay(), []
    for deaths in simulated_deaths(size + 1):
        model.set_data("observed_deaths", deaths)
        fit = partial(pmx.fit_laplace, model=model, draws=DRAWS, progressbar=False, random_seed=1)
        seconds.append(timed(fit)[0])
    return seconds[0], np.array(seconds[1:])


def own_seconds(linker: str) -> tuple[float, float]:
    """Seconds of a whole calibration, and those of them that went into compiling."""
    from tripos.approximations import LogDensity
    from tripos.comparisons import calibrate

    begun = time.perf_counter()
    density = LogDensity(weak_bioassay(), linker=linker)
    found = calibrate(density, "laplace", SIMULATIONS, options={"draws": DRAWS}, random_seed=1)
    seconds = time.perf_counter() - begun
    print(found)
    return seconds, density.seconds_compiling


def main() -> None:
    first, later = peer_seconds(PEER_FITS)
    needed = first + (SIMULATIONS - 1) * float(np.median(later))
    print(
        f"pymc_extras.fit_laplace: {first:.1f} s the first, then {np.median(later):.2f} s a fit "
        f"(median of {PEER_FITS}, from {later.min():.2f} to {later.max():.2f}): {needed:.0f} s for "
        f"{SIMULATIONS:,}"
    )
    for linker in ("auto", "numpy", "numba"):
        whole, compiling = own_seconds(linker)
        ratio = needed / whole
        print(
            f"calibrate, linker={linker}: {whole:.1f} s, {compiling:.1f} s of it compiling: "
            f"{ratio:.0f} times faster (wanted: {WANTED}): {judged(ratio > WANTED)}\n"
        )


if __name__ == "__main__":
    main()
