"""Common to methods run by other packages: model, seed, linker, missing extras."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Literal

import numpy as np
import pymc as pm
import pytensor
from pytensor.compile.mode import Mode

from .density import LogDensity, as_density
from .density.graphs.lean import lean_rewriting
from .errors import DataError, MissingExtraError
from .result import generator

ReadyLinker = Literal["numba", "numpy"]
"""PyTensor's linkers, where switching between them is not possible."""


def density_of_own_data(model: pm.Model | LogDensity | None, method: str) -> LogDensity:
    """Take a model, or a log density with the model's own data: PyMC uses no others.

    Raises
    ------
    DataError
        When the data were changed by `set_data`.
    DiscreteVariableError, NoFreeVariableError
    """
    density = as_density(model)
    if density.has_new_data:
        raise DataError(
            f"{method} takes the model with its own data, but this LogDensity was given others by "
            "set_data. Build the model with the new data and pass that."
        )
    return density


def extra(module: str, name: str, needed_by: str) -> ModuleType:
    """Import a package that an extra of tripos installs.

    Parameters
    ----------
    module : str
        ``"pymc_extras"``, or a module in it.
    name : str
        Name of the extra: ``"pymc-extras"``.
    needed_by : str
        What needs it, as the subject of a sentence.

    Raises
    ------
    MissingExtraError
        When it is not installed, or is incompatible with the installed PyMC.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise _unusable(module, name, needed_by, error) from error
        raise MissingExtraError(
            f'{needed_by} needs {package}, which is not installed: pip install "tripos[{name}]".'
        ) from error
    except ImportError as error:
        raise _unusable(module, name, needed_by, error) from error


def seed_of(random_seed: int | np.random.Generator | None) -> int | None:
    """Draw a seed from a Generator, which PyMC itself would copy without advancing it.

    Raises
    ------
    ArgumentError
        When the seed is not valid.
    """
    rng = generator(random_seed)
    return int(rng.integers(2**30)) if isinstance(random_seed, np.random.Generator) else random_seed


def theta_order(density: LogDensity) -> np.ndarray:
    """Position of each entry of ``theta`` (P,) in PyMC's flat vector of a point."""
    point = density.model.initial_point()
    ends = np.cumsum([np.size(value) for value in point.values()])
    starts = {name: end - np.size(point[name]) for name, end in zip(point, ends, strict=True)}
    blocks = density.blocks
    return np.concatenate([starts[b.value_name] + np.arange(len(b.labels)) for b in blocks])


def python_mode() -> Mode:
    """PyTensor's Python linker: ready in under a second, a millisecond per call."""
    return Mode(linker="py", optimizer="fast_compile")


@contextmanager
def default_linker(linker: ReadyLinker) -> Iterator[None]:
    """Set PyTensor's default mode, for functions whose linker cannot be passed."""
    if linker == "numba":
        yield
        return
    with lean_rewriting(), pytensor.config.change_flags(mode="FAST_COMPILE"):
        yield


def _unusable(module: str, name: str, needed_by: str, error: ImportError) -> MissingExtraError:
    return MissingExtraError(
        f"{needed_by} needs {module}, which cannot be imported with PyMC {pm.__version__}: {error}."
        f' Install versions that go together: pip install "tripos[{name}]".'
    )
