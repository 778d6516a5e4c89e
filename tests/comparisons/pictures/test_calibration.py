"""The picture of a calibration, as data: which panels, in which colour, with which band."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import norm

from tripos.approximations.errors import ArgumentError
from tripos.comparisons.calibration import Calibration
from tripos.comparisons.calibration.bands import band_at
from tripos.comparisons.calibration.words import judged


def calibration(**pits):
    table = pd.DataFrame(pits)
    ranks = xr.Dataset({"pit": (("simulation", "quantity"), table.values)})
    ranks = ranks.assign_coords(quantity=list(table.columns))
    size = len(table)
    return Calibration("mine", judged(table, 0.05), ranks, {}, {}, size, 0.05, False, 1.0)


@pytest.fixture
def uniform():
    return np.random.default_rng(1).random(100)


def too_low(uniform):
    """PIT values of draws that are too low by 0.8 sds."""
    return norm.cdf(norm.ppf(uniform) + 0.8)


def titles(figure):
    return [axes.get_title() for axes in figure.axes]


def test_each_quantity_has_its_ecdf_and_the_band_that_judged_it(uniform):
    found = calibration(good=uniform, low=too_low(uniform))
    figure = found.picture()
    assert titles(figure) == ["good", "low: biased low"]
    band = band_at(100, 0.025)
    for axes, pits in zip(figure.axes, (uniform, too_low(uniform)), strict=True):
        line = axes.lines[1]
        x, y = line.get_data()
        np.testing.assert_allclose(y, [np.mean(pits <= point) - point for point in x])
        edge = axes.collections[0].get_paths()[0].vertices
        assert edge[:, 1].max() == pytest.approx(np.max(band.most / 100 - band.points))
    assert figure.axes[0].lines[1].get_color() != figure.axes[1].lines[1].get_color()
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["95 % band of all 2 ECDFs", "nothing seen", "leaves the band"]


def test_of_many_the_worst_are_shown_in_the_tables_order(uniform):
    rng = np.random.default_rng(2)
    pits = {f"x[{k}]": rng.random(100) for k in range(14)}
    pits["x[7]"] = too_low(uniform)
    found = calibration(**pits)
    shown = titles(found.picture())
    assert len(shown) == 12
    assert "x[7]: biased low" in shown
    left = set(found.table["p_value"].nlargest(2).index)
    assert [t.partition(":")[0] for t in shown] == [q for q in found.table.index if q not in left]


def test_quantities_can_be_chosen(uniform):
    found = calibration(a=uniform, b=uniform, undefined=np.full(100, np.nan))
    assert titles(found.picture(["b"])) == ["b"]
    assert titles(found.picture()) == ["a", "b"]
    with pytest.raises(ArgumentError, match="no ranks of 'undefined'; there are ranks of a, b"):
        found.picture(["undefined"])
    with pytest.raises(ArgumentError, match="no quantity to draw"):
        calibration(undefined=np.full(100, np.nan)).picture()
