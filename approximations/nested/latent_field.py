"""Which variables of a hierarchical model are its latent field, and which its outer parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pymc as pm
from pytensor.graph.basic import Variable
from pytensor.graph.traversal import ancestors
from pytensor.tensor.random.basic import NormalRV
from scipy.sparse import csc_array

from ..density import LogDensity
from ..density.graphs.parameters import Block
from ..density.graphs.priors import is_normal
from ..density.sparsity.colouring import Colouring, coloured
from ..errors import LatentFieldError
from ..linear_algebra.diagonal_factor import DiagonalFactor
from ..linear_algebra.sparse_cholesky import Ordering, SparseFactor, unit_scale
from ..memory import check_memory

# Largest number of outer parameters for a design of nodes.
MOST_OUTER = 10


@dataclass(frozen=True)
class LatentField:
    """The split of ``theta`` (P,) into n latent and K outer entries.

    Attributes
    ----------
    density : LogDensity
    names : tuple of str
        The latent variables.
    latent, outer : (n,) and (K,) array of int
        Indices of the entries in ``theta``.
    colouring : Colouring
        Colouring of the latent block of the Hessian.
    """

    density: LogDensity
    names: tuple[str, ...]
    latent: np.ndarray
    outer: np.ndarray
    colouring: Colouring

    @property
    def size(self) -> int:
        """Number of latent entries, n."""
        return len(self.latent)

    @property
    def outer_labels(self) -> tuple[str, ...]:
        """Names of the outer parameters."""
        labels = self.density.parameters
        return tuple(labels[k] for k in self.outer)

    @property
    def structure(self) -> csc_array:
        """Pattern (n, n) of the latent block of the Hessian."""
        return self.colouring.structure

    @cached_property
    def ordering(self) -> Ordering:
        """A fill-reducing order of the latent entries."""
        return Ordering.of(self.structure.astype(float))

    @cached_property
    def seeds(self) -> np.ndarray:
        """Vectors (V, P) whose products with the Hessian determine its latent block."""
        seeds = np.zeros((self.colouring.count, self.density.size))
        seeds[self.colouring.groups, self.latent] = 1.0
        return seeds

    def matrix(self, entries: np.ndarray) -> csc_array:
        """Make the latent block (n, n) from its entries (nnz,)."""
        structure = self.structure
        return csc_array((entries, structure.indices, structure.indptr), shape=structure.shape)

    def factor(self, entries: np.ndarray, shift: float = 0.0) -> SparseFactor | DiagonalFactor:
        """Factor a latent precision A + shift S^2, where S^-1 A S^-1 has a unit diagonal.

        Parameters
        ----------
        entries : (nnz,) array
            Entries of A (n, n), in the order of `structure`.
        shift : float, default 0

        Raises
        ------
        IndefiniteMatrixError
            When the matrix is not positive definite.
        """
        if self.is_independent:
            return DiagonalFactor.of(entries, shift)
        matrix = self.ordering.shared(self.matrix(entries))
        return self.ordering.factor(matrix, unit_scale(matrix.diagonal()), shift)

    def inverse_entries(self, factor: SparseFactor | DiagonalFactor) -> np.ndarray:
        """Entries (nnz,) of the inverse of a factored precision, in the order of `structure`."""
        if isinstance(factor, DiagonalFactor):
            return factor.variances()
        return _entries_at(factor.selected_inverse(), self.structure)

    @property
    def is_independent(self) -> bool:
        """Whether, given the outer parameters, the latent scalars are independent."""
        return self.structure.nnz == self.size


def latent_field(density: LogDensity, latent: Sequence[str] | None = None) -> LatentField:
    """Split a model's free variables.

    Parameters
    ----------
    density : LogDensity
    latent : sequence of str, optional
        Names of the latent variables. Default: every free array whose prior is normal given the
        other variables, except fixed effects: an array counts as latent if its prior depends on
        another free variable, or its entries do not all interact through the data.

    Raises
    ------
    LatentFieldError
        When there is no latent variable, one is unknown or has a prior that is not normal, or
        more than 10 outer parameters are left.
    """
    structure = _structure(density)
    if latent is None:
        chosen = [b for b in density.blocks if _is_latent(density.model, b, structure)]
    else:
        chosen = _named(density, [latent] if isinstance(latent, str) else list(latent))
    if not chosen:
        arrays = [b.name for b in density.blocks if len(b.labels) > 1]
        normal = [name for name in arrays if is_normal(density.model, density.model[name])]
        raise LatentFieldError(
            "No free variable looks like a latent field: an array with a normal prior whose scale "
            "is a free variable, or whose entries each meet a part of the data only. "
            + (f"Pass latent={normal}, or use" if normal else "Use")
            + " laplace, quadrature or nuts."
        )
    inside = np.zeros(density.size, dtype=bool)
    for block in chosen:
        inside[block.slice] = True
    indices, outer = np.flatnonzero(inside), np.flatnonzero(~inside)
    _check_outer(density, outer)
    block = csc_array(structure[inside][:, inside])
    block.sort_indices()
    colouring = coloured(block, len(indices))
    assert colouring is not None  # as many colours as columns always suffice
    return LatentField(density, tuple(b.name for b in chosen), indices, outer, colouring)


def _structure(density: LogDensity) -> csc_array:
    structure = density.pattern.structure
    if structure is None:
        check_memory(
            f"A full Hessian of {density.size:,} parameters",
            density.size**2,
            "The Hessian of this model has no sparse pattern that could be found.",
        )
        return csc_array(np.ones((density.size, density.size), dtype=bool))
    return structure


def _is_latent(model: pm.Model, block: Block, structure: csc_array) -> bool:
    variable = model[block.name]
    if len(block.labels) < 2 or not is_normal(model, variable):
        return False
    if not isinstance(variable.owner.op, NormalRV):
        return True
    if set(model.free_RVs) & set(ancestors(variable.owner.inputs)):
        return True
    own = structure[block.slice][:, block.slice]
    return own.nnz < len(block.labels) ** 2


def _named(density: LogDensity, names: list[str]) -> list[Block]:
    known = {block.name: block for block in density.blocks}
    if unknown := [name for name in names if name not in known]:
        raise LatentFieldError(f"latent names {unknown}, but the free variables are {list(known)}.")
    if other := [name for name in names if not is_normal(density.model, density.model[name])]:
        kinds = {name: _kind(density.model, density.model[name]) for name in other}
        raise LatentFieldError(
            f"Latent variables need a prior that is normal given the outer parameters, but "
            f"{', '.join(f'{name!r} is {kind}' for name, kind in kinds.items())}. Leave "
            f"{', '.join(map(repr, other))} among the outer parameters, write the variable as "
            "a transformation of normal ones, or use nuts."
        )
    return [block for block in density.blocks if block.name in names]


def _kind(model: pm.Model, variable: Variable) -> str:
    transform = model.rvs_to_transforms[variable]
    by = f" with transform {transform.name!r}" if transform else ""
    return type(variable.owner.op).__name__ + by


def _check_outer(density: LogDensity, outer: np.ndarray) -> None:
    if len(outer) == 0:
        raise LatentFieldError(
            "All free variables are in the latent field, so there is no outer parameter to nest it "
            "in. Leave one of them out of latent=[...], or use laplace: it does the same."
        )
    if len(outer) <= MOST_OUTER:
        return
    left = [b for b in density.blocks if b.start in outer]
    names = [block.name for block in left]
    normal = [name for name in names if is_normal(density.model, density.model[name])]
    raise LatentFieldError(
        f"{len(outer)} parameters are left outside the latent field ({', '.join(names[:6])}"
        f"{', ...' if len(names) > 6 else ''}), and nodes serve up to {MOST_OUTER}. "
        + (
            f"Name {', '.join(normal)} in latent=[...], too, at the price of the bias that the "
            "documentation describes, or use"
            if normal
            else "None of them has a normal prior, with which it could be latent, too: use"
        )
        + " laplace or nuts."
    )


def _entries_at(matrix: csc_array, structure: csc_array) -> np.ndarray:
    """Entries of a sparse matrix at the positions of a pattern that its own contains."""
    matrix.sum_duplicates()
    kept, wanted = (
        np.repeat(np.arange(m.shape[1], dtype=np.int64), np.diff(m.indptr)) * m.shape[0] + m.indices
        for m in (matrix, structure)
    )
    return matrix.data[np.searchsorted(kept, wanted)]
