"""The truth of the gallery: one file a model in `truth/`, in the form of `posteriors.truth`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from posteriors.truth import Truth, truth_of_json

FOLDER = Path(__file__).with_name("truth")
# What a long run must have reached, and how few of its draws may diverge.
MOST_R_HAT, LEAST_ESS, MOST_DIVERGENT = 1.01, 4_000, 1e-3


def load_truth(name: str) -> Truth:
    """Read what is known about a model of the gallery.

    Raises
    ------
    KeyError
        When there is nothing: run ``python -m gallery.generate --only NAME`` in ``benchmarks/``.
    """
    if not has_truth(name):
        raise KeyError(
            f"There is no truth for {name!r}; make it by python -m gallery.generate --only {name}, "
            "in the folder benchmarks."
        )
    return truth_of_json(json.loads((FOLDER / f"{name}.json").read_text()))


def has_truth(name: str) -> bool:
    """Whether a long run of a model is stored."""
    return (FOLDER / f"{name}.json").exists()


def is_sound(diagnostics: dict[str, Any]) -> bool:
    """Whether a long run has converged, and is long enough to measure by."""
    d = diagnostics
    divergent = d["divergences"] / (d["chains"] * d["draws"])
    return d["r_hat"] < MOST_R_HAT and d["ess"] >= LEAST_ESS and divergent <= MOST_DIVERGENT


def write_truth(name: str, entry: dict[str, Any]) -> None:
    """Write one model's truth, each list on one line."""
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(entry, indent=1)
    text = re.sub(r"\[\n[^\]]*\]", lambda found: re.sub(r"\s+", "", found[0]), text)
    (FOLDER / f"{name}.json").write_text(text + "\n")
