"""Why `SparseFactor` stands on QDLDL: what it costs beside SciPy's SuperLU, on patterns of models.

For each pattern the seconds that QDLDL takes to order and factor, to factor again with the order
known, and to solve, and how many times as long SuperLU takes, with each of the two orders that
suit a symmetric matrix (its solver has no second factorisation that would keep the order). Run it
with `python benchmarks/factorisations.py`; `--all` adds 100,000 parameters with SuperLU's minimum
degree, which takes a minute.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import qdldl
from scipy import sparse
from scipy.sparse.linalg import splu

HUBS = 5
# SuperLU's minimum degree takes time that grows with the square of a hub's neighbours.
_PATIENT = 20_000


def with_hubs(core: sparse.csc_array, rng: np.random.Generator) -> sparse.csc_array:
    """Add hyperparameters on which all others depend."""
    size = core.shape[0]
    edge = sparse.csc_array(0.1 * rng.standard_normal((size, HUBS)))
    hubs = sparse.csc_array(float(size) * np.eye(HUBS))
    return sparse.csc_array(sparse.block_array([[hubs, edge.T], [edge, core]]))


def groups(size: int, rng: np.random.Generator) -> sparse.csc_array:
    """Group effects and hubs."""
    return with_hubs(sparse.csc_array(sparse.diags_array(1 + rng.random(size))), rng)


def random_walk(size: int) -> sparse.csc_array:
    """A first-order random walk, observed with noise."""
    side = -np.ones(size - 1)
    return sparse.csc_array(
        sparse.diags_array([side, np.full(size, 2.5), side], offsets=[-1, 0, 1])
    )


def smooth_trend(size: int, rng: np.random.Generator) -> sparse.csc_array:
    """A second-order random walk with hubs: banded."""
    walk = random_walk(size)
    return with_hubs(sparse.csc_array(walk @ walk), rng)


def crossed(levels: int, observations: int, rng: np.random.Generator) -> sparse.csc_array:
    """Two crossed factors, observed at random pairs of levels."""
    pairs = rng.integers(levels, size=(2, observations))
    columns = np.concatenate([pairs[0], levels + pairs[1]])
    rows = np.tile(np.arange(observations), 2)
    design = sparse.csr_array((np.ones(len(rows)), (rows, columns)), (observations, 2 * levels))
    return sparse.csc_array(design.T @ design + sparse.eye_array(2 * levels))


def field(side: int) -> sparse.csc_array:
    """A field on a square lattice."""
    walk, one = random_walk(side), sparse.eye_array(side)
    return sparse.csc_array(sparse.kron(walk, one) + sparse.kron(one, walk))


def matrices(rng: np.random.Generator) -> dict[str, sparse.csc_array]:
    """Precision matrices by name."""
    return {
        "groups + 5 hubs, 1,000": groups(1_000, rng),
        "groups + 5 hubs, 10,000": groups(10_000, rng),
        "groups + 5 hubs, 100,000": groups(100_000, rng),
        "random walk, 10,000": random_walk(10_000),
        "smooth trend + 5 hubs, 10,000": smooth_trend(10_000, rng),
        "crossed 300 x 300, 5,000 data": crossed(300, 5_000, rng),
        "crossed 2,000 x 2,000, 20,000 data": crossed(2_000, 20_000, rng),
        "lattice 100 x 100": field(100),
    }


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Least of three times, and what came of it."""
    best = np.inf
    for _ in range(3):
        started = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - started)
        if best > 1:
            break
    return best, result


def compare(name: str, matrix: sparse.csc_array, rng: np.random.Generator, patient: bool) -> str:
    """One row of the table."""
    upper = sparse.csc_matrix(sparse.triu(matrix))
    right = rng.standard_normal(matrix.shape[0])
    first, solver = timed(lambda: qdldl.Solver(upper, upper=True))
    again, _ = timed(lambda: solver.update(upper, upper=True))
    solving, x = timed(lambda: solver.solve(right))
    fill = solver.factors()[0].nnz + matrix.shape[0]
    row = f"{name:36s}{1e3 * first:9.1f}{1e3 * again:9.1f}{1e3 * solving:8.2f}{fill:11,d}"
    for order in ("MMD_AT_PLUS_A", "COLAMD"):
        if order == "MMD_AT_PLUS_A" and matrix.shape[0] > _PATIENT and not patient:
            row += f"{'':>16s}      -"
            continue
        options = {"SymmetricMode": True}
        superlu, factor = timed(
            lambda order=order, options=options: splu(
                matrix, permc_spec=order, diag_pivot_thresh=0.0, options=options
            )
        )
        other, y = timed(lambda factor=factor: factor.solve(right))
        np.testing.assert_allclose(x, y, rtol=1e-6, atol=1e-8 * np.abs(x).max())
        row += f"{superlu / first:8.1f}{superlu / again:8.1f}{other / solving:7.1f}"
    return row


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(1)
    print(f"{'':36s}{'QDLDL, ms':>26s}{'':11s}{'SuperLU / QDLDL: MMD':>23s}{'COLAMD':>23s}")
    parts = f"{'first':>8s}{'again':>8s}{'solve':>7s}"
    print(f"{'':36s}{'first':>9s}{'again':>9s}{'solve':>8s}{'entries':>11s}{parts}{parts}")
    for name, matrix in matrices(rng).items():
        print(compare(name, matrix, rng, "--all" in sys.argv), flush=True)


if __name__ == "__main__":
    main()
