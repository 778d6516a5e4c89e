"""What the quantities of a model are called, without compiling anything."""

from __future__ import annotations

from collections.abc import Collection

import pymc as pm

from tripos.approximations.density.graphs.parameters import labels_of


def quantities_of(model: pm.Model, var_names: Collection[str] | None = None) -> list[str]:
    """Flattened names of free variables and deterministics, all or some, of known shapes."""
    names: list[str] = []
    for variable in (*model.free_RVs, *model.deterministics):
        if var_names is not None and variable.name not in var_names:
            continue
        dims = model.named_vars_to_dims.get(variable.name)
        coords = [model.coords.get(dim) for dim in dims] if dims else None
        shape = tuple(length or len(coords[k]) for k, length in enumerate(variable.type.shape))
        names += labels_of(variable.name, shape, coords)
    return names
