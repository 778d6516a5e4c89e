"""The mode and the Laplace approximation where the Hessian is sparse, against the dense way."""

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy import sparse

from tripos.approximations import Gaussian, LogDensity, find_mode, laplace
from tripos.approximations.errors import (
    CurvatureError,
    MemoryLimitError,
    ModeAtInfinityError,
    ModeNotFoundError,
)
from tripos.approximations.laplace import precision_of
from tripos.models import borrowers

GROUPS = 400


class DenseDensity(LogDensity):
    """A log density whose Hessian is an array, whatever its pattern."""

    def derivatives(self, theta):
        value, gradient, hessian = super().derivatives(theta)
        return value, gradient, hessian.toarray()


@pytest.fixture(scope="module")
def model():
    return borrowers(GROUPS, centred=False)


@pytest.fixture(scope="module")
def density(model):
    return LogDensity(model, linker="numpy")


@pytest.fixture(scope="module")
def mode(density):
    return find_mode(density)


@pytest.fixture(scope="module")
def dense_mode(model):
    return find_mode(DenseDensity(model, linker="numpy"))


@pytest.fixture(scope="module")
def tree(density):
    return laplace(density, draws=2000, random_seed=1)


def test_the_mode_is_that_of_the_dense_search(mode, dense_mode):
    assert isinstance(mode.hessian, sparse.csc_array)
    assert isinstance(dense_mode.hessian, np.ndarray)
    sds = Gaussian.from_precision(dense_mode.theta, -dense_mode.hessian).sd
    np.testing.assert_allclose((mode.theta - dense_mode.theta) / sds, 0, atol=1e-6)
    assert mode.logp == pytest.approx(dense_mode.logp, abs=1e-9)
    assert mode.iterations < 40


def test_a_start_at_the_mode_takes_no_step(density, mode):
    again = find_mode(density, start=mode.theta)
    assert again.iterations == 0
    np.testing.assert_allclose(again.theta, mode.theta, rtol=0, atol=1e-9)


def test_the_fit_is_that_of_the_dense_way(tree, dense_mode):
    fit = tree["fit"].to_dataset()
    gaussian = Gaussian.from_precision(dense_mode.theta, -dense_mode.hessian)
    np.testing.assert_allclose(fit["sd"], gaussian.sd, rtol=1e-6)
    evidence = dense_mode.logp + 0.5 * gaussian.size * np.log(2 * np.pi)
    evidence += 0.5 * gaussian.log_determinant
    assert float(fit["log_evidence"]) == pytest.approx(evidence, abs=1e-6)


def test_draws_have_the_sds_of_the_fit(tree):
    fit = tree["fit"]
    for name in ("slopes", "z"):
        draws = tree["unconstrained_posterior"][name].values[0]
        labels = [f"{name}[{k}]" for k in range(draws.shape[1])]
        ratio = draws.std(axis=0) / fit["sd"].sel(parameter=labels).values
        # An sd's standard error is 1 / sqrt(2 S) of it; 400 of them are looked at.
        assert np.abs(ratio - 1).max() < 5 / np.sqrt(2 * 2000)


def test_there_is_no_covariance_and_the_precision_comes_back(tree, mode, tmp_path):
    fit = tree["fit"].to_dataset()
    assert "covariance" not in fit
    assert "parameter_bis" not in fit.dims
    difference = precision_of(fit) + mode.hessian
    assert abs(difference).max() <= 1e-6 * abs(mode.hessian).max()
    tree.to_netcdf(tmp_path / "tree.nc", engine="h5netcdf")
    back = xr.open_datatree(tmp_path / "tree.nc", engine="h5netcdf").load()
    back.close()
    xr.testing.assert_equal(back, tree)


def test_a_dense_fit_gives_its_precision_too(bioassay_laplace):
    fit = bioassay_laplace["fit"].to_dataset()
    np.testing.assert_array_equal(precision_of(fit), fit["precision"].values)


def test_other_modes_are_looked_for_by_dense_methods(density, mode):
    """`place` and `factor` stay what they are for whoever whitens by a triangular matrix."""
    gaussian = Gaussian.from_precision(mode.theta, -mode.hessian)
    dense = Gaussian.from_precision(mode.theta, -mode.hessian.toarray())
    np.testing.assert_allclose(gaussian.factor, dense.factor, atol=1e-6)


# How many draws.


def test_a_large_model_gets_fewer_draws_unless_asked():
    with pm.Model() as model:
        pm.Normal("x", 0.0, 1.0, shape=100_000)
    density = LogDensity(model, linker="numpy")
    tree = laplace(density, random_seed=1)
    assert tree["posterior"].sizes["draw"] == 100
    np.testing.assert_array_equal(tree["fit"]["sd"], 1.0)
    sentence = r"1,000,000 draws of 200,000 numbers .* needs .* GiB .*draws=100"
    with pytest.raises(MemoryLimitError, match=sentence):
        laplace(density, draws=1_000_000)


def test_a_small_model_gets_4000_draws():
    with pm.Model() as model:
        pm.Normal("x", 0.0, 1.0)
    assert laplace(model)["posterior"].sizes["draw"] == 4000


# No mode.


def _flat_direction():
    """A level and effects without a prior: their sum is all that the data know."""
    with pm.Model() as model:
        level, effect = pm.Flat("level"), pm.Flat("effect", shape=GROUPS)
        pm.Normal("y", level + effect, 1.0, observed=np.linspace(-1, 1, GROUPS))
    return model


def _unobserved_group():
    """An effect without a prior, in a group without observations."""
    group = np.arange(GROUPS - 1)
    with pm.Model() as model:
        effect = pm.Flat("effect", shape=GROUPS)
        pm.Normal("y", effect[group], 1.0, observed=np.zeros(GROUPS - 1))
    return model


def _separated():
    """Successes only in the last group, and nothing that bounds its effect."""
    y = np.tile([0, 1], (GROUPS, 1))
    y[-1] = 1
    with pm.Model() as model:
        effect = pm.Flat("effect", shape=GROUPS)
        pm.Bernoulli("y", logit_p=effect[:, None], observed=y)
    return model


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (_flat_direction, r"flat along .*(effect|level)"),
        (_unobserved_group, rf"flat along 1 effect\[{GROUPS - 1}\]"),
        (_separated, rf"(no finite mode|curvature vanishes).* effect\[{GROUPS - 1}\]"),
        (lambda: borrowers(GROUPS), "no finite mode.*sigma_log__"),
    ],
    ids=["flat_direction", "unobserved_group", "separated", "centred"],
)
def test_a_mode_at_infinity(build, sentence):
    density = LogDensity(build(), linker="numpy")
    assert density.has_sparse_hessian
    # Where the slope of the separated group ends in rounding, its curvature does.
    with pytest.raises((ModeAtInfinityError, CurvatureError), match=sentence):
        find_mode(density)


def test_a_top_too_flat_for_a_normal_distribution():
    with pm.Model() as model:
        x = pm.Flat("x", shape=GROUPS, initval=np.full(GROUPS, 0.1))
        pm.Potential("rest", -pm.math.sum(x[1:] ** 2))
        pm.Potential("top", -(x[0] ** 4))
    with pytest.raises(CurvatureError, match=r"curvature vanishes along 1 x\[0\]"):
        find_mode(LogDensity(model, linker="numpy"))


def test_too_few_iterations(density):
    with pytest.raises(ModeNotFoundError, match=r"steps of at most 2: .*max_iterations"):
        find_mode(density, max_iterations=2)
