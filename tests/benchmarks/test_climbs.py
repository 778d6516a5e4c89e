"""What the benchmark of the ladder calls wrong."""

import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

# Benchmarks are scripts and no package of tripos.
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from climbs.judging import errors_of, outside
from climbs.running import Climb
from climbs.subjects import SUBJECTS
from climbs.table import Row, line, remarks, targets
from posteriors.truth import PROBABILITIES, Known, Truth
from scipy.stats import norm

from tripos.comparisons.monte_carlo import sample_of

NORMAL = Known(0.0, 1.0, 0.0, 0.0, True, norm.ppf(PROBABILITIES), np.inf)
QUANTILES = norm.ppf((np.arange(40_000) + 0.5) / 40_000)


def _climb(seed, rung, *, accepted=True, wrong=(), cpu=1.0):
    rungs = [{"method": "laplace"}, {"method": rung}]
    return Climb(seed, True, accepted, rung, rungs, "", list(wrong), cpu, cpu)


def test_errors_of_a_shifted_and_widened_sample():
    sample = sample_of(0.3 + 1.2 * QUANTILES[None], independent=True)
    errors, standard = errors_of(sample, NORMAL)
    ends = 0.3 + 1.2 * norm.ppf([0.25, 0.75])
    assert errors[0] == pytest.approx(0.3, abs=1e-6)
    assert errors[1] == pytest.approx(np.log(1.2), abs=1e-3)
    assert errors[2] == pytest.approx(np.diff(norm.cdf(ends))[0] - 0.5, abs=1e-3)
    assert standard[0] == pytest.approx(1.2 / 200, rel=1e-3)
    assert standard[2] == pytest.approx(0.5 / 200, rel=1e-3)


@pytest.mark.parametrize(("shift", "many"), [(0.0, 0), (0.11, 0), (0.13, 1)])
def test_an_error_counts_beyond_the_noise(shift, many):
    """Of 40,000 independent draws: a tolerance of 0.1 sd, and three times 0.005."""
    posterior = xr.Dataset({"x": (("chain", "draw"), shift + QUANTILES[None])})
    tree = xr.DataTree.from_dict({"posterior": posterior})
    tree.attrs["independent_draws"] = 1
    found = outside(tree, Truth({"x": NORMAL}, "closed form", {}, {}, {}))
    assert len(found) == many
    assert all(sentence.startswith("x: mean") for sentence in found)


def test_shares_and_costs():
    rows = [
        Row("a", "gallery", 2, [_climb(0, "laplace"), _climb(1, "laplace")], [9.0, 10.0]),
        Row("b", "gallery", 2, [_climb(0, "nuts"), _climb(1, "nuts", cpu=11.0)], [9.0, 10.0]),
        Row("c", "gallery", 2, [_climb(0, "importance", wrong=["x: off"])]),
        Row("d", "gallery", failure="ValueError: no"),
    ]
    told = "\n".join(targets(rows))
    assert "3/5 = 60.0% accepted without NUTS" in told
    assert "4/5 = 80.0% within tolerance" in told
    assert "0.600 median cost, warm, of 2" in told
    assert "1.100 worst cost where it ends in NUTS, warm" in told
    assert remarks(rows[2]) == ["  WRONG seed 0, importance: x: off"]
    assert "ValueError: no" in line(rows[3])


def test_a_climb_whose_fit_raised_has_no_tree():
    climb = Climb(0, False, False, "", [], "LookupError: none", [], 1.0, 1.0)
    row = Row("a", "gallery", 1, [climb])
    assert " 0/1   0/1    0/0" in line(row)
    assert remarks(row) == ["  RAISED LookupError: none"]


def test_every_subject_has_a_truth():
    assert len(SUBJECTS) >= 107
    for subject in SUBJECTS.values():
        asked = {label.partition("[")[0] for label in subject.truth().quantities}
        assert asked == set(subject.ask or asked)
