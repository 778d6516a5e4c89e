"""New data in an old density: nothing compiled, nothing of the model changed, all of it checked."""

import os
import subprocess
import sys

import numpy as np
import pymc as pm
import pytest
from pytensor.compile.maker import FunctionMaker

from tripos.approximations import LogDensity, find_mode, grid, laplace, nuts
from tripos.approximations.errors import DataError
from tripos.models import bioassay, eight_schools, globe, linear_regression, windshield
from tripos.models.linear_regression import RegressionData
from tripos.models.windshield import LINES

# Five doses, where the textbook has four.
DOSES, ANIMALS, DEATHS = (-0.9, -0.4, 0.0, 0.3, 0.8), (6, 5, 5, 4, 5), (0, 1, 2, 3, 5)
LABELS = ("a", "b", "c", "d", "e")


@pytest.fixture
def compilations(monkeypatch):
    """Count what PyTensor compiles, by whatever way it is asked to."""
    made = []
    create = FunctionMaker.create

    def counted(self, *arguments, **options):
        made.append(self)
        return create(self, *arguments, **options)

    monkeypatch.setattr(FunctionMaker, "create", counted)
    return made


def _with_five_doses(density):
    data = {
        "log_dose": np.array(DOSES),
        "animals": np.array(ANIMALS),
        "deaths": np.array(DEATHS),
    }
    density.set_data(data, coords={"dose": LABELS})


def _check_same_fit(one, other):
    for name in ("mode", "sd", "covariance", "log_evidence"):
        np.testing.assert_allclose(
            one["fit"][name], other["fit"][name], rtol=1e-9, atol=1e-9, err_msg=name
        )


def test_compilations_are_seen(compilations):
    """The counter itself must count, or the tests below could not fail."""
    LogDensity(globe()).value(np.zeros(1))
    assert len(compilations) >= 1


def test_a_refit_compiles_nothing(compilations):
    density = LogDensity(bioassay())
    laplace(density, draws=10)
    grid(density, points=60, draws=10)
    compilations.clear()
    _with_five_doses(density)
    laplace(density, draws=10)
    grid(density, points=60, draws=10)
    assert compilations == []


def test_values_of_the_same_length():
    density = LogDensity(eight_schools())
    laplace(density, draws=10)
    effects = np.array([20.0, 3.0, -5.0, 9.0, 0.0, 4.0, 11.0, 7.0])
    density.set_data({"effect": effects})
    with pm.Model(coords=eight_schools().coords) as fresh:
        mu, tau = pm.Normal("mu", 0.0, 5.0), pm.HalfCauchy("tau", 5.0)
        eta = pm.Normal("eta", 0.0, 1.0, dims="school")
        errors = (15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0)
        pm.Normal("effect", mu + tau * eta, errors, observed=effects, dims="school")
    _check_same_fit(laplace(density, draws=10), laplace(fresh, draws=10))


def test_another_length_of_a_named_dim():
    density = LogDensity(bioassay())
    laplace(density, draws=10)
    _with_five_doses(density)
    fresh = bioassay(log_doses=DOSES, animals=ANIMALS, deaths=DEATHS)
    tree = laplace(density, draws=10)
    _check_same_fit(tree, laplace(fresh, draws=10))
    assert tree["observed_data"]["deaths"].coords["dose"].values.tolist() == list(LABELS)
    np.testing.assert_array_equal(tree["observed_data"]["deaths"], DEATHS)
    np.testing.assert_array_equal(tree["constant_data"]["log_dose"], DOSES)


@pytest.mark.parametrize("rows", [7, 1, 40])
def test_another_length_of_a_matrix(rows, rng):
    """A length of one is the one that broadcasts by mistake."""
    density = LogDensity(linear_regression())
    laplace(density, draws=10)
    data = RegressionData(rng.standard_normal((rows, 3)), rng.standard_normal(rows))
    density.set_data(
        {"design": data.design, "y": data.outcome}, coords={"observation": range(rows)}
    )
    tree = laplace(density, draws=10)
    _check_same_fit(tree, laplace(linear_regression(data), draws=10))


def test_another_length_of_the_observed_alone():
    """The windshield's line 2 has 13 panes, line 1 nine."""
    density = LogDensity(windshield(1))
    laplace(density, draws=10)
    density.set_data({"hardness": LINES[2]}, coords={"windshield": range(13)})
    _check_same_fit(laplace(density, draws=10), laplace(windshield(2), draws=10))


def test_a_scalar_datum():
    density = LogDensity(globe())
    density.set_data({"water": 3})
    assert find_mode(density).theta[0] == pytest.approx(np.log(4 / 7), abs=1e-9)


def test_new_coordinates_alone():
    density = LogDensity(bioassay())
    density.set_data({}, coords={"dose": ["w", "x", "y", "z"]})
    tree = laplace(density, draws=10)
    assert tree["observed_data"]["dose"].values.tolist() == ["w", "x", "y", "z"]


def test_the_users_model_is_left_alone():
    model = bioassay()
    before = model.compile_logp()(model.initial_point())
    density = LogDensity(model)
    _with_five_doses(density)
    laplace(density, draws=10)
    assert model.compile_logp()(model.initial_point()) == before
    np.testing.assert_array_equal(model["log_dose"].get_value(), bioassay()["log_dose"].get_value())
    assert len(model.coords["dose"]) == 4
    # Another density of the same model has the model's own data.
    np.testing.assert_array_equal(LogDensity(model).data["deaths"].get_value(), [0, 1, 3, 5])


def test_integers_are_taken_for_numbers():
    density = LogDensity(bioassay())
    density.set_data({"log_dose": np.array([-2, -1, 1, 2])})
    assert density.data["log_dose"].get_value().dtype == np.float64


def test_nuts_wants_the_models_own_data():
    density = LogDensity(bioassay())
    _with_five_doses(density)
    with pytest.raises(DataError, match="given others by set_data"):
        nuts(density)


def test_numbas_cache_serves_another_length(tmp_path):
    """Two processes, one empty folder: the second compiles nothing, though its data are longer.

    They are forked with PyMC imported, which takes longer than all that they do.
    """
    code = """
import os
import sys
from pathlib import Path
import numpy as np
import pymc as pm
from tripos.approximations import LogDensity

def fit(length):
    y = np.arange(float(length))
    with pm.Model(coords={"observation": range(length)}) as model:
        mu = pm.Normal("mu", 0.0, 2.0)
        pm.Normal("y", mu, 0.5, observed=y, dims="observation")
    density = LogDensity(model, linker="numba")
    theta = np.array([0.7])
    value, gradient = density.value_and_gradient(theta)
    residuals = y - 0.7
    expected = -0.7 / 4 + residuals.sum() / 0.25
    np.testing.assert_allclose(gradient, [expected])

def files_after(length):
    pid = os.fork()
    if pid == 0:
        fit(length)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    return {path.name for path in Path(sys.argv[1], "numba").iterdir()}

first = files_after(20)
assert len(first) > 0
assert files_after(33) == first
"""
    flags = {"PYTENSOR_FLAGS": f"base_compiledir={tmp_path}"}
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(
        command, env=os.environ | flags, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


# What does not fit.


@pytest.fixture(scope="module")
def unchanged():
    return LogDensity(bioassay())


def _bad(**changed):
    """Give the five doses, with one of the three changed."""
    data = {"log_dose": list(DOSES), "animals": list(ANIMALS), "deaths": list(DEATHS)}
    return data | changed


@pytest.mark.parametrize(
    ("data", "coords", "sentence"),
    [
        ({"dose": [1.0]}, None, r"no data called \['dose'\]; it has .*'deaths'"),
        ({"deaths": [[0, 1, 3, 5]]}, None, r"'deaths' must have shape \(4,\), but \(1, 4\)"),
        ({"deaths": [0.0, 1.0, 3.0, 5.0]}, None, "'deaths' must have dtype int.*float64 was"),
        ({"log_dose": ["a", "b", "c", "d"]}, None, "'log_dose' must have dtype float64"),
        ({"log_dose": [1j, 0, 0, 0]}, None, "'log_dose' must have dtype float64, but complex128"),
        ({"log_dose": [0.0, [1.0], 1.0, 2.0]}, None, "'log_dose' are no array"),
        (
            {"log_dose": np.ma.masked_array([0.0, 1.0, 2.0, 3.0], [0, 1, 0, 0])},
            None,
            "'log_dose' hold masked entries",
        ),
        ({"log_dose": [0.0, np.nan, 1.0, 2.0]}, None, "'log_dose' hold NaN or infinity"),
        ({"log_dose": [0.0, np.inf, 1.0, 2.0]}, None, "'log_dose' hold NaN or infinity"),
        ({"deaths": DEATHS}, {"dose": LABELS}, "Give all data with this dim together"),
        (_bad(animals=[5, 5]), {"dose": LABELS}, "Give all data with this dim together"),
        (_bad(), None, "'dose' changes its length to 5 and has labels"),
        (_bad(), {"dose": ["a", "b"]}, "'dose' has length 5, but 2 labels came"),
        ({}, {"dose": ["a", "b"]}, "'dose' has length 4, but 2 labels came"),
        ({}, {"rat": ["a"]}, r"no dim 'rat'; it has \['dose'\]"),
    ],
    ids=[
        "unknown_name", "axes", "dtype", "text", "complex", "ragged", "masked", "nan", "infinity",
        "one_of_three", "two_lengths", "no_labels", "too_few_labels", "labels_alone", "unknown_dim",
    ],
)  # fmt: skip
def test_data_that_do_not_fit(data, coords, sentence, unchanged):
    density = unchanged
    before = {name: container.get_value() for name, container in density.data.items()}
    coords_before = density.coords
    with pytest.raises(DataError, match=sentence):
        density.set_data(data, coords=coords)
    assert density.coords == coords_before
    for name, container in density.data.items():
        np.testing.assert_array_equal(container.get_value(), before[name])


def test_a_dim_of_a_free_variable_keeps_its_length():
    density = LogDensity(eight_schools())
    with pytest.raises(DataError, match=r"'school' cannot change to 3, because .* 'eta' has it"):
        density.set_data({"effect": np.zeros(3)}, coords={"school": ["a", "b", "c"]})


def test_a_length_without_a_named_dim():
    with pm.Model() as model:
        mu = pm.Normal("mu")
        pm.Normal("y", mu, 1.0, observed=[1.0, 2.0, 3.0])
    density = LogDensity(model)
    with pytest.raises(DataError, match=r"'y' must have shape \(3,\).*named dim"):
        density.set_data({"y": [1.0, 2.0]})
