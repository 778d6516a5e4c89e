"""Which variables are the latent field: what is taken by default, by name, and what is refused."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from tripos.approximations import LogDensity
from tripos.approximations.errors import LatentFieldError
from tripos.approximations.nested.latent_field import MOST_OUTER, latent_field
from tripos.models import (
    borrowers,
    crossed_effects,
    eight_schools,
    globe,
    linear_regression,
    smooth_trend,
    varying_slopes,
)

from ..density.sparse_models import autoregression, centred_slopes, gaussian_random_walk

SLOPES = ("slopes[0]", "slopes[1]", "slopes[2]")
COUNTS = np.arange(6)


def _field(model, latent=None):
    return latent_field(LogDensity(model, linker="numpy"), latent)


def _multivariate():
    with pm.Model() as model:
        scale = pm.HalfNormal("scale", 1)
        e = pm.MvNormal("e", np.zeros(6), cov=scale**2 * np.eye(6) + 0.3)
        pm.Poisson("y", pt.exp(e), observed=COUNTS)
    return model


def _known_multivariate():
    """A Gaussian process whose covariance is a number: it depends on no free variable."""
    with pm.Model() as model:
        e = pm.MvNormal("e", np.zeros(6), cov=np.eye(6) + 0.3)
        noise = pm.HalfNormal("noise", 1)
        pm.Normal("y", e, noise, observed=COUNTS)
    return model


def _zero_sum():
    with pm.Model() as model:
        level, scale = pm.Normal("level", 0, 1), pm.HalfNormal("scale", 1)
        e = pm.ZeroSumNormal("e", scale, shape=6)
        pm.Poisson("y", pt.exp(level + e), observed=COUNTS)
    return model


def _autoregressive(length=8):
    """With coefficient and scale free."""
    with pm.Model() as model:
        rho, scale = pm.Uniform("rho", -1, 1), pm.HalfNormal("scale", 1)
        first = pm.Normal.dist(0, 1, shape=1)
        e = pm.AR("e", rho=[rho], sigma=scale, init_dist=first, shape=length)
        pm.Poisson("y", pt.exp(e), observed=np.arange(length))
    return model


def _known_scale():
    """Group effects whose prior is a number: each still meets a part of the data only."""
    group = np.repeat(np.arange(5), 2)
    with pm.Model() as model:
        noise = pm.HalfNormal("noise", 1)
        effect = pm.Normal("effect", 0, 1, shape=5)
        pm.Normal("y", effect[group], noise, observed=np.cos(group))
    return model


def _coefficients(scale_is_free):
    x = np.random.default_rng(2).standard_normal((30, 4))
    with pm.Model() as model:
        scale = pm.HalfNormal("scale", 1) if scale_is_free else 1.0
        noise = pm.HalfNormal("noise", 1)
        b = pm.Normal("b", 0, scale, shape=4)
        pm.Normal("y", x @ b, noise, observed=np.cos(np.arange(30)))
    return model


def _walk_with(innovation):
    with pm.Model() as model:
        scale = pm.HalfNormal("scale", 1)
        first = pm.Normal.dist(0, 1)
        e = pm.RandomWalk("e", innovation_dist=innovation(scale), init_dist=first, steps=7)
        pm.Poisson("y", pt.exp(e), observed=np.arange(8))
    return model


def _student():
    with pm.Model() as model:
        scale = pm.HalfNormal("scale", 1)
        e = pm.StudentT("e", 4, mu=0, sigma=scale, shape=6)
        pm.Poisson("y", pt.exp(e), observed=COUNTS)
    return model


def _ordered():
    with pm.Model() as model:
        scale = pm.HalfNormal("scale", 1)
        ordered = pm.distributions.transforms.ordered
        e = pm.Normal("e", 0, scale, shape=6, transform=ordered, initval=np.linspace(-1, 1, 6))
        pm.Poisson("y", pt.exp(e), observed=COUNTS)
    return model


# By default.


@pytest.mark.parametrize(
    ("build", "names", "outer"),
    [
        (lambda: borrowers(6), ("effect",), ("intercept", *SLOPES, "sigma_log__")),
        (lambda: borrowers(6, aggregated=False), ("effect",),
         ("intercept", *SLOPES, "sigma_log__")),
        (lambda: borrowers(6, centred=False), ("z",), ("intercept", *SLOPES, "sigma_log__")),
        (lambda: eight_schools(centred=True), ("theta",), ("mu", "tau_log__")),
        (eight_schools, ("eta",), ("mu", "tau_log__")),
        (lambda: crossed_effects(6, 3, 2), ("student_effect", "lecturer_effect"),
         ("intercept", "noise_sd_log__", "student_sd_log__", "lecturer_sd_log__")),
        (lambda: smooth_trend(8), ("trend",), ("step_sd_log__", "noise_sd_log__")),
        (lambda: varying_slopes(6, 3, packed=False), ("intercept", "slope"),
         ("mean[intercept]", "mean[slope]", "sd_log__[intercept]", "sd_log__[slope]",
          "half_correlation_logodds__", "noise_sd_log__")),
        (gaussian_random_walk, ("level",), ("sigma_log__",)),
        (lambda: _walk_with(lambda scale: pm.Normal.dist(0.1, scale)), ("e",), ("scale_log__",)),
        (_autoregressive, ("e",), ("rho_interval__", "scale_log__")),
        (_multivariate, ("e",), ("scale_log__",)),
        (_known_multivariate, ("e",), ("noise_log__",)),
        (centred_slopes, ("effect",),
         ("factor_cholesky-cov-packed__[0]", "factor_cholesky-cov-packed__[1]",
          "factor_cholesky-cov-packed__[2]")),
        (_zero_sum, ("e",), ("level", "scale_log__")),
        (_known_scale, ("effect",), ("noise_log__",)),
        (lambda: _coefficients(True), ("b",), ("scale_log__", "noise_log__")),
    ],
    ids=["borrowers", "rows", "borrowers_noncentred", "eight_schools", "eight_noncentred",
         "crossed", "trend", "slopes", "random_walk", "drifting_walk", "ar", "mvnormal",
         "known_mvnormal", "mvnormal_lines", "zero_sum", "known_scale", "shrunken_coefficients"],
)  # fmt: skip
def test_latent_by_default(build, names, outer):
    field = _field(build())
    assert field.names == names
    assert field.outer_labels == outer
    both = np.sort(np.concatenate([field.latent, field.outer]))
    np.testing.assert_array_equal(both, np.arange(field.density.size))


@pytest.mark.parametrize(
    ("build", "advice"),
    [
        (globe, r"Use laplace"),
        (linear_regression, r"Pass latent=\['b'\], or use laplace"),
        (lambda: _coefficients(False), r"Pass latent=\['b'\], or use laplace"),
        (_student, r"Use laplace"),
        (_ordered, r"Use laplace"),
        (lambda: _walk_with(lambda scale: pm.Laplace.dist(0, scale)), r"Use laplace"),
        # Each level depends on all steps before it, so that all of them meet in the data.
        (lambda: smooth_trend(8, centred=False), r"Pass latent=\['z'\], or use laplace"),
    ],
    ids=["scalar", "regression", "coefficients", "student", "ordered", "laplace_walk", "cumulated"],
)
def test_nothing_is_latent_by_default(build, advice):
    """What it advises to pass as latent is not refused then."""
    with pytest.raises(LatentFieldError, match=f"No free variable looks .*{advice}"):
        _field(build())


# The structure given the outer parameters.


@pytest.mark.parametrize(
    ("build", "independent", "colours", "links"),
    [
        (lambda: borrowers(6), True, 1, 0),
        (lambda: smooth_trend(8), False, 3, 7),
        (lambda: crossed_effects(6, 2, 9), False, 3, 12),
        (lambda: _autoregressive(9), False, 3, 8),
    ],
    ids=["borrowers", "trend", "crossed", "ar"],
)
def test_structure(build, independent, colours, links):
    field = _field(build())
    assert field.is_independent is independent
    assert field.structure.nnz == field.size + 2 * links
    assert field.colouring.count == len(field.seeds) == colours
    np.testing.assert_array_equal(field.seeds[:, field.latent].sum(axis=0), 1)
    assert not field.seeds[:, field.outer].any()


# By name.


@pytest.mark.parametrize(
    ("latent", "names"),
    [
        (["effect", "intercept"], ("intercept", "effect")),
        ("effect", ("effect",)),
        (["intercept", "slopes", "effect"], ("intercept", "slopes", "effect")),
    ],
    ids=["two", "a_string", "fixed_effects"],
)
def test_latent_by_name(latent, names):
    """They come in the model's order."""
    field = _field(borrowers(6), latent)
    assert field.names == names
    assert set(field.outer_labels).isdisjoint({"intercept"} & set(names))
    assert "sigma_log__" in field.outer_labels


def test_a_cumulated_walk_can_be_named():
    assert _field(smooth_trend(8, centred=False), ["z"]).size == 8


def test_an_unknown_name():
    with pytest.raises(LatentFieldError, match=r"latent names \['nobody'\], but .*'effect'"):
        _field(borrowers(6), ["effect", "nobody"])


def test_no_names():
    with pytest.raises(LatentFieldError, match="No free variable"):
        _field(borrowers(6), [])


@pytest.mark.parametrize(
    ("build", "name", "kind"),
    [
        (_student, "e", "StudentTRV"),
        (_student, "scale", "HalfNormalRV with transform 'log'"),
        (lambda: _walk_with(lambda scale: pm.Laplace.dist(0, scale)), "e", "RandomWalkRV"),
    ],
    ids=["student", "half_normal", "laplace_walk"],
)
def test_a_prior_that_is_not_normal(build, name, kind):
    with pytest.raises(LatentFieldError, match=f"normal given .* '{name}' is {kind}.* Leave"):
        _field(build(), [name])


def test_a_transformed_normal_is_not_normal():
    with pytest.raises(LatentFieldError, match="'e' is NormalRV with transform 'ordered'"):
        _field(_ordered(), ["e"])


def test_too_many_outer_parameters():
    with pytest.raises(LatentFieldError, match=r"14 parameters .* \(intercept, slopes, sigma\)"):
        _field(borrowers(6, covariates=12))
    assert _field(borrowers(6, covariates=12), ["slopes", "effect"]).outer_labels == (
        "intercept",
        "sigma_log__",
    )
    assert len(_field(borrowers(6, covariates=8)).outer) == MOST_OUTER


def test_no_outer_parameter():
    """Without one there is nothing to nest, and laplace does the rest."""
    with pytest.raises(LatentFieldError, match=r"no outer parameter.*laplace"):
        _field(autoregression())
