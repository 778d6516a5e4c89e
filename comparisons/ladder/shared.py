"""What the rungs of the ladder share: the mode, and one weighted sample of the posterior."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...approximations.density import LogDensity
from ...approximations.errors import (
    NO_MODE,
    NonFiniteDensityError,
    StartingPointError,
    WeightsError,
)
from ...approximations.mode import find_mode
from ..verdict.judging import Tolerances
from ..verdict.reference import Reference, reference_sample


@dataclass(frozen=True)
class Request:
    """What is asked of the ladder.

    Attributes
    ----------
    density : LogDensity
    tolerance : Tolerances
    quantities : tuple of str
        Labels of the quantities that matter.
    draws : int
        Number of draws of the methods whose draws are independent.
    nuts : mapping
        Options of NUTS.
    random_seed : int, Generator or None
        As it was given, for the record.
    rng : Generator
    progressbar : bool
    """

    density: LogDensity
    tolerance: Tolerances
    quantities: tuple[str, ...]
    draws: int
    nuts: Mapping[str, Any]
    random_seed: int | np.random.Generator | None
    rng: np.random.Generator
    progressbar: bool


@dataclass(frozen=True)
class Shared:
    """What one rung hands to the next.

    Attributes
    ----------
    reference : Reference or None
        Weighted draws about the modes; None where they were not asked for yet, or cannot be had.
    why_not : str
        Why they cannot be had.
    """

    reference: Reference | None = None
    why_not: str = ""


def with_reference(request: Request, shared: Shared) -> Shared:
    """Search for the mode, and draw weighted pairs about it, unless that has been done.

    Raises
    ------
    ImproperPosteriorError
        When there is no posterior to approximate.
    """
    if shared.reference is not None or shared.why_not:
        return shared
    density = request.density
    try:
        mode = find_mode(density)
        return Shared(reference_sample(density, mode, request.rng, request.quantities))
    except (*NO_MODE, StartingPointError, WeightsError, NonFiniteDensityError) as failure:
        return Shared(why_not=f"{type(failure).__name__}: {failure}")
