"""Candidate starting points for another mode, and which of them are worth a search.

A search costs as much as thousands of values of the density in a batch. So many candidates are
drawn (from the prior, around the mode at all distances, and its mirror images), are moved uphill
together, and are kept when a valley separates them from every known mode: the hill-valley test of
Ursem (1999), "Multinational evolutionary algorithms".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from pymc.initial_point import make_initial_point_fn

from ..density import LogDensity
from ..density.graphs.lean import lean_rewriting
from ..density.graphs.parameters import Block
from ..density.graphs.priors import is_flat
from ..linear_algebra.gaussian import Gaussian

# Counted seconds that screening may take, as long as some searches; and most points.
_SECONDS_TO_SCREEN, _MOST_ROWS = 0.3, 60_000
_MOST_CANDIDATES, _FEWEST_CANDIDATES = 600, 24
# The prior is drawn from one point at a time.
_MOST_FROM_PRIOR = 100
_STEPS = 8
_ARRIVED = 0.5  # sds from a known mode
# Lengths tried in one step uphill, in units of the Newton step on the known mode's curvature.
_RATES = 4.0 ** np.arange(-4, 2)
# Step of the finite differences for slopes.
_NUDGE = 1e-4
# Points between two ends of a line, and the depth of a dip that separates them.
_BETWEEN, _SHALLOW = 12, 0.01


@dataclass(frozen=True)
class Candidates:
    """Candidate starting points of a search.

    Attributes
    ----------
    thetas : (N, P) array
    values : (N,) array
        Log density at each.
    doubts : (N,) array of int
        Number of searches from the same hill that found nothing new.
    """

    thetas: np.ndarray
    values: np.ndarray
    doubts: np.ndarray

    def __len__(self) -> int:
        """Count them."""
        return len(self.values)

    def split_off_best(self) -> tuple[np.ndarray, Candidates]:
        """Remove the highest among the least doubtful: its location (P,), and the others."""
        best = np.lexsort((-self.values, self.doubts))[0]
        return self.thetas[best], self.only(np.arange(len(self)) != best)

    def only(self, keep: np.ndarray) -> Candidates:
        """Select by a mask (N,)."""
        return Candidates(self.thetas[keep], self.values[keep], self.doubts[keep])

    def joined(self, others: Candidates) -> Candidates:
        """Add others."""
        return Candidates(
            np.concatenate([self.thetas, others.thetas]),
            np.concatenate([self.values, others.values]),
            np.concatenate([self.doubts, others.doubts]),
        )

    def doubting(self, doubted: np.ndarray) -> Candidates:
        """Add a doubt to those in a mask (N,)."""
        return Candidates(self.thetas, self.values, self.doubts + doubted)


def candidates_around(
    density: LogDensity, gaussian: Gaussian, rng: np.random.Generator, *, is_mode: bool = True
) -> Candidates:
    """Draw candidates and move them uphill.

    Parameters
    ----------
    density : LogDensity
    gaussian : Gaussian
        Normal approximation at a known mode, or any other location and scale.
    rng : Generator
    is_mode : bool, default True
        Whether it is at a known mode.
    """
    count = affordable(density)
    far = _best_of_four(density, overdispersed(gaussian, 4 * count, rng))
    prior = prior_points(density, far[: min(count // 2, _MOST_FROM_PRIOR)], rng)
    thetas = np.concatenate([prior, far[len(prior) :], mirror_images(density, gaussian.mean)])
    return climbed(density, gaussian, thetas, is_mode=is_mode)


def affordable(density: LogDensity) -> int:
    """Number of candidates N that can be screened in about the time of some searches."""
    rows = min(_MOST_ROWS, _SECONDS_TO_SCREEN / density.seconds_per_value)
    per_candidate = _STEPS * (density.size + len(_RATES)) + 4 * _BETWEEN
    return int(np.clip(rows / per_candidate, _FEWEST_CANDIDATES, _MOST_CANDIDATES))


def overdispersed(gaussian: Gaussian, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw points (N, P) at 1 to 128 sds from a mean, log-uniformly.

    Every other point moves in one to three directions only: in many dimensions a move in all of
    them at once is far from everything.
    """
    whitened = rng.standard_normal((count, gaussian.size))
    directions = rng.integers(1, 4, size=count)
    ranks = np.argsort(rng.random((count, gaussian.size)), axis=1)
    sparse = np.arange(count) % 2 == 0
    whitened[sparse] *= ranks[sparse] < directions[sparse, None]
    return gaussian.place(whitened * 2 ** rng.uniform(0, 7, size=(count, 1)))


def prior_points(density: LogDensity, instead: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw from the prior, in unconstrained space.

    Parameters
    ----------
    density : LogDensity
    instead : (N, P) array
        Values for variables with flat priors, which cannot be drawn from.
    rng : Generator

    Returns
    -------
    (N, P) array
        Empty when a prior cannot be drawn from (a `pymc.CustomDist` without ``random``, or
        parameters that NumPy's generators refuse).
    """
    flat = {rv.name for rv in density.model.free_RVs if is_flat(rv)}
    draw = _draw_of_prior(density, frozenset(flat))
    points = instead.copy()
    try:
        with np.errstate(all="ignore"):
            for point in points:
                drawn = draw(int(rng.integers(2**31)))
                for block in density.blocks:
                    if block.name not in flat:
                        point[block.slice] = np.ravel(drawn[block.value_name])
    except (NotImplementedError, ValueError):
        return np.empty((0, density.size))
    return points


@lru_cache(maxsize=1)
def _draw_of_prior(density: LogDensity, flat: frozenset[str]) -> Callable[[int], Any]:
    """Compile a function from a seed to a draw of the prior, by value variable."""
    model = density.model
    overrides = {rv.name: "prior" for rv in model.free_RVs if rv.name not in flat}
    with lean_rewriting():
        return make_initial_point_fn(model=model, overrides=overrides)


def mirror_images(density: LogDensity, theta: np.ndarray) -> np.ndarray:
    """Change signs and labels at a point: symmetries of a model have modes there.

    Parameters
    ----------
    density : LogDensity
    theta : (P,) array

    Returns
    -------
    (N, P) array
        Each untransformed variable with its sign changed, all of them, and all vectors of one
        length with their entries reversed, and rotated by one to five places.
    """
    plain = [block for block in density.blocks if block.value_name == block.name]
    images = [_with_sign_changed(theta, [block]) for block in plain]
    images.append(_with_sign_changed(theta, plain))
    lengths = {block.shape[-1] for block in density.blocks if block.shape}
    for length in sorted(lengths):
        turns = [np.roll(np.arange(length), places) for places in range(1, min(length, 6))]
        for order in (*turns, np.arange(length)[::-1]):
            image = theta.copy()
            for block in density.blocks:
                if block.shape and block.shape[-1] == length:
                    image[block.slice] = block.take(theta)[..., order].ravel()
            images.append(image)
    return np.array(images)


def climbed(
    density: LogDensity, gaussian: Gaussian, thetas: np.ndarray, *, is_mode: bool = True
) -> Candidates:
    """Move many points some steps uphill, without crossing a valley.

    What is not finite is dropped, and so are points that arrive at the mode whose normal
    approximation ``gaussian`` is: half of them do so in the first two steps.

    The slope comes from differences, in coordinates in which ``gaussian`` is round: it only says
    where to search, and every search itself is exact.
    """
    values = density.batched_value(thetas)
    thetas, values = thetas[np.isfinite(values)], values[np.isfinite(values)]
    for _ in range(_STEPS):
        if not len(thetas):
            break
        thetas, values = _one_step_uphill(density, gaussian, thetas, values)
        if is_mode:
            away = np.sum(gaussian.precision.whiten(thetas - gaussian.mean) ** 2, axis=1)
            thetas, values = thetas[away > _ARRIVED**2], values[away > _ARRIVED**2]
    return Candidates(thetas, values, np.zeros(len(values), dtype=int))


def beyond_valleys(density: LogDensity, candidates: Candidates, place: np.ndarray) -> Candidates:
    """Keep candidates that a valley separates from a point (P,), moved uphill towards it.

    A candidate takes the highest point on its own side of the first valley.
    """
    if not len(candidates):
        return candidates
    lines, values = _lines_to(density, candidates, place)
    dips = _is_dip(values)
    first = np.argmax(dips, axis=1)
    own_side = np.where(np.arange(values.shape[1]) <= first[:, None], values, -np.inf)
    rows, top = np.arange(len(candidates)), np.argmax(own_side, axis=1)
    moved = Candidates(lines[rows, top], values[rows, top], candidates.doubts)
    return moved.only(np.any(dips, axis=1))


def on_one_hill(density: LogDensity, candidates: Candidates, place: np.ndarray) -> np.ndarray:
    """Whether no valley separates each candidate (N,) from a point (P,)."""
    if not len(candidates):
        return np.zeros(0, dtype=bool)
    return ~np.any(_is_dip(_lines_to(density, candidates, place)[1]), axis=1)


def _lines_to(
    density: LogDensity, candidates: Candidates, place: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points (N, K, P) on the lines from the candidates to a place, and the values (N, K) there."""
    shares = np.linspace(0, 1, _BETWEEN + 2)[:, None]
    lines = candidates.thetas[:, None] + shares * (place - candidates.thetas[:, None])
    between = density.batched_value(lines[:, 1:].reshape(-1, density.size))
    between = np.where(np.isfinite(between), between, -np.inf).reshape(len(candidates), -1)
    return lines, np.column_stack([candidates.values, between])


def _is_dip(values: np.ndarray) -> np.ndarray:
    """Whether the values (N, K) along lines are higher both before and after each point."""
    before = np.maximum.accumulate(values, axis=1)
    after = np.maximum.accumulate(values[:, ::-1], axis=1)[:, ::-1]
    return np.minimum(before, after) > values + _SHALLOW


def _one_step_uphill(
    density: LogDensity, gaussian: Gaussian, thetas: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    count, size = thetas.shape
    axes = gaussian.place(np.eye(size)) - gaussian.mean
    nearby = (thetas[:, None] + _NUDGE * axes).reshape(-1, size)
    slopes = (density.batched_value(nearby).reshape(count, size) - values[:, None]) / _NUDGE
    slopes = np.where(np.isfinite(slopes), slopes, 0.0)
    tried = thetas[:, None] + _RATES[:, None] * (slopes @ axes)[:, None]
    reached = density.batched_value(tried.reshape(-1, size)).reshape(count, -1)
    reached = np.column_stack([values, np.where(np.isfinite(reached), reached, -np.inf)])
    # Only as far as the values rise throughout: the first fall may be a valley.
    rising = np.sum(np.cumprod(reached[:, 1:] > reached[:, :-1], axis=1), axis=1)
    rows = np.arange(count)
    return np.concatenate([thetas[:, None], tried], axis=1)[rows, rising], reached[rows, rising]


def _best_of_four(density: LogDensity, thetas: np.ndarray) -> np.ndarray:
    values = density.batched_value(thetas).reshape(-1, 4)
    best = np.argmax(np.where(np.isfinite(values), values, -np.inf), axis=1)
    return thetas.reshape(-1, 4, thetas.shape[1])[np.arange(len(best)), best]


def _with_sign_changed(theta: np.ndarray, blocks: list[Block]) -> np.ndarray:
    image = theta.copy()
    for block in blocks:
        image[block.slice] *= -1
    return image
