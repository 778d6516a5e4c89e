"""``tripos compare … --report``."""

import json

import pytest
import xarray as xr

from tripos.approximations import grid, laplace
from tripos.comparisons import Comparison
from tripos.comparisons.cli import main
from tripos.comparisons.commands import compare as job
from tripos.comparisons.exercise import CHAIN, EXACT, EXACT_WEAK, NORMAL
from tripos.models import bioassay


def test_the_report_is_among_the_results(tmp_path, capsys):
    arguments = ["compare", "globe", "--methods", "grid,laplace", "--no-pictures", "--report"]
    assert main([*arguments, "--output", str(tmp_path)]) == 0
    folder = tmp_path / "globe"
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "<title>Posterior of globe</title>" in report
    assert "load_model(&#34;globe&#34;)" in report
    assert "Uniform(0, 1)" in report or "Beta(" in report
    listed = json.loads((folder / "contents.json").read_text())["files"]
    assert set(listed) == {path.name for path in folder.iterdir()}
    # What is listed may be replaced.
    assert main([*arguments, "--output", str(tmp_path)]) == 0


@pytest.fixture
def quick_exercise():
    """The exercise's four cells, with a grid's draws for chains."""

    def cell(prior, method, **settings):
        return method(bioassay(prior), draws=1000, random_seed=1, **settings)

    settings = {"points": 61, "progressbar": False}
    trees = {
        EXACT: cell("flat", grid, **settings),
        NORMAL: cell("flat", laplace),
        EXACT_WEAK: cell("weak", grid, **settings),
    }
    draws = trees[EXACT_WEAK]["posterior"].to_dataset()
    halves = [draws.isel(draw=slice(k, None, 2)).assign_coords(draw=range(500)) for k in (0, 1)]
    chains = xr.concat([half.assign_coords(chain=[k]) for k, half in enumerate(halves)], "chain")
    trees[CHAIN] = xr.DataTree.from_dict({"posterior": chains})
    trees[CHAIN].attrs = {"method": "nuts", "seconds": 1.0}
    return Comparison(trees)


def test_the_exercise_has_two_models_and_two_judges(tmp_path, capsys, monkeypatch, quick_exercise):
    monkeypatch.setattr(job, "bioassay_exercise", lambda **kwargs: quick_exercise)
    assert main(["compare", "bioassay", "--report", "--output", str(tmp_path)]) == 0
    report = (tmp_path / "bioassay" / "report.html").read_text(encoding="utf-8")
    assert "judged by grid, flat prior." in report
    assert "judged by grid, weak prior." in report
    assert "of the Laplace draws have beta &lt; 0" in report
    assert "Normal(0, 100)" in report
    assert "bioassay_exercise(random_seed=1" in report
    assert len(report.encode()) < 3_000_000


def test_units_of_the_bioassay_are_not_another_model_s(tmp_path, capsys, monkeypatch):
    seen = {}
    monkeypatch.setattr(
        job.Comparison, "pictures", lambda self, quantities, units: seen.update(units) or {}
    )
    path = tmp_path / "mine.py"
    path.write_text(
        "import pymc as pm\n"
        "def build():\n"
        "    with pm.Model() as model:\n"
        "        pm.Normal('alpha', 0.0, 2.0)\n"
        "    return model\n"
    )
    options = ["--methods", "laplace", "--output", str(tmp_path / "o")]
    assert main(["compare", f"{path}:build", *options]) == 0
    assert seen == {}


def test_without_the_option_there_is_none(tmp_path, capsys):
    arguments = ["compare", "globe", "--methods", "laplace", "--no-pictures"]
    assert main([*arguments, "--output", str(tmp_path)]) == 0
    assert not (tmp_path / "globe" / "report.html").exists()
