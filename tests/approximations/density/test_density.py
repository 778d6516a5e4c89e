"""The log density: values, derivatives, batches and the way back, over a family of models."""

import numpy as np
import pymc as pm
import pymc.dims as pmd
import pytensor
import pytensor.tensor as pt
import pytest
from pymc.distributions import transforms
from pytensor.compile.mode import Mode
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.traversal import ancestors
from scipy import stats
from scipy.differentiate import jacobian

from tripos.approximations import LogDensity
from tripos.approximations.errors import GradientError, StartingPointError
from tripos.models import bioassay, eight_schools

Y = np.array([0.3, -1.2, 0.8, 2.1, -0.4, 1.7])
GROUP = np.array([0, 0, 1, 1, 2, 2])
# Where the differences stop: well below the tolerances they are compared with.
CONVERGED = {"rtol": 1e-10, "atol": 1e-11}
PYTHON = Mode(linker="py", optimizer="fast_compile")
# Before, PyMC's own density is minus infinity where 1 - p rounds to zero.
stable_logpow = pytest.mark.skipif(
    tuple(map(int, pm.__version__.split(".")[:2])) < (6, 3), reason="needs PyMC 6.3"
)


def _scalars():
    with pm.Model() as model:
        mu, s, p = pm.Normal("mu", 0.3, 1.7), pm.Gamma("s", 2.5, 1.3), pm.Beta("p", 2.0, 3.0)
        pm.Deterministic("cv", s / (1 + mu**2))
        pm.Normal("y", mu * p, s, observed=Y)
    return model


def _vector():
    with pm.Model(coords={"group": list("abc")}) as model:
        s = pm.HalfNormal("s", 1.5, dims="group")
        b = pm.StudentT("b", nu=5, mu=0, sigma=s, dims="group")
        pm.Normal("y", b[GROUP], 0.7, observed=Y)
    return model


def _matrix():
    with pm.Model(coords={"row": list("ab"), "column": list("xyz")}) as model:
        w = pm.Laplace("w", 0.1, 1.2, dims=("row", "column"))
        v = pm.Exponential("v", 1.3, shape=(3, 2))
        product = pm.Deterministic("product", w @ v)
        pm.Normal("y", product, 1.0, observed=Y[:4].reshape(2, 2))
    return model


def _simplex():
    with pm.Model(coords={"kind": list("abcd")}) as model:
        p = pm.Dirichlet("p", [1.5, 2.0, 3.0, 0.7], dims="kind")
        pm.Multinomial("y", n=10, p=p, observed=[2, 3, 4, 1])
    return model


def _ordered():
    with pm.Model() as model:
        c = pm.Normal("c", [-1, 0, 1], 1.5, transform=transforms.ordered, initval=[-1.0, 0.0, 1.0])
        eta = pm.Normal("eta", 0, 1)
        pm.OrderedLogistic("y", eta=eta, cutpoints=c, observed=[0, 1, 2, 3, 1, 2])
    return model


def _lkj():
    with pm.Model() as model:
        sds = pm.Exponential.dist(1.0, shape=3)
        factor, _, _ = pm.LKJCholeskyCov("factor", n=3, eta=2.0, sd_dist=sds)
        pm.MvNormal("y", np.zeros(3), chol=factor, observed=Y.reshape(2, 3))
    return model


def _interval():
    with pm.Model() as model:
        u, w = pm.Uniform("u", -1.5, 2.5), pm.VonMises("w", 0.3, 2.0)
        t = pm.TruncatedNormal("t", 0.2, 1.1, lower=-1.0)
        pm.Normal("y", u + t * pt.cos(w), 0.9, observed=Y)
    return model


def _zero_sum():
    with pm.Model(coords={"group": list("abc")}) as model:
        z = pm.ZeroSumNormal("z", 1.3, dims="group")
        pm.Normal("y", z[GROUP], 0.8, observed=Y)
    return model


def _missing():
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1.3)
        pm.Normal("y", mu, 0.7, observed=np.ma.masked_array(Y, [0, 1, 0, 1, 0, 0]))
    return model


def _several_observed():
    with pm.Model() as model:
        rate = pm.Gamma("rate", 2.0, 1.0)
        pm.Poisson("count", rate * np.arange(1, 7), observed=[1, 3, 2, 5, 4, 9])
        pm.Exponential("wait", rate, observed=[0.3, 0.8, 0.2])
        pm.Bernoulli("hit", p=1 - pt.exp(-rate), observed=[1, 0, 1])
    return model


def _whole_numbers():
    with pm.Model() as model:
        x = pm.Normal("x", 0, 3)
        pm.Normal("y", x, 7, observed=Y)
    return model


def _potential():
    with pm.Model() as model:
        x = pm.Flat("x", shape=2, initval=[0.5, 0.2])
        pm.Potential("rosenbrock", -((1 - x[0]) ** 2) - 5 * (x[1] - x[0] ** 2) ** 2)
    return model


def _autoregression():
    with pm.Model() as model:
        rho = pm.Normal("rho", [0.1, 0.4], 0.5, shape=2)
        first = pm.Normal.dist(0.0, 2.0, shape=1)
        pm.AR("y", rho=rho, sigma=0.8, constant=True, init_dist=first, observed=Y)
    return model


def _garch():
    with pm.Model() as model:
        omega = pm.HalfNormal("omega", 1.0)
        alpha, beta = pm.Beta("alpha", 1.5, 4.0), pm.Beta("beta", 2.0, 4.0)
        pm.GARCH11("y", omega=omega, alpha_1=alpha, beta_1=beta, initial_vol=1.1, observed=Y)
    return model


def _scan():
    with pm.Model() as model:
        growth, first = pm.Normal("growth", 0.5, 0.3), pm.Normal("first", 0, 1)
        path = pytensor.scan(
            lambda x, g: x * g + 0.1,
            outputs_info=[first],
            non_sequences=[growth],
            n_steps=len(Y),
            return_updates=False,
        )
        pm.Deterministic("path", path)
        pm.Normal("y", path, 0.8, observed=Y)
    return model


def _named_dims():
    with pm.Model(coords={"group": list("abc"), "observation": range(6)}) as model:
        x = pmd.Data("x", Y[::-1].copy(), dims="observation")
        a, s = pmd.Normal("a", 0, 1.3), pmd.HalfNormal("s", 1.0, dims="group")
        b = pmd.Normal("b", 0.1, s, dims="group")
        y = pmd.as_xtensor(Y, dims=("observation",))
        pmd.Normal("y", a + b.sum() * x, 0.9, observed=y)
    return model


def _named_dims_deterministic():
    with pm.Model(coords={"group": list("abc")}) as model:
        a, b = pmd.Normal("a", 0, 1.3), pmd.Normal("b", 0, 1, dims="group")
        total = pmd.Deterministic("total", b + a)
        y = pmd.as_xtensor(Y[:3], dims=("group",))
        pmd.Normal("y", total * total.sum(), 0.9, observed=y)
    return model


def _multivariate_normal():
    with pm.Model() as model:
        covariance = [[2.0, 0.3, 0.1], [0.3, 1.0, 0.2], [0.1, 0.2, 0.5]]
        x = pm.MvNormal("x", [0.1, -0.3, 0.7], cov=covariance)
        pm.Normal("y", x, 0.6, observed=Y.reshape(2, 3))
    return model


def _mixture():
    with pm.Model() as model:
        w, mu = pm.Dirichlet("w", [1.2, 2.0]), pm.Normal("mu", [-1, 1], 1.5, shape=2)
        pm.NormalMixture("y", w=w, mu=mu, sigma=0.7, observed=Y)
    return model


def _gaussian_process():
    with pm.Model() as model:
        length, height = pm.InverseGamma("length", 3.0, 2.0), pm.HalfNormal("height", 1.2)
        noise = pm.HalfNormal("noise", 0.5)
        process = pm.gp.Marginal(cov_func=height**2 * pm.gp.cov.ExpQuad(1, ls=length))
        process.marginal_likelihood("y", X=np.linspace(0, 1, 6)[:, None], y=Y, sigma=noise)
    return model


FAMILY = {
    build.__name__.removeprefix("_"): build
    for build in (
        _scalars, _vector, _matrix, _simplex, _ordered, _lkj, _interval, _zero_sum, _missing,
        _several_observed, _potential, _autoregression, _garch, _scan, _named_dims,
        _named_dims_deterministic, _multivariate_normal, _mixture, _gaussian_process,
    )
}  # fmt: skip


@pytest.fixture(scope="module", params=FAMILY)
def density(request):
    return LogDensity(_build(FAMILY[request.param]))


@pytest.fixture(scope="module")
def theta(density):
    """Give a point that is no special one: nothing vanishes there."""
    rng = np.random.default_rng(3)
    return density.initial_point() + 0.3 * rng.standard_normal(density.size)


@pytest.fixture(scope="module")
def point(density, theta):
    """Give the same point as PyMC writes it."""
    return {block.value_name: block.take(theta) for block in density.blocks}


@pytest.fixture
def no_c_compiler():
    """Let PyMC's own functions be made without gcc, which takes seconds a time."""
    with pytensor.config.change_flags(cxx=""):
        yield


def _build(builder):
    # PyMC tells that it imputes missing data, which is what the model is here for.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pymc.model.core.warnings.warn", lambda *_, **__: None)
        return builder()


def test_value_is_pymcs(density, theta, point, no_c_compiler):
    # PyMC keeps constants such as log(1.7) in single precision; ours are in double precision.
    expected = float(density.model.compile_logp(mode=PYTHON)(point))
    single = float(np.finfo(np.float32).eps)
    assert density.value(theta) == pytest.approx(expected, rel=single)


def test_gradient_is_the_slope(density, theta):
    def many(x):
        return density.batched_value(x.reshape(density.size, -1).T).reshape(x.shape[1:])

    value, gradient = density.value_and_gradient(theta)
    assert value == density.value(theta)
    slopes = jacobian(many, theta, initial_step=0.1, tolerances=CONVERGED)
    size = np.abs(gradient).max()
    np.testing.assert_allclose(gradient, slopes.df, rtol=1e-8, atol=1e-9 * size)
    np.testing.assert_array_equal(density.gradient(theta), gradient)


def test_hessian_is_the_slope_of_the_gradient(density, theta):
    def many(x):
        rows = x.reshape(density.size, -1).T
        return np.array([density.gradient(row) for row in rows]).T.reshape(x.shape)

    hessian = density.hessian(theta)
    slopes = jacobian(many, theta, initial_step=0.1, tolerances=CONVERGED)
    size = np.abs(hessian).max()
    np.testing.assert_allclose(hessian, slopes.df, rtol=1e-7, atol=1e-8 * size)
    np.testing.assert_array_equal(hessian, hessian.T)
    vector = np.arange(1.0, density.size + 1)
    product = density.hessian_vector_product(theta, vector)
    np.testing.assert_allclose(product, hessian @ vector, rtol=1e-10, atol=1e-10 * size)


def test_a_batch_is_its_rows(density, theta, rng):
    thetas = theta + 0.1 * rng.standard_normal((4, density.size))
    rows = [density.value(row) for row in thetas]
    np.testing.assert_allclose(density.batched_value(thetas), rows, rtol=1e-12)


def test_unravel_is_pymcs(density, theta, point, no_c_compiler):
    model = density.model
    outputs = model.unobserved_value_vars
    function = model.compile_fn(
        outputs, inputs=model.value_vars, on_unused_input="ignore", mode=PYTHON
    )
    expected = dict(zip([v.name for v in outputs], function(point), strict=True))
    found = density.unravel(np.stack([theta, theta + 0.1]))
    assert list(found) == [v.name for v in (*model.free_RVs, *model.deterministics)]
    for name, values in found.items():
        assert len(values) == 2
        np.testing.assert_allclose(values[0], expected[name], rtol=1e-12, atol=1e-15, err_msg=name)


def test_labels_are_one_a_parameter(density, theta):
    assert len(density.parameters) == len(set(density.parameters)) == density.size == len(theta)


def test_the_model_is_not_touched(density):
    """PyMC's own graph must not hold the shared variables that we put our data in."""
    graph = density.model.logp()
    ours = set(density.data.values())
    assert not ours & set(ancestors([graph]))


# Closed forms. Python's numbers end in single precision in PyMC, and must not here.


def _log_jacobian(p):
    return np.log(p) + np.log1p(-p)


@pytest.mark.parametrize(
    ("builder", "theta", "expected"),
    [
        pytest.param(
            _scalars,
            [0.7, -0.2, 0.4],
            lambda x, s, p: (
                stats.norm(0.3, 1.7).logpdf(x)
                + stats.gamma(2.5, scale=1 / 1.3).logpdf(s)
                + np.log(s)
                + stats.beta(2, 3).logpdf(p)
                + _log_jacobian(p)
                + stats.norm(x * p, s).logpdf(Y).sum()
            ),
            id="scalars",
        ),
        pytest.param(
            _several_observed,
            [0.3],
            lambda r: (
                stats.gamma(2).logpdf(r)
                + np.log(r)
                + stats.poisson(r * np.arange(1, 7)).logpmf([1, 3, 2, 5, 4, 9]).sum()
                + stats.expon(scale=1 / r).logpdf([0.3, 0.8, 0.2]).sum()
                + stats.bernoulli(1 - np.exp(-r)).logpmf([1, 0, 1]).sum()
            ),
            id="several_observed",
        ),
        pytest.param(
            _multivariate_normal,
            [0.4, -0.6, 1.1],
            lambda *x: (
                stats.multivariate_normal(
                    [0.1, -0.3, 0.7], [[2.0, 0.3, 0.1], [0.3, 1.0, 0.2], [0.1, 0.2, 0.5]]
                ).logpdf(x)
                + stats.norm(np.array(x), 0.6).logpdf(Y.reshape(2, 3)).sum()
            ),
            id="multivariate_normal",
        ),
        pytest.param(
            _whole_numbers,
            [0.4],
            lambda x: stats.norm(0, 3).logpdf(x) + stats.norm(x, 7).logpdf(Y).sum(),
            id="whole_numbers",
        ),
        pytest.param(
            _missing,
            [0.4, -0.6, 1.1],
            lambda mu, *missing: (
                stats.norm(0, 1.3).logpdf(mu)
                + stats.norm(mu, 0.7).logpdf(np.concatenate([Y[[0, 2, 4, 5]], missing])).sum()
            ),
            id="missing",
        ),
        pytest.param(
            _autoregression,
            [0.2, 0.5],
            lambda constant, rho: (
                stats.norm([0.1, 0.4], 0.5).logpdf([constant, rho]).sum()
                + stats.norm(0, 2).logpdf(Y[0])
                + stats.norm(constant + rho * Y[:-1], 0.8).logpdf(Y[1:]).sum()
            ),
            id="autoregression",
        ),
    ],
)
def test_log_density_is_scipys_to_rounding(builder, theta, expected):
    density = LogDensity(_build(builder))
    constrained = [float(v) for x in density.unravel(np.array([theta])).values() for v in x.ravel()]
    free = constrained[: density.size]
    assert density.value(np.array(theta)) == pytest.approx(expected(*free), rel=1e-12)


def test_normal_model_has_its_precision_for_hessian():
    covariance = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, 0.2], [0.1, 0.2, 0.5]])
    precision = np.linalg.inv(covariance) + 2 * np.eye(3) / 0.6**2
    density = LogDensity(_multivariate_normal())
    np.testing.assert_allclose(density.hessian(np.ones(3)), -precision, rtol=1e-12)


# One batch, and points that leave the support.


def _sd_without_transform():
    with pm.Model() as model:
        s = pm.Normal("s", 1.0, 1.0)
        pm.Normal("y", 0.0, s, observed=Y)
    return model


def _vector_sd_without_transform():
    with pm.Model() as model:
        s = pm.Normal("s", 1.0, 1.0, shape=2)
        x = pm.Normal("x", 0.0, s, shape=2, initval=[0.1, 0.1])
        pm.Normal("y", x.sum(), 1.0, observed=Y)
    return model


def _probability_without_transform():
    with pm.Model() as model:
        p = pm.Normal("p", 0.5, 1.0)
        pm.Bernoulli("y", p, observed=[1, 0, 1])
    return model


@pytest.mark.parametrize(
    "builder",
    [_sd_without_transform, _vector_sd_without_transform, _probability_without_transform],
    ids=lambda builder: builder.__name__.removeprefix("_"),
)
def test_a_row_outside_the_support_leaves_the_others_alone(builder):
    density = LogDensity(builder())
    inside = density.initial_point()
    thetas = np.stack([inside, inside - 3.0, inside + 0.1])
    rows = [density.value(row) for row in thetas]
    assert np.isfinite(rows).tolist() == [True, False, True]
    np.testing.assert_allclose(density.batched_value(thetas), rows, rtol=1e-12)


def test_a_long_batch_is_cut_into_chunks_and_told():
    density = LogDensity(bioassay())
    thetas = density.initial_point() + np.linspace(0, 1, 150_000)[:, None]
    told = []
    values = density.batched_value(thetas, progress=told.append)
    assert len(told) > 1
    assert sum(told) == len(thetas)
    ends = [density.value(thetas[k]) for k in (0, 70_000, -1)]
    np.testing.assert_allclose(values[[0, 70_000, -1]], ends, rtol=1e-12)
    assert density.unravel(thetas)["ld50"].shape == (150_000,)


def test_a_density_that_does_not_depend_on_theta_has_a_batch_too():
    with pm.Model() as model:
        pm.Flat("x")
        pm.Deterministic("constant", pt.constant([1.0, 2.0]))
    density = LogDensity(model)
    np.testing.assert_array_equal(density.batched_value(np.ones((3, 1))), np.zeros(3))
    np.testing.assert_array_equal(density.unravel(np.ones((3, 1)))["constant"], [[1.0, 2.0]] * 3)


# Labels, counts, starting points.


def test_labels_name_coordinates_and_transforms():
    assert LogDensity(eight_schools()).parameters[:3] == ("mu", "tau_log__", "eta[Choate]")
    assert LogDensity(_matrix()).parameters[2:5] == ("w[a, z]", "w[b, x]", "w[b, y]")
    # A simplex of four has three free entries, so the coordinates do not fit them.
    assert LogDensity(_simplex()).parameters == tuple(f"p_simplex__[{k}]" for k in range(3))


def test_evaluations_are_counted():
    density = LogDensity(bioassay())
    theta = density.initial_point()
    density.value(theta)
    density.gradient(theta)
    density.hessian(theta)
    density.batched_value(np.tile(theta, (7, 1)))
    # The gradient comes along with the Hessian.
    assert density.evaluations == {"value": 8, "gradient": 2, "hessian_vector_product": 2}


def test_derivatives_are_those_asked_for_one_by_one():
    density = LogDensity(bioassay())
    theta = np.array([0.5, 6.0])
    value, gradient, hessian = density.derivatives(theta)
    assert value == pytest.approx(density.value(theta), rel=1e-14)
    np.testing.assert_allclose(gradient, density.gradient(theta), rtol=1e-13)
    products = [density.hessian_vector_product(theta, unit) for unit in np.eye(2)]
    np.testing.assert_allclose(hessian, products, rtol=1e-13)


def test_derivatives_in_pieces_are_those_of_one_batch(monkeypatch):
    theta = np.array([0.5, 6.0])
    _, gradient, hessian = LogDensity(bioassay()).derivatives(theta)
    monkeypatch.setattr("tripos.approximations.density.derivatives.scalar_function._ENTRIES", 4)
    pieces = LogDensity(bioassay()).derivatives(theta)
    np.testing.assert_allclose(pieces[1], gradient, rtol=1e-13)
    np.testing.assert_allclose(pieces[2], hessian, rtol=1e-13)


def test_an_operation_with_a_graph_of_its_own():
    """PyTensor keeps -10.0 in single precision, and `pt.logaddexp` is written for that."""
    with pm.Model() as model:
        x = pm.Normal("x")
        pm.Potential("floor", pt.logaddexp(x, -10.0))
    value, gradient, _ = LogDensity(model).derivatives(np.array([0.5]))
    expected = -0.5 * np.log(2 * np.pi) - 0.125 + np.logaddexp(0.5, -10.0)
    assert value == pytest.approx(expected, rel=1e-12)
    assert gradient[0] == pytest.approx(-0.5 + 1 / (1 + np.exp(-10.5)), rel=1e-12)


def test_the_model_in_context_is_taken():
    with bioassay():
        assert LogDensity().parameters == ("alpha", "beta")


def test_initial_point_is_the_models():
    np.testing.assert_array_equal(LogDensity(bioassay()).initial_point(), [0.0, 0.0])


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ({"tau": 2.0}, [0.0, np.log(2.0)]),
        ({"tau_log__": -1.5}, [0.0, -1.5]),
        ({"mu": 3.0, "tau": 1.0}, [3.0, 0.0]),
    ],
)
def test_named_start_on_either_scale(start, expected):
    theta = LogDensity(eight_schools()).initial_point(start)
    np.testing.assert_allclose(theta[:2], expected, atol=1e-15)
    np.testing.assert_array_equal(theta[2:], np.zeros(8))


def test_start_as_array_is_copied():
    density, start = LogDensity(bioassay()), np.array([1.0, 2.0])
    theta = density.initial_point(start)
    start[0] = 9.0
    np.testing.assert_array_equal(theta, [1.0, 2.0])


def test_start_with_an_unknown_name():
    with pytest.raises(StartingPointError, match=r"\['gamma'\].*\['alpha', 'beta'\]"):
        LogDensity(bioassay()).initial_point({"gamma": 1.0})


@pytest.mark.parametrize("start", [np.zeros(3), np.zeros((2, 1)), 0.0], ids=["3", "2x1", "scalar"])
def test_start_of_the_wrong_size(start):
    with pytest.raises(StartingPointError, match=r"shape \(2,\).*alpha, beta"):
        LogDensity(bioassay()).initial_point(start)


@pytest.mark.parametrize(
    ("name", "value"),
    [("eta", np.zeros(3)), ("tau", np.ones(2)), ("tau_log__", np.ones(2))],
    ids=["short", "long", "unconstrained"],
)
def test_named_start_of_the_wrong_shape(name, value):
    with pytest.raises(StartingPointError, match=name):
        LogDensity(eight_schools()).initial_point({name: value})


class _Opaque(Op):
    """x -> x^2, with no derivative to be had."""

    def make_node(self, x):
        return Apply(self, [pt.as_tensor(x)], [pt.scalar()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = np.asarray(inputs[0] ** 2)


def test_an_operation_without_derivative():
    with pm.Model() as model:
        x = pm.Normal("x")
        pm.Potential("opaque", -_Opaque()(x))
    density = LogDensity(model)
    assert density.value(np.array([2.0])) == pytest.approx(stats.norm.logpdf(2.0) - 4.0, rel=1e-12)
    with pytest.raises(GradientError, match="_Opaque"):
        density.gradient(np.array([2.0]))


@pytest.mark.parametrize(
    "place", [-100.0, -37.0, 36.0, *(pytest.param(x, marks=stable_logpow) for x in (37.0, 100.0))]
)
def test_a_probability_that_rounds_to_one_has_a_density(place):
    """Beta(1, 1) and 2 of 5: log of both the chance and its complement, far beyond rounding."""
    with pm.Model() as model:
        p = pm.Beta("p", 1.0, 1.0, shape=1)
        pm.Binomial("y", n=5, p=p, observed=[2])
    density = LogDensity(model, linker="numpy")
    # p^3 (1 - p)^4, with the Jacobian, where one of the two is 1 and the other exp(-|place|).
    known = -(3 if place < 0 else 4) * abs(place) + np.log(10)
    assert density.value(np.array([place])) == pytest.approx(known, rel=1e-12)
    assert density.gradient(np.array([place]))[0] == pytest.approx(3 if place < 0 else -4)


# Points that the model's own operations refuse.


def scan_with_a_check():
    """An autoregression as a scan, whose checks of ``sigma`` are no part of the outer graph."""
    y = pt.as_tensor(np.random.default_rng(0).normal(size=10))
    with pm.Model() as model:
        rho = pm.Normal("rho", 0, 0.5)
        sigma = pm.HalfNormal("sigma", 1)
        terms = pytensor.scan(
            lambda now, before, rho, sigma: pm.logp(pm.Normal.dist(rho * before, sigma), now),
            sequences=[y[1:], y[:-1]],
            non_sequences=[rho, sigma],
            return_updates=False,
        )
        pm.Potential("p", pt.sum(terms))
    return model


def inverse_of_a_singular_matrix():
    """NumPy's inverse of a matrix whose rows are the same is an exception, here no number."""
    with pm.Model() as model:
        scale = pm.HalfNormal("scale", 1, shape=2)
        matrix = scale[0] + pt.stack([pt.zeros(2), pt.stack([0.0, scale[1]])])
        pm.Potential("p", -0.5 * pt.sum(pt.linalg.inv(matrix) ** 2))
    return model


@pytest.mark.parametrize(
    ("build", "refusal"), [(scan_with_a_check, -np.inf), (inverse_of_a_singular_matrix, np.nan)]
)
def test_a_point_that_is_refused(build, refusal):
    """The scale underflows to 0: at that point alone there is no density."""
    density = LogDensity(build(), linker="numpy")
    thetas = np.random.default_rng(1).normal(size=(9, 2))
    expected = np.array([density.value(theta) for theta in thetas])
    refused = np.array([0.1, -800.0])
    thetas[[2, 7]] = refused
    values = density.batched_value(thetas)
    np.testing.assert_array_equal(values[[2, 7]], refusal)
    np.testing.assert_allclose(np.delete(values, [2, 7]), np.delete(expected, [2, 7]))
    np.testing.assert_equal(density.value(refused), refusal)
    value, gradient, hessian = density.derivatives(refused)
    np.testing.assert_equal(value, refusal)
    assert np.all(np.isnan(hessian))
    assert not np.all(np.isfinite(gradient))
    assert not np.all(np.isfinite(density.hessian_vector_product(refused, np.ones(2))))
    assert np.all(np.isnan(density.logp.hessian_vector_products(refused, np.eye(2)[:1])))
