"""A series of searches for modes, each from the most promising candidate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..density import LogDensity
from ..errors import (
    CurvatureError,
    ImproperPosteriorError,
    ModeAtInfinityError,
    ModeNotFoundError,
    StartingPointError,
    TriposError,
)
from ..linear_algebra.gaussian import Gaussian
from . import Mode, new_or_known
from .given_start import Start
from .masses import distance_between
from .start_points import (
    Candidates,
    beyond_valleys,
    candidates_around,
    climbed,
    mirror_images,
    on_one_hill,
)

# Searches end within 1e-6 sds of a mode, and modes worth distinguishing are further apart.
_SAME = 0.01
# Failed searches after which the series stops: each of them takes long.
_MOST_FAILURES = 3
# Searches from one hill that found nothing new, after which it counts as part of a known one.
_MOST_DOUBTS = 3
_FAILURES = (
    StartingPointError,
    ModeAtInfinityError,
    ModeNotFoundError,
    CurvatureError,
    ImproperPosteriorError,
)


@dataclass
class ModeSearch:
    """Results of a series of searches so far.

    Attributes
    ----------
    modes : list of Mode
        Distinct modes, in the order in which they were found.
    arrivals : list of int
        Number of searches that ended at each.
    failures : Counter of str
        Why searches ended without a mode.
    first_error : TriposError or None
        The first of those errors.
    """

    modes: list[Mode] = field(default_factory=list)
    arrivals: list[int] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    first_error: TriposError | None = None

    def begin(self, density: LogDensity, start: Start, max_iterations: int) -> Mode | None:
        """Search from a start; the mode is returned if it is new."""
        try:
            mode = new_or_known(density, start, max_iterations, self.modes)
            _ = mode.gaussian  # which raises where it is not the top of one
        except _FAILURES as error:
            self.first_error = self.first_error or error
            self.failures[_first_part(error)] += 1
            return None
        for k, known in enumerate(self.modes):
            if distance_between(mode, known) < _SAME:
                self.arrivals[k] += 1
                return None
        self.modes.append(mode)
        self.arrivals.append(1)
        return mode


def explore(
    density: LogDensity,
    search: ModeSearch,
    gaussian: Gaussian,
    rng: np.random.Generator,
    searches: int,
    max_iterations: int,
    advance: Callable[[int], object] = lambda done: None,
) -> bool:
    """Search from candidates separated by a valley, highest first, until none is left.

    Parameters
    ----------
    density : LogDensity
    search : ModeSearch
        Results are added to it.
    gaussian : Gaussian
        Normal approximation at a known mode, or another location and scale.
    rng : Generator
    searches, max_iterations : int
        Largest number of searches, and of steps of each.
    advance : callable
        Called after each search.

    Returns
    -------
    bool
        Whether it ended by itself, rather than by the number of searches.
    """
    if searches < 1:
        return False
    candidates = candidates_around(density, gaussian, rng, is_mode=bool(search.modes))
    for mode in search.modes:
        candidates = beyond_valleys(density, candidates, mode.theta)
    for _ in range(searches):
        candidates = candidates.only(candidates.doubts < _MOST_DOUBTS)
        if not len(candidates) or sum(search.failures.values()) >= _MOST_FAILURES:
            return True
        start, candidates = candidates.split_off_best()
        found = search.begin(density, start, max_iterations)
        advance(1)
        if found is None:
            candidates = candidates.doubting(on_one_hill(density, candidates, start))
        else:
            candidates = beyond_valleys(density, candidates, found.theta)
            candidates = candidates.joined(_images_elsewhere(density, search, found))
    return not len(candidates)


def _images_elsewhere(density: LogDensity, search: ModeSearch, found: Mode) -> Candidates:
    """Mirror images of a new mode that a valley separates: symmetries come in groups."""
    images = climbed(density, found.gaussian, mirror_images(density, found.theta))
    for mode in search.modes:
        images = beyond_valleys(density, images, mode.theta)
    return images


def _first_part(error: Exception) -> str:
    """Cut an error's text to the part that does not depend on the starting point."""
    return f"{type(error).__name__}, {str(error).split(':')[0]}"
