"""A report of a thousand groups: small and quick enough to be read at all."""

import re
import time

import pytest

from tripos.approximations import LogDensity, laplace, nested_laplace
from tripos.comparisons import Comparison
from tripos.models import borrowers

MOST_BYTES, MOST_SECONDS = 5_000_000, 20.0


@pytest.mark.filterwarnings("ignore::tripos.approximations.errors.SmallGroupsWarning")
def test_a_thousand_groups_take_few_bytes_and_seconds(tmp_path):
    density = LogDensity(borrowers(groups=1000, centred=False))
    trees = {
        "laplace": laplace(density, random_seed=1),
        "nested Laplace": nested_laplace(density, random_seed=1),
    }
    # The processor's time: other tests may be running beside this one.
    before = time.process_time()
    path = Comparison(trees).to_html(tmp_path / "report.html", model=density)
    seconds = time.process_time() - before
    text = path.read_text(encoding="utf-8")
    print(f"report of 2005 quantities: {seconds:.1f} s, {len(text.encode()) / 1e6:.2f} MB")
    assert seconds < MOST_SECONDS
    assert len(text.encode()) < MOST_BYTES
    shown, folded = (
        re.search(rf'<table class="sortable" id="{name}".*?</table>', text, re.DOTALL)[0]
        for name in ("table", "rest-table")
    )
    assert shown.count("<tr") - 1 == 2 * 30
    assert folded.count("<tr") - 1 == 2 * (2005 - 30)
    assert "The other 1975 quantities" in text
