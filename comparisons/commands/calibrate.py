"""One calibration from its target to a folder of results: what ``tripos calibrate`` does."""

from __future__ import annotations

from pathlib import Path

from ...approximations.errors import ArgumentError
from ..calibration import Calibration, calibrate
from ..storage import check_place, file_name, replace_folder, write_contents
from ..target import load_model
from .printing import console


def run_calibration_job(
    target: str,
    output: Path,
    *,
    method: str,
    simulations: int,
    draws: int | None = None,
    random_seed: int | None = None,
    pictures: bool = True,
) -> Calibration:
    """Calibrate, print what was seen, and write words, table, ranks and picture.

    Parameters
    ----------
    target : str
        As `tripos.comparisons.target.load_model` takes it.
    output : Path
        Results go to a subfolder named after the target and the method.
    method : str
    simulations : int
    draws : int, optional
        Draws of each fit; the method's default, if None.
    random_seed : int, optional
    pictures : bool, default True

    Raises
    ------
    TriposError
        As `calibrate` does, and when the folder cannot be written, which is checked before the work
        begins.
    """
    folder = output / file_name(f"{target}-{method}-calibration")
    check_place(folder)
    options = {} if draws is None else {"draws": draws}
    found = calibrate(
        load_model(target), method, simulations, options=options, random_seed=random_seed
    )

    def write(place: Path) -> None:
        (place / "words.txt").write_text(f"{found}\n", encoding="utf-8")
        found.table.to_csv(place / "calibration.csv")
        found.ranks.to_netcdf(place / "ranks.nc", engine="h5netcdf")
        if pictures:
            _draw(found, place / "ecdf.png")
        write_contents(place)

    replace_folder(folder, write)
    console().print(str(found))
    console().print(f"Words, table, ranks and picture are in {folder}/")
    return found


def _draw(found: Calibration, path: Path) -> None:
    try:
        figure = found.picture()
    except ArgumentError as why:
        console().print(f"No picture. {why}")
        return
    figure.savefig(path, dpi=150)
