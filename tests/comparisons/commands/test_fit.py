"""The command ``tripos fit``: what it prints and writes, and its exit codes."""

import warnings

import pandas as pd
import pytest
import xarray as xr

from tripos.approximations.errors import UntrustedWarning
from tripos.comparisons import Tolerances
from tripos.comparisons.cli import main
from tripos.comparisons.commands import fit as job


def test_it_tells_the_rungs_and_the_answer_and_writes_them(tmp_path, capsys):
    arguments = ["fit", "windshield", "--ask", "mu", "--strict", "--output", str(tmp_path)]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "Ladder of windshield" in out
    assert "s.e. of mean" in out
    assert "sigma" not in out
    folder = tmp_path / "windshield-fit"
    names = {path.name for path in folder.iterdir()}
    tables = {"contents.json", "ladder.csv", "summary.csv", "tree.nc", "words.txt"}
    assert names == tables | {"intervals.png", "marginals.png"}
    assert list(pd.read_csv(folder / "summary.csv")["quantity"]) == ["mu"]
    ladder = pd.read_csv(folder / "ladder.csv", index_col="rung")
    assert ladder["accepted"].tolist() == [False] * (len(ladder) - 1) + [True]
    with xr.open_datatree(folder / "tree.nc", engine="h5netcdf") as tree:
        method = tree.attrs["method"]
    *rungs, last = (folder / "words.txt").read_text().splitlines()
    assert len(rungs) == len(ladder)
    assert ladder["why"].iloc[0] in rungs[0]
    assert last == f"{method} can be trusted for mu."


@pytest.fixture
def refusing(monkeypatch, normal_tree):
    """Let `fit` accept nothing, and keep what it was asked."""
    seen = {}

    def fit(model, **asked):
        seen.update(asked)
        tree = normal_tree()
        tree.attrs |= {"method": "nuts", "accepted": 0}
        rung = {"method": "nuts", "accepted": False, "why": "R-hat is 2.", "seconds": 9.0}
        group = xr.Dataset({name: ("rung", [value]) for name, value in rung.items()})
        group["judgement"] = ("rung", "quantity"), [["inconclusive"]]
        tree["ladder"] = xr.DataTree(group.assign_coords(quantity=["x"]))
        warnings.warn("Nothing was accepted.", UntrustedWarning, stacklevel=2)
        return tree

    monkeypatch.setattr(job, "fit", fit)
    return seen


@pytest.fixture
def model_of_x(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "import pymc as pm\n"
        "def build():\n"
        "    with pm.Model() as model:\n"
        "        pm.Normal('x')\n"
        "    return model\n"
    )
    return f"{path}:build"


def test_what_nothing_accepted_is_told_and_kept(tmp_path, capsys, refusing, model_of_x):
    arguments = ["fit", model_of_x, "--no-pictures", "--output", str(tmp_path / "o")]
    options = ["--methods", "laplace, nuts", "--draws", "100", "--time-limit", "60"]
    assert main([*arguments, *options, "--tolerance-monte-carlo", "0.2"]) == 0
    trouble = (
        "No method was accepted. The best answer, that of nuts, cannot be trusted for x: "
        "R-hat is 2."
    )
    assert trouble in capsys.readouterr().out
    (folder,) = (tmp_path / "o").iterdir()
    words = (folder / "words.txt").read_text().splitlines()
    assert words == ["nuts (9.0 s): not accepted. R-hat is 2.", trouble]
    assert (folder / "tree.nc").exists()
    assert refusing["methods"] == ["laplace", "nuts"]
    assert refusing["nuts"] == {"time_limit": 60.0}
    assert refusing["tolerance"] == Tolerances(monte_carlo=0.2)
    assert refusing["draws"] == 100
    assert main([*arguments, "--strict"]) == 1


def test_what_the_model_does_not_have_is_not_asked(tmp_path, capsys, model_of_x):
    assert main(["fit", model_of_x, "--ask", "x,z", "--output", str(tmp_path / "o")]) == 2
    assert "'z'" in (said := capsys.readouterr().err)
    assert "['x']" in said
    assert list((tmp_path / "o").iterdir()) == []
