"""The Laplace approximation, against closed forms and its own Monte Carlo errors."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from tripos.approximations import LogDensity, diagonal_laplace, laplace, low_rank_laplace
from tripos.approximations.errors import ArgumentError, ModeAtInfinityError
from tripos.models import bioassay, eight_schools, globe, linear_regression, windshield
from tripos.models.linear_regression import exact_posterior, example_data

# REFERENCE: prior: Laplace sds.
TABLE_SDS = {
    "normal": (0.9513, 4.4763),
    "normal_variance": (0.7715, 2.7411),
    "correlated": (0.9006, 4.5223),
}
LOG_BINOMIAL_COEFFICIENTS = 3.9120230


def _matrix(tree, name):
    return tree["fit"][name].values


# Numbers.


def test_flat_bioassay(golden, bioassay_laplace):
    fit, expected = bioassay_laplace["fit"], golden["bioassay"]["flat"]
    np.testing.assert_allclose(fit["mode"], expected["mode"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(fit["sd"], expected["sd"], rtol=1e-6)
    np.testing.assert_allclose(fit["sd"], (1.0190854, 4.8727677), rtol=0, atol=6e-8)
    np.testing.assert_allclose(fit["covariance"], expected["covariance"], rtol=1e-6)
    np.testing.assert_allclose(fit["precision"], expected["hessian"], rtol=1e-6)
    assert float(fit["log_evidence"]) == pytest.approx(expected["log_evidence"], abs=1e-6)
    assert float(fit["log_evidence"]) == pytest.approx(1.10143, abs=6e-6)
    covariance = fit["covariance"].values
    correlation = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert correlation == pytest.approx(0.71409, abs=6e-6)


def test_closed_form_quantiles_of_beta(golden, bioassay_laplace):
    """BDA3 prints the textbook interval from these, not from draws."""
    beta = bioassay_laplace["fit"].sel(parameter="beta")
    normal = stats.norm(float(beta["mode"]), float(beta["sd"]))
    probabilities = golden["settings"]["probabilities"]
    expected = golden["bioassay"]["flat"]["laplace_beta_quantiles"]
    np.testing.assert_allclose(normal.ppf(probabilities), expected, rtol=0, atol=1e-5)
    reference = (-1.802, 4.462, 7.749, 11.035, 17.299)
    np.testing.assert_allclose(normal.ppf(probabilities), reference, rtol=0, atol=6e-4)


def test_draws_of_the_flat_bioassay(bioassay_laplace):
    """Mean, sd and P(beta < 0) lie within four standard errors of the normal distribution's."""
    posterior, fit = bioassay_laplace["posterior"], bioassay_laplace["fit"]
    size = posterior.sizes["draw"]
    for name in ("alpha", "beta"):
        draws = posterior[name].values.ravel()
        mean, sd = (float(fit[k].sel(parameter=name)) for k in ("mode", "sd"))
        assert abs(draws.mean() - mean) < 4 * sd / np.sqrt(size)
        assert abs(draws.std() - sd) < 4 * sd / np.sqrt(2 * size)
    below = 0.05589
    share = float((posterior["beta"] < 0).mean())
    assert abs(share - below) < 4 * np.sqrt(below * (1 - below) / size)


def test_draws_of_ld50(bioassay_laplace):
    """Quantiles of the ratio, given beta > 0: REFERENCE has about -0.395, -0.112, 0.453."""
    posterior, fit = bioassay_laplace["posterior"], bioassay_laplace["fit"]
    ld50 = posterior["ld50"].values[posterior["beta"].values > 0]
    mean, covariance = fit["mode"].values, fit["covariance"].values
    many = stats.multivariate_normal(mean, covariance).rvs(400_000, random_state=5)
    many = many[many[:, 1] > 0]
    reference = np.quantile(-many[:, 0] / many[:, 1], (0.025, 0.5, 0.975))
    for p, expected in zip((0.025, 0.5, 0.975), reference, strict=True):
        # Shares have a simple standard error, quantiles have not; both samples have one.
        error = np.sqrt(p * (1 - p) * (1 / len(ld50) + 1 / len(many)))
        assert abs(np.mean(ld50 < expected) - p) < 4 * error
    np.testing.assert_allclose(reference, (-0.395, -0.112, 0.453), atol=0.01)


def test_ld50_is_minus_alpha_over_beta(bioassay_laplace):
    posterior = bioassay_laplace["posterior"]
    np.testing.assert_allclose(posterior["ld50"], -posterior["alpha"] / posterior["beta"])


@pytest.mark.parametrize("prior", ["weak", "normal", "normal_variance", "correlated"])
def test_bioassay_with_priors(golden, prior, density_of):
    fit, expected = laplace(density_of(bioassay, prior), draws=10)["fit"], golden["bioassay"][prior]
    np.testing.assert_allclose(fit["sd"], expected["sd"], rtol=1e-6)
    assert float(fit["log_evidence"]) == pytest.approx(expected["log_evidence"], abs=1e-6)
    if prior in TABLE_SDS:
        np.testing.assert_allclose(fit["sd"], TABLE_SDS[prior], rtol=0, atol=6e-5)


def test_correlated_prior_without_binomial_coefficients(density_of):
    """Gauss-Hermite quadrature with one node, in REFERENCE."""
    evidence = float(laplace(density_of(bioassay, "correlated"), draws=10)["fit"]["log_evidence"])
    assert evidence - LOG_BINOMIAL_COEFFICIENTS == pytest.approx(-7.82871, abs=6e-6)


def test_bioassay_in_the_log_of_its_slope(golden, density_of):
    fit = laplace(density_of(bioassay, slope="log"), draws=10)["fit"]
    expected = golden["bioassay"]["log_slope"]
    np.testing.assert_allclose(fit["sd"], expected["sd"], rtol=1e-6)
    np.testing.assert_allclose(fit["sd"], (1.0740, 0.5146), rtol=0, atol=6e-5)
    covariance = fit["covariance"].values
    correlation = covariance[0, 1] / np.prod(fit["sd"].values)
    assert correlation == pytest.approx(expected["correlation"], abs=1e-6)
    assert correlation == pytest.approx(0.687, abs=6e-4)
    evidence = float(fit["log_evidence"])
    assert evidence == pytest.approx(expected["log_evidence"], abs=1e-6)
    assert evidence - LOG_BINOMIAL_COEFFICIENTS == pytest.approx(-2.74637, abs=6e-6)


def test_globe(golden, density_of):
    fit, expected = laplace(density_of(globe), draws=10)["fit"], golden["globe"]["laplace"]
    assert fit["mode"].item() == pytest.approx(expected["mode"], abs=1e-9)
    assert fit["sd"].item() == pytest.approx(expected["sd"], rel=1e-9)
    assert fit["sd"].item() == pytest.approx(0.626783, abs=6e-7)
    assert float(fit["log_evidence"]) == pytest.approx(expected["log_evidence"], abs=1e-9)
    assert float(fit["log_evidence"]) == pytest.approx(-2.327699, abs=6e-7)


@pytest.mark.parametrize("line", [1, 2])
def test_windshield(golden, line, density_of):
    expected = golden["windshield"][str(line)]
    tree = laplace(density_of(windshield, line), draws=10)
    fit = tree["fit"]
    np.testing.assert_allclose(fit["mode"], expected["laplace"]["mode"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(fit["sd"], expected["laplace"]["sd"], rtol=1e-9)
    evidence = expected["laplace"]["log_evidence"]
    assert float(fit["log_evidence"]) == pytest.approx(evidence, abs=1e-9)
    # Exactly: the t distribution with n - 1 degrees of freedom against the normal.
    n = tree["observed_data"]["hardness"].size
    ratio = float(fit["sd"].sel(parameter="mu")) / expected["mu"]["sd"]
    assert ratio == pytest.approx(np.sqrt((n - 3) / n), rel=1e-9)


def test_windshield_as_printed(density_of):
    tree = laplace(density_of(windshield), draws=20_000, random_seed=2)
    fit = tree["fit"]
    np.testing.assert_allclose(fit["mode"], (14.611222, 0.329198), rtol=0, atol=6e-7)
    np.testing.assert_allclose(fit["sd"], (0.463284, 1 / np.sqrt(18)), rtol=0, atol=6e-7)
    assert float(fit["log_evidence"]) == pytest.approx(-16.109952, abs=6e-7)
    sigma = tree["posterior"]["sigma"].values.ravel()
    for p, expected in ((0.025, 0.8757), (0.975, 2.2060)):
        error = np.sqrt(p * (1 - p) / sigma.size)
        assert abs(np.mean(sigma < expected) - p) < 4 * error


def test_linear_regression_is_exact(density_of):
    mean, covariance, evidence = exact_posterior(example_data())
    fit = laplace(density_of(linear_regression), draws=10)["fit"]
    size = np.abs(covariance).max()
    np.testing.assert_allclose(fit["mode"], mean, rtol=1e-8)
    np.testing.assert_allclose(fit["covariance"], covariance, rtol=0, atol=1e-8 * size)
    np.testing.assert_allclose(fit["sd"], np.sqrt(np.diag(covariance)), rtol=1e-8)
    assert float(fit["log_evidence"]) == pytest.approx(evidence, rel=1e-8)


# Invariants.


def test_covariance_and_precision_are_inverse(bioassay_laplace):
    product = _matrix(bioassay_laplace, "covariance") @ _matrix(bioassay_laplace, "precision")
    np.testing.assert_allclose(product, np.eye(2), atol=1e-12)


def test_lp_is_the_log_density_of_the_draws(density_of):
    density = density_of(eight_schools)
    tree = laplace(density, draws=5, random_seed=1)
    unconstrained = tree["unconstrained_posterior"].to_dataset().isel(chain=0)
    thetas = np.column_stack(
        [unconstrained["mu"], unconstrained["tau_log__"], unconstrained["eta"]]
    )
    expected = [density.value(theta) for theta in thetas]
    np.testing.assert_allclose(tree["sample_stats"]["lp"].values[0], expected, rtol=1e-12)


def test_point_estimate_is_the_mode_on_the_variables_own_scale(density_of):
    tree = laplace(density_of(eight_schools), draws=5)
    fit, point = tree["fit"], tree["point_estimate"]
    assert float(point["tau"]) == pytest.approx(
        np.exp(float(fit["mode"].sel(parameter="tau_log__")))
    )
    theta = float(point["mu"]) + float(point["tau"]) * fit["mode"].values[2:]
    np.testing.assert_allclose(point["theta"], theta)
    assert point["theta"].dims == ("school",)


def test_positive_variables_stay_positive(density_of):
    tree = laplace(density_of(eight_schools), draws=1000, random_seed=3)
    tau = tree["posterior"]["tau"]
    assert float(tau.min()) > 0
    np.testing.assert_allclose(np.log(tau), tree["unconstrained_posterior"]["tau_log__"])


def test_a_density_is_not_compiled_again():
    density = LogDensity(bioassay())
    laplace(density, draws=10)
    seconds = density.seconds_compiling
    tree = laplace(density, draws=20)
    assert density.seconds_compiling == seconds
    assert tree.attrs["seconds_compile"] == 0
    assert tree.attrs["evaluations_value"] == 20  # of this call alone


# Errors.


def test_no_mode_is_told(density_of):
    with pytest.raises(ModeAtInfinityError, match="tau_log__"):
        laplace(density_of(eight_schools, centred=True))


@pytest.mark.parametrize("draws", [0, -1, 2.5, True], ids=str)
def test_draws_below_one(draws, density_of):
    with pytest.raises(ArgumentError, match=f"draws must be a whole number .* but {draws} was"):
        laplace(density_of(globe), draws=draws)


# What tripos 0.1 took.


@pytest.mark.parametrize(
    ("old", "method", "new"),
    [
        ({"curvature": "low_rank", "rank": 1}, low_rank_laplace, {"rank": 1}),
        ({"curvature": "diagonal"}, diagonal_laplace, {}),
        ({"curvature": "exact", "starts": 1}, laplace, {"starts": 1}),
    ],
)
def test_curvature_calls_the_method_that_it_names_and_says_so(old, method, new):
    density = LogDensity(bioassay("weak"), linker="numpy")
    with pytest.warns(DeprecationWarning, match=rf"call {method.__name__}, without") as caught:
        tree = laplace(density, 20, random_seed=1, start="find_MAP", **old)
    assert caught[0].filename == __file__
    now = method(density, 20, random_seed=1, start="find_MAP", **new)
    xr.testing.assert_equal(tree, now)
    assert tree.attrs["settings"] == now.attrs["settings"]


@pytest.mark.filterwarnings("ignore:laplace.curvature:DeprecationWarning")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"rank": 3}, "rank=3 is an argument of low_rank_laplace"),
        ({"curvature": "exact", "rank": 3}, "rank=3 is an argument of low_rank_laplace"),
        ({"curvature": "diagonal", "rank": 3}, "diagonal_laplace: .* 'rank'"),
        ({"curvature": "low_rank", "starts": 4}, "low_rank_laplace: .* 'starts'"),
    ],
)
def test_arguments_that_do_not_go_together(arguments, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        laplace(bioassay("normal"), **arguments)
