"""Write a comparison to a folder, all or nothing, and read it."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import xarray as xr

from ..approximations.errors import StorageError

_INDEX = "comparison.json"
_FORMAT = 1

CONTENTS = "contents.json"
"""What marks a folder of a job's results, and lists them."""


def save_trees(
    trees: Mapping[str, xr.DataTree], failures: Mapping[str, str], directory: str | Path
) -> Path:
    """Write trees as netCDF files with an index; see `Comparison.save`."""

    def write(folder: Path) -> None:
        files = {str(label): f"{k}-{file_name(str(label))}.nc" for k, label in enumerate(trees)}
        for label, tree in trees.items():
            tree.to_netcdf(folder / files[str(label)], engine="h5netcdf")
        index = {
            "format": _FORMAT,
            "files": [_INDEX, *files.values()],
            "trees": files,
            "failures": dict(failures),
        }
        (folder / _INDEX).write_text(json.dumps(index, indent=2), encoding="utf-8")

    return replace_folder(Path(directory), write, mark=_INDEX)


def load_trees(directory: str | Path) -> tuple[dict[str, xr.DataTree], dict[str, str]]:
    """Read trees and failures; see `Comparison.load`."""
    folder = Path(directory)
    try:
        index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        if index["format"] != _FORMAT:
            raise StorageError(
                f"{folder} was written in format {index['format']}, but this version of tripos "
                f"reads format {_FORMAT}. Use the version that wrote it."
            )
        trees = {label: read_tree(folder / name) for label, name in index["trees"].items()}
        return trees, dict(index["failures"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{folder} holds no comparison that can be read ({error}). Comparison.save writes one."
        ) from error


def read_tree(path: Path) -> xr.DataTree:
    """Load a tree into memory, with current names."""
    # What xr.load_datatree does, which xarray has from 2025.9 on.
    with xr.open_datatree(path, engine="h5netcdf") as file:
        tree = file.load()
    if "fit" in tree.children and "k_hat" in tree["fit"].data_vars:  # as 0.1 called it
        tree["fit"] = tree["fit"].to_dataset().rename(k_hat="pareto_khat")
    return tree


def write_contents(folder: Path) -> None:
    """Mark a folder as ours, by a list of all that is in it."""
    files = [CONTENTS, *sorted(path.name for path in folder.iterdir())]
    (folder / CONTENTS).write_text(json.dumps({"files": files}, indent=2), encoding="utf-8")


def replace_folder(folder: Path, write: Callable[[Path], None], *, mark: str = CONTENTS) -> Path:
    """Write a temporary folder, then move it into place.

    Parameters
    ----------
    folder : Path
    write : callable
        Given an empty folder to write into.
    mark : str
        JSON file in such a folder, whose ``"files"`` lists all that it holds. A folder that holds
        anything else is left alone.

    Raises
    ------
    StorageError
        When the path is taken by something else, or cannot be written.
    """
    check_place(folder, mark=mark)
    beside = _folder_beside(folder)
    try:
        new = beside / "new"
        new.mkdir()
        write(new)
        if folder.exists():
            folder.replace(beside / "old")
        new.replace(folder)
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error}.") from error
    finally:
        if (beside / "old").exists() and not folder.exists():
            (beside / "old").replace(folder)
        shutil.rmtree(beside, ignore_errors=True)
    return folder


def file_name(text: str) -> str:
    """Make a valid name for any file system: ``"grid, flat prior"`` to ``"grid-flat-prior"``."""
    return re.sub(r"[^\w.]+", "-", text).strip("-.")


def check_place(folder: Path, *, mark: str = CONTENTS) -> None:
    """Check before long work that a folder can be written.

    Raises
    ------
    StorageError
        When the path holds anything that tripos did not write, or cannot be written.
    """
    if folder.exists() and not (folder.is_dir() and _is_ours(folder, mark)):
        raise StorageError(
            f"{folder} exists and is not a folder that tripos wrote, or holds other files too, so "
            "it is left alone. Choose another place, or remove it."
        )
    _folder_beside(folder).rmdir()


def _folder_beside(folder: Path) -> Path:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error}.") from error


def _is_ours(folder: Path, mark: str) -> bool:
    """Whether a folder is empty, or holds only files listed in its mark."""
    names = {path.name for path in folder.iterdir()}
    if not names:
        return True
    try:
        listed = set(json.loads((folder / mark).read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return names <= listed
