"""What a posterior of the table is: a model, the quantities asked about, and a way to the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
from scipy.optimize import brentq


@dataclass(frozen=True)
class Marginal:
    """The exact distribution of one quantity.

    Attributes
    ----------
    mean, sd : float
    quantile : callable
        Takes probabilities (K,), returns quantiles (K,).
    """

    mean: float
    sd: float
    quantile: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class ClosedForm:
    """Marginals by formula.

    Attributes
    ----------
    marginals : callable
        Returns a `Marginal` for every quantity, by flattened name.
    """

    marginals: Callable[[], Mapping[str, Marginal]]


@dataclass(frozen=True)
class Quadrature:
    """Sums over a fine product grid in unconstrained space, for up to three scalars.

    Attributes
    ----------
    box : tuple of (low, high)
        One pair a scalar of ``theta``, so wide that its faces hold nothing.
    points : tuple of int
    """

    box: tuple[tuple[float, float], ...]
    points: tuple[int, ...]


@dataclass(frozen=True)
class Nuts:
    """A long run of nutpie.

    Attributes
    ----------
    model : callable, optional
        Builds the same posterior in coordinates that a sampler likes better; it has the same
        quantities. The posterior's own model, if None.
    target_accept : float
    """

    model: Callable[[], pm.Model] | None = None
    target_accept: float = 0.9


@dataclass(frozen=True)
class Posterior:
    """One row of the table.

    Attributes
    ----------
    name : str
    build : callable
        Returns a new `pymc.Model`.
    kind : str
        ``"regression"``, ``"hierarchical"``, ``"two modes"``, ...
    description : str
    recipe : ClosedForm, Quadrature or Nuts
        How the truth is found.
    unimodal : bool
        Whether the density has one mode (in PyMC's unconstrained coordinates), as far as known.
    only : tuple of str
        Flattened names of the quantities that are judged; all, if empty.
    without_mean : tuple of str
        Quantities whose mean or standard deviation does not exist.
    """

    name: str
    build: Callable[[], pm.Model]
    kind: str
    description: str
    recipe: ClosedForm | Quadrature | Nuts
    unimodal: bool = True
    only: tuple[str, ...] = ()
    without_mean: tuple[str, ...] = ()

    @property
    def how(self) -> str:
        """How the truth is known: "closed form", "quadrature" or "nuts"."""
        names = {ClosedForm: "closed form", Quadrature: "quadrature", Nuts: "nuts"}
        return names[type(self.recipe)]

    def judged[T](self, by_label: Mapping[str, T]) -> dict[str, T]:
        """Keep what is of a quantity that is judged."""
        return {q: found for q, found in by_label.items() if not self.only or q in self.only}


def row(
    build: Callable[..., pm.Model],
    kind: str,
    description: str,
    recipe: ClosedForm | Quadrature | Nuts,
    **more: Any,
) -> Posterior:
    """A row of the table, named after the function that builds its model."""
    return Posterior(build.__name__, build, kind, description, recipe, **more)


def marginal_of(distribution: object) -> Marginal:
    """Wrap a frozen distribution of SciPy."""
    return Marginal(float(distribution.mean()), float(distribution.std()), distribution.ppf)


def marginal_by_cdf(
    mean: float, sd: float, cdf: Callable[[float], float], bracket: tuple[float, float]
) -> Marginal:
    """Make a marginal of which only the distribution function is known, by root finding."""

    def quantile(probabilities: np.ndarray) -> np.ndarray:
        roots = [brentq(lambda x, p=p: cdf(x) - p, *bracket, xtol=1e-12) for p in probabilities]
        return np.array(roots)

    return Marginal(mean, sd, quantile)
