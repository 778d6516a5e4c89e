"""Models as users write them first, of the kinds that PyMC's example gallery has.

They are written anew, with the usual priors and parametrisations, and none was chosen or changed
for what tripos makes of it. `GALLERY` lists them; `truth.load_truth` reads what `generate.py`
found.
"""

from .counts import COUNTS
from .entry import Entry
from .hierarchical import HIERARCHICAL
from .nonlinear import NONLINEAR
from .processes import PROCESSES
from .regressions import REGRESSIONS
from .systems import SYSTEMS

GALLERY: dict[str, Entry] = {
    entry.name: entry
    for entry in (*REGRESSIONS, *NONLINEAR, *COUNTS, *HIERARCHICAL, *PROCESSES, *SYSTEMS)
}

__all__ = ["GALLERY", "Entry"]
