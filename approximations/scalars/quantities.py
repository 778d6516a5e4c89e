"""Scalar quantities of a posterior: every entry of every variable, under its label."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import xarray as xr

from ..density import LogDensity
from ..density.graphs.parameters import labels_of
from ..result import posterior_dataset


def flatten(posterior: xr.Dataset) -> dict[str, np.ndarray]:
    """Split a posterior into scalars.

    Parameters
    ----------
    posterior : Dataset
        With dims ``chain`` and ``draw``.

    Returns
    -------
    dict of str to (C, S) array
        In the dataset's order, under labels like ``"theta[Choate]"``.
    """
    scalars: dict[str, np.ndarray] = {}
    for name, variable in posterior.data_vars.items():
        variable = variable.transpose("chain", "draw", ...)
        dims: tuple[Hashable, ...] = variable.dims[2:]
        coords = [variable[dim].values if dim in variable.coords else None for dim in dims]
        labels = labels_of(str(name), variable.shape[2:], coords)
        # The mean of a Boolean is its probability.
        values = variable.values.astype(float) if variable.dtype == bool else variable.values
        entries = values.reshape(*variable.shape[:2], -1)
        scalars |= {label: entries[:, :, k] for k, label in enumerate(labels)}
    return scalars


def scalars_at(density: LogDensity, thetas: np.ndarray) -> dict[str, np.ndarray]:
    """Values (n,) of every free variable and deterministic at points (n, P), by label."""
    scalars = flatten(posterior_dataset(density, density.unravel(thetas)))
    return {label: values[0] for label, values in scalars.items()}


def scalar_at(density: LogDensity, label: str, thetas: np.ndarray) -> np.ndarray:
    """Values (n,) of one quantity at points (n, P)."""
    return scalars_at(density, thetas)[label]
