"""Calibration: what passes, what fails and how it is told, and what a fit's fault does to it."""

import warnings

import arviz_base
import numpy as np
import pymc as pm
import pytest
from scipy.stats import kstest

from tripos.approximations import LogDensity, laplace, nuts
from tripos.approximations.errors import (
    ArgumentError,
    CalibrationError,
    DataError,
    MethodError,
    NoMethodError,
)
from tripos.comparisons import calibrate
from tripos.comparisons.calibration.fitting import refitting
from tripos.models import linear_regression

FEW = {"draws": 200}


def conjugate():
    with pm.Model() as model:
        mu = pm.Normal("mu", 1.0, 2.0)
        pm.Deterministic("above", mu > 0)
        pm.Deterministic("five", 5.0 + 0 * mu)
        pm.Normal("y", mu, 1.0, observed=np.zeros(4))
    return model


def exact(model, random_seed=None, shift=0.0, factor=1.0, draws=100):
    """The posterior of `conjugate` in closed form, with faults on request, in posterior sds."""
    y = model.rvs_to_values[model["y"]].get_value()
    precision = 1 / 4 + len(y)
    mean, sd = (1 / 4 + y.sum()) / precision, precision**-0.5
    scores = np.random.default_rng(random_seed).standard_normal((1, draws))
    mu = mean + sd * (shift + factor * scores)
    posterior = {"mu": mu, "above": mu > 0, "five": np.full_like(mu, 5.0)}
    tree = arviz_base.from_dict({"posterior": posterior})
    tree.attrs["independent_draws"] = 1
    return tree


def windshield_in_sigma():
    """Normal data with proper priors, and sigma as its own unconstrained coordinate."""
    with pm.Model() as model:
        mu = pm.Normal("mu", 15.0, 5.0)
        sigma = pm.Gamma("sigma", 4.0, 2.0, default_transform=None, initval=2.0)
        pm.Normal("hardness", mu, sigma, observed=np.zeros(9))
    return model


def test_an_exact_method_passes_and_its_ranks_are_uniform():
    found = calibrate(conjugate(), exact, 200, random_seed=1)
    assert found.passes
    assert list(found.table["judgement"]) == ["nothing seen", "nothing seen"]
    pits = found.ranks["pit"]
    # The constant is left out, and a truth value, all ties, has uniform PIT values all the same.
    assert list(found.table.index) == list(pits["quantity"].values) == ["mu", "above"]
    for quantity in ("mu", "above"):
        assert kstest(pits.sel(quantity=quantity), "uniform").pvalue > 0.001
    assert found.ranks["rank"].min() >= 0
    assert found.ranks["rank"].max() == 100
    assert set(found.ranks["draws"].values) == {100}
    assert "exact on 200 simulated data sets, true values from the prior." in str(found)
    assert "mu     nothing seen" in str(found)


@pytest.mark.parametrize(
    ("shift", "factor", "judgement"),
    [
        (0.6, 1.0, "biased high"),
        (-0.6, 1.0, "biased low"),
        (0.0, 0.6, "too narrow"),
        (0.0, 1.7, "too wide"),
        (-0.5, 0.6, "biased low, too narrow"),
        # All truths lie beyond the draws, which says nothing of the draws' width.
        (-6.0, 1.0, "biased low"),
    ],
)
def test_a_fault_is_named(shift, factor, judgement):
    options = {"shift": shift, "factor": factor, "draws": 2000}
    found = calibrate(conjugate(), exact, 200, var_names=["mu"], options=options, random_seed=1)
    row = found.table.loc["mu"]
    assert not found.passes
    assert row["judgement"] == judgement
    assert row["sentence"].startswith(f"mu: {judgement}. The true value is above")
    if abs(shift) < 1:
        # Four standard errors, of a mean of scores and of their sd.
        assert row["shift"] == pytest.approx(-shift / factor, abs=4 / factor / np.sqrt(200))
        assert row["spread"] == pytest.approx(1 / factor, abs=4 / factor / np.sqrt(400))


def test_what_would_not_have_been_seen_is_said():
    found = calibrate(conjugate(), exact, 100, var_names=["mu"], random_seed=1)
    assert (
        "nothing seen at 100 simulations (a bias below 0.38 sd" in found.table.at["mu", "sentence"]
    )
    assert "a bias below 0.38 sd, or an sd too small by less than 28 %" in str(found)


def test_laplace_passes_where_it_is_exact():
    found = calibrate(linear_regression(), "laplace", 120, options=FEW, random_seed=1)
    assert found.passes
    names = ["b[intercept]", "b[slope]", "b[curve]", "log density"]
    assert list(found.table.index) == names


def test_laplace_in_sigma_fails_in_sigma():
    found = calibrate(windshield_in_sigma(), "laplace", 120, options=FEW, random_seed=1)
    assert not found.passes
    assert "biased low" in found.table.at["sigma", "judgement"]
    assert found.table.at["sigma", "p_value"] < 1e-6
    assert found.table.at["mu", "judgement"] == "nothing seen"


def coin():
    with pm.Model() as model:
        p = pm.Beta("p", 2.0, 3.0)
        pm.Binomial("heads", n=12, p=p, observed=5)
    return model


def test_nuts_passes_on_a_conjugate_model():
    options = {"draws": 100, "tune": 200, "chains": 2, "cores": 1}
    found = calibrate(coin(), "nuts", 100, options=options, random_seed=1)
    assert found.passes
    assert list(found.table.index) == ["p", "log density"]
    # Its draws depend on each other, so it keeps fewer than the 200.
    assert found.ranks["draws"].max() <= 200
    assert found.ranks["draws"].mean() < 150


def test_nuts_samples_the_new_data_with_the_density_that_truths_have():
    density = LogDensity(coin())
    options = {"draws": 500, "tune": 300, "chains": 2}
    fit = refitting(nuts, density, ["heads"], options)
    data = {"heads": np.array(11)}
    density.set_data(data)
    draws = fit(data, 1)
    assert not draws.independent
    p = draws.values["p"].ravel()
    assert p.mean() == pytest.approx(13 / 17, abs=0.02)
    lp = density.batched_value(np.log(p / (1 - p))[:, None])
    np.testing.assert_allclose(draws.lp.ravel(), lp, rtol=1e-8)


@pytest.mark.parametrize(
    "method",
    ["grid", "low_rank_laplace", "diagonal_laplace", "skew_laplace", "importance", "quadrature"],
)
def test_the_methods_that_read_a_density_are_given_one(method):
    found = calibrate(coin(), method, 40, options={"draws": 100}, random_seed=1)
    assert list(found.table.index) == ["p", "log density"]
    assert found.passes
    assert not found.failures


def test_laplace_without_its_tree_is_laplace():
    density = LogDensity(coin())
    data = {"heads": np.array(9)}
    density.set_data(data)
    draws = refitting(laplace, density, ["heads"], FEW)(data, 5)
    tree = laplace(density, **FEW, random_seed=5)
    np.testing.assert_array_equal(draws.values["p"], tree["posterior"]["p"])
    np.testing.assert_array_equal(draws.lp, tree["sample_stats"]["lp"])
    assert draws.independent
    # With other options it is the method itself that is called.
    options = {"max_iterations": 30, **FEW}
    by_tree = refitting(laplace, density, ["heads"], options)(data, 5)
    assert by_tree.values["p"].shape == (1, 200)


def test_around_data_an_improper_prior_will_do():
    with pm.Model() as model:
        mu = pm.Flat("mu")
        pm.Normal("y", mu, 1.0, observed=np.array([3.0, 4.0]))
    tree = laplace(model, draws=100, random_seed=2)
    found = calibrate(model, "laplace", 100, given=tree, options=FEW, random_seed=1)
    assert found.passes
    assert found.around_data
    assert "true values from a posterior" in str(found)

    def data_of_its_own_only(model, random_seed=None):
        y = model.rvs_to_values[model["y_simulated"]].get_value()
        draws = y.mean() + np.sqrt(1 / 2) * np.random.default_rng(random_seed).normal(size=(1, 100))
        tree = arviz_base.from_dict({"posterior": {"mu": draws}})
        tree.attrs["independent_draws"] = 1
        return tree

    found = calibrate(model, data_of_its_own_only, 100, given=tree, random_seed=1)
    assert not found.passes


def test_the_same_seed_gives_the_same_ranks_and_the_data_are_put_back():
    density = LogDensity(coin())
    one, two = (calibrate(density, "laplace", 25, options=FEW, random_seed=3) for _ in range(2))
    assert one.ranks.identical(two.ranks)
    other = calibrate(density, "laplace", 25, options=FEW, random_seed=4)
    assert not one.ranks.equals(other.ranks)
    assert density.data["heads"].get_value() == 5
    assert not density.has_new_data


def test_fits_that_fail_are_counted_and_said_first():
    def picky(model, random_seed=None):
        if model.rvs_to_values[model["y"]].get_value().mean() > 2.5:
            raise RuntimeError("too large")
        warnings.warn("nearly", UserWarning, stacklevel=1)
        return exact(model, random_seed)

    found = calibrate(conjugate(), picky, 200, random_seed=1)
    count = len(found.failures)
    # P(mean of y > 2.5), with sd sqrt(4.25), is 0.234; four standard errors.
    assert abs(count / 200 - 0.234) < 4 * np.sqrt(0.234 * 0.766 / 200)
    assert found.ranks.sizes["simulation"] == 200 - count
    assert set(found.ranks["simulation"].values).isdisjoint(found.failures)
    assert str(found).startswith(
        f"{count} of 200 fits ({count / 2:.1f} %) failed (MethodError): what follows holds for data"
    )
    assert found.warned == {"UserWarning": 200 - count}
    assert f"Fits that warned: UserWarning in {200 - count}." in str(found)
    # Which data a method takes is no fault of its posteriors.
    assert found.passes


def test_too_few_fits_that_work_are_an_error():
    def hopeless(model, random_seed=None):
        raise RuntimeError("no luck")

    with pytest.raises(CalibrationError, match=r"Only 0 of 20 fits worked.*no luck"):
        calibrate(conjugate(), hopeless, 500, random_seed=1)


def test_a_quantity_that_is_no_number_is_not_judged():
    def undefined(model, random_seed=None):
        tree = exact(model, random_seed)
        tree["posterior"]["above"] = tree["posterior"]["above"] * np.nan
        return tree

    found = calibrate(conjugate(), undefined, 20, random_seed=1)
    assert found.table.at["above", "judgement"] == "not a number"
    assert "not a number in 20 of 20 fits" in str(found)
    assert not found.passes


def test_an_interrupt_passes_through_and_the_data_are_put_back():
    density, calls = LogDensity(conjugate()), []

    def interrupted(model, random_seed=None):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return exact(model, random_seed)

    with pytest.raises(KeyboardInterrupt):
        calibrate(density, interrupted, 20, random_seed=1)
    np.testing.assert_array_equal(density.data["y"].get_value(), np.zeros(4))


def test_bad_arguments_are_errors():
    model = conjugate()
    with pytest.raises(ArgumentError, match="simulations must be a whole number of at least 20"):
        calibrate(model, exact, 19)
    with pytest.raises(ArgumentError, match="level must be a number between 0 and 1"):
        calibrate(model, exact, 20, level=1)
    with pytest.raises(ArgumentError, match="var_names"):
        calibrate(model, exact, 20, var_names=["nu"])
    with pytest.raises(ArgumentError, match="draws must be a whole number"):
        calibrate(model, "laplace", 20, options={"draws": 0})
    with pytest.raises(NoMethodError, match="laplace"):
        calibrate(model, "laplaze", 20)
    with pytest.raises(CalibrationError, match="Every quantity is the same"):
        calibrate(model, exact, 20, var_names=["five"])
    with pytest.raises(MethodError, match="posterior has no above"):
        calibrate(model, _without_above, 20)
    density = LogDensity(model)
    density.set_data({"y": np.ones(4)})
    with pytest.raises(DataError, match="calibrate takes the model with its own data"):
        calibrate(density, "laplace", 20)


def _without_above(model, random_seed=None):
    tree = exact(model, random_seed)
    del tree["posterior"]["above"]
    return tree
