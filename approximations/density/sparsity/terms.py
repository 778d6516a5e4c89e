"""The terms of a log density, element by element, each with the parameters that it depends on.

Given a few outer parameters, parameters shared between elements of a hierarchical model's terms
show into which conditionally independent blocks its posterior falls.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pymc as pm
from pytensor.graph.basic import Variable
from scipy.sparse import csr_array

from ..graphs.lengths import evaluated
from ..graphs.symbolic import SymbolicDensity
from .dependence import Dependence, alike
from .dependence_rules import UnknownShapeError
from .pattern import dependence_of


@dataclass(frozen=True)
class Term:
    """The log density of a random variable, or a potential, given the parameters.

    Attributes
    ----------
    name : str
        Name in the model: ``"theta"``.
    dependence : Dependence
        Dependence of its E elements on the P parameters: a superset. What all elements share is
        stored once, since a large model has no memory for it in each.
    """

    name: str
    dependence: Dependence

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of its elements: () for one joint density, as of a Gaussian process."""
        return self.dependence.shape

    @cached_property
    def pattern(self) -> csr_array:
        """Which parameters each element depends on: (E, P) of bool, elements in C order."""
        return self.dependence.pattern()


def terms_of(model: pm.Model, symbolic: SymbolicDensity) -> tuple[Term, ...]:
    """Describe the terms of free variables, observed variables and potentials, in this order.

    PyMC's checks of parameters are left out: they make all elements depend on each other, and
    concern the log density as a whole.
    """
    variables = (*model.free_RVs, *model.observed_RVs, *model.potentials)
    graphs = symbolic.terms(check_bounds=False)
    return tuple(
        Term(variable.name, _dependence(graph, symbolic))
        for variable, graph in zip(variables, graphs, strict=True)
    )


def _dependence(graph: Variable, symbolic: SymbolicDensity) -> Dependence:
    try:
        return dependence_of(graph, symbolic.theta, symbolic.size, set(), of_slopes=False)
    except UnknownShapeError:
        (values,) = evaluated([graph], {symbolic.theta: np.zeros(symbolic.size)})
        return alike(np.shape(values), np.ones(symbolic.size, dtype=bool))
