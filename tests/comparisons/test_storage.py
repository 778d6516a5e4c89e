"""What is saved is read again, and an interrupted save leaves what was there."""

import json

import numpy as np
import pytest
import xarray as xr

from tripos.approximations.errors import StorageError
from tripos.comparisons import Comparison
from tripos.comparisons.storage import file_name, replace_folder


def test_a_comparison_survives_a_round_trip(exercise, tmp_path):
    saved = Comparison(exercise.trees, {"a method": "why it failed"})
    saved.save(tmp_path / "there")
    loaded = Comparison.load(tmp_path / "there")
    assert list(loaded.trees) == list(exercise.trees)
    assert loaded.failures == saved.failures
    for label, tree in exercise.trees.items():
        assert loaded.trees[label].attrs == pytest.approx(tree.attrs)
        for group in tree.children:
            xr.testing.assert_equal(
                loaded.trees[label][group].to_dataset(), tree[group].to_dataset()
            )
    np.testing.assert_array_equal(loaded.summary(), saved.summary())


def test_trees_of_0_1_are_read_by_the_names_of_today(normal_tree, tmp_path):
    tree = normal_tree()
    tree["fit"] = xr.Dataset({"k_hat": 0.3})
    Comparison({"old": tree}).save(tmp_path / "there")
    fit = Comparison.load(tmp_path / "there").trees["old"]["fit"].to_dataset()
    assert dict(fit.data_vars) == {"pareto_khat": 0.3}


def test_saving_again_replaces_the_old(normal_tree, tmp_path):
    Comparison({"a": normal_tree(), "b": normal_tree(seed=2)}).save(tmp_path / "there")
    Comparison({"c": normal_tree()}).save(tmp_path / "there")
    assert list(Comparison.load(tmp_path / "there").trees) == ["c"]
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@pytest.mark.parametrize("fault", [KeyboardInterrupt, OSError])
def test_an_interrupted_save_leaves_the_old_whole(normal_tree, tmp_path, monkeypatch, fault):
    Comparison({"old": normal_tree()}).save(tmp_path / "there")
    calls = []

    def fail_at_the_second(self, path, **kwargs):
        calls.append(path)
        path.write_bytes(b"half")
        if len(calls) == 2:
            raise fault("no space left")

    monkeypatch.setattr(xr.DataTree, "to_netcdf", fail_at_the_second)
    new = Comparison({"a": normal_tree(), "b": normal_tree(seed=2)})
    with pytest.raises(StorageError if fault is OSError else fault, match="no space left"):
        new.save(tmp_path / "there")
    assert list(Comparison.load(tmp_path / "there").trees) == ["old"]
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_somebody_elses_folder_is_left_alone(normal_tree, tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(StorageError, match="not a folder that tripos wrote"):
        Comparison({"a": normal_tree()}).save(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_a_place_that_cannot_be_written_is_an_error(normal_tree, tmp_path):
    (tmp_path / "file").write_text("a file, no folder")
    with pytest.raises(StorageError, match="cannot be written"):
        Comparison({"a": normal_tree()}).save(tmp_path / "file" / "there")


@pytest.mark.parametrize(
    ("name", "content"),
    [(None, None), ("comparison.json", "{"), ("comparison.json", "[]"), ("0-a.nc", "damaged")],
)
def test_what_cannot_be_read_is_an_error(normal_tree, tmp_path, name, content):
    folder = tmp_path / "there"
    if name is not None:
        Comparison({"a": normal_tree()}).save(folder)
        (folder / name).write_text(content)
    with pytest.raises(StorageError, match="holds no comparison that can be read"):
        Comparison.load(folder)


def test_another_format_is_refused(normal_tree, tmp_path):
    folder = Comparison({"a": normal_tree()}).save(tmp_path / "there")
    index = json.loads((folder / "comparison.json").read_text())
    (folder / "comparison.json").write_text(json.dumps(index | {"format": 99}))
    with pytest.raises(StorageError, match="format 99"):
        Comparison.load(folder)


def test_a_writer_that_fails_leaves_no_folder(tmp_path):
    def fail(folder):
        (folder / "half").write_text("half")
        raise OSError("disk full")

    with pytest.raises(StorageError, match="disk full"):
        replace_folder(tmp_path / "new", fail, mark="whole")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [("grid, flat prior", "grid-flat-prior"), ("../up", "up"), ("a/b:c", "a-b-c"), ("β", "β")],
)
def test_file_names_are_safe(text, name):
    assert file_name(text) == name
