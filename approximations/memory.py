"""Refuse an array that would not fit in memory, before it is allocated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

from .errors import MemoryLimitError

_BYTES = 8  # of a number in double precision
# Small enough for any machine, so not checked.
_ALWAYS = 2**26
_GROUPS_OF_PROCESS, _GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
# Files of limit and usage: version 2, then version 1.
_FILES_OF_GROUP = (
    ("memory.max", "memory.current"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes"),
)


def check_memory(what: str, entries: float, advice: str) -> None:
    """Check that numbers in double precision take at most half of the memory that is free.

    Parameters
    ----------
    what : str
        The array, as subject of a sentence: ``"The covariance of 40,000 parameters"``.
    entries : float
        How many numbers.
    advice : str
        What to do instead, as a sentence.

    Raises
    ------
    MemoryLimitError
    """
    needed = _BYTES * entries
    if needed <= _ALWAYS:
        return
    free = available_memory()
    if needed > free / 2:
        raise MemoryLimitError(
            f"{what} needs {_said(needed)} of memory, more than half of the {_said(free)} that "
            f"are free. {advice}"
        )


def available_memory() -> int:
    """Bytes of memory that this process can still allocate without swapping.

    The machine's free memory, capped by the control groups (a container's limit) and by the limit
    on the address space (``ulimit -v``).
    """
    limits = [psutil.virtual_memory().available, *_free_of_groups(), *_free_of_addresses()]
    return max(0, min(limits))


def _free_of_groups() -> Iterator[int]:
    """Bytes left in each control group that the process is in, of either version."""
    try:
        lines = _GROUPS_OF_PROCESS.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root = _GROUPS / "memory" if controllers else _GROUPS
        folder = root / name.lstrip("/")
        for place in (folder, *folder.parents):
            yield from _free_of_group(place)
            if place == root:
                break


def _free_of_group(folder: Path) -> Iterator[int]:
    for limit, used in _FILES_OF_GROUP:
        try:
            most = (folder / limit).read_text().strip()
            taken = int((folder / used).read_text())
            stats = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):
            continue
        if most != "max":
            # The kernel releases cached files when the memory is needed.
            yield int(most) - taken + int(stats.get("inactive_file", 0))


def _free_of_addresses() -> Iterator[int]:
    try:
        import resource
    except ImportError:  # Windows has none
        return
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most != resource.RLIM_INFINITY:
        yield most - psutil.Process().memory_info().vms


def _said(count: float) -> str:
    """Format a number of bytes in GiB, or in MiB where it is small."""
    return f"{count / 2**30:.3g} GiB" if count >= 2**30 else f"{count / 2**20:.3g} MiB"
