"""Functions of many points at once, and point by point where an operation takes no batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pymc.logprob.utils import ParameterValueError

from ..memory import check_memory
from .compiling import CompiledFunction

NO_DENSITY = (ParameterValueError, np.linalg.LinAlgError)
"""What an operation of a graph raises at a point where there is no density: a parameter out of its
range inside a scan, a matrix that is singular."""


def room_for(draws: int, names: Sequence[str], parts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Make room for draws of some quantities, of which the first few have come.

    Parameters
    ----------
    draws : int
        How many, S.
    names : sequence of str
        Of the quantities.
    parts : sequence of (n, ...) array
        The first n draws of each.

    Returns
    -------
    list of (S, ...) array

    Raises
    ------
    MemoryLimitError
        When there is none.
    """
    sizes = [part[0].size for part in parts]
    largest = names[int(np.argmax(sizes))] if sizes else ""
    check_memory(
        f"A sample of {draws:,} draws of {sum(sizes):,} numbers each, most of them {largest!r},",
        draws * sum(sizes),
        "Ask for fewer draws, name the variables that you need (var_names=), or leave a large "
        "Deterministic out of the model.",
    )
    return [np.empty((draws, *part.shape[1:]), part.dtype) for part in parts]


def one_by_one(function: CompiledFunction, thetas: np.ndarray) -> list[np.ndarray]:
    """Evaluate a function of one point (P,) at points (S, P): outputs (S, ...)."""
    points = [function(np.ascontiguousarray(theta)) for theta in thetas]
    return [np.array(values) for values in zip(*points, strict=True)]
