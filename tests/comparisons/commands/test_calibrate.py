"""The command ``tripos calibrate``: what it prints and writes, and its exit codes."""

import pandas as pd
import xarray as xr

from tripos.comparisons.cli import main


def test_a_calibration_writes_words_table_ranks_and_picture(tmp_path, capsys):
    arguments = ["calibrate", "linear_regression", "--simulations", "40", "--draws", "100"]
    assert main([*arguments, "--strict", "--output", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "laplace on 40 simulated data sets" in out
    folder = tmp_path / "linear_regression-laplace-calibration"
    names = {path.name for path in folder.iterdir()}
    assert names == {"calibration.csv", "contents.json", "ecdf.png", "ranks.nc", "words.txt"}
    assert "b[slope]" in (folder / "words.txt").read_text()
    table = pd.read_csv(folder / "calibration.csv", index_col="quantity")
    assert list(table.index) == ["b[intercept]", "b[slope]", "b[curve]", "log density"]
    with xr.open_dataset(folder / "ranks.nc", engine="h5netcdf") as ranks:
        assert ranks["rank"].shape == (40, 4)


def test_strict_exits_1_where_something_is_seen(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(
        "import pymc as pm\n"
        "def build():\n"
        "    with pm.Model() as model:\n"
        "        scale = pm.Gamma('scale', 2.0, 1.0, default_transform=None, initval=1.0)\n"
        "        pm.Exponential('y', scale=scale, observed=[1.0, 2.0])\n"
        "    return model\n"
    )
    arguments = ["calibrate", f"{path}:build", "--simulations", "100", "--draws", "100"]
    code = main([*arguments, "--strict", "--no-pictures", "--output", str(tmp_path / "o")])
    out = capsys.readouterr().out
    assert (code, "biased low" in out) == (1, True), out
    (folder,) = (tmp_path / "o").iterdir()
    assert not (folder / "ecdf.png").exists()


def test_a_flat_prior_is_refused_in_one_sentence(tmp_path, capsys):
    assert main(["calibrate", "bioassay", "--output", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("tripos: The prior of 'alpha', 'beta' is improper")
    assert list(tmp_path.iterdir()) == []
