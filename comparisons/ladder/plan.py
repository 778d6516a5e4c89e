"""How NUTS is to sample, and what each of its rounds gives."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import xarray as xr

Ended = Literal["", "draws", "time", "interrupted"]

_JITTER = 0.1


@dataclass(frozen=True)
class Plan:
    """How to sample.

    Attributes
    ----------
    draws, tune, chains, cores : int
        The most draws a chain; the most chains at a time.
    target_accept : float
    until : float
        The end by `time.monotonic`.
    nuts_sampler : str
    further : mapping
        Further arguments: of `pymc.sample`; of nutpie's own, ``nuts`` and ``initvals`` alone.
    starts : (M, P) array or None
        Where chains start in turn, in unconstrained space.
    """

    draws: int
    tune: int
    chains: int
    cores: int
    target_accept: float
    until: float
    nuts_sampler: str
    further: Mapping[str, Any] = field(default_factory=dict)
    starts: np.ndarray | None = None

    def settings(self, tree: xr.DataTree) -> dict[str, Any]:
        """Say what a tree's attributes record."""
        sizes = {"draws": tree["posterior"].sizes["draw"], "tune": self.tune}
        sizes["chains"] = tree["posterior"].sizes["chain"]
        more = {"target_accept": self.target_accept, **self.further}
        return sizes | more | {"nuts_sampler": self.nuts_sampler}

    def start(self, chain: int, rng: np.random.Generator) -> np.ndarray:
        """Jitter the point (P,) where a chain starts."""
        assert self.starts is not None
        place = self.starts[chain % len(self.starts)]
        return place + rng.uniform(-_JITTER, _JITTER, place.shape)


@dataclass(frozen=True)
class Round:
    """The draws so far.

    Attributes
    ----------
    tree : DataTree
        As `nuts` gives it, without its costs.
    ended : str
        Why it is the last round; empty if it is not.
    """

    tree: xr.DataTree
    ended: Ended


def lengths(first: int, factor: float, most: int) -> Iterator[int]:
    """Give the lengths of chains at which they are looked at, up to the most."""
    while first < most:
        yield first
        first = math.ceil(first * factor)
    yield most
