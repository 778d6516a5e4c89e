"""The bill of a method: every second in one part, and evaluations of this call alone."""

from types import SimpleNamespace

import pytest
import xarray as xr

from tripos.approximations import meter
from tripos.approximations.meter import Meter


class Run:
    """A density and a clock that stand still but for `work`."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        clock = SimpleNamespace(perf_counter=lambda: self.now)
        monkeypatch.setattr(meter, "time", clock)
        self.density = SimpleNamespace(seconds_compiling=7.0, evaluations={"value": 5, "other": 2})
        self.meter = Meter(self.density)

    def work(self, seconds, *, compiling=0.0, **evaluations):
        """Spend some seconds, part of them on compiling the density."""
        self.now += seconds
        self.density.seconds_compiling += compiling
        for name, count in evaluations.items():
            self.density.evaluations[name] += count

    def costs(self):
        attrs = self.meter.written_into(xr.DataTree()).attrs
        parts = [attrs[f"seconds_{part}"] for part in ("compile", "fit", "draw")]
        assert attrs["seconds"] == pytest.approx(sum(parts))
        return parts


@pytest.fixture
def run(monkeypatch):
    return Run(monkeypatch)


def test_what_the_density_compiles_is_no_part_of_fit_or_draw(run):
    run.work(10, compiling=4)
    run.meter.fitted()
    run.work(3, compiling=1)
    assert run.costs() == [5, 6, 2]


def test_all_until_now_was_compiling_the_density_included(run):
    run.work(10, compiling=4)
    run.meter.compiled()
    run.work(3, compiling=1)
    run.meter.fitted()
    assert run.costs() == [11, 2, 0]


def test_some_seconds_were_compiling_beside_those_of_the_density(run):
    run.work(10, compiling=4)
    assert run.meter.elapsed == 10
    run.meter.compiled(5)
    run.meter.fitted()
    run.work(2)
    assert run.costs() == [9, 1, 2]


def test_evaluations_are_those_of_this_call_and_of_other_packages(run):
    run.work(1, value=3)
    run.meter.spent(value=20, gradient=4)
    attrs = run.meter.written_into(xr.Dataset()).attrs
    told = {name: count for name, count in attrs.items() if name.startswith("evaluations_")}
    assert told == {"evaluations_value": 23, "evaluations_other": 0, "evaluations_gradient": 4}
