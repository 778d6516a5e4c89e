"""The ladder ends at the cheapest method that can be trusted, and throws nothing away."""

import re
from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
import xarray as xr

from tripos.approximations import METHODS, LogDensity
from tripos.approximations.errors import (
    ArgumentError,
    ImproperPosteriorError,
    NoMethodError,
    NoTrustedMethodError,
    UntrustedWarning,
)
from tripos.comparisons import Tolerances, fit, ladder
from tripos.comparisons.ladder import rungs
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


def two_peaks(apart=5.0, share=0.5):
    with pm.Model() as model:
        x = pm.Flat("x")
        here, there = -0.5 * (x + apart) ** 2, -0.5 * (x - apart) ** 2
        pm.Potential("two", pm.math.logaddexp(np.log(1 - share) + here, np.log(share) + there))
    return model


def test_two_modes_are_weighted_about_both():
    """The search ended at a second mode before, with every quantity failed."""
    tree = fit(two_peaks(share=0.25), random_seed=1)
    assert tree.attrs["method"] == "importance"
    assert "another mode, at x = " in tree["ladder"]["why"].values[0]
    x = tree["posterior"]["x"].values
    error = 5 * np.sqrt(4 * 0.75 * 0.25 / x.size)
    assert abs(np.mean(x) - (-2.5)) < 4 * np.sqrt(error**2 + 26 / x.size)


def test_the_rungs_move_to_the_mode_that_has_the_mass():
    """The start leads to a hill with a millionth of it."""
    with pm.Model() as model:
        x = pm.Normal("x", 0, 100)
        hills = pm.math.stack([-0.5 * x**2 - 14.0, -0.5 * (x - 12) ** 2])
        pm.Potential("two", pm.math.logsumexp(hills))
    tree = fit(model, random_seed=1)
    assert tree.attrs["method"] == "laplace"
    assert float(tree["fit"]["mode"][0]) == pytest.approx(12 / 1.0001, abs=1e-3)
    assert tree["ladder"]["accepted"].values.tolist() == [True]


def test_the_search_and_the_sample_are_made_once(density_of):
    """The rungs above the first cost next to nothing, of which a third made all again."""
    tree = fit(density_of(bioassay), var_names=["alpha", "beta"], random_seed=1)
    first, *above = tree["ladder"]["evaluations"].values
    assert first > 10_000
    assert sum(above) < 100


def test_a_model_without_a_joint_mode_is_accepted_by_its_outer_parameters(density_of):
    """Centred eight schools: the mode is at infinity, and the nested approximation has weights."""
    tree = fit(density_of(eight_schools, centred=True), var_names=["mu"], random_seed=1)
    record = tree["ladder"]
    assert tree.attrs["method"] == "nested_laplace"
    why = dict(zip(record["method"].values, record["why"].values, strict=True))
    assert "no finite mode" in why["laplace"]
    assert why["importance"].startswith("It stands on the joint mode, too")
    assert "it serves up to 6 scalars, and there are 10" in why["quadrature"]
    mu = tree["posterior"]["mu"].values
    assert abs(mu.mean() - 4.38) < 0.3  # REFERENCE: 4.38, sd 3.3


def test_perfect_draws_are_accepted(density_of):
    """Of 30 quantities at 4,000 draws each some were refused by chance, with most seeds."""
    with pm.Model() as model:
        pm.Normal("x", 0, 1, shape=30)
    density = LogDensity(model, linker="numpy")
    for seed in range(5):
        tree = fit(density, methods=["importance"], random_seed=seed)
        assert tree.attrs["accepted"] == 1, str(tree["ladder"]["why"].values)


def test_nothing_is_thrown_away(density_of):
    """Without a rung that can be trusted, the best tree comes back, so marked, with a warning."""
    limits = Tolerances(monte_carlo=1e-4)
    with pytest.warns(UntrustedWarning, match="returned with accepted = 0, and cannot be trusted"):
        tree = fit(
            density_of(bioassay),
            var_names=["alpha", "beta"],
            methods=["laplace", "importance"],
            tolerance=limits,
            random_seed=1,
        )
    assert tree.attrs["accepted"] == 0
    assert tree.attrs["method"] == "importance"
    assert tree["ladder"]["judgement"].sel(quantity="beta").values.tolist() == [
        "differs",
        "inconclusive",
    ]
    assert "take more draws" in str(tree["ladder"]["sentence"].values[-1, 0])


def test_strict_raises_with_the_tree_and_the_ladder(density_of):
    with pytest.raises(NoTrustedMethodError, match=r"laplace: .*differs") as failure:
        fit(density_of(bioassay), methods=["laplace"], random_seed=1, strict=True)
    assert failure.value.tree.attrs["accepted"] == 0
    assert failure.value.ladder["method"].values.tolist() == ["laplace"]


def test_without_any_tree_it_is_said_for_all(density_of):
    with pytest.raises(NoTrustedMethodError, match="It stands on the joint mode, too") as failure:
        fit(
            density_of(eight_schools, centred=True),
            methods=["laplace", "skew_laplace", "importance"],
        )
    assert str(failure.value).count("no finite mode") == 1
    assert failure.value.tree is None


def test_an_improper_posterior_is_not_climbed():
    with pm.Model() as model:
        spread = pm.math.sqrt(1 + pm.math.exp(2 * pm.Flat("log_sd")))
        pm.Normal("y", 0, spread, observed=[-4.0, -3, 0, 1, 3, 5])
    with pytest.raises(ImproperPosteriorError, match="log_sd"):
        fit(model, random_seed=1)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"var_names": ["alpha", "bta"]}, r"var_names hold \['bta'\]"),
        ({"var_names": []}, "var_names is empty"),
        ({"nuts": {"target_acept": 0.9}}, "target_acept"),
    ],
)
def test_what_is_misspelt_is_refused_before_anything_runs(density_of, asked, said):
    density = density_of(bioassay)
    before = dict(density.evaluations)
    with pytest.raises(ArgumentError, match=said):
        fit(density, random_seed=1, **asked)
    assert density.evaluations == before


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


# What a rung below has found counts for those above.


def test_a_second_mode_is_not_hidden_from_quadrature():
    """It stands on one mode, whose rule has no error to speak of."""
    tree = fit(two_peaks(15.0), methods=["quadrature", "importance"], random_seed=1)
    assert tree.attrs["method"] == "importance"
    assert tree["ladder"]["accepted"].values.tolist() == [False, True]


def test_mass_far_out_is_not_hidden_from_any_rung():
    """Most of the mass is a thousand times as wide as the peak, and no draw about that finds it."""
    with pm.Model() as model:
        x = pm.Normal("x", 0, 1e4, shape=2)
        square = pm.math.sum(x**2)
        parts = [-0.5 * square, -0.5 * square / 1e6 - 2 * np.log(1e3) + 1.0]
        pm.Potential("p", pm.math.logsumexp(pm.math.stack(parts)))
    with pytest.warns(UntrustedWarning, match="far out, where no draw fell, there is mass"):
        tree = fit(model, methods=["laplace", "importance", "quadrature"], random_seed=1)
    assert tree.attrs["accepted"] == 0


def test_more_modes_than_one_round_of_searches_finds():
    """Of 16 modes eight were found, and weights about these alone were accepted."""
    with pm.Model() as model:
        for k in range(4):
            parts = [pm.Normal.dist(-5, 1), pm.Normal.dist(5, 1)]
            pm.Mixture(f"x{k}", w=[0.6, 0.4], comp_dists=parts, initval=-5.0)
    tree = fit(model, methods=["laplace", "importance"], random_seed=1)
    assert tree.attrs["accepted"] == 1
    for k in range(4):
        assert float(tree["posterior"][f"x{k}"].mean()) == pytest.approx(-1.0, abs=0.4)


def test_an_interrupted_run_returns_what_there_is(density_of, monkeypatch):
    """Ctrl-C before the first draw of NUTS leaves the tree of an earlier rung."""

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(rungs, "sampled_to_target", interrupted)
    with pytest.warns(UntrustedWarning):
        tree = fit(
            density_of(bioassay), var_names=["beta"], methods=["laplace", "nuts"], random_seed=1
        )
    assert tree.attrs["method"] == "laplace"
    assert "It was interrupted" in tree["ladder"]["why"].values[-1]
    with pytest.raises(KeyboardInterrupt):
        fit(density_of(bioassay), methods=["nuts"], random_seed=1)


def test_progress_tells_rung_and_evaluations(density_of, monkeypatch, capsys):
    monkeypatch.setattr(ladder, "is_terminal", lambda: True)
    fit(density_of(linear_regression), random_seed=1)
    assert re.search(r"laplace: accepted \([\d,]+ evaluations, [\d.]+ s\)", capsys.readouterr().err)


def test_a_rung_that_is_registered_later(density_of):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METHODS, "mine", replace(METHODS["quadrature"], rung=2.5))
        tree = fit(density_of(bioassay), methods=["mine"], var_names=["beta"], random_seed=1)
    assert tree["ladder"]["method"].values.tolist() == ["mine"]
