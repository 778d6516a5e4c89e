"""The verdict: right where the truth is known, and silent where nothing can be known."""

import arviz_base
import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
import xarray as xr
from scipy.stats import norm

from tripos.approximations import (
    LogDensity,
    diagonal_laplace,
    grid,
    laplace,
    low_rank_laplace,
    nested_laplace,
    skew_laplace,
)
from tripos.approximations.errors import (
    ArgumentError,
    ModeAtInfinityError,
    NoSharedVariableError,
    WeightsError,
)
from tripos.comparisons import Tolerances, Verdict, verdict
from tripos.comparisons.verdict import reference
from tripos.models import bioassay, eight_schools, globe, linear_regression


def judged(model, seed=0, **options):
    density = LogDensity(model, linker="numpy")
    return verdict(laplace(density, random_seed=1), density, random_seed=seed, **options)


def flat_model(log_density, size=1, **options):
    with pm.Model() as model:
        x = pm.Flat("x", shape=size, **options)
        pm.Potential("p", log_density(x))
    return model


def tree_of(draws, *, independent=True, **attrs):
    tree = arviz_base.from_dict({"posterior": {k: np.atleast_2d(v) for k, v in draws.items()}})
    tree.attrs = {"independent_draws": int(independent), **attrs}
    return tree


# Bioassay and what else has a known answer.


@pytest.fixture(scope="module")
def flat(density_of):
    """Bioassay with a flat prior: density and Laplace approximation."""
    density = density_of(bioassay)
    return density, laplace(density, random_seed=1)


def test_bioassay_differs_for_all_seeds(flat):
    density, tree = flat
    limits = Tolerances()
    for seed in range(20):
        found = verdict(tree, density, random_seed=seed)
        assert found.table.at["beta", "judgement"] == "differs"
        assert found.table.at["ld50", "judgement"] == "differs"
        assert found.pareto_khat < 0.5
        beta = found.discrepancies.loc["beta"]
        count = limits.standard_errors
        assert abs(beta["mean_shift"]) - count * beta["mean_shift_se"] > limits.mean
        assert beta["mass_95"] + count * beta["mass_95_se"] < 0.95 - limits.mass
        # The exact values, by quadrature: 7.74 against 11.6356 with sd 5.7731.
        assert abs(beta["mean_shift"] - (7.7488 - 11.6356) / 5.7731) < 4 * beta["mean_shift_se"]


def test_a_linear_regression_agrees():
    found = judged(linear_regression())
    assert found.agrees
    assert found.pareto_khat == -np.inf
    assert found.counts == {"agrees": 3, "differs": 0, "inconclusive": 0, "failed": 0}
    assert found.table["error"].max() < 1e-6


def test_a_table_for_people(flat):
    density, tree = flat
    found = verdict(tree, density, random_seed=1)
    lines = str(found).splitlines()
    assert len(lines) == len(found.table) + 1
    beta = next(line for line in lines if line.startswith("beta"))
    assert beta.split()[1] == "differs"
    assert "the mean of beta is -0." in beta
    assert "use the reweighted draws of importance (k-hat" in beta
    assert "differs" in lines[-1]
    assert found.evaluations > 8000
    assert found.seconds > 0
    assert not found.agrees


def test_the_same_seed_gives_the_same_verdict(flat):
    density, tree = flat
    one, two = (verdict(tree, density, random_seed=4).discrepancies for _ in range(2))
    assert one.equals(two)


def test_a_wide_tolerance_accepts(flat):
    density, tree = flat
    wide = Tolerances(mean=5, sd=5, mass=0.5)
    names = ["alpha", "beta"]
    assert verdict(tree, density, tolerance=wide, var_names=names, random_seed=1).agrees


def test_any_tree_can_be_judged(flat):
    """A method of wrong mean and spread, whoever made it; and one that corrects the skewness."""
    density, tree = flat
    beta = tree["posterior"]["beta"].values
    for wrong in (beta + 6, 10 + 0.2 * (beta - 10)):
        found = verdict(tree_of({"beta": wrong}, method="pathfinder"), density, random_seed=1)
        assert list(found.table["judgement"]) == ["differs"]
    assert verdict(skew_laplace(density, random_seed=1), density).table.index[0] == "alpha"


def test_a_tree_of_one_draw_differs(density_of):
    density = density_of(globe)
    found = verdict(laplace(density, draws=1, random_seed=1), against=grid(density, random_seed=1))
    assert list(found.table["judgement"]) == ["differs"]
    assert "p varies in the posterior only" in found.table.at["p", "sentence"]


# Where weights cannot judge.


def two_normals(distance, share=0.5):
    def log_density(x):
        here, there = -0.5 * x[0] ** 2, -0.5 * (x[0] - distance) ** 2
        return pt.logaddexp(np.log(1 - share) + here, np.log(share) + there)

    return flat_model(log_density, initval=[0.1])


def test_a_second_mode_is_weighted_too():
    """It failed before, with nothing measured."""
    found = judged(two_normals(9.0))
    assert set(found.table["judgement"]) == {"differs"}
    assert "another mode, at x[0] = 9, with 1 times the mass" in found.table.at["x[0]", "sentence"]
    assert "find_modes" in str(found)
    assert found.second_mode
    assert found.pareto_khat < 0.5
    # Half of the mass is 9 sds away: the mean is 4.5 of sd sqrt(1 + 4.5²).
    row = found.discrepancies.loc["x[0]"]
    assert abs(row["mean_shift"] + 4.5 / np.sqrt(21.25)) < 4 * row["mean_shift_se"]


def test_a_tree_on_a_mode_without_mass_differs():
    """The search from the start ends on a hill with a millionth of the mass of another."""
    hills = flat_model(
        lambda x: pt.logaddexp(-0.5 * x[0] ** 2 - np.log(1e6), -0.5 * (x[0] - 12.0) ** 2)
    )
    density = LogDensity(hills, linker="numpy")
    found = verdict(laplace(density, random_seed=1), density, random_seed=1)
    assert list(found.table["judgement"]) == ["differs"]
    assert found.discrepancies.at["x[0]", "mean_shift"] == pytest.approx(-12.0, abs=0.2)
    said = found.table.at["x[0]", "sentence"]
    assert "ends at a mode with 1e-06 times the mass of that at x[0] = 12: begin there" in said
    there = laplace(density, start=found.heavier_mode, random_seed=1)
    assert verdict(there, density, random_seed=1).agrees


def test_a_funnel_is_never_agreed_with():
    with pm.Model() as model:
        v = pm.Normal("v", 0.0, 3.0)
        pm.Normal("x", 0.0, pm.math.exp(v / 2), shape=5)
    density = LogDensity(model, linker="numpy")
    tree = laplace(density, random_seed=1)
    for seed in range(2):
        assert verdict(tree, density, random_seed=seed).counts["agrees"] == 0


def test_a_peak_upon_something_wide_is_never_agreed_with():
    """Half of the mass is a thousand times as wide as the peak.

    No valley parts the two, and of the draws about the peak few or none fall far enough out.
    """

    def log_density(x):
        return pt.logaddexp(-0.5 * x[0] ** 2, -0.5 * (x[0] / 1e3) ** 2 - np.log(1e3))

    density = LogDensity(flat_model(log_density), linker="numpy")
    tree = laplace(density, random_seed=1)
    for seed in range(2):
        assert verdict(tree, density, random_seed=seed).counts["agrees"] == 0


def test_mass_far_out_is_told():
    """Three quarters as much as in the peak, below exp(-14) of its height and a million wide."""
    wide = flat_model(lambda x: pt.logaddexp(-0.5 * x[0] ** 2, -0.5 * (x[0] / 1e6) ** 2 - 14.1))
    found = judged(wide)
    assert list(found.table["judgement"]) == ["inconclusive"]
    assert "far out, where no draw fell, there is mass" in found.table.at["x[0]", "sentence"]


def test_a_density_that_is_no_number_far_out_is_zero_there():
    """A square root of a negative number, 4 sds away, where there is no mass to speak of."""
    found = judged(flat_model(lambda x: -0.5 * x[0] ** 2 + pt.sqrt(4 - x[0]) / 100))
    assert found.agrees


def test_a_density_that_is_no_number_fails():
    """The same where the density is high."""
    found = judged(flat_model(lambda x: -0.5 * x[0] ** 2 + pt.sqrt(2 - x[0]) / 100))
    assert list(found.table["judgement"]) == ["failed"]
    assert "log density is nan at" in found.table.at["x[0]", "sentence"]
    assert found.pareto_khat == np.inf


def test_all_weight_on_one_draw_fails(monkeypatch, flat):
    def refuse(*_, **__):
        raise WeightsError("One pair of draws of 4000 holds 0.999 of the weight.")

    monkeypatch.setattr(reference, "weighted_pairs", refuse)
    found = verdict(flat[1], flat[0], random_seed=1)
    assert set(found.table["judgement"]) == {"failed"}
    expected = "beta: One pair of draws of 4000 holds 0.999 of the weight."
    assert found.table.at["beta", "sentence"] == expected


def test_no_mode_is_an_exception():
    with pytest.raises(ModeAtInfinityError):
        verdict(tree_of({"mu": np.zeros(10)}), eight_schools(centred=True))


# Quantities that are no plain numbers.


def with_quantity(quantity, mean=0.0):
    with pm.Model() as model:
        x = pm.Normal("x", mean, 1.0, shape=2)
        pm.Deterministic("r", quantity(x))
    return model


def test_a_quantity_that_is_no_number_for_some_draws():
    found = judged(with_quantity(lambda x: pt.log(x[0]), mean=2.5))
    assert found.table.at["r", "judgement"] == "failed"
    assert "r is not a finite number for some draws" in found.table.at["r", "sentence"]
    assert found.table.at["x[0]", "judgement"] == "agrees"


def test_a_cauchy_quantity_is_judged_by_quantiles():
    found = judged(with_quantity(lambda x: x[0] / x[1]))
    assert found.table.at["r", "judgement"] == "agrees"
    said = found.table.at["r", "sentence"]
    assert said.endswith("It has no mean to compare: its quartiles were.")
    assert not found.discrepancies.at["r", "has_mean"]


@pytest.mark.parametrize(
    "quantity",
    [
        lambda x: pt.zeros_like(x[0]) + 3.0,
        lambda x: pt.sum(pt.special.softmax(x)),
        lambda x: pt.gt(x[0], 0.3),
        lambda x: pt.floor(x[0]),
    ],
    ids=["constant", "constant up to rounding", "true or false", "whole numbers"],
)
def test_quantities_with_ties_agree_when_they_are_the_same(quantity):
    assert judged(with_quantity(quantity)).table.at["r", "judgement"] == "agrees"


def test_a_rare_truth_value_is_told():
    """Above 3 with 0.85 % under a t with 8 d.f., and with 0.07 % under its normal approximation."""
    with pm.Model() as model:
        x = pm.StudentT("x", nu=8)
        pm.Deterministic("tail", x > 3)
    assert judged(model).table.at["tail", "judgement"] == "differs"


# Judged by another tree.


def test_against_a_grid(flat):
    density, tree = flat
    found = verdict(tree, against=grid(density, random_seed=1))
    assert set(found.table["judgement"]) == {"differs"}
    assert np.isnan(found.pareto_khat)
    assert found.evaluations == 0
    assert found.table.at["beta", "sentence"].endswith("; use NUTS.")


def stuck(seed, chains=4):
    """Chains that have not met: each about a mean of its own."""
    rng = np.random.default_rng(seed)
    return np.arange(chains)[:, None] + rng.standard_normal((chains, 1000))


def test_chains_that_have_not_converged_judge_nothing():
    found = verdict(tree_of({"x": stuck(1)}), against=tree_of({"x": stuck(2)}, independent=False))
    assert list(found.table["judgement"]) == ["inconclusive"]
    assert (
        "cannot be trusted: the chains break the usual limits: R-hat is"
        in found.table.at["x", "sentence"]
    )


def test_a_single_chain_is_held_against_itself():
    drifting = np.concatenate(stuck(2, chains=2))
    found = verdict(
        tree_of({"x": drifting}), against=tree_of({"x": drifting[None]}, independent=False)
    )
    assert list(found.table["judgement"]) == ["inconclusive"]


def test_good_chains_judge():
    rng = np.random.default_rng(3)
    trusted = tree_of({"x": rng.standard_normal((4, 10_000))}, independent=False)
    fine = tree_of({"x": norm.ppf((np.arange(4000) + 0.5) / 4000)})
    assert verdict(fine, against=trusted).agrees


@pytest.mark.parametrize(
    "fit", [{"pareto_khat": 0.9}, {"pareto_khat": 0.1, "effective_sample_size": 50.0}]
)
def test_weighted_draws_that_are_worth_little_judge_nothing(fit):
    draws = tree_of({"x": norm.ppf((np.arange(4000) + 0.5) / 4000)})
    trusted = draws.copy()
    trusted["fit"] = xr.DataTree(xr.Dataset(fit))
    assert list(verdict(draws, against=trusted).table["judgement"]) == ["inconclusive"]


# What is asked wrongly.


@pytest.mark.parametrize("both", [True, False])
def test_one_judge_is_needed(flat, both):
    density, tree = flat
    judges = {"model": density, "against": tree} if both else {}
    with pytest.raises(ArgumentError, match="needs a judge"):
        verdict(tree, **judges)


def test_a_tree_of_another_model_is_refused(flat):
    with pytest.raises(ArgumentError, match="another model, or of other data: it has alpha, beta"):
        verdict(flat[1], globe())


def test_a_tree_of_other_data_is_refused(normal_model_density):
    density, tree = normal_model_density
    density.set_data({"y": np.array([3.0, 4.0])})
    with pytest.raises(ArgumentError, match="another model, or of other data"):
        verdict(tree, density)


@pytest.fixture
def normal_model_density():
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.0, 2.0)
        pm.Normal("y", mu, 0.5, observed=np.array([0.1, -0.4]))
    density = LogDensity(model, linker="numpy")
    return density, laplace(density, random_seed=1)


def test_after_new_data_a_new_fit_agrees(normal_model_density):
    density, _ = normal_model_density
    density.set_data({"y": np.array([3.0, 4.0])})
    assert verdict(laplace(density, random_seed=1), density).agrees


def test_nothing_in_common():
    with pytest.raises(NoSharedVariableError, match="no quantity to judge"):
        verdict(tree_of({"a": np.arange(9.0)}), against=tree_of({"b": np.arange(9.0)}))


def test_var_names(flat):
    density, tree = flat
    assert list(verdict(tree, density, var_names=["beta"]).table.index) == ["beta"]
    assert list(verdict(tree, density, var_names="beta").table.index) == ["beta"]


@pytest.mark.parametrize("names", [["beta", "gamma"], ["bet"], ["b", "e", "t", "a"]])
def test_unknown_names_are_refused(flat, names):
    with pytest.raises(ArgumentError, match="var_names hold"):
        verdict(flat[1], flat[0], var_names=names)


def test_unknown_names_are_refused_where_all_fails():
    """An empty table would agree in everything."""
    with pytest.raises(ArgumentError, match="var_names hold"):
        judged(two_normals(9.0), var_names=["y"])


def test_an_empty_table_does_not_agree(flat):
    found = verdict(flat[1], flat[0], random_seed=1)
    assert not Verdict(found.table[:0], found.discrepancies, 0.1, 0, 0.0).agrees


# Many quantities, and trees that bring their own weights or an own curvature.


def noisy_effects(groups):
    """Normal effects of unknown mean, measured with known noise: everything is normal."""
    y = np.random.default_rng(3).normal(1.0, 1.5, size=groups)
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.0, 2.0)
        effect = pm.Normal("effect", mu, 1.0, shape=groups)
        pm.Normal("y", effect, 1.0, observed=y)
    return LogDensity(model, linker="numpy")


def test_a_nested_tree_is_judged_by_its_own_weights():
    density = noisy_effects(3)
    tree = nested_laplace(density, latent=["effect"], random_seed=1)
    found = verdict(tree, density)
    assert found.agrees
    assert list(found.table.index) == ["mu", "effect[0]", "effect[1]", "effect[2]"]


def test_weights_of_a_nested_tree_tell_a_wrong_density():
    density = noisy_effects(3)
    tree = nested_laplace(density, latent=["effect"], random_seed=1)
    mu = tree["posterior"]["mu"]
    # As if the draws had come from a normal half a standard deviation off.
    tilt = 0.5 * (mu - mu.mean()) / mu.std()
    tree["sample_stats"]["log_proposal"] = tree["sample_stats"]["log_proposal"] + tilt
    found = verdict(tree, density)
    assert found.table.at["mu", "judgement"] == "differs"
    assert abs(found.discrepancies.at["mu", "mean_shift"] - 0.5) < 0.1


def test_resampled_nested_draws_are_judged_by_their_own_error():
    """They were refused before, since nothing was left to weight them by."""
    density = noisy_effects(3)
    tree = nested_laplace(density, latent=["effect"], draws=3000, weights=True, random_seed=1)
    found = verdict(tree, density)
    assert found.agrees
    assert set(found.table["question"]) == {"Monte Carlo error"}


def test_of_many_quantities_the_worst_are_printed():
    rng = np.random.default_rng(5)
    reference = tree_of({"x": rng.standard_normal((4000, 50))[None]})
    shifted = reference.copy(deep=True)
    shifted["posterior"]["x"][..., 41] += 0.4
    found = verdict(shifted, against=reference)
    assert found.worst().index[0] == "x[41]"
    text = str(found).splitlines()
    assert len(text) == 31
    assert text[0].startswith("x[41]")
    assert text[-1] == "1 differs, 49 inconclusive (20 not shown)."


def test_one_reason_for_all_is_said_once():
    rng = np.random.default_rng(5)
    chains = {"x": np.arange(4)[:, None, None] + rng.standard_normal((4, 100, 40))}
    reference = tree_of(chains, independent=False)
    text = str(verdict(reference, against=reference))
    assert text.count("R-hat is") == 1
    assert text.endswith("This holds for all 40 quantities.")


def test_a_diagonal_curvature_is_judged_by_its_draws(flat):
    density, _ = flat
    found = verdict(diagonal_laplace(density, random_seed=1), density)
    assert found.table.at["beta", "judgement"] == "differs"
    # The conditional sd of alpha is 0.8 of the marginal one.
    assert found.discrepancies.at["alpha", "log_sd_ratio"] < -0.1


def test_a_curvature_of_low_rank_is_judged_by_its_draws(density_of):
    density = density_of(bioassay, "weak")
    found = verdict(low_rank_laplace(density, random_seed=1, rank=1), density)
    assert found.table.at["beta", "judgement"] == "differs"


def test_the_old_name_of_k_hat_still_works(flat):
    density, _ = flat
    found = verdict(laplace(density, random_seed=1), density, random_seed=1)
    with pytest.warns(DeprecationWarning, match=r"k_hat is Verdict\.pareto_khat since 0\.2"):
        assert found.k_hat == found.pareto_khat
