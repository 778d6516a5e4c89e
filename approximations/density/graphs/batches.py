"""Functions of many points at once, and point by point where an operation takes no batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from pymc.logprob.utils import ParameterValueError

from ...memory import check_memory
from .compiling import CompiledFunction

Built = Callable[[], CompiledFunction]

NO_DENSITY = (ParameterValueError, np.linalg.LinAlgError)
"""What an operation of a graph raises at a point where there is no density: a parameter out of its
range inside a scan, a matrix that is singular."""


class Batches:
    """Calls a function in batches until a batch fails where its single points do not."""

    def __init__(self) -> None:
        self._point_by_point: set[str] = set()

    def chosen(self, name: str, many: Built, one: Built) -> CompiledFunction:
        """Return the function of batches, or that of one point where there is none of batches."""
        if name not in self._point_by_point:
            try:
                return many()
            except Exception:
                self._point_by_point.add(name)
        return one()

    def call(self, name: str, many: Built, one: Built, thetas: np.ndarray) -> list[np.ndarray]:
        """Evaluate at points ``thetas`` (S, P): outputs (S, ...).

        Parameters
        ----------
        name : str
            Of the function.
        many, one : callable
            Give the function of (S, P), and that of one point (P,).
        thetas : (S, P) array

        Raises
        ------
        ParameterValueError, LinAlgError
            When there is no density at one of the points.
        """
        if name not in self._point_by_point:
            try:
                return many()(thetas, rows=len(thetas))
            except (MemoryError, *NO_DENSITY):
                raise
            except Exception:
                # Whose operation it is decides what it raises; a point at fault fails below, too.
                found = _one_by_one(one(), thetas)
                self._point_by_point.add(name)
                return found
        return _one_by_one(one(), thetas)


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


def _one_by_one(function: CompiledFunction, thetas: np.ndarray) -> list[np.ndarray]:
    points = [function(np.ascontiguousarray(theta)) for theta in thetas]
    return [np.array(values) for values in zip(*points, strict=True)]
