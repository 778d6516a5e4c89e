"""Simulation-based calibration: does a method recover the parameters behind simulated data.

Talts, Betancourt, Simpson, Vehtari and Gelman (2018), "Validating Bayesian inference algorithms
with simulation-based calibration".
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr

from ...approximations.arguments import checked_arguments
from ...approximations.density import LogDensity
from ...approximations.errors import ArgumentError, CalibrationError
from ...approximations.other_packages import density_of_own_data
from ...approximations.progress import progress
from ...approximations.result import checked_count, generator
from ..methods import Method, labelled
from .fitting import has_log_density, refitting
from .ranks import FEWEST, Ranked, ranked, truths_of
from .simulating import from_posterior, from_prior
from .words import NOTHING, judged, unseen

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Calibration:
    """How often, and how, a method misses the values that data were simulated from.

    Attributes
    ----------
    method : str
    table : DataFrame
        Indexed by quantity: ``judgement`` ("nothing seen", "biased low", "biased high", "too
        narrow", "too wide", or two of them, the worse first; "misshapen"; "not a number"),
        ``p_value`` of uniform ranks, ``shift`` and ``spread`` (mean and sd of the normal scores of
        the PIT values, 0 and 1 for a calibrated method: a shift of 0.5 says that the draws are too
        low by half of their own sd, a spread of 2 that their sd should be twice as large; a true
        value beyond all draws counts as just beyond them, so both are then understated),
        ``above_median`` (share of true values above the draws' median), ``coverage_50`` and
        ``coverage_95`` (coverage of the central intervals), and a ``sentence``.
    ranks : Dataset
        ``rank`` (simulation, quantity), the number of draws below the true value, ties broken at
        random; ``pit``, the same as a continuous number in (0, 1), uniform for a calibrated method;
        and ``draws`` (simulation), the number of draws ranked against. Only fits that worked.
    failures : mapping of int to str
        Why a fit failed, by simulation. The ranks are conditional on the fit not failing.
    warned : mapping of str to int
        Number of fits that gave each class of warning.
    simulations : int
    level : float
        Probability that a correct method fails the test, over all quantities.
    around_data : bool
        Whether the true values came from a posterior, and not from the prior.
    seconds : float
    """

    method: str
    table: pd.DataFrame
    ranks: xr.Dataset
    failures: Mapping[int, str]
    warned: Mapping[str, int]
    simulations: int
    level: float
    around_data: bool
    seconds: float

    @property
    def passes(self) -> bool:
        """Whether no miscalibration was seen in any quantity, given that the fit worked."""
        return bool((self.table["judgement"] == NOTHING).all())

    @property
    def unseen(self) -> str:
        """Errors too small to be detected."""
        return unseen(self.ranks.sizes["simulation"], self.level / len(self.table))

    def __str__(self) -> str:
        """Say how many fits failed, what is wrong with each quantity, and what was undetectable."""
        source = (
            "true values from a posterior" if self.around_data else "true values from the prior"
        )
        worked = self.ranks.sizes["simulation"]
        lines = [f"{self.method} on {self.simulations:,} simulated data sets, {source}."]
        if self.failures:
            lines.insert(0, self._failed())
        if self.warned:
            kinds = ", ".join(f"{name} in {count}" for name, count in self.warned.items())
            lines.append(f"Fits that warned: {kinds}.")
        wide = max(len(str(name)) for name in self.table.index)
        for name, row in self.table.iterrows():
            # The sentence of a quantity that passes says what all of them say, below.
            good = row["judgement"] == NOTHING
            said = NOTHING if good else str(row["sentence"]).removeprefix(f"{name}: ")
            lines.append(f"{name!s:{wide}}  {said}")
        lines.append(
            f"Tested at a simultaneous level of {100 * self.level:g} % over the whole ECDF and all "
            f"{len(self.table)} quantities (Bonferroni). Nothing seen at {worked:,} simulations: "
            f"{self.unseen}."
        )
        return "\n".join(lines)

    def _failed(self) -> str:
        count = len(self.failures)
        kinds = Counter(why.partition(":")[0] for why in self.failures.values())
        kind, often = kinds.most_common(1)[0]
        return (
            f"{count} of {self.simulations:,} fits ({100 * count / self.simulations:.1f} %) failed "
            f"({kind}{'' if often == count else f' in {often} of them'}): what follows holds for "
            "data on which the method works."
        )

    def picture(self, quantities: Sequence[str] | None = None) -> Figure:
        """Draw the ECDFs of the PIT values with their simultaneous bands.

        Parameters
        ----------
        quantities : sequence of str, optional
            See `tripos.comparisons.pictures.calibration.plot_calibration`.
        """
        from ..pictures.calibration import plot_calibration

        return plot_calibration(self.table, self.ranks, self.level, quantities)


@checked_arguments
def calibrate(
    model: pm.Model | LogDensity | None = None,
    method: str | Method = "laplace",
    simulations: int = 1000,
    *,
    given: xr.DataTree | None = None,
    var_names: Sequence[str] | None = None,
    options: Mapping[str, Any] | None = None,
    level: float = 0.05,
    random_seed: int | np.random.Generator | None = None,
    progressbar: bool = True,
) -> Calibration:
    """Fit data simulated from known parameters, many times, and rank the true values.

    A true value drawn from the prior is a draw from the posterior of the data that it gives. So
    its rank among the draws of an exact method is uniform. The ECDF of the ranks is compared with a
    simultaneous band (Säilynoja, Bürkner and Vehtari 2022), quantity by quantity: each entry of
    each free variable and deterministic, and the joint log density (Modrák et al. 2023), which
    finds errors that show in no parameter.

    Draws of a Markov chain are thinned to their effective sample size. Nothing is recompiled for
    each fit for the methods that read a `LogDensity` (grid, quadrature, importance, the Laplace
    approximations), nor for NUTS by nutpie with no other options than ``draws``, ``tune``,
    ``chains``, ``target_accept`` and ``cores`` (chains: 4). The other methods, and functions of
    your own, are given a model with the new data, and may compile at each fit.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None. For hundreds of fits, ``LogDensity(model, linker="numba")``
        takes 5 to 100 s to compile, and cuts the time of each fit to a third.
    method : str or callable, default "laplace"
        As in `compare`: a name, or a function ``model -> DataTree``.
    simulations : int, default 1000
        Number of simulated data sets, at least 20.
    given : DataTree, optional
        Draws from the posterior of the model's own data, from a method that you trust (posterior
        SBC, Säilynoja et al. 2025). They are the true values, and the method is fitted to observed
        and simulated data together: this tests it on data like the model's own, and the prior may
        be improper. Needs as many independent draws as simulations.
    var_names : sequence of str, optional
        Variables to rank; all of them and the joint log density, if None.
    options : mapping, optional
        Arguments of the method, such as ``{"draws": 500}``.
    level : float, default 0.05
        Probability that a correct method fails in some quantity.
    random_seed : int or Generator, optional
        Each simulation gets its own seed.
    progressbar : bool, default True
        Shown on a terminal only.

    Returns
    -------
    Calibration
        ``str()`` of it summarises what was found.

    Raises
    ------
    CalibrationError
        When data cannot be simulated (an improper prior, a potential, missing values, no observed
        variable, a likelihood scaled by ``total_size``), or fewer than 20 fits worked.
    ArgumentError, NoMethodError, MissingExtraError
        For invalid arguments, before or at the first fit.
    DataError
        When ``model`` is a `LogDensity` whose data were changed by `set_data`.
    DiscreteVariableError, NoFreeVariableError
    """
    started = time.perf_counter()
    simulations = checked_count("simulations", simulations, least=FEWEST)
    if isinstance(level, bool) or not 0 < level < 1:
        raise ArgumentError(f"level must be a number between 0 and 1, but {level!r} was given.")
    ((label, found),) = labelled([method]).items()
    density = density_of_own_data(model, "calibrate")
    rng = generator(random_seed)
    drawn = (
        from_prior(density, simulations, rng)
        if given is None
        else from_posterior(density, given, simulations, rng)
    )
    truths = truths_of(drawn, var_names, with_log_density=has_log_density(found))
    seeds = rng.integers(2**30, size=simulations)
    uniforms = rng.random((simulations, len(truths.labels)))
    with (
        _kept(drawn.density),
        progress(f"Calibrating {label}", simulations, show=progressbar) as advance,
    ):
        fit = refitting(found, drawn.density, list(drawn.data), options or {})
        fits = ranked(drawn, truths, fit, seeds, uniforms, advance)
    ranks = _ranks(fits, truths.labels)
    table = judged(ranks["pit"].to_pandas(), level)
    seconds = time.perf_counter() - started
    told_of = dict(fits.warned)
    return Calibration(
        label, table, ranks, fits.failures, told_of, simulations, level, given is not None, seconds
    )


@contextmanager
def _kept(density: LogDensity) -> Iterator[None]:
    """Restore a density's own data at the end."""
    own = {name: container.get_value() for name, container in density.data.items()}
    try:
        yield
    finally:
        density.set_data(own)
        density.has_new_data = False


def _ranks(fits: Ranked, labels: list[str]) -> xr.Dataset:
    varying = ~fits.constant
    if not varying.any():
        raise CalibrationError(
            "Every quantity is the same in all draws and all true values, so nothing can be ranked."
        )
    dims = ("simulation", "quantity")
    return xr.Dataset(
        {
            "rank": (dims, np.array(fits.ranks)[:, varying]),
            "pit": (dims, np.array(fits.pits)[:, varying]),
            "draws": ("simulation", fits.draws),
        },
        coords={
            "simulation": fits.simulation,
            "quantity": [label for label, kept in zip(labels, varying, strict=True) if kept],
        },
    )
