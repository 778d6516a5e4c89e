"""Every likelihood of PyMC: is its Hessian the second derivative, and does Laplace answer?

`python benchmarks/likelihoods.py [word ...]` prints a line for each model whose name holds one of
the words: 20 observations of each distribution with free parameters; truncated, censored and as a
prior, where PyMC takes it. It ends with the number of wrong Hessians and of errors that are not
tripos's own, which should both be 0, and that is its exit code.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor
from likelihood_models import builders

SEED = 20260101
# Largest difference between the Hessian and differences of the gradient, in scaled entries.
WRONG = 1e-3


@dataclass(frozen=True)
class Row:
    """What came of a model.

    Attributes
    ----------
    name, hessian, laplace : str
    error : float
        Largest difference between Hessian and differences of the gradient, in scaled entries.
    is_foreign : bool
        Whether an error was not one of tripos.
    seconds : float
    """

    name: str
    hessian: str
    error: float
    laplace: str
    is_foreign: bool
    seconds: float

    def __str__(self) -> str:
        error = "" if np.isnan(self.error) else f"{self.error:.1e}"
        return f"{self.name:38}{self.hessian:12}{error:>8}  {self.seconds:5.1f} s  {self.laplace}"


def row(name: str, fill: Callable[[], None]) -> Row | str:
    """Fit a model; or say why PyMC does not make it."""
    from tripos.approximations import LogDensity, TriposError, laplace

    try:
        with pm.Model() as model, pytensor.config.change_flags(cxx=""):  # nor gcc
            fill()
            model.logp()
    except Exception as refusal:
        return (
            f"{name:38}PyMC has none: {type(refusal).__name__}: {str(refusal).splitlines()[0][:80]}"
        )
    begun, source, error = time.perf_counter(), "", np.nan
    try:
        density = LogDensity(model, linker="numpy")
        theta = density.initial_point()
        error = hessian_difference(
            density, theta + 0.1 * np.random.default_rng(SEED).uniform(size=len(theta))
        )
        source = "exact" if density.has_exact_hessian else "differences"
        tree = laplace(density, draws=100, random_seed=1)
        error = max(error, hessian_difference(density, tree["fit"]["mode"].values))
        told, is_foreign = f"tree, least sd {float(tree['fit']['sd'].min()):.3g}", False
    except TriposError as failure:
        told, is_foreign = f"{type(failure).__name__}: {failure}"[:150], False
    except Exception as failure:
        told, is_foreign = f"FOREIGN {type(failure).__name__}: {failure}"[:150], True
    return Row(name, source, float(error), told, is_foreign, time.perf_counter() - begun)


def hessian_difference(density: Any, theta: np.ndarray) -> float:
    """Largest difference between the Hessian and differences of gradients, at their best step."""
    if not np.all(np.isfinite(theta)):
        return np.nan  # PyMC's own starting point is no point
    hessian = np.asarray(density.hessian(theta))
    scale = np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-300))
    least = np.inf
    for step in (1e-3, 1e-4, 1e-5):
        units = np.diag(step / scale)
        slopes = [(density.gradient(theta + u) - density.gradient(theta - u)) / 2 for u in units]
        found = np.array(slopes) / step / scale
        least = min(least, float(np.max(np.abs(found - hessian / np.outer(scale, scale)))))
    return least


def main(words: list[str]) -> int:
    """Print the table; return the number of faults."""
    warnings.simplefilter("ignore")
    rows: list[Row] = []
    for name, fill in builders():
        if words and not any(word in name for word in words):
            continue
        found = row(name, fill)
        print(found, flush=True)
        if isinstance(found, Row):
            rows.append(found)
    wrong = [r.name for r in rows if r.error > WRONG]
    foreign = [r.name for r in rows if r.is_foreign]
    trees = sum(r.laplace.startswith("tree") for r in rows)
    print(f"\n{len(rows)} models, {trees} trees; wrong Hessians: {wrong}; foreign: {foreign}")
    return len(wrong) + len(foreign)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
