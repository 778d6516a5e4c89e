"""Look for other modes than that of a normal approximation, and warn of them."""

from __future__ import annotations

import warnings

import numpy as np

from ..density import LogDensity
from ..errors import SecondModeWarning
from . import Mode
from .masses import mass_ratio, most_different, place_of
from .several import OtherMode, heaviest_mode, other_modes


def watched_mode(
    density: LogDensity, mode: Mode, rng: np.random.Generator, starts: int, *, may_move: bool
) -> Mode:
    """Look for other modes as `other_modes` does, and warn of them.

    Parameters
    ----------
    density : LogDensity
    mode : Mode
    rng : Generator
    starts : int
        How many searches at most.
    may_move : bool
        Whether to move to the heaviest mode; False where a user chose the start.

    Returns
    -------
    Mode
        The mode to expand around.

    Warns
    -----
    SecondModeWarning
        When another mode is heavier, or has at least 1 % of the mass.
    """
    if may_move:
        there, others = heaviest_mode(density, mode, rng, starts=starts)
    else:
        there, others = mode, other_modes(density, mode, mode.gaussian, rng, starts=starts)
    said = [] if there is mode else [_of_move(mode, there)]
    said += [_of_others(there, others)] if others else []
    if said:
        warnings.warn(" ".join(said), SecondModeWarning, stacklevel=4)
    return there


def _of_move(start: Mode, mode: Mode) -> str:
    entries = most_different([start, mode])
    return (
        f"The search ended at a mode with {mass_ratio(start, mode):.2g} times the mass of another, "
        f"at {place_of(start, entries)}. The heavier one, at {place_of(mode, entries)}, was taken."
    )


def _of_others(mode: Mode, others: tuple[OtherMode, ...]) -> str:
    most = others[0]
    count = f"{len(others)} other modes were" if len(others) > 1 else "Another mode was"
    return (
        f"{count} found{', the largest' * (len(others) > 1)} with {most.relative_mass:.3g} times "
        f"the mass of this one, {most.distance:.3g} sds away, at {most.place}. What is said here "
        f"holds for the mode at {place_of(mode, most_different([mode, most.mode]))} only. Look at "
        "all of them with find_modes, begin elsewhere with start={...}, or use grid or nuts."
        + (f" {most.symmetry}" if most.symmetry else "")
    )
