"""The command line, from its arguments to its folder of results."""

import re
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from tripos.comparisons import Comparison
from tripos.comparisons.cli import main
from tripos.comparisons.commands import compare as job


def test_a_comparison_writes_table_words_pictures_and_trees(tmp_path, capsys):
    assert main(["compare", "globe", "--methods", "grid,laplace", "--output", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "Posterior of globe" in out
    assert "laplace is furthest from grid in p" in out
    folder = tmp_path / "globe"
    assert sorted(path.name for path in folder.iterdir()) == [
        "contents.json",
        "costs.csv",
        "intervals.png",
        "marginals.png",
        "summary.csv",
        "trees",
        "verdicts.csv",
        "words.txt",
    ]
    table = pd.read_csv(folder / "summary.csv", index_col=["quantity", "label"])
    loaded = Comparison.load(folder / "trees").summary()
    pd.testing.assert_frame_equal(table, loaded, check_dtype=False)


def test_the_bioassay_is_the_exercise(tmp_path, capsys, monkeypatch, exercise):
    monkeypatch.setattr(job, "bioassay_exercise", lambda **kwargs: exercise)
    assert main(["compare", "bioassay", "--output", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    for words in ("effect of the prior", "error of Laplace", "of the Laplace draws have beta < 0"):
        assert words in out
    names = {path.name for path in (tmp_path / "bioassay").iterdir()}
    assert {"overlay.png", "contours.png", "effects.csv", "trees"} <= names


def test_strict_exits_1_unless_all_agree(tmp_path, capsys):
    arguments = ["compare", "globe", "--methods", "grid,laplace", "--no-pictures", "--strict"]
    assert main([*arguments, "--output", str(tmp_path)]) == 0
    assert "Verdict on laplace" in capsys.readouterr().out
    arguments[1] = "windshield"
    assert main([*arguments, "--output", str(tmp_path)]) == 1
    assert re.search(r"sigma +differs", capsys.readouterr().out)


def test_weighted_draws_judge_where_there_is_no_grid(tmp_path, capsys):
    arguments = ["compare", "windshield", "--methods", "laplace", "--no-pictures"]
    assert main([*arguments, "--output", str(tmp_path)]) == 0
    assert "reweighted draws" in capsys.readouterr().out


def test_pictures_can_be_vectors(tmp_path):
    arguments = ["compare", "globe", "--methods", "grid,laplace", "--format", "svg"]
    assert main([*arguments, "--output", str(tmp_path)]) == 0
    names = {path.name for path in (tmp_path / "globe").iterdir()}
    assert {"marginals.svg", "intervals.svg"} <= names
    assert not any(name.endswith(".png") for name in names)
    assert "<path" in (tmp_path / "globe" / "marginals.svg").read_text()


def test_ones_own_model_is_compared(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(
        "import pymc as pm\n"
        "def build():\n"
        "    with pm.Model() as model:\n"
        "        pm.Normal('x', [0.0, 1.0], 2.0)\n"
        "    return model\n"
    )
    target, output = f"{path}:build", str(tmp_path / "o")
    options = ["--methods", "laplace,grid", "--draws", "50", "--no-pictures"]
    code = main(["compare", target, *options, "--output", output])
    assert code == 0
    assert "x[1]" in capsys.readouterr().out
    (folder,) = (tmp_path / "o").iterdir()
    loaded = Comparison.load(folder / "trees")
    assert loaded.trees["laplace"]["posterior"].sizes["draw"] == 50


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["bioasay"], "Did you mean bioassay?"),
        (["globe", "--methods", "hmc"], "no method called 'hmc'"),
        (["globe", "--methods", "laplace", "--draws", "0"], "draws must be a whole number"),
        (["globe", "--methods", "laplace", "--output", "/proc/nowhere"], "cannot be written"),
    ],
)
def test_what_is_foreseen_is_one_sentence_and_exit_2(arguments, sentence, capsys, tmp_path):
    output = [] if "--output" in arguments else ["--output", str(tmp_path / "o")]
    assert main(["compare", *arguments, *output]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert err.startswith("tripos: ")
    assert "Traceback" not in err
    assert not (tmp_path / "o" / "globe").exists()


def test_models_lists_the_catalogue(capsys):
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    for name in ("bioassay", "globe", "windshield", "linear_regression", "eight_schools"):
        assert name in out


def test_help_answers_without_importing_pymc():
    code = (
        "import sys\n"
        "from tripos.comparisons.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit as stop:\n    assert stop.code == 0\n"
        "heavy = {'pymc', 'pytensor', 'numba', 'arviz', 'xarray', 'matplotlib', 'numpy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "compare" in done.stdout


def test_ctrl_c_leaves_no_partial_file_and_no_traceback(tmp_path):
    command = [sys.executable, "-m", "tripos", "compare", "eight_schools"]
    run = subprocess.Popen(
        [*command, "--methods", "nuts", "--output", str(tmp_path / "results")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background jobs ignore interrupts, and hand that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    # The folder's place is tried before the work begins: from then on there is work to interrupt.
    while not (tmp_path / "results").exists() and run.poll() is None:
        time.sleep(0.05)
    time.sleep(1.0)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    assert "interrupted, nothing was written" in err
    assert "Traceback" not in err
    assert list((tmp_path / "results").iterdir()) == []
