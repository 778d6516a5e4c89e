"""The bioassay exercise: the method's error and the prior's effect, each in its column."""

import numpy as np
import pytest

from tripos.comparisons.commands.words import bioassay_sentences, sentences
from tripos.comparisons.exercise import CHAIN, EXACT, EXACT_WEAK, NORMAL, effects


@pytest.fixture(scope="module")
def columns(exercise):
    return effects(exercise)


def test_the_four_cells_are_there(exercise):
    assert list(exercise.trees) == [EXACT, NORMAL, EXACT_WEAK, CHAIN]
    assert exercise.failures == {}


@pytest.mark.parametrize(
    ("quantity", "statistic", "value"),
    [("alpha", "mean", 1.3147), ("beta", "mean", 11.6356), ("beta", "sd", 5.7731)],
)
def test_the_exact_column_is_the_book(columns, quantity, statistic, value):
    assert columns.at[(quantity, statistic), "exact, flat prior"] == pytest.approx(value, abs=1e-3)


def test_the_priors_effect_is_small_and_the_same_in_any_run(columns):
    assert columns.at[("beta", "mean"), "effect of the prior"] == pytest.approx(
        11.5864 - 11.6356, abs=1e-3
    )
    assert columns.at[("beta", "sd"), "effect of the prior"] == pytest.approx(
        5.7348 - 5.7731, abs=1e-3
    )


def test_the_error_of_laplace_is_mode_and_curvature_against_moments(columns):
    # Laplace's mean is the mode, 7.7488, and its sd 4.8728; 4000 draws.
    error = 4.8728 / np.sqrt(4000)
    assert abs(columns.at[("beta", "mean"), "error of Laplace"] - (7.7488 - 11.6356)) < 4 * error
    error /= np.sqrt(2)
    assert abs(columns.at[("beta", "sd"), "error of Laplace"] - (4.8728 - 5.7731)) < 4 * error
    # The slope may be 0: where it is, LD50 is infinite.
    assert np.isnan(columns.at[("ld50", "mean"), "exact, flat prior"])
    assert np.isfinite(columns.at[("ld50", "q50"), "exact, flat prior"])


@pytest.mark.parametrize("quantity", ["alpha", "beta"])
@pytest.mark.parametrize("statistic", ["mean", "sd"])
def test_nuts_agrees_with_the_grid_of_its_own_prior(columns, quantity, statistic):
    row = columns.loc[(quantity, statistic)]
    assert abs(row["error of NUTS"]) < 4 * row["its MC s.e."]


def test_the_words_hold_this_runs_numbers(exercise):
    said = bioassay_sentences(exercise.trees, EXACT, NORMAL)
    beta = exercise.trees[NORMAL]["posterior"]["beta"].values
    assert said[0].startswith(f"{100 * np.mean(beta < 0):.1f} % ")
    assert "gives that 0.0004 %" in said[0]
    low, high = np.quantile(beta, [0.025, 0.975])
    assert f"[{low:.3g}, {high:.3g}] by Laplace and [3.45, 25.4] exactly" in said[1]
    ld50 = exercise.trees[NORMAL]["posterior"]["ld50"].values[beta > 0]
    low, high = np.quantile(ld50, [0.025, 0.975])
    assert f"[{low:.3g}, {high:.3g}] with those that have beta > 0" in said[2]


def test_plain_words_name_the_worst_quantity(exercise):
    (said,) = sentences(exercise.only([EXACT, NORMAL]))
    assert said.startswith(f"{NORMAL} is furthest from {EXACT} in beta: median 7.")
