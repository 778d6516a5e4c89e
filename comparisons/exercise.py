"""The bioassay three ways (BDA3 chapter 4): the prior's effect kept apart from the method's error.

The grid and the normal approximation use the flat prior, as in the book. NUTS uses a weak proper
prior, and so does a second grid: the two grids differ by the prior alone, and a method differs from
the grid under its own prior by the method's error alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..approximations.arguments import checked_arguments
from ..approximations.density import LogDensity
from ..models import bioassay
from .compare import run_methods, tell
from .comparison import Comparison

EXACT = "grid, flat prior"
NORMAL = "laplace, flat prior"
EXACT_WEAK = "grid, weak prior"
CHAIN = "nuts, weak prior"
JUDGES = {NORMAL: EXACT, CHAIN: EXACT_WEAK}
UNITS = {"beta": "per log g/ml", "ld50": "log g/ml", "alpha": "logit at log dose 0"}
QUANTITIES = ("alpha", "beta", "ld50")

_STATISTICS = ("mean", "sd", "q2.5", "q50", "q97.5")


@checked_arguments
def bioassay_exercise(
    *,
    random_seed: int | None = None,
    progressbar: bool = True,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> Comparison:
    """Run the four cells of the exercise.

    Parameters
    ----------
    random_seed : int, optional
    progressbar : bool, default True
        Shown on a terminal only.
    options : mapping of str to mapping, optional
        Arguments of ``"grid"``, ``"laplace"`` and ``"nuts"``.

    Returns
    -------
    Comparison
        Labelled by method and prior.
    """
    options = options or {}
    flat, weak = LogDensity(bioassay("flat")), LogDensity(bioassay("weak"))
    shared = {"random_seed": random_seed, "progressbar": progressbar}
    cells = {EXACT: flat, NORMAL: flat, EXACT_WEAK: weak, CHAIN: weak}
    return run_methods(
        {
            label: (method, density, {**shared, **options.get(method, {})})
            for label, density in cells.items()
            for method in [label.split(",")[0]]
        },
        announce=tell if progressbar else None,
    )


def effects(comparison: Comparison) -> pd.DataFrame:
    """Set the error of each method and the effect of the prior side by side.

    Returns
    -------
    DataFrame
        A row for each quantity and statistic: the exact value under the flat prior; Laplace minus
        exact; the weak prior's value minus the flat prior's, both exact; and NUTS minus exact,
        with its Monte Carlo standard error, under the weak prior.
    """
    table = comparison.summary()
    exact, normal, exact_weak, chain = (
        table.xs(label, level="label")[list(_STATISTICS)]
        for label in (EXACT, NORMAL, EXACT_WEAK, CHAIN)
    )
    mcse = table.xs(CHAIN, level="label")
    columns = {
        "exact, flat prior": exact.stack(),
        "error of Laplace": (normal - exact).stack(),
        "effect of the prior": (exact_weak - exact).stack(),
        "error of NUTS": (chain - exact_weak).stack(),
        "its MC s.e.": pd.Series(
            {(q, s): mcse.at[q, f"mcse_{s}"] for q in exact.index for s in ("mean", "sd")}
        ),
    }
    order = [(q, s) for q in exact.index for s in _STATISTICS]
    frame = pd.DataFrame(columns).reindex(order)
    frame.index.names = ["quantity", "statistic"]
    return frame
