"""Posteriors whose truth is known, to judge verdicts by.

`POSTERIORS` lists them; `truth.load_truth` reads what `generate.py` found; `errors.true_errors`
says how far the Laplace approximation is from it.
"""

from .awkward import AWKWARD
from .counts import COUNTS
from .hierarchical import HIERARCHICAL
from .near_gaussian import NEAR_GAUSSIAN
from .posterior import Posterior
from .regressions import REGRESSIONS
from .textbook import TEXTBOOK
from .two_modes import TWO_MODES

POSTERIORS: dict[str, Posterior] = {
    posterior.name: posterior
    for posterior in (
        *TEXTBOOK,
        *NEAR_GAUSSIAN,
        *REGRESSIONS,
        *COUNTS,
        *HIERARCHICAL,
        *TWO_MODES,
        *AWKWARD,
    )
}

__all__ = ["POSTERIORS", "Posterior"]
