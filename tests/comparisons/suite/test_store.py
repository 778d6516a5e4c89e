"""A store holds whole cells or none, for one run at a time, and leaves what is not its own."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tripos.approximations.errors import CorruptCellWarning, StorageError
from tripos.comparisons import load_suite, run_suite
from tripos.comparisons.suite.store import locked_store


@pytest.fixture
def run(own, inline, tmp_path):
    """Run a small suite in this process."""

    def run(folder=tmp_path / "store", methods=("normal",), repeats=2, **more):
        methods = [own(name) for name in methods]
        models = [own("one"), own("two")]
        return run_suite(models, methods, store=folder, repeats=repeats, executor=inline, **more)

    return run


def stamps(folder):
    """When and where each record was written."""
    files = (folder / "cells").glob("*/record.json")
    return {f.parent.name: (f.stat().st_ino, f.stat().st_mtime_ns) for f in files}


def test_what_is_stored_is_read_again(run, own):
    suite = run(methods=["normal", "fails"])
    again = load_suite(suite.folder)
    pd.testing.assert_frame_equal(again.summary(), suite.summary(), check_exact=True)
    pd.testing.assert_frame_equal(again.cells(), suite.cells(), check_exact=True)
    assert again.failures() == suite.failures()
    assert len(again.failures()) == 4
    csv = pd.read_csv(suite.folder / "summary.csv", index_col=[0, 1, 2, 3])
    pd.testing.assert_frame_equal(csv, suite.summary())
    draws = again.tree(own("two"), own("normal"), 1)["posterior"]["y"].values
    row = suite.summary().loc[(own("two"), own("normal"), 1, "y[1]")]
    assert row["mean"] == pytest.approx(draws[..., 1].mean(), rel=1e-14)


def test_what_has_ended_is_not_run_again(run):
    first = run(methods=["normal", "fails"])
    before = stamps(first.folder)
    again = run(methods=["normal", "fails"])
    assert stamps(first.folder) == before
    wider = run(methods=["normal", "fails"], repeats=3)
    after = stamps(first.folder)
    assert len(after) == 12
    assert before.items() <= after.items()
    pd.testing.assert_frame_equal(first.summary(), again.summary(), check_exact=True)
    pd.testing.assert_frame_equal(
        first.summary().sort_index(), wider.summary().query("repeat < 2").sort_index()
    )


def test_only_failed_runs_the_failed_again(run, monkeypatch, tmp_path):
    monkeypatch.setenv("SUITE_MARK", str(tmp_path / "mark"))
    first = run(methods=["normal", "fails_once"])
    assert len(first.failures()) == 1
    before = stamps(first.folder)
    second = run(methods=["normal", "fails_once"], only="failed")
    changed = {name for name, stamp in stamps(first.folder).items() if before[name] != stamp}
    (failed,) = (name for name, record in first.records.items() if record["failure"])
    assert changed == {failed}
    assert second.failures() == {}
    # Cells that were never run are not failed ones.
    assert len(run(repeats=9, only="failed").records) == 4


@pytest.mark.parametrize(
    ("file", "harm"),
    [
        ("tree.nc", lambda path: path.write_bytes(path.read_bytes()[:-100])),
        ("tree.nc", lambda path: path.unlink()),
        (
            "record.json",
            lambda path: path.write_text(path.read_text().replace('"mean": ', '"a": ')),
        ),
        ("record.json", lambda path: path.write_text("{")),
        ("record.json", lambda path: path.write_text("[]")),
        ("record.json", lambda path: path.unlink()),
    ],
)
def test_a_corrupt_cell_is_put_aside_named_and_run_again(run, file, harm):
    whole = run()
    name = list(whole.records)[2]
    harm(whole.folder / "cells" / name / file)
    with pytest.raises(StorageError, match="is damaged"):
        load_suite(whole.folder)
    before = stamps(whole.folder)
    with pytest.warns(CorruptCellWarning, match=f"{name} is damaged .* run again"):
        mended = run()
    assert [path.name for path in (whole.folder / "quarantine").iterdir()] == [f"{name}.0"]
    pd.testing.assert_frame_equal(mended.summary(), whole.summary(), check_exact=True)
    after = stamps(whole.folder)
    assert {n for n in after if after[n] != before.get(n)} == {name}


def test_another_format_is_refused_and_left(run):
    folder = run().folder
    index = json.loads((folder / "suite.json").read_text()) | {"format": 99}
    (folder / "suite.json").write_text(json.dumps(index))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    for refused in (run, lambda: load_suite(folder)):
        with pytest.raises(
            StorageError, match="format 99, but this version of tripos reads format"
        ):
            refused()
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_somebody_elses_folder_is_left_alone(run, tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(StorageError, match="not a folder that a suite wrote"):
        run(tmp_path)
    with pytest.raises(StorageError, match="not a folder that a suite wrote"):
        run(tmp_path / "thesis.tex")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(StorageError, match="holds no suite"):
        load_suite(tmp_path)


def test_a_place_that_cannot_be_written_is_an_error(run, tmp_path):
    (tmp_path / "file").write_text("a file, no folder")
    with pytest.raises(StorageError, match="cannot be written"):
        run(tmp_path / "file" / "there")


def test_a_store_is_for_one_run_at_a_time(run, tmp_path):
    folder = run().folder
    with locked_store(folder), pytest.raises(StorageError, match=r"in use .* in this very process"):
        run()
    run()
    code = (
        "import fcntl, os, sys\n"
        "lock = open(sys.argv[1], 'w')\n"
        "fcntl.lockf(lock, fcntl.LOCK_EX)\n"
        "print('process', os.getpid(), file=lock, flush=True)\n"
        "print('locked', flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(folder / ".lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(StorageError, match=f"in use by another run .process {other.pid}"):
            run()
        other.stdin.close()
    run()


def test_a_full_disk_is_a_sentence_and_leaves_whole_cells(run, monkeypatch, tmp_path):
    write = Path.write_bytes
    written = []

    def full_at_the_fourth(path, content):
        if path.name == "tree.nc":
            written.append(path)
        if len(written) == 4:
            write(path, content[:1000])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full_at_the_fourth)
    with pytest.raises(StorageError, match=r"No space left on device. What had ended .* is kept"):
        run()
    monkeypatch.undo()
    folder = tmp_path / "store"
    kept = stamps(folder)
    assert len(kept) == 3
    assert not [path for path in (folder / "cells").iterdir() if path.name.startswith(".")]
    assert len(run().records) == 4
    assert kept.items() <= stamps(folder).items()


def _mounted(place, size):
    place.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_disk_that_is_really_full(run, tmp_path):
    disk = tmp_path / "disk"
    if not _mounted(disk, "100k"):
        pytest.skip("only root may mount a small disk")
    try:
        with pytest.raises(StorageError, match=r"No space left on device"):
            run(disk / "store", repeats=6)
        kept = stamps(disk / "store")
        assert 0 < len(kept) < 12
        assert not [p for p in (disk / "store" / "cells").iterdir() if p.name.startswith(".")]
        subprocess.run(["mount", "-o", "remount,size=30m", str(disk)], check=True)
        suite = run(disk / "store", repeats=6)
        assert kept.items() <= stamps(disk / "store").items()
        assert len(suite.records) == 12
        elsewhere = run(tmp_path / "store", repeats=6)
        pd.testing.assert_frame_equal(suite.summary(), elsewhere.summary(), check_exact=True)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_what_a_killed_run_left_is_swept_up(run):
    folder = run().folder
    (folder / "cells" / ".new-whole-x").mkdir()
    (folder / "cells" / ".new-whole-x" / "tree.nc").write_bytes(b"half")
    run()
    assert not list((folder / "cells").glob(".*"))


def test_a_store_that_was_killed_at_its_birth_is_taken(run, tmp_path):
    folder = tmp_path / "store"
    (folder / "cells").mkdir(parents=True)
    (folder / ".new-suite.json").write_text("{")
    (folder / ".lock").touch()
    assert len(run(folder).records) == 4


def test_a_table_of_nothing_has_its_columns(run, monkeypatch):
    suite = run(methods=["fails"])
    assert suite.summary().empty
    assert list(suite.summary().index.names) == ["model", "method", "repeat", "quantity"]
    assert np.isnan(suite.cells()["k_hat"]).all()
