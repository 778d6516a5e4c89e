"""Draw the picture of the README, docs/bioassay.png: `make picture`.

More NUTS draws than `make compare` takes, so that the contours estimated from them are smooth.
"""

from __future__ import annotations

from pathlib import Path

from tripos.comparisons.exercise import UNITS, bioassay_exercise
from tripos.comparisons.pictures.contours import plot_contours

NUTS = {"draws": 5_000, "chains": 4}
PLACE = Path(__file__).with_name("bioassay.png")

if __name__ == "__main__":
    exercise = bioassay_exercise(random_seed=1, options={"nuts": NUTS})
    figure = plot_contours(exercise.trees, "alpha", "beta", units=UNITS)
    figure.savefig(PLACE, dpi=110)
    print(f"{PLACE}: {PLACE.stat().st_size / 1024:.0f} KiB")
