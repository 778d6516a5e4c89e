"""What a calibration simulates from, and what it refuses, before any fit."""

import arviz_base
import numpy as np
import pymc as pm
import pytest
from scipy.stats import norm

from tripos.approximations import LogDensity
from tripos.approximations.errors import ArgumentError, CalibrationError
from tripos.comparisons.calibration import calibrate
from tripos.comparisons.calibration.simulating import from_posterior, from_prior
from tripos.models import bioassay, windshield


def hierarchical(ys=(1.0, 2.0, 3.0)):
    """A model with two transforms, dims, a deterministic and integer data beside real ones."""
    with pm.Model(coords={"unit": ["a", "b", "c"]}) as model:
        sigma = pm.HalfNormal("sigma", 2.0)
        weights = pm.Dirichlet("weights", np.ones(3))
        theta = pm.Normal("theta", 1.0, sigma, dims="unit")
        pm.Deterministic("total", theta.sum())
        pm.Normal("y", theta, 0.5, observed=np.array(ys), dims="unit")
        pm.Categorical("kind", weights, observed=np.array([0, 2, 1, 1]))
    return model


def test_draws_of_the_prior_have_its_moments_and_fit_the_density():
    density = LogDensity(hierarchical())
    drawn = from_prior(density, 4000, np.random.default_rng(1))
    sigma, theta, y = drawn.truths["sigma"], drawn.truths["theta"], drawn.data["y"]
    assert y.shape == (4000, 3)
    assert set(np.unique(drawn.data["kind"])) == {0, 1, 2}
    error = 5 / np.sqrt(4000)
    assert sigma.mean() == pytest.approx(2 * np.sqrt(2 / np.pi), abs=2 * error)
    assert np.mean((theta - 1) / sigma[:, None]) == pytest.approx(0, abs=error)
    assert np.std(y - theta) == pytest.approx(0.5, abs=0.5 * error)
    back = density.unravel(drawn.thetas[:50])
    for name in ("sigma", "weights", "theta", "total"):
        np.testing.assert_allclose(back[name], drawn.truths[name][:50], rtol=1e-8)


def test_fewer_simulations_are_the_first_of_more():
    density = LogDensity(hierarchical())
    few, many = (from_prior(density, n, np.random.default_rng(4)) for n in (3, 6))
    np.testing.assert_array_equal(few.data["y"], many.data["y"][:3])
    np.testing.assert_array_equal(few.thetas, many.thetas[:3])


def tree_of(density, size):
    """Draws of the prior, as good a posterior as any where only the form of a tree matters."""
    truths = from_prior(density, size, np.random.default_rng(9)).truths
    tree = arviz_base.from_dict({"posterior": {name: v[None] for name, v in truths.items()}})
    tree.attrs["independent_draws"] = 1
    return tree


def test_around_a_posterior_the_model_has_both_sets_of_data():
    density = LogDensity(hierarchical())
    tree = tree_of(density, 100)
    drawn = from_posterior(density, tree, 100, np.random.default_rng(1))
    np.testing.assert_array_equal(drawn.truths["theta"], tree["posterior"]["theta"].values[0])
    data = {name: values[0] for name, values in drawn.data.items()}
    assert data.keys() == {"y_simulated", "kind_simulated"}
    drawn.density.set_data(data)
    theta = drawn.density.initial_point(
        {name: drawn.truths[name][0] for name in ("sigma", "weights", "theta")}
    )
    np.testing.assert_allclose(theta, drawn.thetas[0], rtol=1e-8)
    point = density.initial_point(
        {name: drawn.truths[name][0] for name in ("sigma", "weights", "theta")}
    )
    # The prior counts once: what the simulated data add is their likelihood alone.
    truth = {name: values[0] for name, values in drawn.truths.items()}
    added = norm.logpdf(data["y_simulated"], truth["theta"], 0.5).sum()
    added += np.log(truth["weights"][data["kind_simulated"]]).sum()
    assert drawn.density.value(theta) == pytest.approx(density.value(point) + added)


def test_a_tree_that_is_given_must_be_a_posterior_with_draws_enough(normal_tree):
    density = LogDensity(hierarchical())
    rng = np.random.default_rng(1)
    with pytest.raises(ArgumentError, match="must be a DataTree with a group 'posterior'"):
        from_posterior(density, 3, 20, rng)
    with pytest.raises(ArgumentError, match="no draws of sigma, weights, theta"):
        from_posterior(density, normal_tree(), 20, rng)
    tree = tree_of(density, 50)
    with pytest.raises(ArgumentError, match=r"60 simulations need .* worth 50"):
        from_posterior(density, tree, 60, rng)
    # A chain's draws count as many as they are worth.
    tree.attrs["independent_draws"] = 0
    tree["posterior"] = tree["posterior"].isel(draw=np.repeat(np.arange(10), 5))
    with pytest.raises(ArgumentError, match="as many independent draws"):
        from_posterior(density, tree, 50, rng)


def potential():
    model = hierarchical()
    with model:
        pm.Potential("ordered", -model["sigma"])
    return model


def half_flat():
    with pm.Model() as model:
        scale = pm.HalfFlat("scale")
        pm.Normal("y", 0.0, scale, observed=[1.0, 2.0])
    return model


def walk():
    """A random walk that begins at a flat distribution without a name."""
    with pm.Model() as model:
        path = pm.GaussianRandomWalk("path", 0, 1.0, init_dist=pm.Flat.dist(), steps=3)
        pm.Normal("y", path, 1.0, observed=np.zeros(4))
    return model


def unnamed_rule():
    with pm.Model() as model:
        x = pm.CustomDist("x", 0.0, logp=lambda value, mu: -((value - mu) ** 2))
        pm.Normal("y", x, 1.0, observed=[1.0, 2.0])
    return model


def missing():
    with pm.Model() as model:
        x = pm.Normal("x")
        with pytest.warns(UserWarning, match="missing values"):
            pm.Normal("y", x, 1.0, observed=np.ma.masked_invalid([1.0, np.nan]))
    return model


def unobserved():
    with pm.Model() as model:
        pm.Normal("x")
    return model


def lagged():
    with pm.Model() as model:
        y = pm.Data("series", np.arange(5.0))
        slope = pm.Normal("slope")
        pm.Normal("y", slope * y, 1.0, observed=y)
    return model


def integers():
    with pm.Model() as model:
        counts = pm.Data("counts", np.arange(4))
        x = pm.Normal("x")
        pm.Normal("y", x, 1.0, observed=counts)
    return model


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (windshield, r"prior of 'log_sigma', 'mu' is improper .*given="),
        (bioassay, r"prior of 'alpha', 'beta' is improper"),
        (half_flat, r"prior of 'scale' is improper"),
        (walk, r"prior of 'path' is improper"),
        (potential, r"potential 'ordered' changes the prior"),
        (unnamed_rule, r"cannot be simulated from this model: NotImplementedError"),
        (missing, r"data of 'y' have missing values"),
        (unobserved, r"no observed variable"),
        (lagged, r"data of 'y' enter the model a second time"),
    ],
)
def test_what_cannot_be_simulated_is_refused_before_any_fit(build, sentence):
    def never(model):
        raise AssertionError("a fit was made")

    with pytest.raises(CalibrationError, match=sentence):
        calibrate(build(), never, 20, random_seed=1)


def test_data_may_tell_the_length_of_what_they_are_data_of():
    with pm.Model() as model:
        x = pm.Normal("x")
        pm.Normal("y", x, 1.0, observed=pm.Data("values", np.zeros(4)))
    drawn = from_prior(LogDensity(model), 20, np.random.default_rng(1))
    assert drawn.data["y"].shape == (20, 4)


def test_each_observed_variable_gets_its_own_data_though_its_numbers_are_those_of_others():
    """Two sets of zeros, and known standard errors of ones beside observed ones."""
    with pm.Model() as model:
        x = pm.Normal("x")
        pm.Normal("y", x, np.ones(3), observed=np.zeros(3))
        pm.Normal("z", x, 2.0, observed=np.zeros(3))
        pm.Normal("w", x, np.ones(4), observed=np.ones(4))
    drawn = from_prior(LogDensity(model), 20, np.random.default_rng(1))
    data = {name: values[7] for name, values in drawn.data.items()}
    drawn.density.set_data(data)
    at = float(drawn.truths["x"][7])
    expected = norm.logpdf(at) + sum(
        norm.logpdf(data[name], at, sd).sum() for name, sd in (("y", 1.0), ("z", 2.0), ("w", 1.0))
    )
    assert drawn.density.value(drawn.thetas[7]) == pytest.approx(expected, rel=1e-12)


def test_integer_data_of_a_real_variable_are_refused():
    with pytest.raises(CalibrationError, match=r"takes values of type float64, .* held as int"):
        from_prior(LogDensity(integers()), 20, np.random.default_rng(1))


def test_a_scaled_likelihood_is_no_distribution_of_data():
    with pm.Model() as model:
        mu = pm.Normal("mu")
        pm.Normal("y", mu, 1, observed=np.ones(3), total_size=30)
    density = LogDensity(model)
    rng = np.random.default_rng(1)
    with pytest.raises(CalibrationError, match="'y' is scaled by total_size"):
        from_prior(density, 20, rng)
    with pytest.raises(CalibrationError, match="'y' is scaled by total_size"):
        from_posterior(density, tree_of(density, 20), 20, rng)
