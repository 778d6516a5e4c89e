"""A suite's file says what is run, and a mistake in it is a sentence."""

import pandas as pd
import pytest

from tripos.approximations.errors import SuiteError
from tripos.comparisons.cli import main
from tripos.comparisons.commands import suite as suite_job
from tripos.comparisons.suite.file import read_suite_file

_WHOLE = """
models = ["globe", "borrowers"]
methods = ["laplace", "nuts"]
repeats = 3
time_limit = 60
memory_limit = 1.5
reference = "nuts"

[arguments.borrowers]
groups = 50

[options.nuts]
draws = 500
"""


def test_a_file_says_what_is_run(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(_WHOLE)
    told = read_suite_file(path)
    assert told.reference == "nuts"
    assert told.arguments == {
        "models": ["globe", "borrowers"],
        "methods": ["laplace", "nuts"],
        "repeats": 3,
        "store": "results/mine",
        "time_limit": 60,
        "memory_limit": 1.5,
        "arguments": {"borrowers": {"groups": 50}},
        "options": {"nuts": {"draws": 500}},
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("models = [", "cannot be read as TOML"),
        ('models = ["globe"]', "must name methods"),
        ('models = "globe"\nmethods = ["laplace"]', "models in .* must be a list"),
        ("repeat = 3", "the key 'repeat', which says nothing. Did you mean repeats"),
        ("repeats = 1.5", "repeats in .* must be a whole number"),
        ("time_limit = true", "time_limit in .* must be a number"),
        (
            'models = ["globe"]\nmethods = ["laplace"]\nreference = "grid"',
            "reference in .* must be one of its methods, laplace, but it is 'grid'",
        ),
        ("[options]\nnuts = 3", r"a table for each name, as \[options.NAME\]"),
    ],
)
def test_a_mistake_in_a_file_is_a_sentence(tmp_path, text, sentence):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(SuiteError, match=sentence):
        read_suite_file(path)


def test_no_file_is_a_sentence_and_exit_2(tmp_path, capsys):
    assert main(["suite", str(tmp_path / "none.toml")]) == 2
    err = capsys.readouterr().err
    assert err.startswith("tripos: ")
    assert "none.toml cannot be read" in err


@pytest.fixture
def run(own, inline, tmp_path, monkeypatch):
    """Run the command in this process."""
    given = suite_job.run_suite
    monkeypatch.setattr(suite_job, "run_suite", lambda **call: given(**call | {"executor": inline}))

    def run(*options, models=("globe",), methods=("normal", "fails"), reference=None):
        path = tmp_path / "mine.toml"
        lines = {"models": [m if m == "globe" else own(m) for m in models]}
        lines |= {"methods": [own(name) for name in methods]}
        lines |= {} if reference is None else {"reference": own(reference)}
        path.write_text("\n".join(f"{key} = {value!r}" for key, value in lines.items()))
        return main(["suite", str(path), "--store", str(tmp_path / "store"), *options])

    return run


def test_the_command_prints_a_scoreboard_and_the_failures(run, own, tmp_path, capsys):
    assert run() == 0
    out = capsys.readouterr().out
    assert "Scoreboard" in out
    assert f"{own('fails')} on globe, repeat 0: MethodError" in out
    assert "2 cells, 1 failures." in out
    board = pd.read_csv(tmp_path / "store" / "scoreboard.csv", index_col="method")
    assert board.at[own("fails"), "failures"] == 1
    assert (tmp_path / "store" / "scoreboard.png").stat().st_size > 10_000


def test_a_damaged_cell_is_named_on_standard_error(run, tmp_path, capsys):
    assert run() == 0
    (tree,) = (tmp_path / "store").glob("cells/*/tree.nc")
    tree.write_bytes(b"damaged")
    assert run() == 0
    err = capsys.readouterr().err
    assert err.lstrip().startswith(f"tripos: The cell {tree.parent.name} is damaged")
    assert run("--only", "failed") == 0


def test_where_nothing_can_be_judged_it_says_so(run, capsys):
    assert run(models=("one",)) == 0
    assert "No scoreboard. There is nothing to judge" in capsys.readouterr().out


def test_a_dask_scheduler_that_does_not_answer_is_a_sentence(run, capsys):
    pytest.importorskip("distributed")
    assert run("--dask", "nonsense://127.0.0.1:1") == 2
    assert "No dask scheduler answers at nonsense://" in capsys.readouterr().err


def test_without_dask_the_extra_is_named(run, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    assert run("--dask", "tcp://127.0.0.1:1") == 2
    assert 'pip install "tripos[dask]"' in capsys.readouterr().err
