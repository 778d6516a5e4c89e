"""The numbers that the second notebook prints as a script, against exact ones."""

import numpy as np
import pytest

from tripos.approximations import nested_laplace
from tripos.models import borrowers

MOST = 5


@pytest.fixture(scope="module")
def printed(run_script):
    return run_script("beyond.py")


def test_eight_schools_have_no_mode_and_a_verdict_rejects_the_other(printed):
    assert printed["refused"] == 1
    assert printed["noncentred_rejected"] == printed["noncentred_judged"] == 18


def test_nested_laplace_has_them(printed, golden):
    exact = golden["eight_schools"]
    assert printed["nested_accepted"] == printed["nested_judged"] == 10
    # A rule of 25 nodes an axis around the mode: right to a few thousandths.
    assert printed["schools_mu_mean"] == pytest.approx(exact["mu"]["mean"], abs=1e-3)
    assert printed["schools_mu_sd"] == pytest.approx(exact["mu"]["sd"], abs=2e-3)
    assert printed["schools_log_tau_mean"] == pytest.approx(exact["log_tau"]["mean"], abs=5e-3)
    assert printed["schools_log_tau_sd"] == pytest.approx(exact["log_tau"]["sd"], abs=1e-2)
    assert printed["schools_log_evidence"] == pytest.approx(exact["log_evidence"], abs=1e-3)
    means = [theta["mean"] for theta in exact["theta"]]
    assert printed["schools_theta_mean"] == pytest.approx(means, abs=2e-3)


def test_draws_of_nested_laplace(printed, golden):
    exact, draws = golden["eight_schools"], printed["schools_draws"]
    error = exact["tau"]["sd"] / np.sqrt(draws)
    assert abs(printed["schools_tau_mean"] - exact["tau"]["mean"]) < MOST * error
    # Half-Cauchy tails: the sd of tau itself is uncertain, so only that of theta is compared.
    sds = np.array([theta["sd"] for theta in exact["theta"]])
    assert np.all(np.abs(printed["schools_theta_draw_sd"] / sds - 1) < 0.05)


def test_reflected_and_reweighted(printed, golden):
    exact = golden["bioassay"]["flat"]["exact"]
    mean, sd = exact["beta"]["mean"], exact["beta"]["sd"]
    assert printed["beta_mean_exact"] == pytest.approx(mean, abs=1e-3)
    # Seen over 20 seeds: reflected 10.26; reweighted 11.64 +- 0.10, sd 5.78 +- 0.08.
    error = printed["beta_sd_reflected"] / np.sqrt(4000)
    assert abs(printed["beta_mean_reflected"] - 10.26) < MOST * error
    assert abs(printed["beta_mean_reweighted"] - mean) < MOST * 0.10
    assert abs(printed["beta_sd_reweighted"] - sd) < MOST * 0.08
    assert printed["k_hat"] < 0.7
    assert printed["effective_sample_size"] > 2500
    error = printed["log_evidence_error"]
    assert abs(printed["log_evidence"] - exact["log_evidence"]) < MOST * error


def test_verdicts(printed):
    assert printed["laplace_rejected"] == printed["laplace_judged"] == 3
    assert printed["reweighted_accepted"] == printed["reweighted_judged"] == 3


def test_borrowers(printed):
    assert printed["borrowers_groups"] == 200
    off = (printed["borrowers_mean"] - printed["borrowers_truth"]) / printed["borrowers_sd"]
    assert np.all(np.abs(off) < 4)
    finer = nested_laplace(borrowers(200), nagq=11, draws=10, random_seed=1)["fit"].to_dataset()
    places = [list(finer["parameter"].values).index(label) for label in finer["outer"].values]
    apart = printed["borrowers_mean"] - finer["mean"].values[places]
    assert np.all(np.abs(apart) < 0.05 * printed["borrowers_sd"])
