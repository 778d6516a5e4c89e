"""The numbers that the study guide prints as a script, against exact ones."""

import numpy as np
import pytest
from scipy import integrate, stats

PROBABILITIES = np.array([0.025, 0.25, 0.5, 0.75, 0.975])
# Standard errors that a simulated number may be off.
MOST = 5


@pytest.fixture(scope="module")
def printed(run_script):
    return run_script("normal_approximation.py")


@pytest.fixture(scope="module")
def flat(golden):
    return golden["bioassay"]["flat"]


def _in_errors(cdf, quantiles, probabilities, draws):
    """Errors of empirical quantiles in standard errors, on the scale of probability."""
    errors = np.sqrt(probabilities * (1 - probabilities) / draws)
    return np.abs(np.array([cdf(q) for q in quantiles]) - probabilities) / errors


def test_mode_hessian_and_normal(printed, flat):
    close = {"rel": 1e-6}  # seven digits are printed
    assert printed["mode"] == pytest.approx(flat["mode"], **close)
    assert printed["negative_hessian"] == pytest.approx(np.ravel(flat["hessian"]), rel=1e-6)
    assert printed["sd"] == pytest.approx(flat["sd"], **close)
    assert printed["correlation"] == pytest.approx(flat["correlation"], **close)
    assert printed["log_evidence_laplace"] == pytest.approx(flat["log_evidence"], rel=1e-6)


def test_grid(printed, flat):
    exact = flat["exact"]
    names = ("alpha", "beta")
    # A grid of 201 cells leaves out a millionth of the mass at each edge.
    assert printed["exact_mean"] == pytest.approx([exact[n]["mean"] for n in names], abs=1e-4)
    assert printed["exact_sd"] == pytest.approx([exact[n]["sd"] for n in names], abs=2e-4)
    assert printed["log_evidence_exact"] == pytest.approx(exact["log_evidence"], abs=1e-5)
    quantiles = exact["beta"]["quantiles"]
    assert printed["beta_quantiles_exact"] == pytest.approx(quantiles, abs=1e-3)


def test_laplace_against_the_grid(printed, flat):
    quantiles = flat["laplace_beta_quantiles"]
    assert printed["beta_quantiles_laplace"] == pytest.approx(quantiles, rel=1e-6)
    below = flat["laplace_probability_beta_negative"]
    assert printed["beta_below_zero_laplace"] == pytest.approx(below, rel=1e-6)
    below = flat["exact"]["probability_beta_negative"]
    assert printed["beta_below_zero_exact"] == pytest.approx(below, abs=1e-6)
    assert printed["total_variation"] == pytest.approx(0.2325, abs=1e-4)


def test_exact_mass_inside_laplace_intervals(printed, flat):
    """By Simpson's rule over a box that holds all but a millionth."""
    alpha, beta = np.meshgrid(np.linspace(-6, 14, 501), np.linspace(-10, 110, 3001), indexing="ij")
    logit = alpha[..., None] + beta[..., None] * np.array([-0.86, -0.30, -0.05, 0.73])
    logp = (logit * [0, 1, 3, 5] - 5 * np.logaddexp(0, logit)).sum(axis=-1)
    mass = integrate.cumulative_simpson(np.exp(logp).sum(axis=0), initial=0)
    for level in (50, 95):
        ends = stats.norm(flat["mode"][1], flat["sd"][1]).interval(level / 100)
        share = np.diff(np.interp(ends, beta[0], mass / mass[-1]))
        assert printed[f"exact_mass_in_laplace_{level}"] == pytest.approx(share, abs=2e-4)


def test_exercise_1_ld50(printed, flat):
    exact = flat["exact"]["ld50"]["quantiles_given_beta_positive"]
    # From cells: right to a part of a cell's width.
    assert printed["ld50_quantiles_exact"] == pytest.approx(exact, abs=2e-3)
    (mean_alpha, mean_beta), covariance = flat["mode"], np.array(flat["covariance"])
    slope = stats.norm(mean_beta, np.sqrt(covariance[1, 1]))
    regression = covariance[0, 1] / covariance[1, 1]
    spread = np.sqrt(covariance[0, 0] - regression * covariance[0, 1])

    def below(x):
        """P(-alpha / beta < x, beta > 0) / P(beta > 0) under the normal approximation."""

        def integrand(beta):
            centre = mean_alpha + regression * (beta - mean_beta)
            return slope.pdf(beta) * stats.norm(centre, spread).sf(-x * beta)

        return integrate.quad(integrand, 0, 40)[0] / slope.sf(0)

    draws = printed["ld50_draws"] * slope.sf(0)
    errors = _in_errors(below, printed["ld50_quantiles_laplace"], PROBABILITIES, draws)
    assert np.all(errors < MOST)


def test_exercise_2_log_slope(printed, golden):
    exact = golden["bioassay"]["log_slope"]
    assert printed["log_slope_mode"] == pytest.approx(exact["mode"], rel=1e-6)
    assert printed["log_slope_sd"] == pytest.approx(exact["sd"], rel=1e-6)
    assert printed["log_slope_correlation"] == pytest.approx(exact["correlation"], rel=1e-6)
    assert printed["log_slope_log_evidence"] == pytest.approx(exact["log_evidence"], rel=1e-6)
    assert printed["log_slope_total_variation"] < 0.5 * printed["total_variation"]


@pytest.mark.parametrize("prior", ["normal", "normal_variance"])
def test_exercise_3_priors(printed, golden, prior):
    exact = golden["bioassay"][prior]
    assert printed[f"{prior}_mode"] == pytest.approx(exact["mode"], rel=1e-6)
    assert printed[f"{prior}_sd"] == pytest.approx(exact["sd"], rel=1e-6)
    for name in ("mean", "sd"):
        values = [exact["exact"][q][name] for q in ("alpha", "beta")]
        assert printed[f"{prior}_exact_{name}"] == pytest.approx(values, abs=2e-4)
    evidence = exact["exact"]["log_evidence"]
    assert printed[f"{prior}_log_evidence_exact"] == pytest.approx(evidence, abs=1e-4)


def test_exercise_4_exact_draws(printed, golden):
    exact, n = golden["windshield"]["1"], 9
    draws = printed["windshield_draws"]
    sd = exact["mu"]["sd"]
    # The kurtosis of a t with 8 degrees of freedom is 4.5.
    error = sd * np.sqrt((4.5 - 1) / (4 * draws))
    assert abs(printed["windshield_exact_sd_mu"] - sd) < MOST * error
    s = sd * np.sqrt(n * (n - 3) / (n - 1))
    three = np.array([0.025, 0.5, 0.975])
    chi2 = stats.chi2(n - 1)
    sigma = printed["windshield_exact_sigma_quantiles"]
    assert np.all(_in_errors(lambda x: chi2.sf((n - 1) * s**2 / x**2), sigma, three, draws) < MOST)
    mu = stats.t(n - 1, exact["mu"]["mean"], s / np.sqrt(n))
    assert np.all(_in_errors(mu.cdf, printed["windshield_exact_mu_quantiles"], three, draws) < MOST)


def test_exercise_4_with_and_without_the_log(printed, golden):
    exact, n = golden["windshield"]["1"], 9
    laplace = exact["laplace"]
    assert printed["windshield_log_mode"] == pytest.approx(laplace["mode"], rel=2e-6)
    assert printed["windshield_log_fit_sd"] == pytest.approx(laplace["sd"], rel=1e-6)
    assert printed["windshield_log_log_evidence"] == pytest.approx(
        laplace["log_evidence"], rel=1e-6
    )
    s = exact["mu"]["sd"] * np.sqrt(n * (n - 3) / (n - 1))
    # Closed forms: the density of (mu, sigma) is sigma^-(n + 1) exp(-sum of squares / 2 sigma^2).
    sigma = s * np.sqrt((n - 1) / (n + 1))
    sds = [sigma / np.sqrt(n), sigma / np.sqrt(2 * (n + 1))]
    assert printed["windshield_no_log_mode"] == pytest.approx(
        [exact["mu"]["mean"], sigma], rel=1e-6
    )
    assert printed["windshield_no_log_fit_sd"] == pytest.approx(sds, rel=1e-6)


@pytest.mark.parametrize("quantity", ["alpha", "beta"])
def test_exercise_5_nuts(printed, flat, quantity):
    exact = flat["exact"][quantity]
    for name in ("mean", "sd"):
        error = printed[f"nuts_{quantity}_mcse_{name}"]
        assert abs(printed[f"nuts_{quantity}_{name}"] - exact[name]) < MOST * error
    assert printed[f"nuts_{quantity}_mcse_mean"] < 0.1 * exact["sd"]
    assert printed[f"nuts_{quantity}_r_hat"] < 1.03


def test_exercise_5_priors_that_look_harmless(printed, golden):
    for name in ("weak", "not_so_weak"):
        mean = golden["bioassay"][name]["exact"]["beta"]["mean"]
        assert printed[f"{name}_prior_beta_mean"] == pytest.approx(mean, abs=2e-4)
