"""The progress bar: on a terminal, and silent in a pipe."""

import pytest

from tripos.approximations import grid, progress
from tripos.models import globe


@pytest.mark.parametrize(
    ("terminal", "wanted", "told"),
    [(True, True, True), (True, False, False), (False, True, False)],
    ids=["terminal", "terminal_unwanted", "pipe"],
)
def test_the_grid_tells_its_progress(monkeypatch, capsys, terminal, wanted, told):
    monkeypatch.setattr(progress, "is_terminal", lambda: terminal)
    grid(globe(), draws=1, progressbar=wanted)
    output = capsys.readouterr()
    assert output.out == ""
    assert ("2001/2001" in output.err) is told
