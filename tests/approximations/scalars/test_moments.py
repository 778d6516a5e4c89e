"""Moments by a grid and by quadrature: none where there is none, and errors that hold the truth."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from tripos.approximations import LogDensity, grid, quadrature
from tripos.models import bioassay, windshield

METHODS = {"grid": grid, "quadrature": quadrature}


def normals():
    with pm.Model() as model:
        a, b = pm.Normal("a", 1, 1), pm.Normal("b", 0.5, 1)
        pm.Deterministic("ratio", a / b)
        pm.Deterministic("square", 1 / b**2)
        pm.Deterministic("far", a / (b + 4))  # it divides by zero in 3 of a million draws
        pm.Deterministic("logarithm", pt.log(b))
        pm.Deterministic("exponential", pt.exp(a))
        pm.Deterministic("clipped", pt.clip(a, 0, 2))
        pm.Deterministic("jump", pt.switch(a > 5.5, 100.0, b))
        pm.Deterministic("whole", pt.floor(3 * a))
        pm.Deterministic("positive", a > 0)
        pm.Deterministic("constant", 3 + 0 * a)
    return model


@pytest.fixture(scope="module")
def fits():
    """Fits by both methods, each made once."""
    built = {"normals": normals, "bioassay": bioassay, "windshield": windshield}
    densities = {name: LogDensity(build(), linker="numpy") for name, build in built.items()}
    made = {
        (name, method): of(density, random_seed=1)["fit"].to_dataset()
        for name, density in densities.items()
        for method, of in METHODS.items()
    }
    return lambda name, method: made[name, method]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("model", "quantity"),
    [
        *(("normals", name) for name in ("ratio", "square", "far", "logarithm")),
        ("bioassay", "ld50"),
    ],
)
def test_there_is_no_mean_where_a_quantity_is_unbounded(fits, method, model, quantity):
    row = fits(model, method).sel(quantity=quantity)
    for name in ("mean", "sd", "mean_error", "sd_error"):
        assert np.isnan(row[name]), name
    assert row["tail_k"] > 0.7


# The sd of a floor function is within 0.001 of that of a + u / 3 with u uniform.
_KNOWN = {
    "a": (1.0, 1.0),
    "b": (0.5, 1.0),
    "exponential": (np.exp(1.5), np.sqrt(np.expm1(1) * np.exp(3))),
    "clipped": (1.0, 0.718_4),
    "positive": (0.841_345, np.sqrt(0.841_345 * 0.158_655)),
    "constant": (3.0, 0.0),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("quantity", _KNOWN)
def test_moments_are_within_their_errors(fits, method, quantity):
    row = fits("normals", method).sel(quantity=quantity)
    rounding = 1e-4
    for name, known in zip(("mean", "sd"), _KNOWN[quantity], strict=True):
        assert abs(float(row[name]) - known) <= 2 * float(row[f"{name}_error"]) + rounding, name
        assert row[f"{name}_error"] < 0.05 * max(known, 1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("quantity", ["jump", "whole"])
def test_a_jump_is_no_pole(fits, method, quantity):
    row = fits("normals", method).sel(quantity=quantity)
    assert np.isfinite(row["mean"])
    assert row["tail_k"] < 0.7


@pytest.mark.parametrize("method", METHODS)
def test_windshields(fits, method):
    """REFERENCE: mu is t with 8 d.f. and sd .567405; the mean of sigma is 1.633052."""
    fit = fits("windshield", method)
    for quantity, name, known in (
        ("mu", "mean", 14.611222),
        ("mu", "sd", 0.567405),
        ("sigma", "mean", 1.633052),
    ):
        row = fit.sel(quantity=quantity)
        # Quadrature follows the tails of the t as far as its nodes do.
        assert abs(float(row[name]) - known) < 2 * float(row[f"{name}_error"]) + 2e-3


@pytest.mark.parametrize(
    ("shape", "has_mean", "has_sd"), [(1.0, False, False), (2.0, True, False), (4.0, True, True)]
)
@pytest.mark.parametrize("method", METHODS)
def test_heavy_tails_far_out(method, shape, has_mean, has_sd):
    """An inverse gamma has the moments below its shape; its mean is 1 / (shape - 1)."""
    with pm.Model() as model:
        pm.InverseGamma("x", alpha=shape, beta=1.0)
    row = METHODS[method](model, random_seed=1)["fit"].to_dataset().sel(quantity="x")
    assert bool(np.isfinite(row["mean"])) is has_mean
    assert bool(np.isfinite(row["sd"])) is has_sd
    if has_mean:
        assert abs(float(row["mean"]) - 1 / (shape - 1)) < 2 * float(row["mean_error"])


def test_a_t_has_the_moments_below_its_degrees_of_freedom():
    with pm.Model() as model:
        pm.StudentT("x", nu=3, mu=2, sigma=1)
    row = grid(model, random_seed=1)["fit"].to_dataset().sel(quantity="x")
    assert float(row["mean"]) == pytest.approx(2.0, abs=1e-3)
    # The box leaves out a millionth of the mass, with a hundredth of the variance.
    assert float(row["sd"]) == pytest.approx(np.sqrt(3), rel=0.02)


def test_an_infinite_value_at_a_cell_is_no_error():
    """The middle one of 401 cells is where it divides by zero."""
    with pm.Model() as model:
        x = pm.Normal("x", shape=2)
        pm.Deterministic("ratio", x[0] / x[1])
    row = grid(model, random_seed=1)["fit"].to_dataset().sel(quantity="ratio")
    assert np.isnan(row["mean"])


def test_few_cells_cannot_tell_their_error():
    with pm.Model() as model:
        pm.Normal("x")
    row = grid(model, points=3, random_seed=1)["fit"].to_dataset().sel(quantity="x")
    assert np.isnan(row["mean_error"])


def test_coarse_cells_tell_it():
    with pm.Model() as model:
        x = pm.Normal("x")
        pm.Deterministic("square", x**2)
    row = grid(model, points=6, random_seed=1)["fit"].to_dataset().sel(quantity="square")
    assert 1e-3 < abs(float(row["mean"]) - 1) < float(row["mean_error"])
