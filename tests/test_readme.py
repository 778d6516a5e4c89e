"""The README's examples run, and the commands that it names exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


# What each example must print: the grid's mean of beta and the mode, as the book has them; what is
# wrong with the normal approximation; intercept and log sigma of the borrowers; nothing wrong where
# the posterior is normal.
_PRINTED = (
    (r"beta\s+grid\s+11\.6355", r"0\.8465802"),
    (r"beta\s+differs", r"ld50\s+differs", r"1 mode from 1 search", r"importance|quadrature"),
    (r"-0\.949\d", r"-0\.359\d", r"0\.121\d"),
    (r"laplace on 200 simulated data sets", r"mu +nothing seen"),
)


@pytest.mark.parametrize(
    ("code", "printed"),
    list(zip(_blocks("python"), _PRINTED, strict=True)),
    ids=["compare", "trust", "thousands", "calibrate"],
)
def test_python_example_runs(code, printed, capsys):
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    out = capsys.readouterr().out
    for pattern in printed:
        assert re.search(pattern, out), pattern
    if "refit" in names:
        assert names["refit"]["observed_data"]["deaths"].values.tolist() == [0, 2, 3, 5]


def test_make_has_the_targets_that_are_named():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:`|^)make ([\w-]+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_tripos_has_the_commands_that_are_named():
    for command in set(re.findall(r"^tripos (\w+)", README, flags=re.MULTILINE)):
        done = subprocess.run(
            [sys.executable, "-m", "tripos", command, "--help"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_files_that_are_named_exist():
    names = re.findall(r"`([\w/]+(?:\.py|\.txt|/))`", README) + re.findall(r"\]\((\S+)\)", README)
    for name in names:
        places = [ROOT / name, ROOT / "approximations" / name]
        assert name == "results/" or any(place.exists() for place in places), name
