"""Refuse an array that the machine has no room for, before it is made."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import MemoryLimitError

_BYTES = 8  # of a number in double precision
# Where the operating system does not tell.
_ASSUMED = 8 * 2**30
# What any machine has: not worth the question.
_ALWAYS = 2**26


def check_memory(what: str, entries: float, advice: str) -> None:
    """Check that numbers in double precision take at most half of the memory that is free.

    Parameters
    ----------
    what : str
        What needs them, as the subject of a sentence: ``"The covariance of 40,000 parameters"``.
    entries : float
        How many numbers.
    advice : str
        What to ask for instead, as a sentence.

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
    """Bytes of memory that programs can still get, swapping nothing out."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        lines = dict(line.split(":") for line in meminfo.read_text().splitlines())
        return 1024 * int(lines["MemAvailable"].split()[0])
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return _ASSUMED


def _said(count: float) -> str:
    """Say a number of bytes in GiB, or in MiB where that is more telling."""
    return f"{count / 2**30:.3g} GiB" if count >= 2**30 else f"{count / 2**20:.3g} MiB"
