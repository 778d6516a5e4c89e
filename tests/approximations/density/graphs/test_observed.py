"""New data go where the data were, whatever else has the same numbers; or nothing changes."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings, strategies as st
from pymc.model.transform.optimization import freeze_dims_and_data

from tripos.approximations import LogDensity, laplace
from tripos.approximations.errors import DataError

NEW = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
COUNTS = np.array([3, 0, 2, 7, 1, 1, 4, 0])


def _same(density, fresh):
    """The same density and quantities at the same point."""
    fresh = LogDensity(fresh, linker="numpy")
    theta = fresh.initial_point() + 0.3
    np.testing.assert_allclose(density.value(theta), fresh.value(theta), rtol=1e-12)
    ours, theirs = density.unravel(theta[None]), fresh.unravel(theta[None])
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, err_msg=name)


@pytest.mark.parametrize("equal", ["sigma", "offset"])
def test_known_constants_equal_to_placeholder_data(equal):
    """Conjugate: a known unit variance, and a prior variance of 25."""
    old = np.ones(8) if equal == "sigma" else np.zeros(8)
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 5)
        offset, sigma = (0.0, old) if equal == "sigma" else (old, 1.0)
        pm.Normal("y", mu + offset, sigma=sigma, observed=old)
    density = LogDensity(model)
    density.set_data({"y": NEW})
    mode = laplace(density, random_seed=1)["fit"]["mode"].item()
    assert mode == pytest.approx(NEW.sum() / (8 + 1 / 25), abs=1e-9)


def test_one_constant_in_two_places():
    """Observed and predictor are one object; only the observed is the data."""
    same = pt.constant(np.arange(8.0))

    def build(y, x):
        with pm.Model() as model:
            slope = pm.Normal("slope")
            pm.Normal("y", slope * x, 1.0, observed=y)
        return model

    density = LogDensity(build(same, same), linker="numpy")
    density.set_data({"y": NEW})
    _same(density, build(NEW, np.arange(8.0)))


def test_two_observed_variables_with_the_same_numbers():
    def build(y):
        with pm.Model() as model:
            mu = pm.Normal("mu")
            pm.Normal("y", mu, 1.0, observed=y)
            pm.Normal("z", mu, 2.0, observed=np.zeros(8))
        return model

    density = LogDensity(build(np.zeros(8)), linker="numpy")
    density.set_data({"y": NEW})
    _same(density, build(NEW))


def test_a_deterministic_of_observed_data():
    def build(y):
        with pm.Model() as model:
            mu = pm.Normal("mu")
            observed = pm.Normal("y", mu, np.ones(8), observed=y)
            pm.Deterministic("residual", observed - mu)
        return model

    density = LogDensity(build(np.ones(8)), linker="numpy")
    density.set_data({"y": NEW})
    _same(density, build(NEW))


def test_data_of_a_frozen_model():
    """Its pm.Data are constants, which PyTensor merges with others; these have no name then."""

    def build(x):
        with pm.Model(coords={"t": range(8)}) as model:
            x = pm.Data("x", x, dims="t")
            pm.Normal("y", pm.Normal("slope") * x, np.ones(8), observed=NEW, dims="t")
        return freeze_dims_and_data(model)

    density = LogDensity(build(np.arange(8.0)), linker="numpy")
    density.set_data({"x": NEW})
    _same(density, build(NEW))
    with pytest.raises(DataError, match=r"no data called \['x'\]"):
        LogDensity(build(np.ones(8))).set_data({"x": NEW})


def test_data_that_are_computed_have_no_name():
    """log(x) is observed: new numbers for it are none for x."""
    with pm.Model() as model:
        x = pm.Data("x", [1.0, 2.0])
        pm.Normal("y", pm.Normal("mu"), 1.0, observed=pt.log(x))
    with pytest.raises(DataError, match=r"no data called \['y'\]; it has \['x'\]"):
        LogDensity(model).set_data({"y": [0.0, 1.0]})


def test_one_container_under_two_names():
    with pm.Model() as model:
        x = pm.Data("x", [1.0, 2.0])
        pm.Normal("y", pm.Normal("mu"), 1.0, observed=x)
    density = LogDensity(model)
    density.set_data({"x": [3.0, 4.0], "y": [3.0, 4.0]})
    with pytest.raises(DataError, match=r"'x' and 'y' stand for one pm\.Data"):
        density.set_data({"x": [3.0, 4.0], "y": [5.0, 6.0]})


# A family of models out of equal constants.

CONSTANTS = {
    "zeros": np.zeros_like,
    "ones": np.ones_like,
    "the data": np.copy,
    "a ramp": lambda y: np.arange(len(y), dtype=y.dtype),
}
constant = st.sampled_from(sorted(CONSTANTS))


@st.composite
def families(draw):
    """A function from data to a model, two data sets, and whether the length is a dim's."""
    counts, named, in_data = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    old = CONSTANTS[draw(st.sampled_from(["zeros", "ones", "a ramp"]))](np.zeros(8))
    roles = {role: CONSTANTS[draw(constant)](old) for role in ("x", "offset", "scale", "exposure")}
    kind = np.int64 if counts else np.float64
    new = (COUNTS if counts else NEW).astype(kind)
    new = new[: draw(st.sampled_from([8, 8, 5, 1]))] if named else new

    def build(y):
        short = {name: values[: len(y)] for name, values in roles.items()}
        with pm.Model(coords={"t": range(len(y))} if named else None) as model:
            dims = "t" if named else None
            if in_data:
                short = {name: pm.Data(name, values, dims=dims) for name, values in short.items()}
            line = pm.Normal("a") + pm.Normal("b") * short["x"] + short["offset"]
            if counts:
                pm.Poisson("y", pt.exp(line) * (1 + short["exposure"]), observed=y, dims=dims)
            else:
                pm.Normal("y", line, 0.5 + short["scale"] ** 2, observed=y, dims=dims)
        return model

    given_with_y = {n: v[: len(new)] for n, v in roles.items()} if in_data and named else {}
    if counts:
        given_with_y.pop("scale", None)
    return build, old.astype(kind), new, given_with_y


@settings(max_examples=30)
@given(families())
def test_new_data_are_those_of_a_fresh_model_or_refused(family):
    build, old, new, others = family
    density = LogDensity(build(old), linker="numpy")
    theta = density.initial_point() + 0.3
    before = density.value(theta)
    coords = {"t": range(len(new))} if density.coords else {}
    known = {name: values for name, values in others.items() if name in density.data}
    try:
        density.set_data({"y": new, **known}, coords=coords)
    except DataError:
        assert density.value(theta) == before
        assert len(new) != len(old)
    else:
        _same(density, build(new))
