"""What a method costs: seconds of compiling, fitting and drawing, and density evaluations."""

from __future__ import annotations

import time
from collections import Counter

import xarray as xr

from .density import LogDensity

_COUNTED = "evaluations_"


class Meter:
    """A stopwatch for one density, started when it is created.

    Every method has the same skeleton: its density, a meter, the fit, ``meter.fitted()``, the
    draws, the tree, ``meter.written_into(tree)``. Seconds in which the density compiles are counted
    separately whenever they occur; those of other packages are reported with `compiled`.

    Parameters
    ----------
    density : LogDensity
        It may have been used before: only costs from now on count.
    """

    def __init__(self, density: LogDensity) -> None:
        self._density = density
        self._seconds = {"compile": 0.0, "fit": 0.0, "draw": 0.0}
        self._spent = Counter({name: -count for name, count in density.evaluations.items()})
        self._since, self._compiled = time.perf_counter(), density.seconds_compiling

    @property
    def elapsed(self) -> float:
        """Seconds since the meter was created, or since the last part ended."""
        return time.perf_counter() - self._since

    def compiled(self, seconds: float | None = None) -> None:
        """Record seconds (all elapsed ones, if None) that another package spent on compiling.

        Parameters
        ----------
        seconds : float, optional
        """
        if seconds is None:
            self._end("compile")
        else:
            self._seconds["compile"] += seconds
            self._since += seconds

    def fitted(self) -> None:
        """Record that the fit is done, and drawing begins."""
        self._end("fit")

    def spent(self, **evaluations: int) -> None:
        """Add density evaluations that another package made: ``value``, ``gradient``, ..."""
        self._spent.update(evaluations)

    def written_into[T: (xr.DataTree, xr.Dataset)](self, result: T) -> T:
        """Write the costs so far into the attributes of a result, and return it."""
        self._end("draw")
        self.spent(**self._density.evaluations)
        result.attrs |= {f"seconds_{part}": seconds for part, seconds in self._seconds.items()}
        result.attrs["seconds"] = sum(self._seconds.values())
        result.attrs |= {f"{_COUNTED}{name}": count for name, count in self._spent.items()}
        return result

    def _end(self, part: str) -> None:
        """End a part, excluding the density's compile time."""
        now, compiled = time.perf_counter(), self._density.seconds_compiling
        self._seconds["compile"] += compiled - self._compiled
        self._seconds[part] += now - self._since - (compiled - self._compiled)
        self._since, self._compiled = now, compiled


def evaluations_of(tree: xr.DataTree) -> dict[str, int]:
    """Read how often the density and its derivatives were evaluated; empty where a tree is mute."""
    counts = {str(name): count for name, count in tree.attrs.items()}
    return {n.removeprefix(_COUNTED): c for n, c in counts.items() if n.startswith(_COUNTED)}
