"""The tree has the variables, dims and coords that `pymc.sample` gives, whatever the model."""

import numpy as np
import pymc as pm
import pymc.dims as pmd
import pytensor
import pytest
from hypothesis import Phase, example, given, settings, strategies as st
from pytensor.compile.mode import Mode

from tripos.approximations import LogDensity, laplace
from tripos.approximations.errors import ArgumentError
from tripos.approximations.result import checked_count
from tripos.models import eight_schools

pytestmark = pytest.mark.filterwarnings("ignore::pymc.exceptions.ImputationWarning")

COORDS = {"group": ["a", "b", "c"], "kind": [10, 20], "week": np.array([0.5, 1.5])}


def _scalar():
    return pm.Normal("scalar", 1.0, 0.5)


def _positive():
    return pm.Gamma("positive", 3.0, 2.0)


def _vector():
    return pm.Normal("vector", 0.0, 1.0, dims="group").sum()


def _vector_without_dims():
    return pm.Exponential("bare", 1.0, shape=2).sum()


def _matrix():
    return pm.Normal("matrix", 0.0, 1.0, dims=("group", "kind")).sum()


def _cube():
    return pm.Normal("cube", 0.0, 1.0, dims=("week", "group", "kind")).sum()


def _simplex():
    return pm.Dirichlet("simplex", [2.0, 3.0, 4.0], dims="group")[0]


def _simplexes():
    return pm.Dirichlet("simplexes", np.full((2, 3), 2.0), dims=("kind", "group"))[0, 0]


def _zero_sum():
    return pm.ZeroSumNormal("zero_sum", 1.0, dims="group")[0]


def _factor():
    sds = pm.Gamma.dist(3.0, 2.0, shape=2)
    factor, _, _ = pm.LKJCholeskyCov("factor", n=2, eta=2.0, sd_dist=sds)
    return factor[1, 0]


def _interval():
    return pm.Uniform("interval", -1.0, 2.0, dims="kind").sum()


def _deterministics():
    x = pm.Normal("base", 0.0, 1.0, dims="group")
    pm.Deterministic("outer", x[:, None] * np.array([1.0, 2.0]), dims=("group", "kind"))
    pm.Deterministic("plain", x[:2] ** 2)
    return pm.Deterministic("total", x.sum())


def _constant():
    pm.Deterministic("constant", pm.math.constant([1.0, 2.0]), dims="kind")
    return 0.0


def _missing():
    y = np.ma.masked_array([0.3, -1.2, 0.8], [False, True, True])
    pm.Normal("partly", 0.0, 1.0, observed=y, dims="group")
    return 0.0


PARTS = (
    _scalar, _positive, _vector, _vector_without_dims, _matrix, _cube, _simplex,
    _simplexes, _zero_sum, _factor, _interval, _deterministics, _constant, _missing,
)  # fmt: skip


def _build(parts):
    with pm.Model(coords=COORDS) as model:
        mean = pm.Normal("intercept", 0.0, 1.0) + sum(part() for part in parts)
        pm.Normal("y", mean, 1.0, observed=[0.5, -0.5])
    return model


def _sampled(model):
    """Take two draws by PyMC's sampler, uncompiled: what they are called is all that counts."""
    # The function that makes its draws from theta follows PyTensor's mode: seconds of Numba.
    with pytensor.config.change_flags(mode="FAST_COMPILE", cxx=""):
        return pm.sample(
            2,
            tune=2,
            chains=1,
            cores=1,
            random_seed=1,
            nuts_sampler="pymc",
            progressbar=False,
            compute_convergence_checks=False,
            compile_kwargs={"mode": Mode(linker="py", optimizer="fast_compile")},
            model=model,
        )


def _check_same_labels(model, draws=3):
    reference = _sampled(model)["posterior"].to_dataset()
    found = laplace(model, draws=draws, random_seed=1)["posterior"].to_dataset()
    assert set(found.data_vars) == set(reference.data_vars)
    for name, expected in reference.data_vars.items():
        variable = found[name]
        assert variable.dims == expected.dims, name
        assert variable.shape == (1, draws, *expected.shape[2:]), name
        assert variable.dtype == expected.dtype, name
        for dim in expected.dims[2:]:
            assert variable[dim].dtype == expected[dim].dtype, (name, dim)
            np.testing.assert_array_equal(variable[dim], expected[dim], err_msg=f"{name} {dim}")
        assert np.all(np.isfinite(variable)), name


@given(parts=st.lists(st.sampled_from(PARTS), min_size=1, max_size=4, unique=True))
@example(parts=[_simplex, _simplexes, _zero_sum])
@example(parts=[_factor, _deterministics])
@example(parts=[_matrix, _cube, _positive])
@example(parts=[_missing, _vector_without_dims, _constant])
@settings(max_examples=1, phases=[Phase.explicit, Phase.generate])  # each compiles for seconds
def test_labels_are_those_of_pm_sample(parts):
    _check_same_labels(_build(parts))


def test_labels_of_a_model_with_named_dims():
    with pm.Model(coords=COORDS) as model:
        level, effect = pmd.Normal("level"), pmd.HalfNormal("effect", 1.0, dims="group")
        y = pmd.as_xtensor(np.array([0.3, 1.2, -0.5]), dims=("group",))
        pmd.Normal("y", level + effect, 1.0, observed=y)
    _check_same_labels(model)


def test_labels_of_deterministics_with_named_dims():
    with pm.Model(coords=COORDS) as model:
        effect = pmd.Normal("effect", 0.0, 1.0, dims="group")
        pmd.Deterministic("double", 2 * effect)
    _check_same_labels(model)


def test_labels_of_a_stack_of_numbers():
    """PyTensor stacks Python numbers in single precision."""
    with pm.Model(coords=COORDS) as model:
        pm.Normal("x", pm.math.stack([0.0, 2.0]), 1.0, dims="kind")
        pm.Deterministic("grid", pm.math.stack([1.0, 2.0]), dims="kind")
    tree = laplace(model, draws=3)
    np.testing.assert_allclose(tree["fit"]["mode"], [0.0, 2.0], atol=1e-12)
    np.testing.assert_array_equal(tree["posterior"]["grid"].values[0], [[1.0, 2.0]] * 3)


def test_labels_of_a_length_of_one():
    with pm.Model(coords={"group": ["only"]}) as model:
        pm.Normal("vector", dims="group")
        pm.Normal("bare", shape=1)
    _check_same_labels(model, draws=1)


def test_unconstrained_values_have_pymcs_names_and_the_dims_that_fit():
    tree = laplace(eight_schools(), draws=5)
    unconstrained = tree["unconstrained_posterior"]
    assert set(unconstrained.data_vars) == {"mu", "tau_log__", "eta"}
    assert unconstrained["eta"].dims == ("chain", "draw", "school")
    simplex = laplace(_build([_simplex]), draws=5)["unconstrained_posterior"]["simplex_simplex__"]
    assert simplex.sizes[simplex.dims[-1]] == 2  # one fewer than the groups
    assert "group" not in simplex.dims


def test_parameters_of_the_fit_are_those_of_theta():
    density = LogDensity(eight_schools())
    fit = laplace(density, draws=5)["fit"]
    assert tuple(fit["parameter"].values) == density.parameters
    assert fit["covariance"].dims == ("parameter", "parameter_bis")
    assert tuple(fit["parameter_bis"].values) == density.parameters


@pytest.mark.parametrize("value", [1, np.int64(7)])
def test_a_count_is_a_whole_number(value):
    count = checked_count("draws", value)
    assert count == value
    assert type(count) is int


@pytest.mark.parametrize("value", [0, -3, 1.0, "4", None, True], ids=repr)
def test_no_count(value):
    with pytest.raises(ArgumentError, match="draws must be a whole number of at least 1, but"):
        checked_count("draws", value)
