"""What passes between a suite and the workers that run it: a cell, its limits, its outcome.

Nothing here imports PyMC, so that an executor's workers, which only wait for the processes that do
the work, start at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Cell:
    """One run of one method on one model.

    Attributes
    ----------
    model, method : str
        As `tripos.comparisons.suite.grid.load_builder` and
        `tripos.comparisons.methods.load_method` take them.
    repeat : int
        From 0 on.
    arguments, options : mapping
        What the model's function and the method are called with.
    suite_seed : int
        The suite's ``random_seed``.
    """

    model: str
    method: str
    repeat: int
    arguments: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    suite_seed: int = 0

    @property
    def identity(self) -> dict[str, Any]:
        """All that determines the cell's results, in a form that a file can hold."""
        return {
            "model": self.model,
            "method": self.method,
            "repeat": self.repeat,
            "arguments": dict(self.arguments),
            "options": dict(self.options),
            "suite_seed": self.suite_seed,
        }

    @cached_property
    def digest(self) -> str:
        """A hash of the identity, in hexadecimal."""
        text = json.dumps(self.identity, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def random_seed(self) -> int:
        """The method's seed, which depends on this cell alone."""
        return int(np.random.SeedSequence(int(self.digest, 16)).generate_state(1)[0])

    @cached_property
    def name(self) -> str:
        """Name of the cell's folder."""
        from ..storage import file_name

        model, method = (file_name(part)[-60:] for part in (self.model, self.method))
        return f"{model}--{method}--{self.repeat:03d}--{self.digest[:12]}"

    def __str__(self) -> str:
        """Say which it is."""
        return f"{self.method} on {self.model}, repeat {self.repeat}"


@dataclass(frozen=True)
class Limits:
    """Limits on time and memory of a cell.

    Attributes
    ----------
    seconds : float, optional
        Wall-clock time in the cell's process: building the model, the method, and the summary.
    memory : float, optional
        Resident memory of its process, in GiB, libraries included.
    """

    seconds: float | None = None
    memory: float | None = None


@dataclass(frozen=True)
class Outcome:
    """How a cell ended.

    Attributes
    ----------
    failure : str
        Why it failed, as a sentence; empty where it did not.
    tree : bytes or None
        A netCDF file.
    rows : dict of str to dict of str to float
        The posterior's summary, by quantity.
    diagnostics : dict of str to float
    seconds, seconds_model : float
        Wall-clock time of the method, and of building the model.
    peak_memory : int
        Peak resident memory of the process while the cell ran, libraries included, in bytes. Where
        the system cannot reset the peak, it includes earlier cells of the process.
    evaluations : int
        Number of evaluations of the log density and its derivatives.
    warnings : tuple of str
    traceback : str
        Only of a failure that is no `TriposError`.
    killed : bool
        Whether the process died before it could answer, and the cell may be retried.
    """

    failure: str = ""
    tree: bytes | None = None
    rows: dict[str, dict[str, float]] = field(default_factory=dict)
    diagnostics: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    seconds_model: float = 0.0
    peak_memory: int = 0
    evaluations: int = 0
    warnings: tuple[str, ...] = ()
    traceback: str = ""
    killed: bool = False
