"""Put what a method found into an `xarray.DataTree` in the InferenceData schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import xarray as xr

from .density import LogDensity
from .errors import ArgumentError
from .memory import check_memory

_SAMPLE = ("chain", "draw")
# Characters of an attribute, somewhat below the 64 KiB that HDF5 allows.
_LONGEST = 50_000
_DRAWS = 4000
# Numbers in the draws of a large model by default: 160 MB per array.
_ENTRIES, _FEWEST_DRAWS = 20_000_000, 20
# Number of arrays of draws in memory at once, in the tree and in the computation.
_COPIES = 4


@dataclass(frozen=True)
class Record:
    """What a tree's attributes say about how it was made.

    Attributes
    ----------
    method : str
    settings : mapping
        All arguments of the call that affect its results.
    random_seed : int, Generator or None
        Recorded where it is a number, which can be reused.
    independent_draws : bool
        Whether draws are independent by construction, so that R-hat and ESS are meaningless.
    """

    method: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    random_seed: int | np.random.Generator | None = None
    independent_draws: bool = True


def assemble(
    density: LogDensity,
    thetas: np.ndarray,
    fit: xr.Dataset,
    record: Record,
    *,
    sample_stats: Mapping[str, np.ndarray] | None = None,
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
    sample_stats : mapping of str to (S,) array, optional
        ``lp`` alone, the log density at the draws, by default.
    point : (P,) array, optional
        A point to be stored on the variables' own scale, as group ``point_estimate``.
    """
    stats = {"lp": density.batched_value(thetas)} if sample_stats is None else sample_stats
    groups = {
        "posterior": posterior_dataset(density, density.unravel(thetas)),
        "unconstrained_posterior": _unconstrained_dataset(density, thetas),
        "sample_stats": _dataset({name: v[None] for name, v in stats.items()}, _SAMPLE),
        "fit": fit,
        **data_groups(density),
    }
    if point is not None:
        groups["point_estimate"] = point_dataset(density, point)
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = attributes(record)
    if source := density.logp.hessian_source:
        tree.attrs["hessian"] = source
    return tree


def group_of(tree: xr.DataTree, name: str) -> xr.Dataset:
    """Take a group of a tree, empty where the tree has none of that name."""
    return tree[name].to_dataset() if name in tree.children else xr.Dataset()


def posterior_dataset(density: LogDensity, values: Mapping[str, np.ndarray]) -> xr.Dataset:
    """Label draws (S, ...) of named variables by the model's dims and coords, as one chain."""
    chains = {name: value[None] for name, value in values.items()}
    return _dataset(chains, _SAMPLE, density.model.named_vars_to_dims, density.coords)


def point_dataset(density: LogDensity, theta: np.ndarray) -> xr.Dataset:
    """Name one point ``theta`` (P,) by the model's variables and deterministics."""
    values = {name: value[0] for name, value in density.unravel(theta[None]).items()}
    return _dataset(values, (), density.model.named_vars_to_dims, density.coords)


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
            groups[group] = _dataset(arrays, (), density.model.named_vars_to_dims, density.coords)
    return groups


def parameter_array(density: LogDensity, values: np.ndarray) -> xr.DataArray:
    """Label a vector (P,) or matrix (P, P) by the parameters of ``theta``."""
    dims = ("parameter", "parameter_bis")[: np.ndim(values)]
    labels = list(density.parameters)
    return xr.DataArray(values, dims=dims, coords=dict.fromkeys(dims, labels))


def attributes(record: Record) -> dict[str, Any]:
    """Attributes that netCDF and zarr can hold: text and numbers only."""
    packages, seed = ("tripos", "pymc", "pytensor", "numpy"), record.random_seed
    return {
        "method": record.method,
        "settings": _as_text(record.settings),
        "random_seed": str(int(seed)) if isinstance(seed, int | np.integer) else "",
        "independent_draws": int(record.independent_draws),
        "versions": json.dumps({name: _version(name) for name in packages}),
    }


def _as_text(settings: Mapping[str, Any]) -> str:
    """Write settings as JSON, with a digest for arrays too long for a file's attribute."""
    text = json.dumps(_written(settings, most=1000))
    return text if len(text) < _LONGEST else json.dumps(_written(settings, most=8))


def _written(value: Any, most: int) -> Any:
    """Convert a setting for JSON; objects and long arrays become ``<...>``."""
    if isinstance(value, Mapping):
        return {str(name): _written(entry, most) for name, entry in value.items()}
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biuf":
        if value.size > most:
            digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
            return f"<array of {value.size} numbers, SHA-256 {digest[:16]}>"
        return value.tolist()
    if isinstance(value, list | tuple):
        if len(value) > most:
            return _written(np.asarray(value), most)
        return [_written(entry, most) for entry in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return f"<{type(value).__name__}: {value}>"


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


def draws_that_fit(draws: int | None, density: LogDensity) -> int:
    """Check the number of draws, or choose it: 4000, or fewer for large models.

    Raises
    ------
    ArgumentError
        When it is not a whole number of at least 1.
    MemoryLimitError
        When the draws would not fit in memory.
    """
    if draws is None:
        return min(_DRAWS, max(_FEWEST_DRAWS, _ENTRIES // density.entries_of_a_draw))
    draws, size = checked_count("draws", draws), density.entries_of_a_draw
    check_memory(
        f"A tree with {draws:,} draws of {size:,} numbers each, deterministics included,",
        _COPIES * draws * size,
        f"Ask for fewer, such as draws={max(1, _ENTRIES // size)}.",
    )
    return draws


def generator(random_seed: int | np.random.Generator | None) -> np.random.Generator:
    """Make the generator of a method's draws.

    Raises
    ------
    ArgumentError
        When the seed is not valid.
    """
    try:
        return np.random.default_rng(random_seed)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"random_seed must be a whole number of at least 0, a Generator or None, but "
            f"{random_seed!r} was given."
        ) from error


def _unconstrained_dataset(density: LogDensity, thetas: np.ndarray) -> xr.Dataset:
    values = {block.value_name: block.take(thetas)[None] for block in density.blocks}
    dims = {block.value_name: block.dims for block in density.blocks if block.dims}
    return _dataset(values, _SAMPLE, dims, density.coords)


def _dataset(
    values: Mapping[str, np.ndarray],
    sample_dims: tuple[str, ...],
    dims: Mapping[str, Sequence[str | None]] | None = None,
    coords: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Label arrays as `arviz_base.dict_to_dataset` does, in a quarter of its time.

    There is no time stamp, so that the same seed gives the same bytes.
    """
    from arviz_base import generate_dims_coords  # when used, as it takes long to import

    variables: dict[str, tuple[Any, np.ndarray]] = {}
    labels: dict[Any, Any] = {}
    for name, value in values.items():
        given = [*sample_dims, *(dims or {}).get(name, ())]
        named, ranges = generate_dims_coords(np.shape(value), name, dims=given)
        variables[name] = named, value
        labels |= ranges
    known = {dim: v for dim, v in (coords or {}).items() if dim in labels and v is not None}
    return xr.Dataset(variables, {**labels, **{dim: np.asarray(v) for dim, v in known.items()}})


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
