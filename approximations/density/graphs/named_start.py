"""Starting points as users give them: an array, or values of some free variables by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm
from pymc.initial_point import make_initial_point_fn

from ...errors import StartingPointError
from .lean import lean_rewriting
from .parameters import Block, ravel_point


def named_start(
    model: pm.Model,
    blocks: Sequence[Block],
    point: Mapping[str, np.ndarray],
    start: Mapping[str, Any],
    unravel: Callable[[np.ndarray], Mapping[str, np.ndarray]],
) -> np.ndarray:
    """Turn named starting values into ``theta`` (P,).

    Parameters
    ----------
    model : pymc.Model
    blocks : sequence of Block
        Its free variables, in the order of ``theta``.
    point : mapping of str to array
        The model's own initial point, by value name.
    start : mapping
        Values by the name of a free variable, on its own scale, or by PyMC's name of its
        unconstrained value.
    unravel : callable
        Maps ``thetas`` (S, P) to variables on their own scale, for their shapes.

    Raises
    ------
    StartingPointError
        When a name is unknown or a shape is not the variable's.
    """
    own = {block.value_name: block for block in blocks}
    names = {block.name for block in blocks} | own.keys()
    if unknown := [name for name in start if name not in names]:
        raise StartingPointError(
            f"The starting point names {unknown}, but the free variables are "
            f"{[block.name for block in blocks]}."
        )
    overrides = {name: value for name, value in start.items() if name not in own}
    direct = {name: value for name, value in start.items() if name in own}
    overrides |= {n: direct.pop(n) for n in list(direct) if own[n].name == n}
    here = {name: v[0] for name, v in unravel(ravel_point(blocks, point)[None]).items()}
    here |= {block.value_name: point[block.value_name] for block in blocks}
    _check_shapes(here, {**overrides, **direct})
    with lean_rewriting():
        complete = make_initial_point_fn(model=model, overrides=overrides)(None)
    return ravel_point(blocks, {**complete, **direct})


def checked_start(labels: Sequence[str], start: np.ndarray) -> np.ndarray:
    """Copy a starting point (P,) in unconstrained space, an entry for each of ``labels``.

    Raises
    ------
    StartingPointError
        When it has another shape.
    """
    theta = np.asarray(start, dtype=float)
    if theta.shape != (len(labels),):
        raise StartingPointError(
            f"A starting point needs shape ({len(labels)},), one number for each of "
            f"{', '.join(labels[:6])}{', ...' if len(labels) > 6 else ''}; "
            f"an array of shape {theta.shape} was given."
        )
    return theta.copy()


def _check_shapes(here: Mapping[str, np.ndarray], given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        # A string such as "prior" names a strategy of PyMC's, and has no shape.
        if not isinstance(value, str) and np.shape(value) != np.shape(here[name]):
            raise StartingPointError(
                f"The starting value of {name!r} must have shape {np.shape(here[name])}, but "
                f"one of shape {np.shape(value)} was given."
            )
