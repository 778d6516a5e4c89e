"""Diagnosis of a search that diverges, and its wording.

A density without a mode grows towards a boundary. Three things are read off the search's path:
which variable goes to which end of its support, which term of the model makes the density grow, and
whether the mass grows too (``runaway_mass.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse

from ..density import LogDensity
from ..density.graphs.parameters import Block, describe_direction, stands_alone
from ..density.graphs.priors import depends_on, is_normal
from .given_start import terms_at
from .runaway_mass import mass_falls
from .trust_region import Iterate

# Stands for infinity on the unconstrained scale: beyond it exp() is 0 or infinite.
_FAR = 800.0


@dataclass(frozen=True)
class Runaway:
    """How a search diverges.

    Attributes
    ----------
    entry : int
        Position in ``theta`` of the parameter that moves furthest.
    block : Block
        The variable it belongs to.
    rises : bool
        Whether the parameter grows, on its unconstrained scale.
    levels_off : bool
        Whether the log density hardly grew on the second half of the path.
    """

    entry: int
    block: Block
    rises: bool
    levels_off: bool

    @classmethod
    def of_path(cls, density: LogDensity, path: Sequence[Iterate]) -> Runaway:
        """Read the end of a path, where the parameters that converge have done so."""
        moved = _late_move(path)
        entry = int(np.argmax(np.abs(moved)))
        block = next(b for b in density.blocks if b.start <= entry < b.slice.stop)
        travelled = np.array([abs(point.theta[entry] - path[0].theta[entry]) for point in path])
        halfway = path[max(0, int(np.argmax(travelled >= travelled[-1] / 2)) - 1)]
        levels_off = path[-1].logp - halfway.logp < 1e-3 * travelled[-1]
        return cls(entry, block, bool(moved[entry] > 0), bool(levels_off))


def _late_move(path: Sequence[Iterate]) -> np.ndarray:
    return path[-1].theta - path[min(10, len(path) // 2)].theta


def sentence_of_runaway(density: LogDensity, path: Sequence[Iterate]) -> str:
    """Say where a search diverges to, which term causes it, and what to do.

    Parameters
    ----------
    density : LogDensity
    path : sequence of Iterate
        The points that the search accepted, in their order.
    """
    runaway, here = Runaway.of_path(density, path), path[-1]
    growth = "levels off, but never falls" if runaway.levels_off else "still grows"
    label = density.parameters[runaway.entry]
    parts = [
        f"There is no finite mode within reach: after {len(path)} steps the log density {growth} "
        f"(to {here.logp:.6g}) along {describe_direction(density.parameters, _late_move(path))}, "
        f"with {label} at {here.theta[runaway.entry]:.4g}; {_where_it_goes(density, path, runaway)}"
    ]
    term = growing_term(density, path)
    # In a large model the crest takes longer to follow than a fit does.
    falls = None if issparse(here.curvature) else mass_falls(density, path, runaway.entry)
    if term is not None:
        parts.append(_what_grows(density, runaway, term))
    if falls is not None:
        parts.append(_what_it_holds(label, falls))
    parts.append(_advice(density, runaway, term, falls))
    return ". ".join(parts) + "."


def _where_it_goes(density: LogDensity, path: Sequence[Iterate], runaway: Runaway) -> str:
    """Name the end of the variable's own support that it goes to."""
    block = runaway.block
    end = "+infinity" if runaway.rises else "-infinity"
    if block.value_name == block.name:
        return f"{density.parameters[runaway.entry]} goes to {end}"
    if not stands_alone(density.model, block):
        return f"{block.name} goes to the edge of its support"
    limit = path[-1].theta.copy()
    limit[runaway.entry] = _FAR if runaway.rises else -_FAR
    values = density.unravel(np.array([path[0].theta, limit]))[block.name].reshape(2, -1)
    first, bound = values[:, runaway.entry - block.start]
    if not np.isfinite(bound):
        return f"{block.name} goes to {end}"
    return f"{block.name} goes from {first:.3g} to {bound:.3g}, an end of its support"


def growing_term(density: LogDensity, path: Sequence[Iterate]) -> str | None:
    """Name the term of the model that the growth of the density along a path comes from.

    None after `LogDensity.set_data`: PyMC's own terms use the old data.
    """
    if density.has_new_data:
        return None
    early, late = (terms_at(density, p.theta) for p in (path[min(10, len(path) // 2)], path[-1]))
    gains = {name: late[name] - early[name] for name in early}
    finite = {name: gain for name, gain in gains.items() if np.isfinite(gain) and gain > 0}
    return max(finite, key=lambda name: finite[name]) if finite else None


def _what_grows(density: LogDensity, runaway: Runaway, term: str) -> str:
    own = runaway.block.name
    if collapses(density, runaway, term):
        return (
            f"What grows is the density of {term}, which has {own} in it: the values of {term} "
            "draw together, and the density has a peak as narrow as they are close"
        )
    if runaway.levels_off:
        return f"What grows is the term {term}, which comes ever closer to its ceiling"
    return f"What grows is the term {term}"


def _what_it_holds(label: str, falls: bool) -> str:
    if falls:
        return (
            f"The peak rises but holds ever less mass: with the other parameters integrated "
            f"out, the density of {label} falls that way and has its maximum elsewhere"
        )
    return (
        f"Its mass grows, too: with the other parameters integrated out, the density of {label} "
        "does not fall that way, so the posterior looks improper"
    )


def _advice(density: LogDensity, runaway: Runaway, term: str | None, falls: bool | None) -> str:
    own = runaway.block.name
    if falls is not False and term is not None and collapses(density, runaway, term):
        if not is_normal(density.model, density.model[term]):
            return f"Use nuts, or give {own} a prior that keeps away from this end"
        return (
            f"nested_laplace serves this model as it is: it integrates {term} out. Or write it in "
            f"its non-centred parametrisation ({term} = its mean + its sd * a standard normal "
            "variable): the density of that variable has a finite peak. Or give "
            f"{own} a prior that keeps away from this end, or use nuts"
        )
    if term in {rv.name for rv in density.model.observed_RVs}:
        why = (
            "the data are perfectly separated, and only a prior can bound it"
            if runaway.levels_off
            else "the data can be fitted without error, and only a prior can keep it away"
        )
        return f"Give {own} a proper or stronger prior: {why}"
    return (
        f"Give {own} a proper or stronger prior, which bounds it or keeps it away from this end; "
        "or use a non-centred parametrisation, or nuts"
    )


def collapses(density: LogDensity, runaway: Runaway, term: str) -> bool:
    """Whether the term is another free variable whose prior has the runaway variable in it."""
    model, own = density.model, runaway.block.name
    if term == own or term not in {rv.name for rv in model.free_RVs}:
        return False
    return depends_on(model[term], model[own])
