"""Mass in the tails of outer parameters that draws lack: exact where all is normal."""

import numpy as np
import pymc as pm
import pytest
from scipy.stats import norm

from tripos.approximations import LogDensity, nested_laplace
from tripos.approximations.nested.latent_field import latent_field
from tripos.approximations.nested.outer_mode import outer_mode
from tripos.approximations.nested.unseen import unseen_tail
from tripos.approximations.trust import broken_limits
from tripos.approximations.trust_words import distrust_of
from tripos.models import eight_schools


@pytest.fixture(scope="module")
def normal():
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.0, 2.0)
        effect = pm.Normal("effect", mu, 1.0, shape=3)
        pm.Normal("y", effect, 1.0, observed=[0.3, -1.0, 2.0])
    density = LogDensity(model, linker="numpy")
    field = latent_field(density, ["effect"])
    return outer_mode(field, density.initial_point(), 100)


def test_the_tail_of_a_normal(normal):
    """Draws at the mode lack all that is beyond 3.5 sds; draws of the posterior lack nothing."""
    none = np.repeat(normal.conditional.theta[None], 10, axis=0)
    missing, where = unseen_tail(normal, none, np.full(10, 0.1))
    assert missing == pytest.approx(norm.sf(3.5), rel=0.05)
    assert where == "mu"
    reaching = none.copy()
    reaching[:, normal.conditional.field.outer] += 100 * np.array([[-1.0], [1.0]] * 5)
    assert unseen_tail(normal, reaching, np.full(10, 0.1))[0] == 0.0


def test_a_tree_that_lacks_it_is_not_trusted(density_of):
    """The mark in its group ``fit`` speaks against weights whose k-hat is low."""
    tree = nested_laplace(density_of(eight_schools), latent=["eta"], weights=True, random_seed=1)
    assert not broken_limits(tree)
    assert 0 <= float(tree["fit"]["unseen_tail"]) < 0.01
    tree["fit"]["unseen_tail"] = 0.03
    assert "where next to no draw fell, there is 0.03 of the mass" in distrust_of(tree)
