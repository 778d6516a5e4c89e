"""Data of another length: followed by the whole model, or refused with nothing changed."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

from tripos.approximations import LogDensity
from tripos.approximations.errors import DataError

OLD = np.array([0.3, -1.2, 0.8, 2.0, -0.4, 0.1, 1.7, -2.2, 0.9, 0.5, -0.6, 1.1])
NEW = np.linspace(-2.0, 3.0, 30)
COUNTS = {len(OLD): np.arange(12) % 4, len(NEW): np.arange(30) % 5}


def _mixture(y):
    w, mu = pm.Dirichlet("w", np.ones(2)), pm.Normal("mu", [-1, 1], 1, shape=2)
    pm.NormalMixture("y", w=w, mu=mu, sigma=1, observed=y, dims="t")


def _zero_inflated(y):
    psi, mu = pm.Beta("psi", 1, 1), pm.Gamma("mu", 2, 1)
    pm.ZeroInflatedPoisson("y", psi=psi, mu=mu, observed=COUNTS[len(y)], dims="t")


def _autoregression(y):
    rho = pm.Normal("rho", [0.2, 0.1], 1, shape=2)
    pm.AR("y", rho=rho, sigma=1.0, init_dist=pm.Normal.dist(0, 1, shape=2), observed=y, dims="t")


def _scan_over_the_data(y):
    """Written by a user: a loop with as many steps as there are data."""

    def logp(value, mu):
        return pytensor.scan(
            lambda x, mu: -((x - mu) ** 2), sequences=value, non_sequences=mu, return_updates=False
        )

    pm.CustomDist("y", pm.Normal("mu"), logp=logp, observed=y, dims="t")


def _repeated(y):
    mu = pm.Normal("mu", shape=20)[12]  # an index is no length
    pm.Deterministic("level", mu * pt.ones(pm.modelcontext(None).dim_lengths["t"]), dims="t")
    pm.Normal("y", mu, 1.0, observed=y, dims="t")


def _built(write, y):
    with pm.Model(coords={"t": range(len(y))}) as model:
        write(y)
    return model


@pytest.mark.parametrize(
    "write", [_mixture, _zero_inflated, _autoregression, _scan_over_the_data, _repeated]
)
def test_a_model_that_follows(write):
    density = LogDensity(_built(write, OLD), linker="numpy")
    new = COUNTS[30] if write is _zero_inflated else NEW
    density.set_data({"y": new}, coords={"t": range(30)})
    fresh = LogDensity(_built(write, NEW), linker="numpy")
    theta = fresh.initial_point() + 0.1
    assert density.value(theta) == pytest.approx(fresh.value(theta), rel=1e-12)
    for name, values in fresh.unravel(theta[None]).items():
        np.testing.assert_allclose(density.unravel(theta[None])[name], values, err_msg=name)


def test_a_dim_without_labels():
    with pm.Model() as model:
        model.add_coord("t", length=12)
        w, mu = pm.Dirichlet("w", np.ones(2)), pm.Normal("mu", [-1, 1], 1, shape=2)
        pm.NormalMixture("y", w=w, mu=mu, sigma=1, observed=OLD, dims="t")
    density = LogDensity(model, linker="numpy")
    density.set_data({"y": NEW})
    fresh = LogDensity(_built(_mixture, NEW), linker="numpy")
    theta = fresh.initial_point()
    assert density.value(theta) == pytest.approx(fresh.value(theta), rel=1e-12)


def _offset(y):
    pm.Normal("y", pm.Normal("mu") + np.arange(12.0), 1.0, observed=y, dims="t")


def _steps(y):
    states = pytensor.scan(
        lambda x: 0.9 * x, outputs_info=pm.Normal("start"), n_steps=12, return_updates=False
    )
    pm.Potential("p", states.sum())
    pm.Normal("y", 0.0, 1.0, observed=y, dims="t")


def _first_twelve(y):
    data = pm.Data("x", y, dims="t")
    pm.Potential("p", -((data[:12] - pm.Normal("mu")) ** 2).sum())


def _order(y):
    data = pm.Data("x", y, dims="t")
    pm.Potential("p", -((data[np.arange(12)[::-1]] - pm.Normal("mu")) ** 2 * y).sum())


def _multinomial(y):
    table = np.full((12, 3), [1, 2, 3])
    theta = pm.Dirichlet("theta", np.ones(3))
    pm.Multinomial("y", n=table.sum(1), p=theta, observed=table, dims=("t", "k"))


def _level(y):
    mu = pm.Normal("mu")
    pm.Deterministic("level", mu * np.arange(12.0), dims="t")
    pm.Normal("y", mu, 1.0, observed=y, dims="t")


@pytest.mark.parametrize(
    ("write", "name", "new", "sentence"),
    [
        (_offset, "y", NEW, "cannot be evaluated with these data.*pm.Data with the same dim"),
        (_offset, "y", NEW[:1], "cannot be evaluated with these data"),
        (_steps, "y", NEW, "holds the number 12 where lengths stand"),
        (_first_twelve, "x", NEW, "holds the number 12 where lengths stand"),
        (_order, "x", NEW, "holds the number 12 where lengths stand"),
        (_multinomial, "y", np.full((30, 3), [1, 2, 3]), "cannot be evaluated with these data"),
        (_level, "y", NEW, "gets length 30, but 'level' would keep 12"),
    ],
)
def test_a_model_that_cannot_follow(write, name, new, sentence):
    """Its log density is the same afterwards, to the bit."""
    with pm.Model(coords={"t": range(12), "k": range(3)}) as model:
        write(OLD)
    density = LogDensity(model, linker="numpy")
    theta = density.initial_point() + 0.3
    before = density.value(theta)
    with pytest.raises(DataError, match=sentence):
        density.set_data({name: new}, coords={"t": range(len(new))})
    assert density.value(theta) == before
    assert len(density.coords["t"]) == 12


def test_one_datum_becomes_no_more():
    """An axis of length 1 broadcasts in the graph, and would against anything."""
    with pm.Model(coords={"t": range(1)}) as model:
        pm.Normal("y", pm.Normal("mu"), 1.0, observed=[1.0], dims="t")
    density = LogDensity(model)
    with pytest.raises(DataError, match=r"'t' cannot change to 3.* number 1"):
        density.set_data({"y": [1.0, 2.0, 3.0]}, coords={"t": range(3)})


def test_an_index_that_is_not_there():
    with pm.Model(coords={"t": range(4), "group": range(3)}) as model:
        group = pm.Data("index", [0, 1, 2, 1], dims="t")
        pm.Normal("y", pm.Normal("mu", dims="group")[group], 1.0, observed=OLD[:4], dims="t")
    density = LogDensity(model, linker="numpy")
    before = density.value(np.ones(3))
    with pytest.raises(DataError, match="selected by an index that is not there"):
        density.set_data({"index": [0, 1, 3, 1]})
    assert density.value(np.ones(3)) == before
    density.set_data({"index": [0, 0, 0, 0]})
    assert density.value(np.ones(3)) == before
    density.set_data({"index": [2, 2, 1, 1]})
    assert density.gradient(np.zeros(3))[0] == 0.0
