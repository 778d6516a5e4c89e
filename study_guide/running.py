"""How a notebook runs: as a page with buttons, or once as a script that prints its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marimo as mo
import numpy as np


def is_script() -> bool:
    """Whether the notebook was started as ``python notebook.py``."""
    return mo.app_meta().mode == "script"


def runs_everything() -> bool:
    """Whether nobody is there to press a button: a script, or an export with ``-- --full yes``."""
    return is_script() or "full" in mo.cli_args()


def note_of_copy() -> str:
    """Say of an exported page that nothing on it can be turned."""
    if is_script() or not runs_everything():
        return ""
    return "*This is a copy for reading: its table and buttons do nothing. `make study` opens it.*"


def tell(numbers: Mapping[str, Any]) -> None:
    """Print numbers as ``name = value``, in a script; vectors with a number for each entry."""
    if not is_script():
        return
    for name, value in numbers.items():
        print(f"{name} = {' '.join(f'{x:.7g}' for x in np.ravel(value))}")
