"""The models that the ladder climbs: the posteriors of known truth, and the gallery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import gallery.truth
import posteriors.truth
import pymc as pm
from gallery import GALLERY
from posteriors import POSTERIORS
from posteriors.truth import Truth


@dataclass(frozen=True)
class Subject:
    """One model.

    Attributes
    ----------
    name, table : str
        The table is ``"posteriors"`` or ``"gallery"``.
    build : callable
        Returns a new `pymc.Model`.
    ask : tuple of str
        Variables for ``fit(var_names=...)``; all, if empty.
    truth : callable
        Returns the `Truth`; raises KeyError where there is none.
    """

    name: str
    table: str
    build: Callable[[], pm.Model]
    ask: tuple[str, ...]
    truth: Callable[[], Truth]


def _from_posteriors() -> list[Subject]:
    return [
        Subject(
            name,
            "posteriors",
            posterior.build,
            tuple(dict.fromkeys(label.partition("[")[0] for label in posterior.only)),
            lambda name=name: posteriors.truth.load_truth(name),
        )
        for name, posterior in POSTERIORS.items()
    ]


def _from_gallery() -> list[Subject]:
    return [
        Subject(
            name,
            "gallery",
            entry.build,
            entry.ask,
            lambda name=name: gallery.truth.load_truth(name),
        )
        for name, entry in GALLERY.items()
    ]


SUBJECTS: dict[str, Subject] = {
    f"{subject.table}/{subject.name}": subject
    for subject in (*_from_posteriors(), *_from_gallery())
}
