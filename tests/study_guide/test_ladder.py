"""The numbers that the third notebook prints as a script, against exact ones."""

import pytest

MOST = 5


@pytest.fixture(scope="module")
def printed(run_script):
    return run_script("ladder.py")


def test_the_bioassay_climbs_to_an_answer_that_is_exact(printed, golden):
    assert printed["bioassay_accepted"].tolist() == [0, 0, 1]
    assert printed["bioassay_exact"] == 1
    exact = golden["bioassay"]["flat"]["exact"]["beta"]
    assert abs(printed["beta_mean"] - exact["mean"]) < MOST * printed["beta_error"]
    assert printed["beta_error"] < 0.05 * exact["sd"]


def test_a_loose_tolerance_accepts_the_first_approximation(printed):
    assert printed["rough_accepted"].tolist() == [1]
    assert printed["rough_exact"] == 0


def test_a_model_without_a_mode_ends_higher(printed, golden):
    *refused, last = printed["schools_accepted"]
    assert (any(refused), last, printed["schools_exact"]) == (False, 1, 1)
    assert len(refused) > 2
    exact = golden["eight_schools"]["mu"]
    assert abs(printed["mu_mean"] - exact["mean"]) < MOST * printed["mu_error"]
    assert printed["mu_error"] < 0.05 * exact["sd"]
