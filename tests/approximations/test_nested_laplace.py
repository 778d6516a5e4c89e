"""The nested Laplace approximation, against quadrature, long NUTS and its Monte Carlo errors."""

import arviz as az
import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
import xarray as xr
from scipy import stats
from scipy.special import logsumexp

from tripos.approximations import LogDensity, TriposError, memory
from tripos.approximations.errors import (
    ArgumentError,
    LatentFieldError,
    LatentModeError,
    MemoryLimitError,
    SmallGroupsWarning,
    StartingPointError,
)
from tripos.approximations.nested import conditional
from tripos.approximations.nested_laplace import nested_laplace
from tripos.models import borrowers, crossed_effects, eight_schools

DRAWS = 4000
# Of borrowers(50), by 40,000 draws of NUTS: means, and the largest Monte Carlo error of a mean in
# units of the sd, which is that of sigma (0.0021 of 0.2027).
NUTS_MEANS = {
    "sigma": 0.6387,
    "intercept": -1.2190,
    "slopes[0]": 0.56670159,
    "slopes[1]": -0.61697424,
    "slopes[2]": 0.00321468,
}
NUTS_ERROR = 0.0104
NUTS_LOG_SIGMA = (-0.5136, 0.404)
# By 60,000 importance draws of the outer parameters from a t distribution, the effects integrated
# out with 61 Gauss-Hermite nodes each: sds to a hundredth, and the log evidence to 0.005. The means
# are within two standard errors of NUTS; so are the sds that are known of both, sigma 0.2027 and
# intercept 0.1597.
SDS = {
    "sigma": 0.2029,
    "intercept": 0.1601,
    "slopes[0]": 0.1827,
    "slopes[1]": 0.1595,
    "slopes[2]": 0.1693,
}
EVIDENCE = -95.901


@pytest.fixture(scope="module")
def densities():
    """Log densities by name, each compiled once."""
    builders = {
        "schools": lambda: eight_schools(centred=True),
        "borrowers": lambda: borrowers(50),
        "crossed": lambda: crossed_effects(12, 4, 3),
    }
    made = {}

    def give(name):
        if name not in made:
            made[name] = LogDensity(builders[name](), linker="numpy")
        return made[name]

    return give


@pytest.fixture(scope="module")
def schools(densities):
    return nested_laplace(
        densities("schools"), DRAWS, latent=["mu", "theta"], points=61, random_seed=1
    )


@pytest.fixture(scope="module")
def fits(densities):
    """Fits of borrowers(50), each made once."""
    made = {}

    def give(**options):
        key = repr(options)
        if key not in made:
            made[key] = nested_laplace(
                densities("borrowers"), draws=DRAWS, random_seed=1, **options
            )
        return made[key]

    return give


def _error_of_mean(draws):
    return draws.std() / np.sqrt(draws.size)


def _error_of_sd(draws):
    kurtosis = stats.kurtosis(draws, axis=None, fisher=False)
    return draws.std() * np.sqrt((kurtosis - 1) / 4 / draws.size)


# Eight schools: given tau everything is normal, so that quadrature in log tau is all.


def test_eight_schools(golden, schools):
    fit, exact = schools["fit"], golden["eight_schools"]
    assert float(fit["log_evidence"]) == pytest.approx(exact["log_evidence"], abs=1e-3)
    assert float(fit["log_evidence"]) == pytest.approx(-31.31135, abs=1e-3)
    labels = {"mu": exact["mu"], "tau_log__": exact["log_tau"]}
    labels |= dict(zip(fit["parameter"].values[2:].tolist(), exact["theta"], strict=True))
    for label, expected in labels.items():
        here = fit.sel(parameter=label)
        assert float(here["mean"]) == pytest.approx(expected["mean"], abs=1e-3), label
        assert float(here["sd"]) == pytest.approx(expected["sd"], abs=1e-3), label


def test_tau_of_eight_schools_by_nodes_and_weights(golden, schools):
    tau, weights = np.exp(schools["fit"]["nodes"].values[:, 0]), schools["fit"]["weights"].values
    mean = weights @ tau
    assert mean == pytest.approx(golden["eight_schools"]["tau"]["mean"], abs=1e-3)
    sd = np.sqrt(weights @ (tau - mean) ** 2)
    assert sd == pytest.approx(golden["eight_schools"]["tau"]["sd"], abs=1e-3)


def test_draws_of_eight_schools(golden, schools):
    posterior, exact = schools["posterior"], golden["eight_schools"]
    known = {"mu": exact["mu"], "tau": exact["tau"]}
    values = {"mu": posterior["mu"].values, "tau": posterior["tau"].values}
    for k, school in enumerate(posterior["school"].values):
        known[school] = exact["theta"][k]
        values[school] = posterior["theta"].sel(school=school).values
    for name, draws in values.items():
        assert abs(draws.mean() - known[name]["mean"]) < 4 * _error_of_mean(draws), name
        assert abs(draws.std() - known[name]["sd"]) < 4 * _error_of_sd(draws), name


def test_theta_alone_is_latent_by_default(golden, densities):
    """With mu outside as well, nine nodes an axis err a little more, and say so."""
    fit = nested_laplace(densities("schools"), draws=100, random_seed=1)["fit"]
    assert fit["nodes"].shape == (81, 2)
    error = abs(float(fit["log_evidence"]) - golden["eight_schools"]["log_evidence"])
    assert error < 0.01
    assert error < 2 * float(fit["log_evidence_error"])


# A hierarchical logistic regression, 50 groups of 10.


def _scalars(tree):
    posterior = tree["posterior"]
    slopes = {f"slopes[{k}]": posterior["slopes"].values[..., k] for k in range(3)}
    return {"sigma": posterior["sigma"].values, "intercept": posterior["intercept"].values} | slopes


@pytest.mark.parametrize("options", [{"nagq": 5}, {"nagq": 5, "skew": True}], ids=str)
def test_means_are_those_of_nuts(fits, options):
    for name, draws in _scalars(fits(**options)).items():
        error = np.hypot(_error_of_mean(draws), NUTS_ERROR * SDS[name])
        assert abs(draws.mean() - NUTS_MEANS[name]) < 4 * error, name


def test_sds_of_coefficients(fits):
    """Within four standard errors; that of sigma is the next test's."""
    for name, draws in _scalars(fits(nagq=5)).items():
        if name != "sigma":
            error = np.hypot(_error_of_sd(draws), 0.01 * SDS[name])
            assert abs(draws.std() - SDS[name]) < 4 * error, name


def test_the_bias_of_the_design_in_the_tail_of_sigma(fits):
    """It ends four sds from the mode, and leaves out where sigma comes close to 0."""
    fit = fits(nagq=5)["fit"].sel(parameter="sigma_log__")
    mean, sd = NUTS_LOG_SIGMA
    assert 0.75 < float(fit["sd"]) / sd < 0.9
    assert 0 < float(fit["mean"]) - mean < 0.1 * sd


def test_the_bias_of_one_node(fits):
    """Laplace of groups of ten moves log sigma by less than a tenth of its sd."""
    one, five = (fits(**options)["fit"].sel(parameter="sigma_log__") for options in
                 ({}, {"nagq": 5}))  # fmt: skip
    shift = (float(one["mean"]) - float(five["mean"])) / NUTS_LOG_SIGMA[1]
    assert -0.1 < shift < -0.02
    assert abs(float(one["log_evidence"]) - float(five["log_evidence"])) == pytest.approx(
        0.11, abs=0.02
    )


def test_the_bias_of_latent_fixed_effects(fits):
    """The documentation tells of 0.3 sds with 100 groups of ten, and of more with more groups."""
    fit = fits(latent=["intercept", "slopes", "effect"])["fit"]
    assert fit["nodes"].sizes["outer"] == 1
    mean, sd = NUTS_LOG_SIGMA
    log_sigma = fit.sel(parameter="sigma_log__")
    assert -0.35 < (float(log_sigma["mean"]) - mean) / sd < -0.05
    # On one axis the rule has 41 nodes, which reach the lower tail.
    assert float(log_sigma["sd"]) / sd == pytest.approx(1.1, abs=0.1)


def test_weights_lead_to_nuts_as_far_as_k_hat_says(fits):
    tree = fits(nagq=5, skew=True, weights=True)
    fit = tree["fit"]
    assert 0.4 < float(fit["pareto_khat"]) < 0.7
    size = float(fit["effective_sample_size"])
    assert 20 < size < DRAWS
    for name, draws in _scalars(tree).items():
        error = SDS[name] * np.hypot(1 / np.sqrt(size), NUTS_ERROR)
        assert abs(draws.mean() - NUTS_MEANS[name]) < 4 * error, name


def test_skew_keeps_the_outer_draws(fits):
    plain, skew = fits(nagq=5), fits(nagq=5, skew=True)
    xr.testing.assert_equal(plain["posterior"]["sigma"], skew["posterior"]["sigma"])
    moved = (plain["posterior"]["effect"] != skew["posterior"]["effect"]).any("group")
    assert 0.1 < float(moved.mean()) < 0.9  # of the mirrored pairs the other one
    assert "pareto_khat" not in skew["fit"]


# The tree.


def test_the_fit(fits, densities):
    fit, density = fits(nagq=5)["fit"], densities("borrowers")
    names = {"mode", "mean", "sd", "outer_covariance", "nodes", "weights", "log_evidence"}
    errors = {"log_evidence_error", "hessian_error"}
    assert set(fit.data_vars) == names | errors | {"log_evidence_laplace"}
    assert fit["parameter"].values.tolist() == list(density.parameters)
    outer = ["intercept", "slopes[0]", "slopes[1]", "slopes[2]", "sigma_log__"]
    assert fit["outer"].values.tolist() == outer
    assert fit["nodes"].dims == ("node", "outer")
    assert fit["outer_covariance"].dims == ("outer", "outer_bis")
    assert fit["nodes"].shape == (27, 5)
    assert float(fit["weights"].sum()) == pytest.approx(1)
    assert float(fit["weights"].min()) > 0
    assert not any(np.isnan(variable).any() for variable in fit.data_vars.values())


@pytest.mark.parametrize("options", [{"nagq": 5}, {"nagq": 5, "skew": True}], ids=str)
def test_importance_weights_average_to_the_evidence(fits, options):
    """So that the density of reflected draws is what they say, too."""
    stats_ = fits(**options)["sample_stats"]
    assert set(stats_.data_vars) == {"lp", "log_proposal"}
    log_weights = (stats_["lp"] - stats_["log_proposal"]).values.ravel()
    size = np.exp(2 * logsumexp(log_weights) - logsumexp(2 * log_weights))
    found = logsumexp(log_weights) - np.log(DRAWS)
    assert abs(found - EVIDENCE) < 4 / np.sqrt(size)


def test_lp_is_that_of_the_very_draw(fits, densities):
    tree = fits(nagq=5, skew=True, weights=True)
    thetas = _thetas(tree, densities("borrowers"))
    lp = densities("borrowers").batched_value(thetas)
    np.testing.assert_allclose(tree["sample_stats"]["lp"].values[0], lp, rtol=1e-10)
    # Resampled draws do not come from the proposal.
    assert "log_proposal" not in tree["sample_stats"]


def test_the_mode_is_the_point_estimate(fits, densities):
    tree = fits(nagq=5)
    mode = densities("borrowers").unravel(tree["fit"]["mode"].values[None])
    assert float(tree["point_estimate"]["sigma"]) == pytest.approx(mode["sigma"][0])
    np.testing.assert_allclose(tree["point_estimate"]["effect"], mode["effect"][0])


def _thetas(tree, density):
    """Draws (S, P) in the order of ``fit``."""
    values = tree["unconstrained_posterior"]
    blocks = [values[block.value_name].values for block in density.blocks]
    return np.concatenate([np.reshape(block, (block.shape[1], -1)) for block in blocks], axis=1)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("schools", {"latent": ["mu", "theta"], "points": 61}),
        ("crossed", {"points": 3}),
        ("borrowers", {"nagq": 5}),
    ],
)
def test_draws_have_the_moments_of_the_fit(densities, name, options):
    density = densities(name)
    tree = nested_laplace(density, draws=DRAWS, random_seed=4, **options)
    thetas, fit = _thetas(tree, density), tree["fit"]
    for draws, label in zip(thetas.T, fit["parameter"].values, strict=True):
        here = fit.sel(parameter=label)
        assert abs(draws.mean() - float(here["mean"])) < 4 * _error_of_mean(draws), label
        assert abs(draws.std() - float(here["sd"])) < 4 * _error_of_sd(draws), label


def test_netcdf_and_back(fits, tmp_path):
    tree = fits(nagq=5, skew=True, weights=True)
    tree.to_netcdf(tmp_path / "tree.nc", engine="h5netcdf")
    back = xr.open_datatree(tmp_path / "tree.nc", engine="h5netcdf").load()
    back.close()
    xr.testing.assert_equal(back, tree)
    assert back.attrs == tree.attrs
    assert tree.attrs["method"] == "nested_laplace"
    assert tree.attrs["evaluations_hessian_vector_product"] > 0


def test_arviz_takes_it(fits):
    table = az.summary(fits(nagq=5), var_names=["sigma", "slopes"], round_to="none")
    assert list(table.index) == ["sigma", "slopes[0]", "slopes[1]", "slopes[2]"]


@pytest.mark.parametrize("options", [{}, {"skew": True, "weights": True}], ids=str)
def test_the_same_seed_gives_the_same_draws(densities, options):
    density = densities("schools")
    one, same, other = (
        nested_laplace(density, 50, latent=["mu", "theta"], points=9, random_seed=seed, **options)
        for seed in (1, 1, 2)
    )
    xr.testing.assert_equal(one["posterior"].to_dataset(), same["posterior"].to_dataset())
    assert not np.any(one["posterior"]["mu"].values == other["posterior"]["mu"].values)
    xr.testing.assert_equal(one["fit"]["mean"], other["fit"]["mean"])


def test_weighted_draws_of_normal_data(densities, golden):
    """Pareto-smoothed weights can be trusted, and leave the exact moments."""
    tree = nested_laplace(
        densities("schools"), DRAWS, latent=["mu", "theta"], points=61, weights=True, random_seed=2
    )
    fit = tree["fit"]
    assert float(fit["pareto_khat"]) < 0.7
    size = float(fit["effective_sample_size"])
    assert size > 0.5 * DRAWS
    mu = tree["posterior"]["mu"].values
    expected = golden["eight_schools"]["mu"]
    assert abs(mu.mean() - expected["mean"]) < 4 * expected["sd"] / np.sqrt(size)


def bounded_field():
    """Normal data about a field whose first entry has a hard bound: no density beyond."""
    y = np.random.default_rng(0).normal(size=12) * 1.5
    y[0] = 0.0
    with pm.Model() as model:
        s = pm.HalfNormal("s", 1)
        z = pm.Normal("z", 0, s, shape=12)
        pm.Normal("y", z, 1, observed=y)
        pm.Potential("bound", pt.switch(pt.lt(pt.abs(z[0]), 0.8), 0.0, -np.inf))
    return LogDensity(model, linker="numpy")


def test_a_hard_bound_in_the_field():
    """Some draws and their mirror images have a density of zero: neither is better.

    Given s, the field is normal with variance s^2 / (1 + s^2), the first entry cut off at 0.8; so
    the density of s is that of the marginal data times the mass within the bound.
    """
    density = bounded_field()
    plain = nested_laplace(density, skew=True, random_seed=1)["sample_stats"]
    assert np.all(np.isfinite(plain["log_proposal"]))
    assert np.any(plain["lp"] == -np.inf)
    tree = nested_laplace(density, skew=True, weights=True, random_seed=1)
    assert len(np.unique(tree["posterior"]["s"])) > 1000
    assert np.all(np.abs(tree["posterior"]["z"].values[..., 0]) < 0.8)
    s = np.linspace(1e-4, 6, 20_001)
    y = density.data["y"].get_value()
    log_density = stats.norm.logpdf(s) + stats.norm.logpdf(y[:, None], 0, np.sqrt(1 + s**2)).sum(0)
    bound = 0.8 / (s / np.sqrt(1 + s**2))
    mass = np.exp(log_density - log_density.max()) * (
        stats.norm.cdf(bound) - stats.norm.cdf(-bound)
    )
    mean = np.sum(mass * s) / mass.sum()
    sd = np.sqrt(np.sum(mass * (s - mean) ** 2) / mass.sum())
    size = float(tree["fit"]["effective_sample_size"])
    assert abs(tree["posterior"]["s"].values.mean() - mean) < 4 * sd * np.sqrt(1 / size + 1 / 4000)


# What goes wrong, and what does not.


def _logistic(defaults, trials, *, groups=None, level=True, scale=None):
    """Group effects about a level, where groups may outnumber those observed."""
    observed = len(defaults)
    with pm.Model() as model:
        intercept = pm.Normal("intercept", 0.0, 2.0) if level else 0.0
        sigma = pm.HalfNormal("sigma", 1.0) if scale is None else scale()
        effect = pm.Normal("effect", 0.0, sigma, shape=groups or observed)
        pm.Binomial("y", n=trials, logit_p=intercept + effect[:observed], observed=defaults)
    return LogDensity(model, linker="numpy")


def test_a_group_without_observations():
    """Its effect is its prior, given sigma."""
    density = _logistic(np.array([1, 6, 3, 8, 5]), 10, groups=6, level=False)
    tree = nested_laplace(density, draws=DRAWS, random_seed=1)
    fit, sigma = tree["fit"], tree["posterior"]["sigma"].values
    last = fit.sel(parameter="effect[5]")
    assert float(last["mean"]) == pytest.approx(0, abs=1e-6)
    assert float(last["mode"]) == pytest.approx(0, abs=1e-6)
    weights, nodes = fit["weights"].values, fit["nodes"].values[:, 0]
    assert float(last["sd"]) == pytest.approx(np.sqrt(weights @ np.exp(2 * nodes)), rel=1e-6)
    standard = tree["posterior"]["effect"].values[..., 5] / sigma
    assert abs(standard.mean()) < 4 / np.sqrt(DRAWS)
    assert abs(standard.std() - 1) < 4 * _error_of_sd(standard)


def test_separation():
    """All successes: priors bound the intercept, and the effects' mean is above 0."""
    tree = nested_laplace(_logistic(np.full(8, 5), 5), draws=500, nagq=5, random_seed=1)
    fit = tree["fit"]
    assert not any(np.isnan(variable).any() for variable in fit.data_vars.values())
    assert float(fit["mean"].sel(parameter="intercept")) > 2
    assert np.all(np.isfinite(tree["posterior"]["effect"]))
    assert np.all(np.isfinite(tree["sample_stats"]["lp"]))


def test_separation_with_a_flat_prior():
    """An improper posterior: an error, and no numbers."""
    with pm.Model() as model:
        intercept, sigma = pm.Flat("intercept"), pm.HalfNormal("sigma", 1.0)
        effect = pm.Normal("effect", 0.0, sigma, shape=8)
        pm.Binomial("y", n=5, logit_p=intercept + effect, observed=np.full(8, 5))
    with pytest.raises(TriposError, match="proper prior"):
        nested_laplace(LogDensity(model, linker="numpy"), draws=20)


def test_groups_that_are_all_alike():
    """Sigma goes to 0 as far as its prior lets it, which falls like exp(log sigma)."""
    tree = nested_laplace(_logistic(np.full(10, 3), 6), draws=500, random_seed=1)
    log_sigma = tree["fit"].sel(parameter="sigma_log__")
    assert float(log_sigma["mean"]) < -1
    assert 0.7 < float(log_sigma["sd"]) < 1.4
    assert float(tree["fit"]["mean"].sel(parameter="intercept")) == pytest.approx(0, abs=1e-3)
    assert float(tree["posterior"]["sigma"].min()) > 0


def test_groups_that_are_all_alike_with_a_flat_log_sd():
    def flat():
        return pt.exp(pm.Flat("log_sigma"))

    with pytest.raises(TriposError, match=r"log_sigma.*(give|Give).* prior"):
        nested_laplace(_logistic(np.full(10, 3), 6, scale=flat), draws=20)


def test_a_latent_field_that_is_not_normal():
    with pm.Model() as model:
        sigma = pm.HalfNormal("sigma", 1.0)
        effect = pm.StudentT("effect", 4, mu=0.0, sigma=sigma, shape=5)
        pm.Poisson("y", pt.exp(effect), observed=np.arange(5))
    with pytest.raises(LatentFieldError, match="'effect' is StudentTRV"):
        nested_laplace(model, latent=["effect"])


def test_memory_that_would_not_fit(densities, monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 2**28)
    with pytest.raises(MemoryLimitError, match=r"1,000,000 draws of 20 numbers .*draws="):
        nested_laplace(densities("schools"), draws=1_000_000)


def test_a_search_that_does_not_converge(densities, monkeypatch):
    monkeypatch.setattr(conditional, "_MOST_STEPS", 1)
    with pytest.raises(LatentModeError, match=r"mode of the latent field \(effect\) was not found"):
        nested_laplace(densities("borrowers"), draws=20)


def test_nodes_need_independence(densities):
    with pytest.raises(LatentFieldError, match=r"nagq=3 needs latent scalars that are independent"):
        nested_laplace(densities("crossed"), nagq=3)


@pytest.mark.parametrize("options", [{"draws": 0}, {"nagq": 0}, {"points": 2.5}], ids=str)
def test_counts(densities, options):
    (name,) = options
    with pytest.raises(ArgumentError, match=f"{name} must be a whole number"):
        nested_laplace(densities("schools"), **options)


def test_a_start_of_another_size(densities):
    with pytest.raises(StartingPointError):
        nested_laplace(densities("schools"), start=np.zeros(3))


# Small groups.


def test_small_groups_are_told():
    density = LogDensity(borrowers(1000, 2), linker="numpy")
    with pytest.warns(SmallGroupsWarning, match=r"move sigma_log__ by about .* sds. Pass nagq=5"):
        one = nested_laplace(density, draws=20, random_seed=1)["fit"]
    five = nested_laplace(density, draws=20, nagq=5, random_seed=1)["fit"]  # in silence
    shift = five["mean"] - one["mean"]
    assert abs(float((shift / five["sd"]).sel(parameter="sigma_log__"))) > 0.1


def test_the_old_name_of_nagq_still_works(densities):
    with pytest.warns(DeprecationWarning, match=r"nodes= is nagq= since 0\.2"):
        tree = nested_laplace(densities("borrowers"), nodes=3, draws=20, random_seed=1)
    new = nested_laplace(densities("borrowers"), nagq=3, draws=20, random_seed=1)
    assert tree.attrs["settings"] == new.attrs["settings"]
    np.testing.assert_array_equal(tree["posterior"]["sigma"], new["posterior"]["sigma"])
