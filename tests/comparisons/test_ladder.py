"""The ladder ends at the cheapest method that a verdict accepts."""

import numpy as np
import pymc as pm
import pytest
import xarray as xr

from tripos.approximations.errors import (
    ImproperPosteriorError,
    NoMethodError,
    NoTrustedMethodError,
)
from tripos.comparisons import Tolerances, fit
from tripos.models import bioassay, eight_schools, linear_regression


def test_a_gaussian_posterior_ends_at_laplace(density_of):
    tree = fit(density_of(linear_regression), random_seed=1)
    assert tree.attrs["method"] == "laplace"
    record = tree["ladder"]
    assert record["method"].values.tolist() == ["laplace"]
    assert record["accepted"].values.tolist() == [True]


def test_the_bioassay_climbs_until_its_weights(density_of):
    tree = fit(density_of(bioassay), var_names=["alpha", "beta"], random_seed=1)
    assert tree.attrs["method"] == "importance"
    record = tree["ladder"]
    assert record["method"].values.tolist() == ["laplace", "skew_laplace", "importance"]
    assert record["accepted"].values.tolist() == [False, False, True]
    assert record["why"].values[0].startswith("2 differs: ")
    beta = tree["posterior"]["beta"].values
    assert abs(beta.mean() - 11.6356) < 4 * 5.7731 * np.sqrt(2 / beta.size)


def test_only_what_matters_is_asked_for(density_of):
    """A tolerance that anything meets, of one variable."""
    loose = Tolerances(mean=2.0, sd=1.0, mass=0.3)
    tree = fit(density_of(bioassay), random_seed=1, var_names=["alpha"], tolerance=loose)
    assert tree.attrs["method"] == "laplace"


def test_the_record_counts_costs():
    record = fit(linear_regression(), random_seed=1)["ladder"]
    assert float(record["seconds"].sum()) > 0
    assert int(record["evaluations"].sum()) > 1000


def test_a_second_mode_ends_the_climb():
    with pm.Model() as model:
        x = pm.Flat("x")
        pm.Potential("two", pm.math.logaddexp(-0.5 * (x + 5) ** 2, -0.5 * (x - 5) ** 2))
    with pytest.raises(NoTrustedMethodError, match="another mode") as failure:
        fit(model, random_seed=1)
    assert "skew_laplace" not in str(failure.value)


def test_the_rungs_move_to_the_mode_that_has_the_mass():
    """The start leads to a hill with a millionth of it."""
    with pm.Model() as model:
        x = pm.Normal("x", 0, 100)
        hills = pm.math.stack([-0.5 * x**2 - 14.0, -0.5 * (x - 12) ** 2])
        pm.Potential("two", pm.math.logsumexp(hills))
    tree = fit(model, random_seed=1)
    assert tree.attrs["method"] == "laplace"
    assert float(tree["fit"]["mode"][0]) == pytest.approx(12 / 1.0001, abs=1e-3)
    first, second = tree["ladder"]["why"].values
    assert "times the mass of that at x = 12" in first
    assert second == "1 agrees."


def test_without_a_joint_mode_it_is_said_once(density_of):
    with pytest.raises(NoTrustedMethodError, match="It stands on the joint mode, too") as failure:
        fit(
            density_of(eight_schools, centred=True),
            methods=["laplace", "skew_laplace", "importance"],
        )
    assert str(failure.value).count("no finite mode") == 1
    assert "nested_laplace serves this model" in str(failure.value)


def test_an_improper_posterior_is_not_climbed():
    with pm.Model() as model:
        spread = pm.math.sqrt(1 + pm.math.exp(2 * pm.Flat("log_sd")))
        pm.Normal("y", 0, spread, observed=[-4.0, -3, 0, 1, 3, 5])
    with pytest.raises(ImproperPosteriorError, match="log_sd"):
        fit(model, random_seed=1)


def test_all_reasons_are_told(density_of):
    with pytest.raises(NoTrustedMethodError, match=r"laplace: .*differs"):
        fit(density_of(eight_schools), methods=["laplace", "quadrature"], random_seed=1)


def test_an_unknown_rung(density_of):
    with pytest.raises(NoMethodError, match=r"no rung called \['hmc'\]"):
        fit(density_of(bioassay), methods=["hmc"])


def test_the_tree_can_be_written(tmp_path, density_of):
    tree = fit(density_of(linear_regression), random_seed=1)
    path = tmp_path / "tree.nc"
    tree.to_netcdf(path, engine="h5netcdf")
    back = xr.open_datatree(path, engine="h5netcdf").load()
    back.close()
    xr.testing.assert_equal(back["ladder"], tree["ladder"])
