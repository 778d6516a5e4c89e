"""The posterior on a grid: exact up to the size of a cell, for models with up to four scalars.

Gelman et al., Bayesian Data Analysis (3rd ed.), section 3.7: the bioassay computed on a grid.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from .arguments import checked_arguments
from .density import LogDensity, as_density
from .errors import (
    NO_MODE,
    BoundsError,
    GradientError,
    GridEdgeWarning,
    GridSizeError,
    StartingPointError,
)
from .limits import MOST_CELL_ERROR, MOST_EDGE_MASS
from .meter import Meter
from .method import registered
from .mode import Mode, find_mode
from .progress import progress
from .result import Record, assemble, checked_count, generator
from .rules.box import (
    Bounds,
    Box,
    check_holds_mode,
    edge_masses,
    evaluate_cells,
    found_box,
    given_box,
)
from .rules.cells import Cells, draws_in_cells
from .scalars.distribution import FINE_PROBABILITIES
from .scalars.grid_moments import moments_of_grid

MOST_SCALARS = 4
_MOST_CELLS = 50_000_000
# Errors that a search in a given box may ignore: it needs neither a mode nor derivatives.
_IGNORED = (*NO_MODE, GradientError, StartingPointError)
_POINTS = {1: 2001, 2: 401, 3: 101, 4: 41}


@registered(
    draws="independent",
    is_exact=True,
    most_scalars=MOST_SCALARS,
    judge_rank=0,
    takes_new_data=True,
    look=("#000000", (), "o"),
)
@checked_arguments
def grid(
    model: pm.Model | LogDensity | None = None,
    draws: int = 4000,
    *,
    bounds: Bounds | None = None,
    points: int | Mapping[str, int] | None = None,
    random_seed: int | np.random.Generator | None = None,
    progressbar: bool = True,
) -> xr.DataTree:
    """Compute a posterior on a grid of cells in unconstrained space.

    Parameters
    ----------
    model : pymc.Model or LogDensity, optional
        The model in context, if None. It may have up to 4 free scalars.
    draws : int, default 4000
        Number of draws: a cell by its mass, and a uniform point inside the cell.
    bounds : mapping of str to (low, high), optional
        A box on the variables' own scale; the density needs no derivatives then. By default the
        box is found: it starts around the mode and widens until each edge (the outermost fortieth)
        holds less than 1e-6 of the mass.
    points : int or mapping of str to int, optional
        Cells along each axis; 2001, 401, 101 or 41 for 1 to 4 scalars by default.
    random_seed : int or Generator, optional
    progressbar : bool, default True
        Shown on a terminal only.

    Returns
    -------
    DataTree
        As `laplace` returns it; ``fit`` holds ``log_density`` (axis_0, ..., with the cell centres
        as coordinates), ``mean``, ``sd`` and ``quantiles`` of every quantity from the cells and not
        from draws, ``mean_error`` and ``sd_error`` estimated from half the cells and the edges of
        the box, ``log_evidence``, its error estimated from half the cells, ``edge_mass``, and the
        ``mode`` where there is one. ``tail_k`` is the index of a quantity's heavier tail: where it
        is above 0.7, as for a ratio whose denominator can be zero, there is no mean, and ``mean``
        and ``sd`` are NaN; from 0.45 on, ``sd`` is NaN.

    Raises
    ------
    GridSizeError
        With more than 4 free scalars, too many cells for memory, or, when neither
        ``bounds`` nor ``points`` is given, cells too wide for the posterior.
    BoundsError
        When the bounds miss a variable, name an unknown one, are reversed, leave the support or
        exclude the mode.
    ModeAtInfinityError, ModeNotFoundError, CurvatureError
        When a box must be found and there is no mode to start from.
    StartingPointError, DiscreteVariableError, NoFreeVariableError, ArgumentError

    Warns
    -----
    GridEdgeWarning
        When the edge of a given box holds more than 1e-5 of the mass.
    """
    draws = checked_count("draws", draws)
    rng = generator(random_seed)
    density = as_density(model)
    shape = _checked_points(density, points)
    meter = Meter(density)
    box, mode = _box_and_mode(density, bounds)
    with progress("Grid", int(np.prod(shape)), show=progressbar) as advance:
        cells = Cells(box, evaluate_cells(density, box, shape, advance))
    _check_edges(density, cells, mode, given=bounds is not None)
    if bounds is None and points is None:
        _check_resolution(cells)
    fit = _fit_dataset(density, cells, mode)
    meter.fitted()

    thetas = draws_in_cells(cells, draws, rng)
    settings = {"draws": draws, "points": _points_by_name(density, shape), "bounds": bounds}
    record, point = Record("grid", settings, random_seed), None if mode is None else mode.theta
    return meter.written_into(assemble(density, thetas, fit, record, point=point))


def _checked_points(density: LogDensity, points: Any) -> tuple[int, ...]:
    size = density.size
    if size > MOST_SCALARS:
        raise GridSizeError(
            f"A grid serves up to {MOST_SCALARS} free scalars, but this model has {size} "
            f"({', '.join(density.parameters[:6])}{', ...' if size > 6 else ''}). Use laplace or "
            "nuts instead."
        )
    if isinstance(points, Mapping):
        names = [block.name for block in density.blocks for _ in block.labels]
        if unknown := sorted(set(points) - set(names)):
            raise BoundsError(f"points name {unknown}, but the free variables are {names}.")
        shape = tuple(
            checked_count(f"points[{name!r}]", points.get(name, _POINTS[size])) for name in names
        )
    else:
        shape = (checked_count("points", _POINTS[size] if points is None else points),) * size
    if np.prod(shape, dtype=float) > _MOST_CELLS:
        cells = np.prod(shape, dtype=float)
        raise GridSizeError(
            f"A grid of {' x '.join(map(str, shape))} points has {cells:.3g} cells and would need "
            f"{8 * cells / 2**30:.3g} GiB for the log density alone; at most {_MOST_CELLS:.0e} "
            "cells are allowed. Choose fewer points."
        )
    return shape


def _points_by_name(density: LogDensity, shape: tuple[int, ...]) -> int | dict[str, int]:
    """Express the numbers of cells as the argument ``points``."""
    if len(set(shape)) == 1:
        return shape[0]
    return {block.name: shape[block.start] for block in density.blocks}


def _box_and_mode(density: LogDensity, bounds: Bounds | None) -> tuple[Box, Mode | None]:
    """The box, and the mode where the posterior has one: a given box needs none."""
    if bounds is None:
        mode = find_mode(density)
        return found_box(density, mode, mode.gaussian), mode
    box = given_box(density, bounds)
    try:
        mode = find_mode(density)
    except _IGNORED:
        return box, None
    check_holds_mode(density, box, mode)
    return box, mode


def _check_edges(density: LogDensity, cells: Cells, mode: Mode | None, *, given: bool) -> None:
    if not np.any(np.isfinite(cells.log_density)):
        raise BoundsError(
            "The density is 0 in the whole box: choose bounds that hold the posterior, or leave "
            "them out."
        )
    if not given:
        return
    edges = edge_masses(cells.marginals)
    k, side = np.unravel_index(int(np.argmax(edges)), edges.shape)
    where = f"{density.parameters[k]} = {(cells.box.low, cells.box.high)[side][k]:.5g}"
    peak = np.unravel_index(int(np.argmax(cells.log_density)), cells.points)
    at_edge = [p in (0, n - 1) for p, n in zip(peak, cells.points, strict=True)]
    if mode is None and min(cells.points) > 2 and any(at_edge):
        raise BoundsError(
            f"The bounds exclude the posterior's mode: the density is highest at the edge of the "
            f"box, near {where} (unconstrained scale). Widen the box."
        )
    if edges[k, side] > MOST_EDGE_MASS:
        warnings.warn(
            f"The edge of the box at {where} (unconstrained scale) holds {edges[k, side]:.2g} of "
            "the mass, so the box distorts the results. Widen it, or leave bounds out.",
            GridEdgeWarning,
            stacklevel=4,
        )


def _check_resolution(cells: Cells) -> None:
    error = cells.resolution_error
    if error > MOST_CELL_ERROR:
        raise GridSizeError(
            f"The cells are too wide for this posterior: half of them give another log evidence, "
            f"by {error:.2g}. Say how many points= or which bounds=, or use laplace or nuts."
        )


def _fit_dataset(density: LogDensity, cells: Cells, mode: Mode | None) -> xr.Dataset:
    moments = moments_of_grid(density, cells)
    axes = [f"axis_{k}" for k in range(density.size)]
    of_quantities = ("mean", "sd", "mean_error", "sd_error", "tail_k")
    fit = xr.Dataset(
        {
            "log_density": (axes, cells.log_density),
            **{name: ("quantity", getattr(moments, name)) for name in of_quantities},
            "quantiles": (("quantity", "probability"), moments.quantiles),
            "edge_mass": (("parameter", "side"), edge_masses(cells.marginals)),
            "log_evidence": cells.log_evidence,
            "log_evidence_error": cells.resolution_error,
        },
        coords={
            **dict(zip(axes, cells.box.centres(cells.points), strict=True)),
            "quantity": list(moments.quantities),
            "probability": list(FINE_PROBABILITIES),
            "parameter": list(density.parameters),
            "side": ["low", "high"],
        },
    )
    if mode is not None:
        fit["mode"] = ("parameter", mode.theta)
        fit["logp_mode"] = mode.logp
    return fit
