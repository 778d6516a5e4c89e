"""Symmetries of a posterior: labels that can be exchanged, and signs that can be changed.

A mixture whose components are not ordered has each mode K! times, once for each order of its
labels (label switching: Stephens 2000, JRSS B 62), and a factor model has it with all signs of its
factors. Whether a change leaves the density as it is, a few random points show; then all images of
a mode are modes, and none has to be searched for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, combinations, islice

import numpy as np
from pymc.logprob.transforms import SimplexTransform

from ..density import LogDensity
from ..density.graphs.parameters import Block
from . import Mode
from .masses import distance_between

# Points at which a change must leave the log density as it is, to rounding, by their distance from
# the mode in units of a draw's: what lies far from it counts, too.
_SPREADS, _ROUNDING = np.array([8.0, 1.0, 2.0, 4.0]), 1e-10
# Combinations of variables that are tried, and labels along an axis.
_MOST_COMBINATIONS, _MOST_LABELS = 100, 12
# Distance in sds within which an image is the mode itself.
_SAME = 0.01

Move = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Images:
    """Modes with all their images.

    Attributes
    ----------
    modes : tuple of Mode
        The given ones first.
    sentence : str
        Which symmetries there are; empty where there is none.
    is_complete : bool, default True
        Whether all images are there: with too many, there is one for each mode.
    """

    modes: tuple[Mode, ...]
    sentence: str
    is_complete: bool = True


@dataclass(frozen=True)
class Symmetry:
    """Changes that leave the log density as it is.

    Attributes
    ----------
    what : str
        Says what can be changed.
    moves : tuple of callable
        Changes of points (N, P), of which all others are made up.
    """

    what: str
    moves: tuple[Move, ...]


@dataclass(frozen=True)
class Axis:
    """An axis of a variable, with a label for each entry along it.

    Attributes
    ----------
    block : Block
    axis : int
        One more than the last axis for the variable as a whole.
    length : int
    is_simplex : bool
        Whether it is that along which a variable sums to 1.
    """

    block: Block
    axis: int
    length: int
    is_simplex: bool = False

    def moved(self, thetas: np.ndarray, change: Move) -> np.ndarray:
        """Change points (N, P) along this axis, which ``change`` gets as the last one."""
        values = np.moveaxis(self.block.take(thetas)[..., None], self.axis + 1, -1)
        if self.is_simplex:
            # PyMC's coordinates are log values without their mean, all but the last.
            last = -values.sum(axis=-1, keepdims=True)
            values = change(np.concatenate([values, last], axis=-1))[..., :-1]
        else:
            values = change(values)
        image = thetas.copy()
        image[:, self.block.slice] = np.moveaxis(values, -1, self.axis + 1).reshape(len(thetas), -1)
        return image


def with_images(
    density: LogDensity, modes: Sequence[Mode], rng: np.random.Generator, *, most: int = 120
) -> Images:
    """Add to modes their images under the symmetries of the posterior.

    Parameters
    ----------
    density : LogDensity
    modes : sequence of Mode
        Distinct ones.
    rng : Generator
    most : int, default 120
        Largest number of images of a mode, itself included. Where there are more, one is added, and
        the sentence says so.

    Returns
    -------
    Images
    """
    moves: list[Move] = []
    changes: list[str] = []
    orbits = [[mode.theta] for mode in modes]
    for symmetry in symmetries(density, modes[0], rng):
        more = [*moves, *symmetry.moves]
        wider = [_orbit(mode, more, most) for mode in modes]
        is_wider = sum(map(len, wider)) > sum(map(len, orbits))
        if is_wider and all(map(partial(_is_as_high, density), modes, wider)):
            moves, orbits, changes = more, wider, [*changes, symmetry.what]
    if not changes:
        return Images(tuple(modes), "")
    number = max(map(len, orbits))
    is_complete = number <= most
    if not is_complete:
        orbits = [orbit[:2] for orbit in orbits]
    known = list(modes)
    for mode, thetas in zip(modes, orbits, strict=True):
        for image in (_image(density, mode, theta) for theta in thetas[1:]):
            if all(distance_between(image, other) > _SAME for other in known):
                known.append(image)
    if is_complete:
        return Images(tuple(known), _in_words(str(number), changes))
    said = f"{_in_words(f'more than {most}', changes)} Not all of them were taken."
    return Images(tuple(known), said, is_complete=False)


def _in_words(number: str, changes: Sequence[str]) -> str:
    return f"The posterior has each mode in {number} labellings: {'; '.join(changes)}."


def symmetries(density: LogDensity, mode: Mode, rng: np.random.Generator) -> tuple[Symmetry, ...]:
    """Find labels that can be exchanged, and signs that can be changed, for the same density.

    Vectors of one length may share labels, and unbounded variables a sign. Combinations of them are
    tried, small ones first, at random points about a mode.

    Parameters
    ----------
    density : LogDensity
    mode : Mode
    rng : Generator

    Returns
    -------
    tuple of Symmetry
        Some may leave the mode itself where it is.
    """
    away = mode.gaussian.draws(len(_SPREADS), rng) - mode.theta
    points = mode.theta + np.concatenate([_SPREADS[:, None] * away, np.zeros((1, len(mode.theta)))])
    values = density.batched_value(points)
    points, values = points[np.isfinite(values)], values[np.isfinite(values)]

    def is_symmetric(move: Move) -> bool:
        # One point is enough for most changes that are none.
        return all(
            _are_equal(density.batched_value(move(points[some])), values[some])
            for some in (slice(1), slice(None))
        )

    axes, signed, found = _axes(density), _signed(density), []
    for length in sorted({axis.length for axis in axes}):
        alike = [axis for axis in axes if axis.length == length]
        found += _smallest("the entries of {} can be exchanged", alike, _swapped, is_symmetric)
    for length in sorted({axis.length for axis in signed}, reverse=True):
        alike = [axis for axis in signed if axis.length == length]
        found += _smallest("the signs of {} can be changed", alike, _turned, is_symmetric)
    return tuple(found)


def _axes(density: LogDensity) -> list[Axis]:
    """All axes with 2 to 12 labels."""
    axes = []
    for block in density.blocks:
        transform = density.model.rvs_to_transforms[density.model[block.name]]
        for axis, length in enumerate(block.shape):
            is_simplex = isinstance(transform, SimplexTransform) and axis == len(block.shape) - 1
            axes.append(Axis(block, axis, length + is_simplex, is_simplex))
    return [axis for axis in axes if 2 <= axis.length <= _MOST_LABELS]


def _signed(density: LogDensity) -> list[Axis]:
    """Axes of unbounded variables, and each of these as a whole."""
    free = {block.name for block in density.blocks if block.value_name == block.name}
    wholes = [Axis(b, len(b.shape), 1) for b in density.blocks if b.name in free]
    return [axis for axis in _axes(density) if axis.block.name in free] + wholes


def _smallest(
    words: str,
    axes: Sequence[Axis],
    changed: Callable[[int, np.ndarray], np.ndarray],
    is_symmetric: Callable[[Move], bool],
) -> list[Symmetry]:
    """Find the combinations of axes of one length, none within another, that can be changed."""
    found: list[Symmetry] = []
    taken: list[set[int]] = []
    sizes = (combinations(range(len(axes)), size + 1) for size in range(len(axes)))
    for chosen in islice(chain.from_iterable(sizes), _MOST_COMBINATIONS):
        along = [axes[k] for k in chosen]
        if any(smaller <= set(chosen) for smaller in taken):
            continue
        moves = [partial(_moved, along, partial(changed, k)) for k in range(axes[0].length)]
        if is_symmetric(moves[0]):
            taken.append(set(chosen))
            *most, last = dict.fromkeys(axis.block.name for axis in along)
            names = f"{', '.join(most)} and {last}" if most else last
            symmetric = tuple(move for move in moves if is_symmetric(move))
            found.append(Symmetry(words.format(names), symmetric))
    return found


def _moved(along: Sequence[Axis], change: Move, thetas: np.ndarray) -> np.ndarray:
    for axis in along:
        thetas = axis.moved(thetas, change)
    return thetas


def _swapped(place: int, values: np.ndarray) -> np.ndarray:
    """Exchange an entry and the one before it (the last one, for the first)."""
    order = np.arange(values.shape[-1])
    order[[place, place - 1]] = order[[place - 1, place]]
    return values[..., order]


def _turned(place: int, values: np.ndarray) -> np.ndarray:
    """Change the sign of an entry."""
    return np.where(np.arange(values.shape[-1]) == place, -values, values)


def _orbit(mode: Mode, moves: Sequence[Move], most: int) -> list[np.ndarray]:
    """All images (P,) of a mode, itself first; some more than ``most`` where there are too many."""
    scale = 1 / np.sqrt(-mode.hessian.diagonal())
    orbit = [mode.theta]
    for theta in orbit:  # it grows
        for move in moves:
            image = move(theta[None])[0]
            if all(np.max(np.abs(image - known) / scale) > _SAME for known in orbit):
                orbit.append(image)
        if len(orbit) > most:
            break
    return orbit


def _are_equal(values: np.ndarray, others: np.ndarray | float) -> bool:
    return bool(np.all(np.abs(values - others) <= _ROUNDING * (1 + np.abs(others))))


def _is_as_high(density: LogDensity, mode: Mode, orbit: Sequence[np.ndarray]) -> bool:
    """Whether the log density at all images of a mode is that at the mode."""
    return _are_equal(density.batched_value(np.array(orbit)), mode.logp)


def _image(density: LogDensity, mode: Mode, theta: np.ndarray) -> Mode:
    """Make the mode at an image of another, with its own derivatives."""
    return Mode(theta, *density.derivatives(theta), mode.parameters, 0, mode.hessian_error)
