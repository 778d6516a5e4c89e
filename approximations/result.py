"""Put what a method found into an `xarray.DataTree` in the InferenceData schema."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import arviz_base
import numpy as np
import xarray as xr

from .density import LogDensity
from .errors import ArgumentError


@dataclass
class Clock:
    """Seconds a method took, by part."""

    compile: float = 0.0
    fit: float = 0.0
    draw: float = 0.0


@dataclass(frozen=True)
class Record:
    """What a tree's attributes say about how it was made.

    Attributes
    ----------
    method : str
    settings : mapping
        Arguments of the call, as far as they can be written down.
    random_seed : int or None
        None where a Generator was passed, or no seed.
    independent_draws : bool
        Whether draws are independent by construction, and R-hat and ESS without meaning.
    """

    method: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    random_seed: int | None = None
    independent_draws: bool = True


def assemble(
    density: LogDensity,
    thetas: np.ndarray,
    fit: xr.Dataset,
    record: Record,
    *,
    sample_stats: Mapping[str, np.ndarray],
    point: np.ndarray | None = None,
) -> xr.DataTree:
    """Build the tree of a method whose draws are independent.

    Parameters
    ----------
    density : LogDensity
    thetas : (S, P) array
        Draws in unconstrained space.
    fit : Dataset
        What the method knows beyond draws.
    record : Record
    sample_stats : mapping of str to (S,) array
    point : (P,) array, optional
        A point to name in the variables' own scale, as group ``point_estimate``.
    """
    groups = {
        "posterior": posterior_dataset(density, density.unravel(thetas)),
        "unconstrained_posterior": _unconstrained_dataset(density, thetas),
        "sample_stats": arviz_base.dict_to_dataset(
            {name: values[None] for name, values in sample_stats.items()}
        ),
        "fit": fit,
        **data_groups(density),
    }
    if point is not None:
        groups["point_estimate"] = point_dataset(density, point)
    # ArviZ stamps each group with the second it was made: the same seed would give other bytes.
    tree = xr.DataTree.from_dict({name: _without_attrs(group) for name, group in groups.items()})
    tree.attrs = attributes(record)
    return tree


def posterior_dataset(density: LogDensity, values: Mapping[str, np.ndarray]) -> xr.Dataset:
    """Label draws (S, ...) of named variables by the model's dims and coords, as one chain."""
    return arviz_base.dict_to_dataset(
        {name: value[None] for name, value in values.items()}, **_dims_and_coords(density)
    )


def point_dataset(density: LogDensity, theta: np.ndarray) -> xr.Dataset:
    """Name one point ``theta`` (P,) by the model's variables and deterministics."""
    values = {name: value[0] for name, value in density.unravel(theta[None]).items()}
    return arviz_base.dict_to_dataset(values, sample_dims=[], **_dims_and_coords(density))


def data_groups(density: LogDensity) -> dict[str, xr.Dataset]:
    """Return ``observed_data`` and ``constant_data``, as the density holds them now."""
    observed_names = {rv.name for rv in density.model.observed_RVs}
    groups: dict[str, xr.Dataset] = {}
    for group, wanted in (("observed_data", True), ("constant_data", False)):
        arrays = {
            name: np.asarray(container.get_value())
            for name, container in density.data.items()
            if (name in observed_names) is wanted
        }
        if arrays:
            groups[group] = arviz_base.dict_to_dataset(
                arrays, sample_dims=[], **_dims_and_coords(density)
            )
    return groups


def parameter_array(density: LogDensity, values: np.ndarray) -> xr.DataArray:
    """Label a vector (P,) or matrix (P, P) by the parameters of ``theta``."""
    dims = ("parameter", "parameter_bis")[: np.ndim(values)]
    labels = list(density.parameters)
    return xr.DataArray(values, dims=dims, coords=dict.fromkeys(dims, labels))


def attributes(record: Record) -> dict[str, Any]:
    """Attributes that netCDF and zarr can hold: text and numbers only."""
    packages = ("tripos", "pymc", "pytensor", "numpy")
    return {
        "method": record.method,
        "settings": json.dumps(record.settings, default=str, sort_keys=True),
        "random_seed": "" if record.random_seed is None else str(record.random_seed),
        "independent_draws": int(record.independent_draws),
        "versions": json.dumps({name: _version(name) for name in packages}),
    }


def add_costs(tree: xr.DataTree, clock: Clock, evaluations: Mapping[str, int]) -> xr.DataTree:
    """Write seconds and numbers of density evaluations into the tree's attributes."""
    tree.attrs |= {
        "seconds_compile": clock.compile,
        "seconds_fit": clock.fit,
        "seconds_draw": clock.draw,
        "seconds": clock.compile + clock.fit + clock.draw,
        **{f"evaluations_{name}": count for name, count in evaluations.items()},
    }
    return tree


def checked_count(name: str, value: int, least: int = 1) -> int:
    """Check a number such as ``draws``.

    Raises
    ------
    ArgumentError
        When it is not a whole number of at least ``least``.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ArgumentError(
            f"{name} must be a whole number of at least {least}, but {value!r} was given."
        )
    return int(value)


def generator(random_seed: int | np.random.Generator | None) -> np.random.Generator:
    """Make the generator of a method's draws.

    Raises
    ------
    ArgumentError
        When the seed is none.
    """
    try:
        return np.random.default_rng(random_seed)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"random_seed must be a whole number of at least 0, a Generator or None, but "
            f"{random_seed!r} was given."
        ) from error


def seed_to_record(random_seed: Any) -> int | None:
    """Return the seed where it is a number that can be written down and used again."""
    return int(random_seed) if isinstance(random_seed, int | np.integer) else None


def _dims_and_coords(density: LogDensity) -> dict[str, Any]:
    coords = {dim: np.asarray(v) for dim, v in density.coords.items() if v is not None}
    dims = {name: list(d) for name, d in density.model.named_vars_to_dims.items()}
    return {"dims": dims, "coords": coords}


def _unconstrained_dataset(density: LogDensity, thetas: np.ndarray) -> xr.Dataset:
    values = {block.value_name: block.take(thetas)[None] for block in density.blocks}
    dims: dict[Hashable, Sequence[Hashable]] = {
        block.value_name: list(block.dims) for block in density.blocks if block.dims
    }
    coords = _dims_and_coords(density)["coords"]
    return arviz_base.dict_to_dataset(values, dims=dims, coords=coords)


def _without_attrs(group: xr.Dataset) -> xr.Dataset:
    bare = group.copy()
    bare.attrs = {}
    return bare


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
