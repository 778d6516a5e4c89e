"""What an entry of the gallery is: a model, and the variables that its user asks about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pymc as pm


@dataclass(frozen=True)
class Entry:
    """One model of the gallery.

    Attributes
    ----------
    name : str
    build : callable
        Returns a new `pymc.Model`.
    kind : str
        ``"regression"``, ``"hierarchical"``, ``"time series"``, ...
    ask : tuple of str
        Variables that matter to its user: those of ``fit(var_names=...)``.
    description : str
    sampled : callable, optional
        Builds the same posterior in coordinates that a sampler likes better, for the truth; it has
        the variables that are asked about. The model itself, if None.
    target_accept : float
        Of the long run.
    exchangeable : tuple of str
        Vectors whose components may be relabelled, all alike, without a change of the posterior.
    """

    name: str
    build: Callable[[], pm.Model]
    kind: str
    ask: tuple[str, ...]
    description: str
    sampled: Callable[[], pm.Model] | None = None
    target_accept: float = 0.95
    exchangeable: tuple[str, ...] = ()

    def judged[T](self, by_label: Mapping[str, T]) -> dict[str, T]:
        """Keep what is of a variable that is asked about."""
        return {q: found for q, found in by_label.items() if q.partition("[")[0] in self.ask}


def entry(
    build: Callable[[], pm.Model], kind: str, ask: tuple[str, ...], description: str, **more: Any
) -> Entry:
    """An entry named after the function that builds its model."""
    return Entry(build.__name__, build, kind, ask, description, **more)
