"""ArviZ's statistics of arrays, imported when one is first called: it takes longer than PyMC."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    from arviz_stats.base import array_stats

    return getattr(array_stats, name)
