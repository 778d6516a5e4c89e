"""The distinct modes of a posterior, and how much of its mass each of them holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pymc as pm
from scipy.special import logsumexp

from ..arguments import checked_arguments
from ..density import LogDensity, as_density
from ..errors import ArgumentError, ModeNotFoundError
from ..linear_algebra.gaussian import Gaussian
from ..progress import progress
from ..result import checked_count, generator
from . import Mode
from .masses import distance_between, log_mass, mass_ratio, most_different, place_of
from .multistart import ModeSearch, explore
from .relabelling import with_images

# Largest number of moves to a heavier mode, and how much heavier it has to be.
_MOST_ROUNDS, _HEAVIER = 6, 1.001
# Mass relative to the heaviest mode's below which a mode is ignored; steps of a search.
_LEAST, _MOST_ITERATIONS = 0.01, 200


@dataclass(frozen=True)
class Modes:
    """The distinct modes that were found, the one with most mass first.

    Attributes
    ----------
    modes : tuple of Mode
    log_masses : (M,) array
        Log mass of the normal distribution at each mode.
    shares : (M,) array
        The same masses as shares of their sum. They are as accurate as the normal approximation at
        each mode, and count overlaps twice.
    arrivals : (M,) array of int
        Number of searches that ended at each mode; 0 for images of others.
    failures : mapping of str to int
        Number of searches that ended without a mode, by reason.
    symmetry : str
        Labels that can be exchanged, and signs that can be changed; empty where there are none.
    """

    modes: tuple[Mode, ...]
    log_masses: np.ndarray
    shares: np.ndarray
    arrivals: np.ndarray
    failures: Mapping[str, int]
    symmetry: str = ""

    @property
    def searches(self) -> int:
        """How many searches were made."""
        return int(np.sum(self.arrivals)) + sum(self.failures.values())

    def __len__(self) -> int:
        """Count the modes."""
        return len(self.modes)

    def __str__(self) -> str:
        """One line per mode, and one per reason for failure."""
        count = f"{len(self)} mode{'s' * (len(self) > 1)}"
        lines = [f"{count} from {self.searches} search{'es' * (self.searches > 1)}:"]
        entries = most_different(self.modes)
        for mode, mass, share in zip(self.modes, self.log_masses, self.shares, strict=True):
            lines.append(f"  share {share:.3g}, log mass {mass:.6g}: {place_of(mode, entries)}")
        lines += [f"  {count} failed: {reason}" for reason, count in self.failures.items()]
        lines += [self.symmetry] if self.symmetry else []
        return "\n".join(lines)


@dataclass(frozen=True)
class OtherMode:
    """A mode other than the known one.

    Attributes
    ----------
    mode : Mode
    relative_mass : float
        Mass of the normal distribution at this mode over that at the known one.
    distance : float
        Distance between the two, in sds of the narrower one in that direction.
    place : str
        Location, in the parameters that differ most.
    symmetry : str
        The symmetries of the posterior, where they are known and it has some.
    are_all : bool, default True
        Whether these are all modes, images under the symmetries included, as far as searches tell.
    """

    mode: Mode
    relative_mass: float
    distance: float
    place: str
    symmetry: str = ""
    are_all: bool = True


@checked_arguments
def find_modes(
    model: pm.Model | LogDensity | None = None,
    *,
    starts: int | Sequence[Mapping[str, Any] | np.ndarray | None] = 16,
    random_seed: int | np.random.Generator | None = None,
    max_iterations: int = 200,
    progressbar: bool = True,
) -> Modes:
    """Find the distinct modes of a posterior in unconstrained space, and their relative masses.

    The first search begins at the model's initial point. Then some hundred candidates (draws from
    the prior, points at 1 to 128 standard deviations from the first mode, its mirror images under
    changes of sign and of labels) are moved uphill for a few steps in one batch, and a search
    starts from each that a valley separates from all known modes. Where labels can be exchanged, or
    signs changed, with the same density, all images of the modes are added, up to 24 of each.

    No search proves that there is no other mode: one much narrower than the known mode, and more
    than a few of its own standard deviations from every candidate, is missed.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None.
    starts : int or sequence of points, default 16
        Largest number of searches, the first included; or the start of each of them: values on the
        variables' own scale, points in unconstrained space, or None for the initial point.
    random_seed : int or Generator, optional
    max_iterations : int, default 200
        Limit for each search.
    progressbar : bool, default True

    Returns
    -------
    Modes
        ``str()`` of it prints a table.

    Raises
    ------
    StartingPointError
        When a given start does not fit the model.
    ModeAtInfinityError, ModeNotFoundError, CurvatureError, StartingPointError
        When no search found a mode: the error of the first.
    ArgumentError
    """
    most = checked_count("max_iterations", max_iterations)
    rng = generator(random_seed)
    density = as_density(model)
    search = ModeSearch()
    if not isinstance(starts, int | np.integer | float):
        points = [density.initial_point(start) for start in starts]
        if not points:
            raise ArgumentError("starts must hold at least one point, but an empty one was given.")
        with progress("find_modes", len(points), show=progressbar) as advance:
            for point in points:
                search.begin(density, point, most)
                advance(1)
        return _sorted(search)
    count = checked_count("starts", starts)
    with progress("find_modes", count, show=progressbar) as advance:
        first = search.begin(density, None, most)
        advance(1)
        explore(density, search, _sense_of_scale(density, first), rng, count - 1, most, advance)
    found = _sorted(search)
    images = with_images(density, found.modes, rng)
    search.modes += images.modes[len(found) :]
    search.arrivals += [0] * (len(images.modes) - len(found))
    return replace(_sorted(search), symmetry=images.sentence)


def other_modes(
    density: LogDensity,
    mode: Mode,
    gaussian: Gaussian,
    rng: np.random.Generator,
    *,
    starts: int = 8,
    least: float = _LEAST,
    max_iterations: int = _MOST_ITERATIONS,
) -> tuple[OtherMode, ...]:
    """Look for modes of comparable mass besides a known one.

    Parameters
    ----------
    density : LogDensity
    mode : Mode
    gaussian : Gaussian
        Normal approximation at ``mode``.
    rng : Generator
    starts : int, default 8
        Largest number of searches. None is made where no valley is seen.
    least : float, default 0.01
        Mass relative to that of ``mode`` below which a mode is ignored.
    max_iterations : int, default 200

    Returns
    -------
    tuple of OtherMode
        Most mass first.
    """
    starts = checked_count("starts", starts)
    search = ModeSearch([mode], [0])
    explore(density, search, gaussian, rng, starts, max_iterations)
    others = (other for other in _sorted(search).modes if other is not mode)
    return tuple(_other(o, mode) for o in others if mass_ratio(o, mode) >= least)


def heaviest_mode(
    density: LogDensity, mode: Mode, rng: np.random.Generator, *, starts: int = 8
) -> tuple[Mode, tuple[OtherMode, ...]]:
    """Move from a known mode to the one with most mass, as far as searches find it.

    Parameters
    ----------
    density : LogDensity
    mode : Mode
    rng : Generator
    starts : int, default 8
        Largest number of searches from each mode that is moved to.

    Returns
    -------
    Mode
        The known one, where none is heavier.
    tuple of OtherMode
        Other modes with at least 1 % of its mass, most mass first: the known one among them, where
        it was left, and all images under the posterior's symmetries (see `with_images`).
    """
    starts = checked_count("starts", starts)
    search, heaviest = ModeSearch([mode], [0]), mode
    for _ in range(_MOST_ROUNDS):
        known = len(search.modes)
        has_ended = explore(density, search, heaviest.gaussian, rng, starts, _MOST_ITERATIONS)
        before, heaviest = heaviest, _heaviest(search.modes, heaviest)
        # Where all searches were used, and led to new modes, there may be more of them.
        has_ended = has_ended or len(search.modes) == known
        if has_ended and heaviest is before:
            break
    rest = [m for m in search.modes if m is not heaviest and mass_ratio(m, heaviest) >= _LEAST]
    # A separate random stream, so that what is drawn next does not depend on it.
    images = with_images(density, [heaviest, *rest], rng.spawn(1)[0])
    others = sorted(images.modes[1:], key=log_mass, reverse=True)
    are_all = images.is_complete and has_ended
    return heaviest, tuple(
        replace(_other(m, heaviest), symmetry=images.sentence, are_all=are_all) for m in others
    )


def _heaviest(modes: Sequence[Mode], here: Mode) -> Mode:
    """The mode with most mass, and ``here`` unless one is heavier by more than rounding."""
    heaviest = max(modes, key=log_mass)
    return heaviest if mass_ratio(heaviest, here) > _HEAVIER else here


def _other(mode: Mode, known: Mode) -> OtherMode:
    place = place_of(mode, most_different([known, mode]))
    apart = distance_between(known, mode)
    return OtherMode(mode, mass_ratio(mode, known), apart, place)


def _sense_of_scale(density: LogDensity, mode: Mode | None) -> Gaussian:
    """Location and scale from the first mode; without one, unit scale in unconstrained space."""
    return mode.gaussian if mode else Gaussian(density.initial_point(), np.eye(density.size))


def _sorted(search: ModeSearch) -> Modes:
    """Sort the modes; if there is none, raise the first search's error."""
    if not search.modes:
        raise search.first_error or ModeNotFoundError("No search was made.")
    masses = np.array([log_mass(mode) for mode in search.modes])
    order = np.argsort(-masses, kind="stable")
    return Modes(
        tuple(search.modes[k] for k in order),
        masses[order],
        np.exp(masses[order] - logsumexp(masses)),
        np.array(search.arrivals)[order],
        dict(search.failures),
    )
