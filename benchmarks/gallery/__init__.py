"""Models as users write them first, of the kinds that PyMC's example gallery has.

They are written anew, with the usual priors and parametrisations, and none was chosen or changed
for what tripos makes of it. `CANDIDATES` are all of them; `GALLERY` those whose truth is known, by
`generate.py`, which writes none where NUTS does not converge.
"""

from .counts import COUNTS
from .entry import Entry
from .hierarchical import HIERARCHICAL
from .nonlinear import NONLINEAR
from .processes import PROCESSES
from .regressions import REGRESSIONS
from .systems import SYSTEMS
from .truth import has_truth

CANDIDATES: dict[str, Entry] = {
    entry.name: entry
    for entry in (*REGRESSIONS, *NONLINEAR, *COUNTS, *HIERARCHICAL, *PROCESSES, *SYSTEMS)
}

GALLERY = {name: entry for name, entry in CANDIDATES.items() if has_truth(name)}

__all__ = ["CANDIDATES", "GALLERY", "Entry"]
