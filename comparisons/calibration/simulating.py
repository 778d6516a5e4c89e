"""True values and data simulated from them, to which a calibration fits a method.

From the prior: Talts, Betancourt, Simpson, Vehtari and Gelman (2018), "Validating Bayesian
inference algorithms with simulation-based calibration". From a posterior: Säilynoja, Schmitt,
Bürkner and Vehtari (2025), "Posterior SBC: simulation-based calibration checking conditional on
data".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import xarray as xr
from pymc.distributions.continuous import FlatRV, HalfFlatRV
from pymc.distributions.distribution import PartialObservedRV
from pymc.model.fgraph import clone_model
from pymc.pytensorf import compile as compile_with_draws
from pymc.variational.minibatch_rv import MinibatchRandomVariable
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.traversal import ancestors, walk
from pytensor.tensor.random.type import RandomType
from pytensor.tensor.shape import Shape, Shape_i

from ...approximations.density import LogDensity
from ...approximations.density.graphs.lean import lean_rewriting
from ...approximations.errors import ArgumentError, CalibrationError
from ...approximations.other_packages import python_mode
from ...approximations.scalars.quantities import flatten
from ..monte_carlo import effective_draws, samples_of

_OTHERWISE = (
    "Give it a proper prior; or calibrate around the data that you have, with given= (a tree of "
    "draws from a posterior that you trust)."
)


@dataclass(frozen=True)
class Simulations:
    """N true points and the data that each gives.

    Attributes
    ----------
    density : LogDensity
        Density of the model to be fitted.
    data : dict of str to (N, ...) array
        Simulated data, by the observed variable whose values they replace.
    truths : dict of str to (N, ...) array
        Free variables and deterministics, on their own scale.
    thetas : (N, P) array
        The same points in the coordinates of ``density``.
    """

    density: LogDensity
    data: dict[str, np.ndarray]
    truths: dict[str, np.ndarray]
    thetas: np.ndarray


def from_prior(density: LogDensity, size: int, rng: np.random.Generator) -> Simulations:
    """Draw N true points from the prior, and data from each.

    Raises
    ------
    CalibrationError
        When the prior is improper, or the model cannot be simulated from.
    """
    _check_observed(density)
    _check_proper(density.model)
    drawn = _drawn(density.model, [{}] * size, rng)
    return _simulations(density, drawn, {rv.name: rv.name for rv in density.model.observed_RVs})


def from_posterior(
    density: LogDensity, given: xr.DataTree, size: int, rng: np.random.Generator
) -> Simulations:
    """Take N true points from a posterior, and draw more data from each.

    The model to be fitted holds the simulated data beside the observed ones, as
    ``<name>_simulated``, so that a true point is a draw from its posterior.

    Raises
    ------
    ArgumentError
        When the tree has no draws of a free variable, or fewer independent ones than N.
    CalibrationError
        When the model cannot be simulated from.
    """
    _check_observed(density)
    points = _points(density.model, given, size)
    drawn = _drawn(density.model, points, rng)
    names = {rv.name: f"{rv.name}_simulated" for rv in density.model.observed_RVs}
    return _simulations(LogDensity(_augmented(density, names)), drawn, names)


def _simulations(
    density: LogDensity, drawn: Mapping[str, Mapping[str, np.ndarray]], names: Mapping[str, str]
) -> Simulations:
    values = [drawn["values"][block.name] for block in density.blocks]
    return Simulations(
        density,
        {new: drawn["data"][name] for name, new in names.items()},
        dict(drawn["truths"]),
        np.column_stack([value.reshape(len(value), -1) for value in values]),
    )


def _drawn(
    model: pm.Model, points: list[dict[str, np.ndarray]], rng: np.random.Generator
) -> dict[str, dict[str, np.ndarray]]:
    """Draw all of a model's variables at each point, with a single compilation."""
    free, observed = model.free_RVs, model.observed_RVs
    truths = [*free, *model.deterministics]
    groups = {
        "truths": {rv.name: rv for rv in truths},
        "values": {rv.name: _unconstrained(model, rv) for rv in free},
        "data": {rv.name: rv for rv in observed},
    }
    outputs = [variable for group in groups.values() for variable in group.values()]
    try:
        with lean_rewriting():
            draw = compile_with_draws(
                [model[name] for name in points[0]],
                outputs,
                random_seed=int(rng.integers(2**30)),
                mode=python_mode(),
                on_unused_input="ignore",
            )
            rows = [draw(*point.values()) for point in points]
    except (NotImplementedError, ValueError) as error:
        raise CalibrationError(
            f"Data cannot be simulated from this model: {type(error).__name__}: {error}. Every "
            "variable must have a distribution that can be drawn from, at whatever values its "
            f"parameters take. {_OTHERWISE}"
        ) from error
    columns = iter([np.stack(column) for column in zip(*rows, strict=True)])
    return {group: {name: next(columns) for name in names} for group, names in groups.items()}


def _unconstrained(model: pm.Model, rv: Any) -> Any:
    transform = model.rvs_to_transforms[rv]
    return rv if transform is None else transform.forward(rv, *rv.owner.inputs)


def _points(model: pm.Model, given: xr.DataTree, size: int) -> list[dict[str, np.ndarray]]:
    """Take N draws of the free variables, evenly spaced."""
    if not isinstance(given, xr.DataTree) or "posterior" not in given.children:
        raise ArgumentError(
            f"given= must be a DataTree with a group 'posterior', but a {type(given).__name__} "
            "without one was given. A tree of nuts will do."
        )
    posterior = given["posterior"].to_dataset()
    if missing := [rv.name for rv in model.free_RVs if rv.name not in posterior]:
        raise ArgumentError(f"The tree that is given has no draws of {', '.join(missing)}.")
    posterior = posterior[[rv.name for rv in model.free_RVs]]
    samples = samples_of(given)
    total = posterior.sizes["chain"] * posterior.sizes["draw"]
    worth = min(total, effective_draws(samples[label] for label in flatten(posterior)))
    if worth < size:
        raise ArgumentError(
            f"{size} simulations need as many independent draws, but the tree that is given is "
            f"worth {worth}. Draw more of them, or ask for fewer simulations."
        )
    stacked = posterior.stack(sample=("chain", "draw")).transpose("sample", ...)
    chosen = np.linspace(0, stacked.sizes["sample"] - 1, size).round().astype(int)
    arrays = {str(name): value.values for name, value in stacked.data_vars.items()}
    return [{name: values[k] for name, values in arrays.items()} for k in chosen]


def _augmented(density: LogDensity, names: Mapping[str, str]) -> pm.Model:
    """Copy a model, with a second copy of each observed variable for the simulated data."""
    twin = clone_model(density.model)
    for rv in list(twin.observed_RVs):
        inputs = [
            pytensor.shared(np.random.default_rng(), borrow=True)
            if isinstance(variable.type, RandomType)
            else variable
            for variable in rv.owner.inputs
        ]
        outputs = rv.owner.clone_with_new_inputs(inputs).outputs
        again = outputs[rv.owner.outputs.index(rv)]
        values = density.data[rv.name].get_value().astype(rv.type.dtype)
        # PyTensor would merge a constant equal to the observed one with it.
        shared = pytensor.shared(values, name=f"{names[rv.name]}_values", shape=rv.type.shape)
        dims = twin.named_vars_to_dims.get(rv.name)
        twin.register_rv(again, names[rv.name], observed=shared, dims=dims)
    return twin


def _check_observed(density: LogDensity) -> None:
    """Refuse a model whose observed data cannot be replaced by simulated ones."""
    model = density.model
    observed = {rv.name: rv for rv in model.observed_RVs}
    if not observed:
        raise CalibrationError(
            "The model has no observed variable, so there are no data to simulate. Pass the model "
            "with its likelihood."
        )
    scaled = {rv.name for rv in model.basic_RVs if isinstance(rv.owner.op, MinibatchRandomVariable)}
    if scaled:
        raise CalibrationError(
            f"The log density of {_listed(scaled)} is scaled by total_size, so it counts the data "
            "more than once: no data can be simulated that it is the likelihood "
            "of. Pass the model without total_size, and with all of the data."
        )
    split = {name.removesuffix("_observed") for name in observed if name.endswith("_observed")}
    latent = {rv.name for rv in model.free_RVs}
    missing = {name for name in split if f"{name}_unobserved" in latent}
    missing |= {n for n, rv in observed.items() if isinstance(rv.owner.op, PartialObservedRV)}
    if missing:
        raise CalibrationError(
            f"The data of {_listed(missing)} have missing values, which are free variables of the "
            "model, and which of them are missing is no part of it. Calibrate the model with "
            "complete data."
        )
    # Lengths of the data do not count as uses of the data.
    everything = set(walk(model.basic_RVs, _but_lengths))
    for name, rv in observed.items():
        sources = {v for v in ancestors([model.rvs_to_values[rv]]) if isinstance(v, SharedVariable)}
        if name not in density.data or sources & everything:
            raise CalibrationError(
                f"The data of {name!r} enter the model a second time, or are computed, so "
                "simulated ones cannot take their place. Pass observed= an array, or a pm.Data of "
                "its own."
            )
        dtype = density.data[name].get_value(borrow=True).dtype
        if not np.can_cast(rv.type.dtype, dtype, casting="same_kind"):
            raise CalibrationError(
                f"{name!r} takes values of type {rv.type.dtype}, but its data are held as {dtype}, "
                "which cannot hold simulated ones. Write the observed numbers as floats."
            )


def _but_lengths(variable: Any) -> list[Any]:
    node = variable.owner
    return [] if node is None or isinstance(node.op, Shape | Shape_i) else node.inputs


def _check_proper(model: pm.Model) -> None:
    """Refuse a prior that cannot be drawn from."""
    if model.potentials:
        raise CalibrationError(
            f"The potential {_listed({p.name for p in model.potentials})} changes the prior in a "
            "way that draws from it ignore. Write it as a distribution; or calibrate around "
            "the data that you have, with given= (a tree of draws from a posterior that you trust)."
        )
    flat = {
        variable.name or rv.name
        for rv in model.free_RVs
        for variable in ancestors([rv])
        if variable.owner is not None
        and isinstance(variable.owner.op, FlatRV | HalfFlatRV)
        # The generator that a draw leaves behind is an output of the same operation.
        and not isinstance(variable.type, RandomType)
    }
    if flat:
        raise CalibrationError(
            f"The prior of {_listed(flat)} is improper (flat over an infinite range), so no true "
            f"value can be drawn from it. {_OTHERWISE}"
        )


def _listed(names: set[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))
