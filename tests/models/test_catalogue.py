"""The catalogue: every entry builds, and its truth is true."""

import numpy as np
import pymc as pm
import pytest

from tripos import models
from tripos.models import CATALOGUE
from tripos.models.eight_schools import SCHOOLS
from tripos.models.linear_regression import example_data

# Those whose posterior is known; the others are as large as one likes.
KNOWN = ("bioassay", "globe", "windshield", "linear_regression", "eight_schools")
SIZED = ("borrowers", "crossed_effects", "smooth_trend", "varying_slopes", "neural_network")


@pytest.fixture(params=CATALOGUE)
def entry(request):
    return CATALOGUE[request.param]


def test_names():
    assert set(CATALOGUE) == {*KNOWN, *SIZED}
    assert all(name == entry.name for name, entry in CATALOGUE.items())
    assert all(CATALOGUE[name].build is getattr(models, name) for name in KNOWN)
    assert all(CATALOGUE[name].build.func is getattr(models, name) for name in SIZED)


def test_every_call_builds_a_new_model(entry):
    one, other = entry.build(), entry.build()
    assert type(one) is pm.Model
    assert one is not other
    assert one.free_RVs
    assert one.observed_RVs


def test_it_says_what_it_is(entry):
    assert len(entry.description) > 20
    assert entry.source


def test_quantities_are_variables_of_the_model(entry):
    model = entry.build()
    assert entry.quantities
    assert set(entry.quantities) <= {v.name for v in (*model.free_RVs, *model.deterministics)}


def test_bounds_name_the_free_variables(entry):
    if entry.bounds:
        assert set(entry.bounds) == {v.name for v in entry.build().free_RVs}
        assert all(low < high for low, high in entry.bounds.values())


def test_variables_have_dims(entry):
    """A length that a reader must guess is a length without a name."""
    model = entry.build()
    for variable in (*model.free_RVs, *model.deterministics, *model.observed_RVs):
        assert len(model.named_vars_to_dims.get(variable.name, ())) == variable.ndim, variable.name


@pytest.mark.parametrize(
    ("name", "size", "dim"),
    [
        ("borrowers", "groups", "group"),
        ("crossed_effects", "students", "student"),
        ("smooth_trend", "times", "time"),
        ("varying_slopes", "subjects", "subject"),
        ("neural_network", "hidden", "unit"),
    ],
)
def test_size_is_an_argument(name, size, dim):
    build = CATALOGUE[name].build
    assert len(build().coords[dim]) <= 20  # small enough for every method
    assert len(build(**{size: 31}).coords[dim]) == 31


def test_the_truth_is_known_where_it_is_said_to_be():
    assert tuple(name for name, entry in CATALOGUE.items() if entry.truth) == KNOWN


@pytest.mark.parametrize("name", KNOWN)
def test_truth_has_an_sd_to_every_mean(name):
    truth = CATALOGUE[name].truth
    assert truth.source
    assert set(truth.sd) <= set(truth.mean)
    assert min(truth.sd.values()) > 0


def test_truth_of_the_bioassay(golden):
    truth, exact = CATALOGUE["bioassay"].truth, golden["bioassay"]["flat"]["exact"]
    for name in ("alpha", "beta"):
        assert truth.mean[name] == pytest.approx(exact[name]["mean"], abs=6e-5)
        assert truth.sd[name] == pytest.approx(exact[name]["sd"], abs=6e-5)
    assert truth.log_evidence == pytest.approx(exact["log_evidence"], abs=6e-6)
    assert "ld50" not in truth.mean  # a ratio whose denominator may be 0


def test_truth_of_the_globe(golden):
    truth, exact = CATALOGUE["globe"].truth, golden["globe"]
    assert truth.mean["p"] == pytest.approx(exact["mean"], rel=1e-12)
    assert truth.sd["p"] == pytest.approx(exact["sd"], rel=1e-12)
    assert truth.log_evidence == pytest.approx(-np.log(10), rel=1e-12)


def test_truth_of_the_windshield(golden):
    truth, exact = CATALOGUE["windshield"].truth, golden["windshield"]["1"]
    for name in ("mu", "log_sigma", "sigma"):
        assert truth.mean[name] == pytest.approx(exact[name]["mean"], rel=1e-9)
        assert truth.sd[name] == pytest.approx(exact[name]["sd"], rel=1e-9)
    assert truth.log_evidence == pytest.approx(exact["log_evidence"], rel=1e-9)
    assert truth.mean["sigma"] == pytest.approx(1.633052, abs=6e-7)
    assert truth.log_evidence == pytest.approx(-16.001402, abs=6e-7)


def test_truth_of_the_eight_schools(golden):
    truth, exact = CATALOGUE["eight_schools"].truth, golden["eight_schools"]
    for name in ("mu", "tau"):
        assert truth.mean[name] == pytest.approx(exact[name]["mean"], abs=6e-6)
        assert truth.sd[name] == pytest.approx(exact[name]["sd"], abs=6e-6)
    for school, theta in zip(SCHOOLS, exact["theta"], strict=True):
        assert truth.mean[f"theta[{school}]"] == pytest.approx(theta["mean"], abs=6e-5)
    assert truth.log_evidence == pytest.approx(exact["log_evidence"], abs=6e-6)


def test_truth_of_the_regression(rng):
    """Against importance sampling from the prior's own product with the likelihood: no algebra."""
    truth = CATALOGUE["linear_regression"].truth
    data = example_data()
    names = [f"b[{name}]" for name in ("intercept", "slope", "curve")]
    mean = np.array([truth.mean[name] for name in names])
    sd = np.array([truth.sd[name] for name in names])
    assert list(truth.mean) == names
    size, wide = 200_000, 2.0 * sd
    b = mean + wide * rng.standard_normal((size, 3))
    residuals = data.outcome - b @ data.design.T
    log_weight = (
        -0.5 * np.sum((residuals / 0.5) ** 2 + np.log(2 * np.pi * 0.5**2), axis=1)
        - 0.5 * np.sum((b / 2.0) ** 2 + np.log(2 * np.pi * 2.0**2), axis=1)
        + 0.5 * np.sum(((b - mean) / wide) ** 2 + np.log(2 * np.pi * wide**2), axis=1)
    )
    weight = np.exp(log_weight - log_weight.max())
    evidence = np.log(weight.mean()) + log_weight.max()
    error = weight.std() / weight.mean() / np.sqrt(size)
    assert abs(evidence - truth.log_evidence) < 4 * error
    weight /= weight.sum()
    for k in range(3):
        # The error of a ratio of averages.
        assert abs(weight @ b[:, k] - mean[k]) < 4 * np.sqrt(weight**2 @ (b[:, k] - mean[k]) ** 2)
        squares = (b[:, k] - mean[k]) ** 2
        error = np.sqrt(weight**2 @ (squares - sd[k] ** 2) ** 2)
        assert abs(weight @ squares - sd[k] ** 2) < 4 * error
