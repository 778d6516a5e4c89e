"""A tilted density is the density of the model with the quantity added."""

import numpy as np
import pymc as pm
import pytest

from tripos.approximations import LogDensity
from tripos.models import bioassay


def test_a_tilted_density_is_that_of_the_model_with_the_quantity_added():
    with bioassay() as model:
        pm.Potential("tilt", -0.7 * pm.math.log(model["beta"] ** 2 + model["alpha"] ** 2))
    density, expected = (LogDensity(m, linker="numpy") for m in (bioassay(), model))
    alpha, beta = (
        density.symbolic.quantities[density.variables.index(n)] for n in ("alpha", "beta")
    )
    tilted = density.tilted(density.function_of(pm.math.log(beta**2 + alpha**2)), -0.7)
    assert tilted.size == 2
    assert tilted.parameters == density.parameters
    assert tilted.has_exact_hessian
    for theta in (np.array([0.8, 7.0]), np.array([-1.0, 3.0])):
        for found, known in zip(
            tilted.derivatives(theta), expected.derivatives(theta), strict=True
        ):
            np.testing.assert_allclose(found, known, rtol=1e-12)
        value, gradient = tilted.nearby(theta)
        assert value == pytest.approx(expected.value(theta), rel=1e-13)
        np.testing.assert_allclose(gradient, expected.gradient(theta), rtol=1e-12)
