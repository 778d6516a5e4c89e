"""The modules beside a user's file: seen by that file, and by nothing else.

Two files may each import a neighbour of the same name. So a file's folder is on ``sys.path``,
and what was imported from there in ``sys.modules``, only while the file is run, while a function of
it is called, and during each import that its code makes at any later time.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

_INSTALLED = {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")}


class Neighbours:
    """What the code of one user's file may import.

    Parameters
    ----------
    file : Path
        Its folder comes first.

    Attributes
    ----------
    modules : dict of str to ModuleType
        What came from the folder, the file's own module too, while it is not in ``sys.modules``.
    """

    def __init__(self, file: Path) -> None:
        self.modules: dict[str, ModuleType] = {}
        # Folders searched first; the file may add to them.
        self._entries = [str(file.parent.resolve())]
        # What to restore when they leave: other modules of the same names, and the path.
        self._hidden: dict[str, ModuleType] = {}
        self._others: set[str] = set()
        self._path: list[str] = []
        self._builtins = {**vars(builtins), "__import__": self._import}

    @contextmanager
    def about(self) -> Iterator[None]:
        """Let the neighbours be imported, hiding those of any other file meanwhile."""
        if _ABOUT and _ABOUT[-1] is self:
            yield
            return
        outer = _ABOUT[-1] if _ABOUT else None
        if outer is not None:
            outer._leave()
        _ABOUT.append(self)
        self._arrive()
        try:
            yield
        finally:
            self._leave()
            _ABOUT.pop()
            if outer is not None:
                outer._arrive()

    def run(self, module: ModuleType, loader: Any) -> None:
        """Run a file as a module, with its neighbours importable."""
        self.modules[module.__name__] = module
        vars(module)["__builtins__"] = self._builtins
        with self.about():
            loader.exec_module(module)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function so that its neighbours are importable while it runs."""

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with self.about():
                return function(*args, **kwargs)

        return called

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a neighbour, as an entry of ``sys.meta_path``; it imports as the file does."""
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or type(spec.loader) is not SourceFileLoader:
            return spec
        top = name.partition(".")[0]
        if self._has(_places(spec) if top == name else _places(sys.modules.get(top))):
            spec.loader = _Loader(self._builtins, spec.loader.name, spec.loader.path)
        return spec

    def _import(self, *args: Any, **kwargs: Any) -> Any:
        with self.about():
            return builtins.__import__(*args, **kwargs)

    def _arrive(self) -> None:
        self._path = list(sys.path)
        sys.path[:0] = self._entries
        # Placed before the finder of ``sys.path``, so that it is asked first.
        places = [k for k, finder in enumerate(sys.meta_path) if finder is PathFinder]
        sys.meta_path.insert(places[0] if places else len(sys.meta_path), self)
        importlib.invalidate_caches()
        shadowed = self._shadowed()
        taken = [name for name in sys.modules if name.partition(".")[0] in shadowed]
        self._hidden = {name: sys.modules.pop(name) for name in taken}
        self._others = set(sys.modules)
        sys.modules.update(self.modules)

    def _leave(self) -> None:
        with suppress(ValueError):
            sys.meta_path.remove(self)
        added = [e for e in sys.path if e not in self._path and e not in self._entries]
        # An installed package may add a folder of its own when it is imported.
        installed = [e for e in added if any(Path(e).is_relative_to(p) for p in _INSTALLED)]
        self._entries += [e for e in added if e not in installed]
        sys.path[:] = [*self._path, *installed]
        new = [name for name in sys.modules if name not in self._others]
        tops = {n for n in new if "." not in n and self._has(_places(sys.modules[n]))}
        ours = [n for n in new if n in self.modules or n.partition(".")[0] in tops]
        self.modules = {name: sys.modules.pop(name) for name in ours}
        sys.modules.update(self._hidden)

    def _shadowed(self) -> set[str]:
        """Modules from elsewhere, not installed ones, that share a neighbour's name."""
        names = set()
        for entry in self._entries:
            with suppress(OSError):
                names |= {place.name.partition(".")[0] for place in Path(entry).iterdir()}
        names = names & sys.modules.keys() - sys.stdlib_module_names - {"__main__"}
        places = {name: _places(sys.modules[name]) for name in names}
        return {n for n, at in places.items() if at and not at & _INSTALLED and not self._has(at)}

    def _has(self, places: set[Path]) -> bool:
        """Whether something in one of these folders is a neighbour."""
        return bool(places & {Path(entry).resolve() for entry in self._entries} - _INSTALLED)


class _Loader(SourceFileLoader):
    """Runs a neighbour, whose imports are resolved as the file's are."""

    def __init__(self, own: dict[str, Any], name: str, path: str) -> None:
        super().__init__(name, path)
        self._builtins = own

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__builtins__"] = self._builtins
        super().exec_module(module)


def _places(found: ModuleType | ModuleSpec | None) -> set[Path]:
    """Folders in which a top-level module, or the package, lies."""
    spec = found if isinstance(found, ModuleSpec) else getattr(found, "__spec__", None)
    if spec is None:
        return set()
    if spec.submodule_search_locations is not None:
        return {Path(path).resolve().parent for path in spec.submodule_search_locations}
    return {Path(spec.origin).resolve().parent} if spec.has_location and spec.origin else set()


# Files whose neighbours can be imported now, innermost last.
_ABOUT: list[Neighbours] = []
