"""One contract for all methods, on every model of the catalogue."""

import json
import warnings
from contextlib import nullcontext
from importlib.util import find_spec

import arviz as az
import numpy as np
import pymc as pm
import pytest
import xarray as xr

from tripos.approximations import METHODS, LogDensity
from tripos.approximations.errors import (
    ArgumentError,
    GridSizeError,
    LatentFieldError,
    UntrustedWeightsWarning,
)
from tripos.approximations.scalars.quantities import flatten
from tripos.models import CATALOGUE

SEED = 11
# How each method is called here: few draws, and nothing that Numba would have to compile. A method
# that is not here takes few draws.
_FEW = {"draws": 200}
_ARGUMENTS = {
    "grid": _FEW | {"points": 31},
    "laplace": _FEW,
    "low_rank_laplace": _FEW,
    "diagonal_laplace": _FEW,
    "skew_laplace": _FEW,
    "importance": _FEW,
    "quadrature": _FEW,
    "nested_laplace": _FEW | {"nagq": 3},
    "pathfinder": _FEW,
    "advi": _FEW,
    "fullrank_advi": _FEW,
    "dadvi": _FEW,
    "smc": {"draws": 100, "chains": 2, "linker": "numpy", "cores": 1},
}
_NUTS = {"draws": 12, "tune": 12, "chains": 2}
# Hardly tuned, the sampler would build trees of hundreds of gradients.
_SHALLOW = {"nuts": {"max_treedepth": 3, "early_max_treedepth": 3}}
# One for each model, compiled once for all methods.
DENSITIES = {n: LogDensity(entry.build(), linker="numpy") for n, entry in CATALOGUE.items()}
_HIERARCHICAL = ("eight_schools", "borrowers", "crossed_effects", "varying_slopes")
# One node a latent scalar where these depend on each other.
_DEPENDENT = ("crossed_effects", "varying_slopes")
# Weights that cannot be trusted, and say so: the contract is about the tree.
_UNTRUSTED = {
    ("importance", name) for name in ("varying_slopes", "crossed_effects", "neural_network")
}
# Seconds a fit: models with dims and with a transform tell what their trees are like.
_SLOW = {
    "pathfinder": ("globe", "linear_regression", "varying_slopes"),
    "advi": ("globe", "linear_regression"),
    "fullrank_advi": ("globe", "linear_regression"),
    "dadvi": ("globe", "linear_regression", "varying_slopes"),
    "smc": ("globe", "linear_regression"),
}
# They share the tree of `laplace`, and their own tests look at what differs.
_ON_SOME = {
    "low_rank_laplace": ("globe", "linear_regression", "neural_network"),
    "diagonal_laplace": ("globe", "linear_regression", "neural_network"),
}
HERE = [
    name
    for name, method in METHODS.items()
    if method.extra is None or find_spec(method.extra.replace("-", "_"))
]
# Their own tests look at their random numbers, with fewer fits.
_QUICK = [name for name in HERE if name not in _SLOW]
_HASTY = ("advi", "fullrank_advi")  # see `hasty`
_OF_LATENT_FIELDS = [name for name in METHODS if "latent_field" in METHODS[name].needs]


def _serves(method, name):
    if method in _SLOW | _ON_SOME:
        return name in (_SLOW | _ON_SOME)[method]
    if method in _OF_LATENT_FIELDS:
        return name in _HIERARCHICAL
    return DENSITIES[name].size <= (METHODS[method].most_scalars or np.inf)


CASES = [(method, name) for method in HERE for name in CATALOGUE if _serves(method, name)]
# For ArviZ and files, which read a tree whoever made it: each method, on the last model that it
# serves, and each model.
_LAST = dict(CASES)
SOME = [case for case in CASES if case[0] == "laplace" or case in _LAST.items()]


@pytest.fixture(scope="module")
def fit(quick_nuts, uncompiled, hasty):
    """Run a method on a model of the catalogue, once."""
    trees = {}

    def run(method, name):
        if (method, name) not in trees:
            arguments = _ARGUMENTS.get(method, _FEW)
            if method == "nuts":
                arguments = _NUTS | _SHALLOW | quick_nuts
            by_default = (method, name) == ("nuts", "globe")
            if by_default:
                arguments = _NUTS | {"cores": 1}  # the default sampler
            if method == "nested_laplace" and name in _DEPENDENT:
                arguments = _FEW
            model = DENSITIES[name].model
            given = model if name == "globe" else DENSITIES[name]
            warns = (method, name) in _UNTRUSTED
            heard = pytest.warns(UntrustedWeightsWarning) if warns else _quietly(method)
            compiled = method != "nuts" or by_default
            with heard, nullcontext() if compiled else uncompiled():
                tree = METHODS[method](given, random_seed=SEED, **arguments)
            trees[method, name] = tree, model
        return trees[method, name]

    return run


def _quietly(method):
    """Of pathfinder, which path is poor is a matter of luck, and so is the warning."""
    if method != "pathfinder":
        return nullcontext()
    return warnings.catch_warnings(category=UntrustedWeightsWarning, action="ignore")


@pytest.fixture(params=CASES, ids="-".join)
def case(request, fit):
    """Give the method's name, the tree and the model."""
    method, name = request.param
    return method, *fit(method, name)


def _names(model):
    return {rv.name for rv in (*model.free_RVs, *model.deterministics)}


def test_every_method_and_model_is_here():
    assert {*_ARGUMENTS, *_SLOW, *_HASTY} <= set(METHODS)
    for cases in (CASES, SOME):
        assert {method for method, _ in cases} == set(HERE)
        assert {name for _, name in cases} == set(CATALOGUE)


def test_grid_refuses_what_is_too_large():
    large = [name for name in CATALOGUE if not _serves("grid", name)]
    assert {"eight_schools", "borrowers"} <= set(large)
    for name in large:
        with pytest.raises(GridSizeError, match="Use laplace or nuts"):
            METHODS["grid"](DENSITIES[name])


def test_nested_laplace_refuses_what_has_no_latent_field():
    for name in ("bioassay", "globe", "windshield", "linear_regression", "smooth_trend"):
        with pytest.raises(LatentFieldError, match="No free variable looks like a latent field"):
            METHODS["nested_laplace"](DENSITIES[name])


def test_groups(case):
    method, tree, model = case
    groups = {"posterior", "sample_stats", "observed_data"}
    if model.data_vars:
        groups.add("constant_data")
    if method != "nuts":
        groups |= {"unconstrained_posterior", "fit"}
    assert groups <= set(tree.children)
    assert "lp" in tree["sample_stats"]


def test_posterior_has_the_models_dims_and_coords(case):
    _, tree, model = case
    posterior = tree["posterior"]
    assert set(posterior.data_vars) == _names(model)
    for name, variable in posterior.data_vars.items():
        dims = model.named_vars_to_dims.get(name, ())
        assert variable.dims == ("chain", "draw", *dims)
        for dim in dims:
            assert variable.coords[dim].values.tolist() == list(model.coords[dim])


def test_draws_are_numbers_that_vary(case):
    _, tree, _ = case
    for label, draws in flatten(tree["posterior"].to_dataset()).items():
        assert np.all(np.isfinite(draws)), label
        assert draws.std() > 1e-3 * abs(draws.mean()), label


def test_data_are_the_models(case):
    _, tree, model = case
    for rv in model.observed_RVs:
        observed = model.rvs_to_values[rv]
        np.testing.assert_array_equal(tree["observed_data"][rv.name], observed.eval())
    for data in model.data_vars:
        np.testing.assert_array_equal(tree["constant_data"][data.name], data.get_value())


def test_attributes_say_how_it_was_made(case):
    method, tree, _ = case
    attrs = tree.attrs
    assert attrs["method"] == method
    assert attrs["random_seed"] == str(SEED)
    assert attrs["independent_draws"] == (METHODS[method].draws != "chains")
    assert json.loads(attrs["settings"])["draws"] == tree["posterior"].sizes["draw"]
    assert json.loads(attrs["versions"])["pymc"] == pm.__version__
    parts = [attrs[f"seconds_{part}"] for part in ("compile", "fit", "draw")]
    assert min(parts) >= 0
    assert attrs["seconds"] == pytest.approx(sum(parts))
    spent = "gradient" if "gradient" in METHODS[method].needs else "value"
    assert attrs[f"evaluations_{spent}"] >= 1


@pytest.mark.parametrize("case", SOME, ids="-".join, indirect=True)
def test_netcdf_and_back(case, tmp_path):
    _, tree, _ = case
    path = tmp_path / "tree.nc"
    tree.to_netcdf(path, engine="h5netcdf")
    back = xr.open_datatree(path, engine="h5netcdf").load()
    back.close()
    xr.testing.assert_equal(back, tree)
    assert back.attrs == tree.attrs


@pytest.mark.parametrize("case", SOME, ids="-".join, indirect=True)
def test_summary(case):
    _, tree, _ = case
    table = az.summary(tree, round_to="none")
    scalars = flatten(tree["posterior"].to_dataset())
    assert list(table.index) == list(scalars)
    np.testing.assert_allclose(table["mean"], [draws.mean() for draws in scalars.values()])


@pytest.mark.parametrize("case", SOME, ids="-".join, indirect=True)
def test_plots(case, figures, request):
    _, name = request.node.callspec.params["case"]
    _, tree, _ = case
    chosen = [v for v in CATALOGUE[name].quantities if tree["posterior"][v].size < 4000][:2]
    az.plot_dist(tree, var_names=chosen, backend="matplotlib")
    az.plot_pair(tree, var_names=chosen, backend="matplotlib")
    scalars = sum(len(flatten(tree["posterior"].to_dataset()[[v]])) for v in chosen)
    axes = [len(figures.figure(number).axes) for number in figures.get_fignums()]
    assert len(axes) == 2
    assert axes[0] >= scalars


@pytest.mark.parametrize(
    "method", [name for name in HERE if name not in (*_HASTY, *_OF_LATENT_FIELDS)]
)
def test_loo(method, normal_model, quick_nuts, uncompiled):
    """Leave-one-out from every method, within its Monte Carlo error of the closed form."""
    y = np.random.default_rng(4).normal(1.0, 0.5, size=20)
    model = normal_model(y)
    arguments = {"draws": 300, "tune": 200, "chains": 2} | quick_nuts
    if method != "nuts":
        arguments = {} if method in _QUICK else _ARGUMENTS[method] | {"draws": 300}
    with uncompiled() if method == "nuts" else nullcontext():
        tree = METHODS[method](model, random_seed=SEED, **arguments)
    with uncompiled():
        pm.compute_log_likelihood(tree, model=model, progressbar=False)
    log_likelihood = tree["log_likelihood"]["y"]
    assert log_likelihood.dims == ("chain", "draw", "observation")
    loo = az.loo(tree)
    assert loo.n_data_points == 20
    independent = tree.attrs["independent_draws"]
    mu = tree["posterior"]["mu"]
    size = mu.size if independent else float(az.ess(tree)["mu"])
    # At worst the errors of all observations go the same way.
    error = float(log_likelihood.std(("chain", "draw")).sum()) / np.sqrt(size)
    assert abs(loo.elpd - _exact_loo(y)) < 4 * error


def _exact_loo(y):
    """Sum over observations of log p(y_i | the others), all of them normal."""
    precision = np.linalg.inv(0.5**2 * np.eye(len(y)) + 2.0**2)
    variances = 1 / np.diag(precision)
    residuals = (precision @ y) * variances
    return float(np.sum(-0.5 * (np.log(2 * np.pi * variances) + residuals**2 / variances)))


# Random numbers.


@pytest.fixture(scope="module", params=_QUICK)
def method(request, quick_nuts, uncompiled):
    """Give a method with its arguments: some twenty draws."""
    few = {"draws": 20, "tune": 20, "chains": 2} | quick_nuts
    arguments = few if request.param == "nuts" else {"draws": 20}
    name, variable = "globe", "p"
    if request.param in _OF_LATENT_FIELDS:
        name, variable = "eight_schools", "mu"

    def run(**options):
        with uncompiled() if request.param == "nuts" else nullcontext():
            tree = METHODS[request.param](DENSITIES[name], **arguments, **options)
        return tree["posterior"][variable].values, tree

    return run


@pytest.fixture(scope="module")
def first(method):
    return method(random_seed=1)[0]


def test_another_seed_gives_other_draws(method, first):
    assert np.intersect1d(first, method(random_seed=2)[0]).size == 0


def test_a_generator_is_taken_and_moves_on(method):
    rng = np.random.default_rng(5)
    first, tree = method(random_seed=rng)
    assert np.intersect1d(first, method(random_seed=rng)[0]).size == 0
    np.testing.assert_array_equal(first, method(random_seed=np.random.default_rng(5))[0])
    assert tree.attrs["random_seed"] == ""


@pytest.mark.parametrize("name", ["grid", "laplace"])
@pytest.mark.parametrize("seed", [-1, "seven"], ids=repr)
def test_a_seed_that_is_none(name, seed):
    with pytest.raises(ArgumentError, match=f"random_seed must be .* but {seed!r} was given"):
        METHODS[name](CATALOGUE["globe"].build(), random_seed=seed)


def test_the_same_seed_gives_the_same_draws_and_leaves_no_trace(method, first, capfd):
    """Nothing is printed where nobody watches, nor warned; the global generator is left alone."""
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    capfd.readouterr()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        again, _ = method(random_seed=1)
    assert capfd.readouterr().out == ""
    assert [str(warning.message) for warning in caught] == []
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    np.testing.assert_array_equal(first, again)
