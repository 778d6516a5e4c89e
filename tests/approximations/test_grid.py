"""The grid, against quadrature and closed forms."""

import numpy as np
import pymc as pm
import pymc.dims as pmd
import pytensor.tensor as pt
import pytest
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from scipy.special import gamma

from tripos.approximations import grid
from tripos.approximations.errors import (
    ArgumentError,
    BoundsError,
    GradientError,
    GridEdgeWarning,
    GridSizeError,
    ImproperPosteriorError,
    ModeAtInfinityError,
)
from tripos.models import CATALOGUE, bioassay, eight_schools, globe, linear_regression, windshield
from tripos.models.linear_regression import exact_posterior, example_data

# REFERENCE: prior: exact mean, exact sd, log evidence with binomial coefficients; decimals.
TABLE = {
    "normal": ((1.1328, 10.5141), (0.9674, 4.5249), -4.55457),
    "normal_variance": ((0.9328, 9.5925), (0.7873, 2.6441), -3.37404),
    "correlated": ((0.9773, 10.4789), (0.9011, 4.5954), -3.9192),
    "weak": ((1.3087, 11.5864), (1.0990, 5.7348), -9.87352),
}
PROBABILITIES = (0.025, 0.25, 0.5, 0.75, 0.975)


def _of(tree, name, *quantities):
    values = tree["fit"][name].sel(quantity=list(quantities))
    return (values.sel(probability=list(PROBABILITIES)) if name == "quantiles" else values).values


def _of_one(fit, name):
    return float(fit[name].sel(quantity="x"))


def _check_moments(tree, expected, names, atol=1e-3):
    """Check mean, sd and quantiles of some quantities, and the log evidence, to ``atol``."""
    for name in names:
        exact = expected[name]
        assert _of(tree, "mean", name)[0] == pytest.approx(exact["mean"], abs=atol)
        assert _of(tree, "sd", name)[0] == pytest.approx(exact["sd"], abs=atol)
        quantiles = _of(tree, "quantiles", name)[0]
        np.testing.assert_allclose(quantiles, exact["quantiles"], rtol=0, atol=atol)
    assert float(tree["fit"]["log_evidence"]) == pytest.approx(expected["log_evidence"], abs=atol)


# Numbers.


def test_flat_bioassay(golden, bioassay_grid):
    _check_moments(bioassay_grid, golden["bioassay"]["flat"]["exact"], ("alpha", "beta"))
    np.testing.assert_allclose(
        _of(bioassay_grid, "mean", "alpha", "beta"), (1.3147, 11.6356), rtol=0, atol=1e-3
    )
    np.testing.assert_allclose(
        _of(bioassay_grid, "sd", "alpha", "beta"), (1.1021, 5.7731), rtol=0, atol=1e-3
    )
    assert float(bioassay_grid["fit"]["log_evidence"]) == pytest.approx(1.18324, abs=1e-3)


def test_ld50(golden, bioassay_grid):
    """Over all beta; what is not positive holds 4e-6 of the mass, too little to be seen."""
    exact = golden["bioassay"]["flat"]["exact"]["ld50"]["quantiles_given_beta_positive"]
    quantiles = _of(bioassay_grid, "quantiles", "ld50")[0]
    np.testing.assert_allclose(quantiles, exact, rtol=0, atol=1e-3)
    reference = (-0.2758, -0.1624, -0.1117, -0.0597, 0.1034)
    np.testing.assert_allclose(quantiles, reference, rtol=0, atol=1e-3)


def test_probability_of_a_harmless_dose(golden, density_of):
    """P(beta < 0) from the cells of a wide box that has cell edges at 0."""
    bounds = {"alpha": (-8.0, 18.0), "beta": (-5.0, 100.0)}
    tree = grid(density_of(bioassay), 1, bounds=bounds, points={"alpha": 130, "beta": 5250})
    log_density = tree["fit"]["log_density"]
    weights = np.exp(log_density - log_density.max())
    below = float(weights.sel(axis_1=slice(None, 0)).sum() / weights.sum())
    exact = golden["bioassay"]["flat"]["exact"]["probability_beta_negative"]
    # A cell is 0.02 wide and the density falls by e over 0.2: the midpoint rule errs by 4e-4.
    assert below == pytest.approx(exact, rel=1e-3)


def test_textbook_box(golden, density_of):
    """The box cuts the posterior off, which is told; its own numbers are exact."""
    bounds = CATALOGUE["bioassay"].bounds
    with pytest.warns(GridEdgeWarning, match="beta = 40 .* holds .* of the mass"):
        tree = grid(density_of(bioassay), bounds=bounds, draws=10)
    expected = golden["bioassay"]["flat"]["textbook_box"]
    _check_moments(tree, expected, ("alpha", "beta"))
    np.testing.assert_allclose(
        _of(tree, "mean", "alpha", "beta"), (1.3127, 11.6127), rtol=0, atol=1e-3
    )
    np.testing.assert_allclose(_of(tree, "sd", "alpha", "beta"), (1.0991, 5.7100), atol=1e-3)
    ends = _of(tree, "quantiles", "beta")[0][[0, -1]]
    np.testing.assert_allclose(ends, (3.448, 25.299), rtol=0, atol=1e-3)
    whole = golden["bioassay"]["flat"]["exact"]["log_evidence"]
    mass = np.exp(float(tree["fit"]["log_evidence"]) - whole)
    assert mass == pytest.approx(0.99929, abs=1e-5)


@pytest.mark.parametrize("prior", TABLE)
def test_bioassay_with_priors(golden, prior, density_of):
    tree = grid(density_of(bioassay, prior), draws=10)
    _check_moments(tree, golden["bioassay"][prior]["exact"], ("alpha", "beta"))
    mean, sd, evidence = TABLE[prior]
    np.testing.assert_allclose(_of(tree, "mean", "alpha", "beta"), mean, rtol=0, atol=1e-3)
    np.testing.assert_allclose(_of(tree, "sd", "alpha", "beta"), sd, rtol=0, atol=1e-3)
    assert float(tree["fit"]["log_evidence"]) == pytest.approx(evidence, abs=1e-3)


def test_other_coordinates_same_posterior(golden, density_of):
    """In log beta the box is another and the posterior, cut to beta > 0, the same."""
    tree = grid(density_of(bioassay, slope="log"), draws=10)
    _check_moments(tree, golden["bioassay"]["flat"]["exact"], ("alpha", "beta"))


@pytest.mark.parametrize("line", [1, 2])
def test_windshield(golden, line, density_of):
    tree = grid(density_of(windshield, line), draws=10)
    _check_moments(tree, golden["windshield"][str(line)], ("mu", "log_sigma", "sigma"))


def test_windshield_as_printed(density_of):
    tree = grid(density_of(windshield), draws=10)
    assert _of(tree, "sd", "mu", "log_sigma") == pytest.approx((0.567405, 0.266375), abs=1e-3)
    assert _of(tree, "mean", "sigma")[0] == pytest.approx(1.633052, abs=1e-3)
    ends = _of(tree, "quantiles", "mu", "sigma")[:, [0, -1]]
    expected = ((13.478081, 15.744363), (0.995733, 2.824156))
    np.testing.assert_allclose(ends, expected, rtol=0, atol=1e-3)
    assert float(tree["fit"]["log_evidence"]) == pytest.approx(-16.001402, abs=1e-3)


def test_globe(golden, density_of):
    tree = grid(density_of(globe), draws=10)
    _check_moments(tree, {"p": golden["globe"], **golden["globe"]}, ("p",), atol=1e-5)
    assert _of(tree, "mean", "p")[0] == pytest.approx(0.636364, abs=1e-6)
    assert float(tree["fit"]["log_evidence"]) == pytest.approx(-np.log(10), abs=1e-6)


def test_linear_regression(density_of):
    mean, covariance, evidence = exact_posterior(example_data())
    tree = grid(density_of(linear_regression), points=41, draws=10)
    np.testing.assert_allclose(tree["fit"]["mean"], mean, rtol=0, atol=1e-3)
    np.testing.assert_allclose(tree["fit"]["sd"], np.sqrt(np.diag(covariance)), rtol=0, atol=1e-3)
    assert float(tree["fit"]["log_evidence"]) == pytest.approx(evidence, abs=1e-3)


def test_four_scalars():
    with pm.Model(coords={"axis": range(4)}) as model:
        pm.Normal("x", [0.0, 1.0, -2.0, 5.0], [1.0, 0.1, 10.0, 3.0], dims="axis")
    tree = grid(model, points=25, draws=10)
    np.testing.assert_allclose(tree["fit"]["mean"], [0.0, 1.0, -2.0, 5.0], rtol=0, atol=1e-3)
    np.testing.assert_allclose(tree["fit"]["sd"], [1.0, 0.1, 10.0, 3.0], rtol=1e-3)
    assert float(tree["fit"]["log_evidence"]) == pytest.approx(0.0, abs=1e-3)


def test_error_of_the_evidence_is_told(golden, density_of):
    """What half the cells say bounds what all of them get wrong, and both fall fast."""
    expected = golden["windshield"]["1"]["log_evidence"]
    bounds = {"mu": (9.0, 20.0), "log_sigma": (-0.9, 2.9)}
    fits = [grid(density_of(windshield), 1, bounds=bounds, points=k)["fit"] for k in (16, 32, 48)]
    errors = [abs(float(fit["log_evidence"]) - expected) for fit in fits]
    told = [float(fit["log_evidence_error"]) for fit in fits]
    for error, bound in zip(errors, told, strict=True):
        assert error < bound
    assert told[1] < told[0] / 5
    assert told[2] < told[1] / 5


# The fit and the draws.


def test_draws_agree_with_the_cells(bioassay_grid):
    posterior, fit = bioassay_grid["posterior"], bioassay_grid["fit"]
    size = posterior.sizes["draw"]
    for name in ("alpha", "beta"):
        draws = posterior[name].values.ravel()
        mean, sd = _of(bioassay_grid, "mean", name)[0], _of(bioassay_grid, "sd", name)[0]
        assert abs(draws.mean() - mean) < 4 * sd / np.sqrt(size)
        kurtosis = np.mean((draws - mean) ** 4) / sd**4
        assert abs(draws.std() - sd) < 4 * sd * np.sqrt((kurtosis - 1) / (4 * size))
    for p, quantile in zip(PROBABILITIES, _of(bioassay_grid, "quantiles", "ld50")[0], strict=True):
        share = float((posterior["ld50"] < quantile).mean())
        assert abs(share - p) < 4 * np.sqrt(p * (1 - p) / size)
    assert set(PROBABILITIES) <= set(fit["probability"].values)
    assert np.all(np.diff(fit["quantiles"], axis=1) > 0)


def test_draws_fill_the_cells(bioassay_grid):
    """A place inside the cell at random: draws on the centres alone would repeat."""
    beta = bioassay_grid["posterior"]["beta"].values.ravel()
    assert len(np.unique(beta)) == beta.size
    centres = bioassay_grid["fit"]["axis_1"].values
    width = np.diff(centres)[0]
    nearest = np.abs(beta[:, None] - centres).min(axis=1)
    assert nearest.max() <= width / 2 + 1e-9
    # Uniform on [0, width / 2]: mean width / 4, sd width / 4 / sqrt(3).
    error = width / 4 / np.sqrt(3 * beta.size)
    assert abs(nearest.mean() - width / 4) < 4 * error


def test_log_density_is_the_models(bioassay_grid, density_of):
    log_density = bioassay_grid["fit"]["log_density"]
    assert log_density.shape == (401, 401)
    density = density_of(bioassay)
    for cell in ((0, 0), (200, 100), (37, 250)):
        here = log_density[cell]
        theta = np.array([float(here["axis_0"]), float(here["axis_1"])])
        assert float(here) == pytest.approx(density.value(theta), rel=1e-12)


def test_the_box_found_holds_the_mass(bioassay_grid):
    assert float(bioassay_grid["fit"]["edge_mass"].max()) < 1e-6
    assert bioassay_grid["fit"]["edge_mass"].dims == ("parameter", "side")


def test_mode_is_there(golden, bioassay_grid):
    fit = bioassay_grid["fit"]
    expected = golden["bioassay"]["flat"]["mode"]
    np.testing.assert_allclose(fit["mode"], expected, rtol=0, atol=1e-6)
    assert float(fit["logp_mode"]) >= float(fit["log_density"].max())
    assert float(bioassay_grid["point_estimate"]["ld50"]) == pytest.approx(
        -expected[0] / expected[1], rel=1e-6
    )


def test_points_by_name(density_of):
    tree = grid(density_of(windshield), points={"mu": 30, "log_sigma": 40}, draws=1)
    assert tree["fit"]["log_density"].shape == (30, 40)
    some = grid(density_of(windshield), points={"mu": 30}, draws=1)
    assert some["fit"]["log_density"].shape == (30, 401)


def _proportion_with_dims():
    with pm.Model() as model:
        pmd.Beta("p", 7.0, 4.0)
    return model


@pytest.mark.parametrize("build", [globe, _proportion_with_dims])
def test_bounds_on_the_variables_own_scale(build):
    bounds = {"p": (0.02, 0.9999)}
    tree = grid(build(), bounds=bounds, points=10, draws=1)
    centres = tree["fit"]["axis_0"].values
    width = np.diff(centres)[0]
    ends = np.array([centres[0] - width / 2, centres[-1] + width / 2])
    np.testing.assert_allclose(1 / (1 + np.exp(-ends)), bounds["p"], rtol=1e-12)


def test_bounds_on_the_unconstrained_scale(density_of):
    tree = grid(density_of(globe), bounds={"p_interval__": (-4.0, 8.0)}, points=12, draws=1)
    np.testing.assert_allclose(tree["fit"]["axis_0"], np.arange(-3.5, 8.0))


def test_bounds_of_a_simplex_by_its_unconstrained_value():
    with pm.Model() as model:
        pm.Dirichlet("p", [2.0, 3.0])
    tree = grid(model, bounds={"p_simplex__": (-8.0, 8.0)}, draws=10)
    np.testing.assert_allclose(tree["fit"]["mean"], [0.4, 0.6], rtol=0, atol=1e-3)
    np.testing.assert_allclose(tree["fit"]["sd"], [0.2, 0.2], rtol=0, atol=1e-3)


def test_bounds_of_a_vector(density_of):
    mean, covariance, _ = exact_posterior(example_data())
    sds = np.sqrt(np.diag(covariance))
    tree = grid(
        density_of(linear_regression), 1, bounds={"b": (mean - 6 * sds, mean + 6 * sds)}, points=31
    )
    np.testing.assert_allclose(tree["fit"]["mean"], mean, rtol=0, atol=1e-3)


def test_a_given_box_needs_no_mode():
    """A top too flat for a normal distribution, which the search for a mode would refuse."""
    with pm.Model() as model:
        x = pm.Flat("x", initval=1.0)
        pm.Potential("wall", -(x**4))
    fit = grid(model, bounds={"x": (-3.5, 3.5)}, draws=10)["fit"]
    assert "mode" not in fit
    assert _of_one(fit, "mean") == pytest.approx(0.0, abs=1e-9)
    assert _of_one(fit, "sd") == pytest.approx(np.sqrt(gamma(3 / 4) / gamma(1 / 4)), rel=1e-6)
    assert float(fit["log_evidence"]) == pytest.approx(np.log(2 * gamma(5 / 4)), abs=1e-6)


def test_an_sd_that_may_turn_negative():
    """Cells outside the support have no mass; the others keep theirs."""
    with pm.Model() as model:
        s = pm.Normal("s", 1.0, 0.6)
        pm.Normal("y", 0.0, s, observed=[0.3, -1.2, 0.8])
    tree = grid(model, draws=100, random_seed=1)
    assert float(tree["posterior"]["s"].min()) > 0
    assert np.isfinite(float(tree["fit"]["log_evidence"]))


# Errors.


def test_more_than_four_scalars(density_of):
    with pytest.raises(GridSizeError, match=r"up to 4 .* has 10 \(mu, tau_log__.*laplace or nuts"):
        grid(density_of(eight_schools))


def test_more_cells_than_memory_should_hold(density_of):
    with pytest.raises(GridSizeError, match=r"100000 x 100000 points has 1e\+10 cells.*74.5 GiB"):
        grid(density_of(bioassay), points=100_000)


@pytest.mark.parametrize(
    ("bounds", "sentence"),
    [
        ({"alpha": (-4, 8)}, r"missing for \['beta'\]"),
        ({"alpha": (-4, 8), "beta": (-10, 40), "gamma": (0, 1)}, r"name \['gamma'\]"),
        ({"alpha": (8, -4), "beta": (-10, 40)}, r"bounds\['alpha'\] must have low < high"),
        ({"alpha": (1, 1), "beta": (-10, 40)}, r"bounds\['alpha'\] must have low < high"),
        ({"alpha": (np.nan, 8), "beta": (-10, 40)}, r"bounds\['alpha'\] must have low < high"),
        ({"alpha": (-4, 8), "beta": (-10, 5)}, "exclude .* mode: beta has its mode at 7.7488"),
        ({"alpha": (-np.inf, 8), "beta": (-10, 40)}, r"bounds\['alpha'\] must lie inside"),
        ({"alpha": 3.0, "beta": (-10, 40)}, r"bounds\['alpha'\] must be a pair"),
        ({"alpha": ("low", "high"), "beta": (-10, 40)}, r"bounds\['alpha'\] must be a pair"),
        ({"alpha": ([-4, -4], 8), "beta": (-10, 40)}, r"bounds\['alpha'\] do not fit"),
    ],
    ids=[
        "missing", "unknown", "reversed", "empty", "nan", "mode_outside", "infinite", "no_pair",
        "text", "shape",
    ],
)  # fmt: skip
def test_bounds_that_are_no_box(bounds, sentence, density_of):
    with pytest.raises(BoundsError, match=sentence):
        grid(density_of(bioassay), bounds=bounds)


@pytest.mark.parametrize("bounds", [(-0.5, 0.9), (0.1, 1.5), (0.0, 0.9)], ids=str)
def test_bounds_that_leave_the_support(bounds, density_of):
    with pytest.raises(BoundsError, match=r"bounds\['p'\] .*support"):
        grid(density_of(globe), bounds={"p": bounds})


def test_bounds_of_a_simplex_on_its_own_scale():
    with pm.Model() as model:
        pm.Dirichlet("p", [2.0, 3.0])
    with pytest.raises(BoundsError, match=r"'p' is not free entry by entry.*'p_simplex__'"):
        grid(model, bounds={"p": (0.1, 0.9)})


def test_bounds_of_a_variable_whose_support_another_sets():
    with pm.Model() as model:
        top = pm.HalfNormal("top", 1.0)
        pm.Uniform("x", 0.0, top)
    with pytest.raises(BoundsError, match=r"'x' is not free .*'x_interval__'"):
        grid(model, bounds={"top": (0.01, 5.0), "x": (0.1, 0.5)})


def test_bounds_where_the_model_has_no_start():
    """A given box needs no search, and so no place to begin one."""
    with pm.Model() as model:
        x = pm.Flat("x", initval=0.0)
        pm.Potential("gate", pm.math.switch(x > 1.0, -((x - 5.0) ** 2) / 2, -np.inf))
    fit = grid(model, bounds={"x": (-5.0, 12.0)}, draws=10)["fit"]
    assert "mode" not in fit
    assert _of_one(fit, "mean") == pytest.approx(5.0, abs=1e-3)


def test_a_ridge_that_no_cell_resolves(rng):
    """Two effects of which the data know the sum alone: cells lie on the ridge or miss it."""
    with pm.Model() as model:
        left, right = pm.Normal("left", 0.0, 1.0), pm.Normal("right", 0.0, 1.0)
        pm.Normal("y", left + right, 0.1, observed=0.4 + 0.1 * rng.standard_normal(1000))
    with pytest.raises(BoundsError, match=r"No box .* lie along a line"):
        grid(model)


def test_bounds_where_the_density_rises_to_the_edge():
    """No mode was found, and the box does not hold one either."""
    with pm.Model() as model:
        x = pm.Flat("x")
        pm.Potential("slope", 1.0 * x)
    with pytest.raises(BoundsError, match="highest at the edge of the box, near x = 3"):
        grid(model, bounds={"x": (0.0, 3.0)})


def test_bounds_in_which_the_density_is_zero():
    with pm.Model() as model:
        x = pm.Flat("x", initval=0.5)
        pm.Potential("gate", pm.math.switch(x < 1, 0.0, -np.inf))
    with pytest.raises(BoundsError, match="density is 0 in the whole box"):
        grid(model, bounds={"x": (2.0, 3.0)})


def test_a_density_that_is_no_number():
    with pm.Model() as model:
        x = pm.Normal("x", 2.0, 1.0, initval=2.0)
        pm.Potential("root", pm.math.sqrt(x))
    with pytest.raises(BoundsError, match=r"log density is nan at .*'x': -0\.05"):
        grid(model, bounds={"x": (-1.0, 5.0)}, points=60)


def test_a_density_that_is_no_number_far_out_is_zero_there():
    """A square root of a negative number, four sds away."""
    with pm.Model() as model:
        x = pm.Normal("x", 4.0, 1.0)
        pm.Potential("root", pm.math.sqrt(x) / 1e6)
    fit = grid(model, points=400)["fit"]
    assert np.isneginf(fit["log_density"].values[fit["axis_0"].values < 0]).all()
    assert float(fit["mean"].sel(quantity="x")) == pytest.approx(4.0, abs=1e-3)


def test_an_improper_posterior_has_no_box():
    with pytest.raises(ModeAtInfinityError, match="flat along 1 x"):
        grid(_flat_model())


def test_tails_without_end_have_no_box():
    """A mode, and tails that hardly have an integral, or none: 1 / (1 + |x|)."""
    with pm.Model() as heavy:
        pm.StudentT("x", nu=0.1, mu=0, sigma=1)
    with pytest.raises(BoundsError, match="No box holds the posterior: at x = "):
        grid(heavy)
    with pm.Model() as improper:
        x = pm.Flat("x")
        pm.Potential("tails", -0.5 * pm.math.log(1 + x**2))
    with pytest.raises(ImproperPosteriorError, match="log density of x does not fall off"):
        grid(improper)


def test_a_peak_that_no_cell_resolves():
    """A Cauchy distribution: cells that reach its tails are seven times as wide as its peak."""
    with pm.Model() as model:
        pm.Cauchy("x", 0.0, 1.0)
    with pytest.raises(BoundsError, match="x"):
        grid(model)


def test_points_of_an_unknown_variable(density_of):
    with pytest.raises(BoundsError, match=r"points name \['gamma'\]"):
        grid(density_of(bioassay), points={"gamma": 10})


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"draws": 0}, "draws"),
        ({"points": 0}, "points"),
        ({"points": 2.5}, "points"),
        ({"points": {"p": 0}}, r"points\['p'\]"),
    ],
    ids=str,
)
def test_counts_below_one(arguments, name, density_of):
    with pytest.raises(ArgumentError, match=f"{name} must be a whole number"):
        grid(density_of(globe), **arguments)


def _flat_model():
    with pm.Model() as model:
        x = pm.Flat("x")
        pm.Normal("y", 0.0 * x, 1.0, observed=[1.0])
    return model


class _BlackBox(Op):
    """Minus half the square of a number, in which PyTensor knows no derivative."""

    def make_node(self, x):
        return Apply(self, [pt.as_tensor_variable(x)], [pt.dscalar()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = np.asarray(-0.5 * inputs[0] ** 2)


def test_a_given_box_needs_no_derivative():
    with pm.Model() as model:
        x = pm.Flat("x")
        pm.Potential("box", _BlackBox()(x))
        pm.Deterministic("square", x**2)
    fit = grid(model, bounds={"x": (-6.5, 6.5)}, random_seed=1)["fit"].to_dataset()
    np.testing.assert_allclose(fit["mean"], [0, 1], atol=1e-4)
    np.testing.assert_allclose(fit["sd"], [1, np.sqrt(2)], atol=1e-4)
    assert "mode" not in fit
    with pytest.raises(GradientError, match="a grid with bounds"):
        grid(model)


@pytest.mark.filterwarnings("ignore:SplineWrapper should implement:FutureWarning")
def test_an_interpolated_prior_in_a_given_box():
    """A prior of straight pieces; the reference is a sum over the same pieces."""
    places = np.linspace(-5, 5, 41)
    with pm.Model() as model:
        x = pm.Interpolated("x", places, np.exp(-0.5 * places**2))
        pm.Normal("y", x, 0.5, observed=1.0)
    fit = grid(model, bounds={"x": (-4.9, 4.9)}, points=20_000)["fit"].to_dataset()
    fine = np.linspace(-4.9, 4.9, 400_001)
    weights = np.interp(fine, places, np.exp(-0.5 * places**2)) * np.exp(-2 * (fine - 1) ** 2)
    assert float(fit["mean"][0]) == pytest.approx(np.average(fine, weights=weights), abs=1e-5)
