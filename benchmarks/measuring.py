"""What benchmarks share: seconds of some work, whether a target was reached, and the peers."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable


def timed[T](work: Callable[[], T]) -> tuple[float, T]:
    """Seconds that some work takes, and what comes of it."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def judged(is_reached: bool) -> str:
    return "reached" if is_reached else "NOT REACHED"


def has_peers() -> bool:
    return importlib.util.find_spec("pymc_extras") is not None


def check_peers(run: str) -> None:
    """End where pymc-extras is not installed, and say how to run the benchmark with it."""
    if not has_peers():
        raise SystemExit(
            f"This benchmark compares with pymc-extras, which is not installed: {run}, or install "
            "the extra `peers`: pip install 'tripos[peers]'."
        )
