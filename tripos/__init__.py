"""One posterior on three legs: an exact grid, a Laplace (normal) approximation and NUTS.

`fit` gives the cheapest posterior of a PyMC model that can be trusted, `compare` several side by
side, and `verdict` says whether one of them can be, quantity by quantity. The methods themselves
(`laplace`, `grid`, `nuts`, ...) are all ``model -> xarray.DataTree``. ``__init__.pyi`` lists all
the names; each is imported at its first use, since PyMC takes seconds to import.
"""

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import lazy_loader

__version__ = "0.2.0"

_FOLDER = Path(__file__).parent
if not (_FOLDER / "models").is_dir():  # in a checkout the three packages lie beside this one
    __path__.append(str(_FOLDER.parent))

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

# Modules renamed since 0.1. The old names will be removed in 0.3.
_MOVED = {
    "approximations.derivatives": "approximations.density.derivatives",
    "approximations.gaussian": "approximations.linear_algebra.gaussian",
    "approximations.graphs": "approximations.density.graphs",
    "approximations.modes": "approximations.mode.several",
    "approximations.search": "approximations.mode",
    "approximations.sparse.cholesky": "approximations.linear_algebra.sparse_cholesky",
    "approximations.sparse.sparsity": "approximations.density.sparsity.pattern",
    "approximations.sparse": "approximations.density.sparsity",
    "comparisons.calibrations": "comparisons.calibration",
    "comparisons.comparing": "comparisons.compare",
    "comparisons.jobs": "comparisons.commands",
    "comparisons.reports": "comparisons.report",
    "comparisons.suites": "comparisons.suite",
    "comparisons.verdicts": "comparisons.verdict",
}


class _MovedModules(MetaPathFinder, Loader):
    """Find modules under the names that they had in 0.1, with a warning that gives the new one."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        name = fullname.removeprefix("tripos.")
        for old, new in _MOVED.items() if name != fullname else ():
            if name == old or name.startswith(f"{old}."):
                new_name = f"tripos.{new}{name.removeprefix(old)}"
                message = f"{fullname} is {new_name} since 0.2; the old name goes with 0.3."
                warnings.warn(message, DeprecationWarning, stacklevel=2)
                return ModuleSpec(fullname, self, origin=new_name)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(str(spec.origin))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module was executed under its new name."""
        module.__spec__ = module.__spec__.loader_state if module.__spec__ else None


sys.meta_path.insert(0, _MovedModules())  # before the old parent's path finds a second copy
