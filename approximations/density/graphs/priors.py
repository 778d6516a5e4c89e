"""What kind of prior a free variable has: normal given the others, or improper."""

from __future__ import annotations

import numpy as np
import pymc as pm
from pymc.distributions.continuous import FlatRV, HalfFlatRV
from pymc.distributions.distribution import SymbolicRandomVariable
from pymc.distributions.multivariate import CARRV, ICARRV, ZeroSumNormalRV
from pymc.distributions.timeseries import AutoRegressiveRV, RandomWalkRV
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.traversal import ancestors
from pytensor.tensor.random.basic import MvNormalRV, NormalRV
from pytensor.tensor.random.op import RandomVariable
from scipy.sparse.csgraph import connected_components

# Normal distributions, and those that are normal if their components are.
_NORMAL = (NormalRV, MvNormalRV, ZeroSumNormalRV, CARRV, ICARRV)
_MADE_OF_OTHERS = (RandomWalkRV, AutoRegressiveRV)
_FLAT = (FlatRV, HalfFlatRV)


def is_normal(model: pm.Model, variable: Variable) -> bool:
    """Whether a free variable is normal given the others, in unconstrained space, too."""
    operation = variable.owner.op
    if model.rvs_to_transforms[variable] and not isinstance(operation, ZeroSumNormalRV):
        return False
    if isinstance(operation, _MADE_OF_OTHERS):
        parts = [part.owner.op for part in _parts(model, variable)]
        random = [op for op in parts if isinstance(op, RandomVariable | SymbolicRandomVariable)]
        return all(isinstance(op, _NORMAL) for op in random)
    return isinstance(operation, _NORMAL)


def is_flat(variable: Variable) -> bool:
    """Whether a free variable's own prior is flat, in each of its entries."""
    return isinstance(variable.owner.op, _FLAT)


def why_improper(model: pm.Model, variable: Variable) -> str:
    """Say why a free variable's prior is improper; empty where it is not known to be.

    A flat prior, an ICAR prior on a disconnected map, or a walk with a flat start.
    """
    if is_flat(variable):
        return f"the prior of {variable.name} is flat"
    if isinstance(variable.owner.op, ICARRV):
        free = _parts_of_map(variable) - 1
        if free > 0:
            return (
                f"the ICAR prior of {variable.name} leaves the levels of its map's parts free: "
                f"there are {free + 1} parts that no neighbours connect (an area without any is "
                "one), and only the sum over all of them is held near zero"
            )
    is_walk = isinstance(variable.owner.op, _MADE_OF_OTHERS)
    if is_walk and any(isinstance(part.owner.op, _FLAT) for part in _parts(model, variable)):
        return f"{variable.name} begins with a flat prior"
    return ""


def _parts(model: pm.Model, variable: Variable) -> list[Variable]:
    """Components of a walk, such as the distribution of its start; none is a free variable."""
    free = set(model.free_RVs)
    return [x for x in variable.owner.inputs if x.owner is not None and x not in free]


def _parts_of_map(variable: Variable) -> int:
    adjacency = variable.owner.op.dist_params(variable.owner)[0]
    assert isinstance(adjacency, Constant)  # PyMC takes an array only
    return int(connected_components(np.asarray(adjacency.data), directed=False)[0])


def depends_on(variable: Variable, other: Variable) -> bool:
    """Whether the prior of a free variable depends on another variable of the model."""
    return other in set(ancestors(variable.owner.inputs))
