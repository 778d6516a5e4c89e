"""The scoreboard counts what is within tolerance, against the truth or against a method."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from tripos.approximations.errors import ArgumentError, UntrustedReferenceWarning
from tripos.comparisons import Tolerances, errors_of, run_suite, scoreboard
from tripos.comparisons.pictures.scoreboard import plot_scoreboard
from tripos.comparisons.scoreboard import frontier_of, points_of
from tripos.models import CATALOGUE


@pytest.fixture(scope="module")
def board_suite(tmp_path_factory, inline):
    folder = tmp_path_factory.mktemp("suite") / "store"
    methods = ["grid", "laplace", "importance"]
    models = ["globe", "eight_schools"]
    return run_suite(models, methods, store=folder, repeats=2, executor=inline)


def test_errors_are_those_from_the_truth(board_suite):
    errors = errors_of(board_suite)
    assert set(errors["judge"]) == {"truth"}
    truth, row = CATALOGUE["globe"].truth, errors.loc["globe", "laplace", 0, "p"]
    mean, sd = board_suite.summary().loc[("globe", "laplace", 0, "p"), ["mean", "sd"]]
    assert row["mean_shift"] == (mean - truth.mean["p"]) / truth.sd["p"]
    assert row["log_sd_ratio"] == np.log(sd / truth.sd["p"])
    sizes = abs(row["mean_shift"]) / 0.1, abs(row["log_sd_ratio"]) / np.log(1.1)
    assert row["error"] == max(sizes)
    # Exact means without exact sds are no truth to be judged by.
    assert set(errors.loc["eight_schools"].index.unique("quantity")) == {"mu", "tau"}


def test_the_board_counts(board_suite):
    board = scoreboard(board_suite)
    assert list(board.index) == ["grid", "laplace", "importance"]
    assert board["cells"].tolist() == [4, 4, 4]
    assert board["failures"].tolist() == [2, 0, 0]
    assert board["models"].tolist() == [1, 2, 2]
    assert board["judged"].tolist() == [2, 6, 6]
    assert board.at["grid", "within"] == 1.0
    errors = errors_of(board_suite)
    assert board.at["laplace", "within"] == errors.xs("laplace", level="method")["within"].mean()
    loose = scoreboard(board_suite, tolerance=Tolerances(mean=100.0, sd=100.0))
    assert (loose["within"] == 1.0).all()


def test_a_reference_judges_what_has_no_truth(board_suite):
    errors = errors_of(board_suite, reference="importance")
    judges = errors.reset_index().groupby("quantity")["judge"].unique()
    assert list(judges["p"]) == ["truth"]
    assert list(judges["theta[Choate]"]) == ["importance"]
    thetas = errors[errors["judge"] == "importance"]
    assert set(thetas.index.unique("method")) == {"laplace"}
    assert len(thetas) == 2 * len(thetas.index.unique("quantity"))
    draws = [
        board_suite.tree("eight_schools", method)["posterior"]["theta"].sel(school="Choate")
        for method in ("laplace", "importance")
    ]
    shift = float(draws[0].mean() - draws[1].mean()) / float(draws[1].std())
    row = thetas.loc["eight_schools", "laplace", 0, "theta[Choate]"]
    # The reference's draws are weighted ones, so the two shifts differ by its Monte Carlo error.
    assert row["mean_shift"] == pytest.approx(shift, abs=4 / np.sqrt(1000))


def test_a_reference_that_cannot_be_trusted_judges_nothing(board_suite, own, inline, tmp_path):
    with pytest.warns(UntrustedReferenceWarning, match="on eight_schools, laplace is an approx"):
        errors = errors_of(board_suite, reference="laplace")
    assert set(errors["judge"]) == {"truth"}
    methods = [own("normal"), own("paused")]
    suite = run_suite([own("one")], methods, store=tmp_path / "s", executor=inline)
    with pytest.raises(ArgumentError, match=r"cannot be trusted: .* worth only 60 independent"):
        errors_of(suite, reference=own("normal"))


def test_a_point_is_the_median_over_repeats_of_the_largest_error(board_suite):
    errors = errors_of(board_suite)
    points = points_of(board_suite.cells(), errors)
    one = errors.xs(("eight_schools", "laplace"), level=("model", "method"))
    worst = one.groupby("repeat")["error"].max()
    assert points.at[("laplace", "eight_schools"), "error"] == worst.median()
    assert ("grid", "eight_schools") not in points.index


@given(st.lists(st.tuples(st.integers(1, 9).map(float), st.integers(1, 9).map(float)), min_size=1))
def test_nothing_beats_the_frontier_and_it_beats_the_rest(points):
    costs, errors = zip(*points, strict=True)
    chosen = frontier_of(costs, errors)
    for k, (cost, error) in enumerate(points):
        beaten = [j for j in chosen if costs[j] <= cost and errors[j] <= error]
        assert beaten
        if k in chosen:
            assert all(costs[j] == cost and errors[j] == error for j in beaten)


def test_the_picture_shows_every_point_and_the_frontier(board_suite, figures):
    errors = errors_of(board_suite)
    cells = board_suite.cells()
    figure = plot_scoreboard(cells, errors)
    points = points_of(cells, errors)
    seconds, evaluations = figure.axes
    for axes, cost in ((seconds, "seconds"), (evaluations, "evaluations")):
        marks = {line.get_label(): line for line in axes.lines}
        for method in ("grid", "laplace", "importance"):
            np.testing.assert_array_equal(marks[method].get_xdata(), points.loc[method, cost])
            np.testing.assert_array_equal(marks[method].get_ydata(), points.loc[method, "error"])
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[0] == "grid: 100 % within, 1 of 2 models"
    assert texts[-1] == "frontier"


def test_powers_of_ten_are_written_in_full(board_suite, figures):
    figure = plot_scoreboard(board_suite.cells(), errors_of(board_suite))
    label = figure.axes[0].yaxis.get_major_formatter()
    assert [label(10.0**k) for k in (-5, -1, 0, 4)] == ["0.00001", "0.1", "1", "10,000"]


def test_what_cannot_be_judged_is_an_error(board_suite, own, inline, tmp_path):
    with pytest.raises(ArgumentError, match="reference must be a method of the suite"):
        errors_of(board_suite, reference="nuts")
    suite = run_suite([own("one")], [own("normal")], store=tmp_path / "s", executor=inline)
    with pytest.raises(ArgumentError, match="nothing to judge"):
        scoreboard(suite)
    empty = pd.DataFrame({"error": [np.inf]}, index=errors_of(board_suite).index[:1])
    with pytest.raises(ArgumentError, match="no finite error"):
        plot_scoreboard(board_suite.cells(), empty)
