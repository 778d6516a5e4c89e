"""The code that the notebooks show runs, and gives what the text says."""

import inspect
import re
import textwrap

import pytest
import xarray as xr

from tripos import comparisons
from tripos.approximations import nuts


def _blocks(folder, name):
    text = (folder / name).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    return [textwrap.dedent(f"    {block.lstrip(' ')}") for block in blocks]


def _run(blocks, names):
    for block in blocks:
        exec(compile(block, "a code block", "exec"), names)
        if names.get("nuts") is nuts:
            names["nuts"] = _without_sampling(names)
    return names


def _without_sampling(names):
    """Check how nuts is called; what it returns is tested elsewhere, and takes long to compile."""

    def called(*args, **kwargs):
        inspect.signature(nuts).bind(*args, **kwargs)
        return names["exact"]

    return called


def test_normal_approximation(beside_notebooks, capsys, golden):
    blocks = _blocks(beside_notebooks, "normal_approximation.py")
    assert len(blocks) == 11
    assert all(len(block.strip().splitlines()) == 3 for block in blocks)
    names = _run(blocks, {})
    flat = golden["bioassay"]["flat"]
    assert names["mode"].theta == pytest.approx(flat["mode"], rel=1e-8)
    assert names["exact"]["fit"]["mean"].values[1] == pytest.approx(11.6356, abs=1e-3)
    assert names["log_normal"]["fit"]["mode"].values == pytest.approx([1.27132, 2.37497], abs=1e-5)
    assert "0.84658" in capsys.readouterr().out


def test_beyond(beside_notebooks, capsys):
    first = _blocks(beside_notebooks, "normal_approximation.py")[0]
    blocks = _blocks(beside_notebooks, "beyond.py")
    assert len(blocks) == 5
    assert all(len(block.strip().splitlines()) == 3 for block in blocks)
    names = _run([first, *blocks], {})
    assert names["said"].counts["differs"] == 3
    assert names["nested"]["fit"]["log_evidence"].item() == pytest.approx(-31.3113, abs=1e-3)
    assert "-0.949" in capsys.readouterr().out


def test_ladder(beside_notebooks, capsys, monkeypatch):
    """How fit is called; what it returns is tested where the notebook runs as a script."""
    called = inspect.signature(comparisons.fit)
    found = xr.DataTree.from_dict({"ladder": xr.Dataset({"why": ("rung", ["1 agrees."])})})
    found.attrs["method"] = "laplace"
    monkeypatch.setattr(
        comparisons, "fit", lambda *args, **kwargs: called.bind(*args, **kwargs) and found
    )
    first = _blocks(beside_notebooks, "normal_approximation.py")[0]
    blocks = _blocks(beside_notebooks, "ladder.py")
    assert len(blocks) == 3
    assert all(len(block.strip().splitlines()) == 3 for block in blocks)
    _run([first, *blocks], {})
    assert capsys.readouterr().out.count("laplace ['1 agrees.']") == 3
