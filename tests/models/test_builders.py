"""Each model's log density against its own formula, written out with SciPy; and bad arguments."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from tripos.approximations import LogDensity
from tripos.models import bioassay, eight_schools, globe, linear_regression, windshield
from tripos.models.linear_regression import RegressionData

X, DEATHS = np.array([-0.86, -0.30, -0.05, 0.73]), np.array([0, 1, 3, 5])
THETA = np.array([0.9, 6.5])


def _deaths(alpha, beta):
    return stats.binom(5, expit(alpha + beta * X)).logpmf(DEATHS).sum()


def _close(value):
    return pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("prior", "log_prior"),
    [
        ("flat", lambda theta: 0.0),
        ("weak", lambda theta: stats.norm(0, 100).logpdf(theta).sum()),
        ("normal", lambda theta: stats.norm([0, 10], [4, 10]).logpdf(theta).sum()),
        (
            "normal_variance",
            lambda theta: stats.norm([0, 10], np.sqrt([4, 10])).logpdf(theta).sum(),
        ),
        (
            "correlated",
            lambda theta: stats.multivariate_normal([0, 10], [[4, 10], [10, 100]]).logpdf(theta),
        ),
    ],
    ids=["flat", "weak", "normal", "normal_variance", "correlated"],
)
def test_bioassay(prior, log_prior, density_of):
    expected = _deaths(*THETA) + log_prior(THETA)
    assert density_of(bioassay, prior).value(THETA) == _close(expected)
    in_log_slope = np.array([THETA[0], np.log(THETA[1])])
    with_jacobian = density_of(bioassay, prior, slope="log").value(in_log_slope)
    assert with_jacobian == _close(expected + np.log(THETA[1]))


def test_bioassay_of_other_data():
    model = bioassay(log_doses=[0.0, 1.0], animals=[10, 7], deaths=[2, 6])
    expected = stats.binom([10, 7], expit([0.9, 7.4])).logpmf([2, 6]).sum()
    assert LogDensity(model).value(THETA) == _close(expected)
    assert list(model.coords["dose"]) == ["+0.00", "+1.00"]


def test_ld50_is_the_dose_that_kills_half(density_of):
    ld50 = density_of(bioassay).unravel(THETA[None])["ld50"][0]
    assert expit(THETA[0] + THETA[1] * ld50) == _close(0.5)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"prior": "vague"}, "prior must be one of .*'flat'.*, but 'vague' was given"),
        ({"slope": "square"}, r"slope must be one of \('natural', 'log'\), but 'square' was"),
    ],
    ids=["prior", "slope"],
)
def test_bioassay_with_an_unknown_variant(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        bioassay(**arguments)


@pytest.mark.parametrize(("water", "tosses"), [(6, 9), (0, 3)])
def test_globe(water, tosses, density_of):
    p = expit(0.4)
    expected = stats.binom(tosses, p).logpmf(water) + np.log(p * (1 - p))
    assert density_of(globe, water, tosses).value(np.array([0.4])) == _close(expected)


@pytest.mark.parametrize(
    ("line", "size", "mean"), [(1, 9, 14.611222), (2, 13, 15.821077)], ids=["first", "second"]
)
def test_windshield(line, size, mean):
    model = windshield(line)
    hardness = LogDensity(model).data["hardness"].get_value()
    assert hardness.size == size
    assert hardness.mean() == pytest.approx(mean, abs=6e-7)
    expected = stats.norm(14.0, np.exp(0.3)).logpdf(hardness).sum()
    assert LogDensity(model).value(np.array([14.0, 0.3])) == _close(expected)


@pytest.mark.parametrize("line", [0, 3, "1"], ids=repr)
def test_windshield_of_an_unknown_line(line):
    with pytest.raises(ValueError, match=rf"line must be one of \(1, 2\), but {line!r} was given"):
        windshield(line)


@pytest.mark.parametrize("centred", [True, False], ids=["centred", "non_centred"])
def test_eight_schools(centred, rng, density_of):
    mu, tau, eta = 3.0, 2.5, rng.standard_normal(8)
    theta = mu + tau * eta
    effects = np.array([28, 8, -3, 7, -1, 1, 18, 12])
    errors = np.array([15, 10, 16, 11, 9, 11, 10, 18])
    expected = (
        stats.norm(0, 5).logpdf(mu)
        + stats.halfcauchy(scale=5).logpdf(tau)
        + np.log(tau)
        + stats.norm(theta, errors).logpdf(effects).sum()
    )
    expected += (stats.norm(mu, tau).logpdf(theta) if centred else stats.norm.logpdf(eta)).sum()
    free = theta if centred else eta
    density = density_of(eight_schools, centred)
    point = np.concatenate([[mu, np.log(tau)], free])
    assert density.value(point) == _close(expected)
    np.testing.assert_allclose(density.unravel(point[None])["theta"][0], theta, rtol=1e-12)


@pytest.mark.parametrize("size", [1, 3, 5])
def test_linear_regression(size, rng):
    data = RegressionData(
        rng.standard_normal((7, size)), rng.standard_normal(7), noise_sd=0.3, prior_sd=1.7
    )
    b = rng.standard_normal(size)
    expected = (
        stats.norm(0, 1.7).logpdf(b).sum()
        + stats.norm(data.design @ b, 0.3).logpdf(data.outcome).sum()
    )
    assert LogDensity(linear_regression(data)).value(b) == _close(expected)
