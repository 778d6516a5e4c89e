"""The model of a report in words: each variable, what it is, its dims, and what it depends on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pymc as pm
import xarray as xr
from pymc.model_graph import ModelGraph
from pytensor.compile.mode import Mode

from ...approximations.density import LogDensity
from ...approximations.errors import ArgumentError

_QUICKLY = Mode(linker="py", optimizer="fast_compile")

type Models = pm.Model | LogDensity | Mapping[str, pm.Model | LogDensity]


@dataclass(frozen=True)
class Variable:
    """A row of a model.

    Attributes
    ----------
    name : str
    role : str
        "free", "observed", "derived", "data" or "potential".
    definition : str
        Its prior, likelihood or formula, as PyMC writes it; empty where no model was given.
    dims : str
        Such as ``"school (8)"``.
    parents : str
        Names of the variables that it depends on.
    """

    name: str
    role: str
    definition: str
    dims: str
    parents: str


def named_models(model: Models | None) -> dict[str, pm.Model]:
    """Give models by name; a single model has an empty name.

    Raises
    ------
    ArgumentError
        When something is not a model.
    """
    given: dict[str, Any] = {}
    if isinstance(model, Mapping):
        given = {str(name): one for name, one in model.items()}
    elif model is not None:
        given = {"": model}
    models = {n: one.model if isinstance(one, LogDensity) else one for n, one in given.items()}
    for one in models.values():
        if not isinstance(one, pm.Model):
            raise ArgumentError(
                "model must be a pymc.Model, a LogDensity, or a mapping of names to them, but a "
                f"{type(one).__name__} was given."
            )
    return models


def variables_of(model: pm.Model) -> list[Variable]:
    """Describe every variable of a model, data and potentials too."""
    written = _definitions(model)
    parents = ModelGraph(model).make_compute_graph()
    roles = {
        "free": model.free_RVs,
        "derived": model.deterministics,
        "observed": model.observed_RVs,
        "potential": model.potentials,
        "data": model.data_vars,
    }
    return [
        Variable(
            str(variable.name),
            role,
            written.get(str(variable.name), ""),
            _dims_of(model, variable),
            ", ".join(sorted(map(str, parents.get(variable.name, ())))),
        )
        for role, variables in roles.items()
        for variable in variables
    ]


def variables_of_trees(trees: Iterable[xr.DataTree]) -> list[Variable]:
    """Describe the posterior's variables from the trees: names and dims."""
    found: dict[str, Variable] = {}
    for tree in trees:
        posterior = tree["posterior"].to_dataset()
        for name, variable in posterior.data_vars.items():
            sizes = {str(d): n for d, n in variable.sizes.items() if d not in ("chain", "draw")}
            shape = ", ".join(f"{dim} ({size})" for dim, size in sizes.items())
            found.setdefault(str(name), Variable(str(name), "", "", shape or "scalar", ""))
    return list(found.values())


def _definitions(model: pm.Model) -> dict[str, str]:
    """Right-hand side of each name in PyMC's text of a model."""
    names = sorted((str(name) for name in model.named_vars), key=len, reverse=True)
    found: dict[str, str] = {}
    for line in model.str_repr().splitlines():
        for name in names:
            for sign in (" ~ ", " = "):
                if line.lstrip().startswith(name + sign):
                    found.setdefault(name, line.lstrip()[len(name + sign) :])
    return found


def _dims_of(model: pm.Model, variable: Any) -> str:
    if named := model.named_vars_to_dims.get(variable.name):
        return ", ".join(f"{dim} ({_length(model, dim)})" for dim in named)
    shape = variable.type.shape
    if not shape:
        return "scalar"
    return " × ".join("?" if size is None else str(size) for size in shape)


def _length(model: pm.Model, dim: str | None) -> str:
    length = model.dim_lengths.get(dim)
    # For one number there is nothing to compile.
    return "?" if length is None else str(int(length.eval(mode=_QUICKLY)))
