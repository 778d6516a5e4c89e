"""The curvature that each free variable's own prior gives to its own entries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pytensor.tensor as pt

from ..density import LogDensity
from ..density.graphs.compiling import CompiledFunction
from ..density.graphs.lifting import rebuild
from ..density.graphs.parameters import Block, stands_alone, values_from_theta
from ..density.graphs.symbolic import gradient_of
from ..errors import CurvatureError, GradientError

OwnCurvatures = Callable[[np.ndarray], list[tuple[Block, np.ndarray]]]

# Most entries without prior curvature (hyperparameters, flat priors), handled one by one.
_MOST_BARE = 100
# Once a density, whatever data it is given: each of many refits would compile it anew.
_COMPILED: WeakKeyDictionary[LogDensity, OwnCurvatures] = WeakKeyDictionary()


def prior_precision(density: LogDensity) -> Callable[[np.ndarray], np.ndarray]:
    """Compile second derivatives of each variable's negative log prior by its own entries.

    The prior's parents are held fixed at theta, and the Jacobian term is included. A free variable
    whose prior joins its entries, has no second derivative, or does not curve down there (flat, or
    far out in a heavy tail) gets the whole log density's curvature along each entry.

    Parameters
    ----------
    density : LogDensity

    Returns
    -------
    callable
        Takes theta (P,) and gives precisions (P,), all positive. It raises `CurvatureError` when
        more than 100 entries have no such prior, or one of them curves upward altogether.
    """
    if density not in _COMPILED:
        _COMPILED[density] = _own_curvatures(density)
    own = _COMPILED[density]

    def precision_at(theta: np.ndarray) -> np.ndarray:
        precision = np.zeros(density.size)
        for block, part in own(theta):
            precision[block.slice] = np.ravel(part)
        return _with_bare_entries(density, theta, precision)

    return precision_at


def _with_bare_entries(density: LogDensity, theta: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Replace entries that are not positive by the whole log density's curvature."""
    bare = np.flatnonzero(~(precision > 0))
    if len(bare) > _MOST_BARE:
        raise CurvatureError(
            f"{len(bare):,} parameters, {density.parameters[bare[0]]} among them, have no prior "
            "that curves downward by itself, and low-rank curvature is measured against the "
            "prior's. Give them normal priors, or use laplace."
        )
    for k in bare:
        precision[k] = -density.hessian_vector_product(theta, _unit(density.size, int(k)))[k]
        if not precision[k] > 0:
            raise CurvatureError(
                f"The log density curves upward along {density.parameters[k]} (by "
                f"{-precision[k]:.3g}), so the point is no peak. Start from another point, or "
                "give that parameter a narrower prior."
            )
    return precision


def _is_separate(density: LogDensity, block: Block) -> bool:
    """Whether the prior is a product over single entries."""
    operation = density.model[block.name].owner.op
    return getattr(operation, "ndim_supp", 1) == 0 and stands_alone(density.model, block)


def _own_curvatures(density: LogDensity) -> OwnCurvatures:
    """Minus the row sums of each separate block's own Hessian, which is diagonal."""
    model = density.model
    vector = pt.vector("theta", shape=(density.size,))
    blocks, curvatures = [], []
    for block in density.blocks:
        curvature = _own_curvature(density, block) if _is_separate(density, block) else None
        if curvature is not None:
            blocks.append(block)
            curvatures.append(curvature)
    if not blocks:
        return lambda theta: []
    graphs = rebuild(
        curvatures,
        dict(values_from_theta(model, density.blocks, vector)),
        check_bounds=model.check_bounds,
    )
    function = CompiledFunction([vector], graphs, model=model, linker="numpy")
    return lambda theta: list(
        zip(blocks, function(np.ascontiguousarray(theta, dtype=float)), strict=True)
    )


def _own_curvature(density: LogDensity, block: Block) -> Any:
    """A graph; None where PyTensor has no second derivative."""
    model = density.model
    variable = model[block.name]
    value = model.rvs_to_values[variable]
    try:
        own = gradient_of(model.logp(vars=[variable], jacobian=True), value)
        return -gradient_of(own.sum(), value)
    except GradientError:
        return None


def _unit(size: int, k: int) -> np.ndarray:
    unit = np.zeros(size)
    unit[k] = 1.0
    return unit
