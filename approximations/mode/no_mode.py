"""Why a search for the mode ended without one, in a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..density import LogDensity
from ..density.graphs.parameters import describe_direction
from ..errors import CurvatureError, ModeAtInfinityError, ModeNotFoundError
from .runaway import Runaway, collapses, growing_term, sentence_of_runaway
from .trust_region import Iterate

# On a log or logit scale, from a typical value to within 1e-6 of an end of the support.
_ROOM = 14.0
# Accepted points between checks whether a search can still succeed.
_OFTEN = 10
# Accepted points after which a search that gained almost nothing in their second half is taken to
# climb for ever.
_LONG, _NOTHING = 40, 1e-2


def why_no_mode(
    density: LogDensity, path: Sequence[Iterate], limit: int | None
) -> ModeAtInfinityError | CurvatureError | ModeNotFoundError:
    """Say why a search ended without a mode.

    Parameters
    ----------
    density : LogDensity
    path : sequence of Iterate
        The points that the search accepted, in their order.
    limit : int, optional
        Limit on the number of steps, if it was reached.
    """
    here, labels = path[-1], density.parameters
    if here.is_close and here.is_flat:
        return ModeAtInfinityError(
            f"The log density is flat along {describe_direction(labels, here.flattest)}: the data "
            "and the priors leave that combination free, so there is no single mode. Give one of "
            "the variables in it a proper prior, or remove it."
        )
    is_stuck = here.is_close or limit is None
    if _runs_away(path) or (is_stuck and _has_no_room_left(density, path)):
        return ModeAtInfinityError(sentence_of_runaway(density, path))
    if here.is_close:
        return CurvatureError(
            f"The curvature vanishes along {describe_direction(labels, here.flattest)} as the "
            f"search approaches its maximum (at {here.logp:.6g}): no normal distribution fits so "
            "flat a top. Use grid or nuts."
        )
    return ModeNotFoundError(_sentence_of_search(path, labels, limit))


def _sentence_of_search(path: Sequence[Iterate], labels: Sequence[str], limit: int | None) -> str:
    """Describe a search that neither converged nor diverged."""
    here, steps = path[-1], len(path) - 1
    steepest = int(np.argmax(here.scaled_slopes))
    still = (
        f"the gradient is still {here.scaled_slopes[steepest]:.2g} (in units of one over sd), "
        f"largest in {labels[steepest]}"
    )
    if limit is None:
        return (
            f"No mode was found: after {steps} steps no further one, however short, raised the log "
            f"density, though {still}. Rounding dominates there, or its gradient is wrong; more "
            "iterations would not help. Pass start={...} elsewhere, try another parametrisation, "
            "or use nuts."
        )
    return (
        f"No mode was found in {steps} steps of at most {limit}: {still}. Raise "
        "max_iterations, or pass start={...} closer to the mode."
    )


def is_collapse(density: LogDensity, path: Sequence[Iterate]) -> bool:
    """Whether a hierarchical density grows as its group effects draw together.

    As a group sd goes to 0, the density of the effects grows without bound: no further step will
    find a mode. Checked only now and then, because it evaluates each term with PyMC.

    Parameters
    ----------
    density : LogDensity
    path : sequence of Iterate
        The points that the search accepted, in their order.
    """
    if len(path) % _OFTEN or not path[-1].logp > path[-_OFTEN].logp + 1:
        return False
    if not _is_at_a_bound(density, path):
        return False
    return _draws_together(density, path)


def _draws_together(density: LogDensity, path: Sequence[Iterate]) -> bool:
    term = growing_term(density, path)
    return term is not None and collapses(density, Runaway.of_path(density, path), term)


def _runs_away(path: Sequence[Iterate]) -> bool:
    """Whether a search diverges: in one direction, or by ever rising values."""
    if len(path) >= 30 and path[-1].logp - path[10].logp > 1:
        return True
    later = path[len(path) // 2 :]
    if len(path) >= _LONG and later[-1].logp - later[0].logp < _NOTHING:
        # A search that converges, however slowly, gains almost nothing in its second half.
        whole = _distance(path)
        share = _distance(later) / whole if whole > 0 else 0.0
        return share > 0.1 and _share_along(later) > 0.5
    if len(path) < 11:
        return False
    lengths = np.linalg.norm(np.diff([point.theta for point in path[-11:]], axis=0), axis=1)
    return _share_along(path[-11:]) > 0.5 and bool(lengths[-1] > 0.5 * lengths.max())


def _share_along(path: Sequence[Iterate]) -> float:
    """Distance from first to last point over the path's length: 1 for a straight line."""
    steps = np.diff([point.theta for point in path], axis=0)
    total = float(np.sum(np.linalg.norm(steps, axis=1)))
    return _distance(path) / total if total > 0 else 0.0


def _distance(path: Sequence[Iterate]) -> float:
    return float(np.linalg.norm(path[-1].theta - path[0].theta))


def _has_no_room_left(density: LogDensity, path: Sequence[Iterate]) -> bool:
    """Whether a search ended at a boundary, or group effects collapsed to rounding."""
    if _is_at_a_bound(density, path):
        return True
    return path[-1].logp > path[len(path) // 2].logp + 1 and _draws_together(density, path)


def _is_at_a_bound(density: LogDensity, path: Sequence[Iterate]) -> bool:
    """Whether a transformed variable, such as a log, reached an end of its own scale."""
    moved, here = np.abs(path[-1].theta - path[0].theta), np.abs(path[-1].theta)
    bounded = [b for b in density.blocks if b.value_name != b.name]
    return any(np.any((moved[b.slice] > _ROOM) & (here[b.slice] > _ROOM)) for b in bounded)
