"""Tierney and Kadane's approximations: published values, conjugate models, and what they refuse."""

import numpy as np
import pymc as pm
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats
from scipy.special import digamma

from tripos.approximations import LogDensity, laplace, tierney_kadane
from tripos.approximations.errors import (
    ArgumentError,
    MarginalError,
    ModeNotFoundError,
    QuantityError,
)
from tripos.approximations.scalars.marginal import Marginal
from tripos.models import bioassay, eight_schools, globe, linear_regression, windshield
from tripos.models.linear_regression import exact_posterior, example_data


@pytest.fixture(scope="module")
def glass():
    return LogDensity(windshield())


@pytest.fixture(scope="module")
def beetles():
    return LogDensity(bioassay())


@pytest.fixture(scope="module")
def regression():
    return LogDensity(linear_regression())


# Published values.


def test_mean_of_sigma(glass):
    """REFERENCE: 1.6094, where the exact mean is 1.633052."""
    result = tierney_kadane(glass, "sigma")
    assert result.attrs["kind"] == "positive"
    assert float(result["mean"]) == pytest.approx(1.6094, abs=6e-5)
    # Given mu the rest is normal, so this marginal is exact, and the error is told.
    assert float(result["marginal_mean"]) == pytest.approx(1.633052, abs=2e-6)
    assert float(result["mean_error"]) == pytest.approx(1.633052 - 1.60938, abs=2e-5)
    ends = result["quantiles"].sel(probability=[0.025, 0.975])
    np.testing.assert_allclose(ends, (0.995733, 2.824156), atol=2e-6)


@pytest.mark.parametrize("kind", ["smooth", "positive"])
def test_marginal_of_mu_is_a_t_distribution(glass, golden, kind):
    result = tierney_kadane(glass, "mu", kind=kind)
    exact = golden["windshield"]["1"]["mu"]
    t = stats.t(8, 14.611222222222222, exact["sd"] / np.sqrt(8 / 6))
    np.testing.assert_allclose(result["density"], t.pdf(result["value"]), rtol=3e-6)
    np.testing.assert_allclose(result["log_density"], t.logpdf(result["value"]), atol=3e-6)
    np.testing.assert_allclose(result["quantiles"], t.ppf(result["probability"]), atol=1e-5)
    assert float(result["marginal_sd"]) == pytest.approx(0.567405, abs=2e-6)


def test_moments_of_mu(glass):
    """By symmetry the mean is exact."""
    result = tierney_kadane(glass, "mu", kind="smooth")
    assert float(result["mean"]) == pytest.approx(14.611222, abs=6e-7)
    assert float(result["sd_error"]) == pytest.approx(abs(0.534955 - 0.567405), abs=2e-5)


def test_the_normaliser_mends_laplaces_evidence(glass):
    """Exact -16.001402, Laplace -16.109952; the marginal of log sigma is exact."""
    result = tierney_kadane(glass, "log_sigma")
    assert float(result["log_normaliser"]) == pytest.approx(16.109952 - 16.001402, abs=2e-6)


def test_flat_bioassay(beetles):
    result = tierney_kadane(beetles, "beta")
    assert result.attrs["kind"] == "smooth"
    sd = 5.7731
    assert float(result["marginal_mean"]) == pytest.approx(11.6356, abs=0.005 * sd)
    assert float(result["marginal_sd"]) == pytest.approx(sd, rel=0.01)
    quantiles = (3.424, 7.338, 10.633, 14.806, 25.389)
    np.testing.assert_allclose(result["quantiles"], quantiles, atol=0.03 * sd)
    # Fully exponential: nearer than Laplace's 7.749 and 4.873, and the error is told.
    assert abs(float(result["mean"]) - 11.6356) < 2 * float(result["mean_error"])
    assert abs(float(result["sd"]) - sd) < 2 * float(result["sd_error"])


# Gaussian and conjugate models.


@pytest.mark.parametrize(("k", "label"), [*enumerate(["intercept", "slope", "curve"])])
def test_a_gaussian_is_exact(regression, k, label):
    mean, covariance, _ = exact_posterior(example_data())
    normal = stats.norm(mean[k], np.sqrt(covariance[k, k]))
    result = tierney_kadane(regression, f"b[{label}]", kind="smooth")
    for name in ("mean", "marginal_mean"):
        assert float(result[name]) == pytest.approx(normal.mean(), rel=1e-7)
    for name in ("sd", "marginal_sd"):
        assert float(result[name]) == pytest.approx(normal.std(), rel=1e-6)
    np.testing.assert_allclose(result["log_density"], normal.logpdf(result["value"]), atol=1e-7)
    np.testing.assert_allclose(result["quantiles"], normal.ppf(result["probability"]), rtol=1e-6)
    assert float(result["log_normaliser"]) == pytest.approx(0, abs=1e-7)


def test_one_parameter_has_its_exact_marginal(density_of):
    beta = stats.beta(7, 4)
    result = tierney_kadane(density_of(globe), "p")
    np.testing.assert_allclose(result["density"], beta.pdf(result["value"]), rtol=1e-6, atol=1e-9)
    assert float(result["marginal_mean"]) == pytest.approx(beta.mean(), rel=1e-6)
    assert float(result["marginal_sd"]) == pytest.approx(beta.std(), rel=1e-6)
    np.testing.assert_allclose(result["quantiles"], beta.ppf(result["probability"]), atol=1e-6)
    # Laplace's log evidence is -2.327699, and the exact one -log 10.
    assert float(result["log_normaliser"]) == pytest.approx(2.327699 - np.log(10), abs=1e-6)
    assert float(result["mean"]) == pytest.approx(beta.mean(), abs=1e-3)


def test_a_rate_has_stirlings_moments():
    """The posterior is Gamma(a, b), and Laplace's Gamma(a) is sqrt(2 pi) a^(a - 1/2) e^-a."""
    y = np.array([3, 1, 4, 1, 5])
    with pm.Model() as model:
        rate = pm.Gamma("rate", 2.0, 2.0)
        pm.Poisson("y", rate, observed=y)
    a, b = 2.0 + y.sum(), 2.0 + len(y)
    result = tierney_kadane(model, "rate")

    def log_stirling(x):
        return (x - 0.5) * np.log(x) - x

    first = np.exp(log_stirling(a + 1) - log_stirling(a)) / b
    second = np.exp(log_stirling(a + 2) - log_stirling(a)) / b**2
    assert float(result["mean"]) == pytest.approx(first, rel=1e-9)
    assert float(result["sd"]) == pytest.approx(np.sqrt(second - first**2), rel=1e-7)
    exact = stats.gamma(a, scale=1 / b)
    np.testing.assert_allclose(result["log_density"], exact.logpdf(result["value"]), atol=1e-5)
    assert abs(first - exact.mean()) < 2e-3 * exact.std()


def _two_normals():
    with pm.Model() as model:
        x = pm.Normal("x", 1.0, 0.5)
        z = pm.Normal("z", -2.0, 0.3)
        pm.Deterministic("product", x * z)
        pm.Deterministic("grown", pm.math.exp(x + z))
        pm.Deterministic("whole", pm.math.ge(x, 0.5))
        pm.Deterministic("ratio", x / (z + 2.0))
        pm.Deterministic("bowl", (x - 1.0) ** 2)
        pm.Deterministic("pair", pm.math.stack([x, z]))
    return model


@pytest.fixture(scope="module")
def two_normals():
    return LogDensity(_two_normals())


def test_the_log_of_a_positive_quantity_is_normal(two_normals):
    result = tierney_kadane(two_normals, "grown")
    exact = stats.lognorm(np.hypot(0.5, 0.3), scale=np.exp(-1.0))
    assert result.attrs["kind"] == "positive"
    for name in ("mean", "marginal_mean"):
        assert float(result[name]) == pytest.approx(exact.mean(), rel=1e-6)
    for name in ("sd", "marginal_sd"):
        assert float(result[name]) == pytest.approx(exact.std(), rel=1e-5)
    np.testing.assert_allclose(result["density"], exact.pdf(result["value"]), rtol=1e-5)


def test_moment_generating_function_of_a_quadratic(two_normals):
    """Of a product of normals the fully exponential mean and variance are exact."""
    result = tierney_kadane(two_normals, "product")
    assert result.attrs["kind"] == "smooth"
    assert float(result["mean"]) == pytest.approx(-2.0, abs=1e-6)
    variance = (1 + 0.5**2) * (4 + 0.3**2) - 4
    assert float(result["sd"]) == pytest.approx(np.sqrt(variance), rel=1e-4)
    # Its marginal has a kink at 0 that no expansion shows, but little of it.
    assert float(result["marginal_mean"]) == pytest.approx(-2.0, abs=0.05)


@settings(max_examples=25)
@given(st.floats(-1e3, 1e3), st.floats(1e-4, 1e4))
def test_marginal_of_any_location_and_scale(location, scale):
    places = np.linspace(-6.5, 6.5, 40)
    t = Marginal(location + scale * places, -0.5 * places**2, is_log=False)
    assert t.mean == pytest.approx(location, abs=1e-7 * scale + 1e-12 * abs(location))
    assert t.sd == pytest.approx(scale, rel=1e-6)
    normal = stats.norm(location, scale)
    assert t.log_total == pytest.approx(np.log(scale) + 0.5 * np.log(2 * np.pi), abs=1e-6)
    np.testing.assert_allclose(
        (t.quantiles((0.1, 0.5)) - normal.ppf([0.1, 0.5])) / scale, 0, atol=1e-5
    )


# The model and its data.


def test_the_model_is_left_alone():
    model = _two_normals()
    names, point = list(model.named_vars), model.initial_point()
    logp = model.compile_logp(mode="FAST_COMPILE")(point)
    tierney_kadane(model, "grown")
    assert list(model.named_vars) == names
    assert model.compile_logp(mode="FAST_COMPILE")(point) == logp


def test_the_density_is_left_alone(two_normals):
    before = laplace(two_normals, draws=10, random_seed=1)
    tierney_kadane(two_normals, "grown")
    after = laplace(two_normals, draws=10, random_seed=1)
    np.testing.assert_array_equal(before["posterior"]["x"], after["posterior"]["x"])


def test_new_data_are_used(normal_model):
    density = LogDensity(normal_model([0.0, 0.0, 0.0, 0.0]))
    density.set_data({"y": np.array([1.0, 2.0, 3.0, 4.0])})
    precision = 4 / 0.5**2 + 1 / 2.0**2
    result = tierney_kadane(density, "mu")
    assert float(result["marginal_mean"]) == pytest.approx(10 / 0.5**2 / precision)


def test_an_entry_and_an_unconstrained_parameter(two_normals, density_of):
    entry = tierney_kadane(two_normals, "pair[1]", kind="smooth")
    assert float(entry["mean"]) == pytest.approx(-2.0)
    assert float(entry["sd"]) == pytest.approx(0.3, rel=1e-6)
    logit = tierney_kadane(density_of(globe), "p_interval__")
    assert float(logit["marginal_mean"]) == pytest.approx(digamma(7) - digamma(4), abs=1e-6)


def test_attributes(glass, tmp_path):
    result = tierney_kadane(glass, "sigma")
    assert result.attrs["method"] == "tierney_kadane"
    assert result.attrs["quantity"] == "sigma"
    assert result.attrs["seconds"] > 0
    result.to_netcdf(tmp_path / "sigma.nc", engine="h5netcdf")


def test_the_same_answer_twice(glass):
    one, other = (tierney_kadane(glass, "sigma") for _ in range(2))
    np.testing.assert_array_equal(one["density"], other["density"])
    assert float(one["mean"]) == float(other["mean"])


# What does not exist, and errors.


def test_a_ratio_has_no_mean(beetles):
    result = tierney_kadane(beetles, "ld50")
    for name in ("mean", "sd", "marginal_mean", "marginal_sd"):
        assert np.isnan(float(result[name]))
    assert "too slowly for a mean" in result.attrs["note"]
    assert float(result["quantiles"].sel(probability=0.5)) == pytest.approx(-0.1117, abs=0.01)


def test_three_observations_leave_no_variance():
    """The t distribution with 2 degrees of freedom has a mean and no sd."""
    with pm.Model() as model:
        mu, log_sigma = pm.Flat("mu"), pm.Flat("log_sigma")
        pm.Normal("y", mu, pm.math.exp(log_sigma), observed=[1.0, 2.0, 4.0])
    result = tierney_kadane(model, "mu", kind="smooth")
    assert float(result["mean"]) == pytest.approx(7 / 3, abs=1e-6)
    assert np.isnan(float(result["sd"]))
    assert "standard deviation" in result.attrs["note"]
    t = stats.t(2, 7 / 3, np.std([1, 2, 4], ddof=1) / np.sqrt(3))
    np.testing.assert_allclose(result["quantiles"], t.ppf(result["probability"]), rtol=1e-3)


def test_unknown_quantity(regression):
    with pytest.raises(QuantityError, match=r"no quantity 'slope'; it has b\[intercept\]"):
        tierney_kadane(regression, "slope")


def test_an_array_is_no_quantity(regression):
    with pytest.raises(QuantityError, match=r"array of 3 numbers.* b\[intercept\], b\[slope\]"):
        tierney_kadane(regression, "b")


def test_not_positive(beetles):
    with pytest.raises(QuantityError, match=r"'beta' is not a positive quantity: it is 7\.749"):
        tierney_kadane(beetles, "beta", kind="positive")


def test_not_smooth(two_normals):
    with pytest.raises(QuantityError, match="type bool, which do not change smoothly"):
        tierney_kadane(two_normals, "whole")


def test_not_finite_at_the_mode(two_normals):
    with pytest.raises(QuantityError, match="'ratio' is inf at the posterior's mode"):
        tierney_kadane(two_normals, "ratio")


def test_no_slope_at_the_mode(two_normals):
    with pytest.raises(MarginalError, match="'bowl' does not change with the parameters"):
        tierney_kadane(two_normals, "bowl", kind="smooth")


def test_no_tilted_peak(density_of):
    with pytest.raises(ModeNotFoundError, match="tilted by 'tau' has no peak near"):
        tierney_kadane(density_of(eight_schools), "tau")


def test_a_path_that_breaks_off():
    """Beyond its tail this density does not vanish: there is a second, higher peak."""
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 1.0)
        pm.Normal("y", 0.0, 1.0)
        pm.Deterministic("square", x**2 + x)
    with pytest.raises(MarginalError, match=r"cannot be followed beyond -0\.2"):
        tierney_kadane(model, "square", kind="smooth")


def test_unknown_kind(glass):
    with pytest.raises(ArgumentError, match="kind must be 'positive', 'smooth' or None"):
        tierney_kadane(glass, "mu", kind="negative")


def test_a_sparse_hessian_gives_what_the_two_parameters_alone_give():
    """The others are independent of them; the quantity's own Hessian has another pattern."""
    y = np.random.default_rng(0).normal(size=320)

    def made(size):
        with pm.Model() as model:
            z = pm.Normal("z", 0, 1, shape=size)
            pm.Normal("y", z, 1, observed=y[:size])
            pm.Deterministic("product", (3 + z[0]) * (3 + z[1]))
            pm.Deterministic("sum", z[0] + z[1])
        return LogDensity(model)

    large, small = made(320), made(2)
    assert large.has_sparse_hessian
    for quantity, kind in (("product", None), ("sum", None)):
        one, other = (tierney_kadane(d, quantity, kind=kind) for d in (large, small))
        for name in ("mean", "sd", "marginal_mean", "marginal_sd", "quantiles"):
            np.testing.assert_allclose(one[name], other[name], rtol=1e-6, atol=1e-8)
