"""Posteriors of neural networks by `low_rank_laplace`: error, seconds and memory.

`python benchmarks/networks.py` runs this. A small network tells how far predictive standard
deviations are from those of the exact Hessian; a network with 100,000 weights, what it costs.
"""

from __future__ import annotations

import resource

import numpy as np
import xarray as xr
from measuring import timed

from tripos.approximations import LogDensity, laplace, low_rank_laplace
from tripos.models import neural_network

SMALL = {"hidden": 40, "inputs": 3, "observations": 100}
LARGE = {"hidden": 1_000, "inputs": 98, "observations": 200}
RANKS, RANK = (5, 10, 20, 40, 80), 50
DRAWS = 4_000


def predicted(tree: xr.DataTree, inputs: np.ndarray) -> np.ndarray:
    """The network's output (S, N) at N inputs, for each draw."""
    draws = tree["posterior"].dataset.isel(chain=0)
    weights, bias, output = (draws[name].values for name in ("weights", "bias", "output"))
    hidden = np.tanh(np.einsum("nd,sdh->snh", inputs, weights) + bias[:, None])
    return np.einsum("snh,sh->sn", hidden, output)


def errors_of_small() -> None:
    """Print predictive sds by rank, over those of the exact Hessian, same random numbers."""
    density = LogDensity(neural_network(**SMALL), linker="numpy")
    inputs = np.random.default_rng(1).uniform(-3, 3, size=(25, SMALL["inputs"]))
    first = low_rank_laplace(density, rank=1, random_seed=1)
    start = first["fit"]["mode"].values
    exact = predicted(laplace(density, DRAWS, start=start, random_seed=1), inputs).std(axis=0)
    error = np.sqrt(2 / DRAWS)
    print(f"A network of {density.size} weights: predictive sds over the exact Hessian's")
    print(f"(Monte Carlo error {error:.2f})\n{'rank':>6}{'median':>8}{'largest':>9}")
    for rank in RANKS:
        tree = low_rank_laplace(density, DRAWS, start=start, rank=rank, random_seed=1)
        ratio = predicted(tree, inputs).std(axis=0) / exact
        print(f"{rank:6}{np.median(ratio):8.2f}{ratio.max():9.2f}")


def costs_of_large() -> None:
    """Print what a fit of the large network takes."""
    density = LogDensity(neural_network(**LARGE), linker="numpy")
    seconds, tree = timed(lambda: low_rank_laplace(density, rank=RANK, random_seed=1))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\nA network of {density.size:,} weights, {LARGE['observations']} data, rank {RANK}:")
    print(f"{seconds:.1f} s, of them {tree.attrs['seconds_draw']:.1f} s for draws")
    print(f"{tree.attrs['evaluations_hessian_vector_product']} Hessian-vector products")
    print(f"{memory:.2f} GiB in all; a dense Hessian alone would take 75")
    kept = tree["fit"]["eigenvalue"].values
    print(f"largest curvature left out: below {kept.min():.3g} times the prior's")


if __name__ == "__main__":
    errors_of_small()
    costs_of_large()
