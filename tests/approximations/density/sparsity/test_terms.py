"""The terms of a log density: they add up to it, and each depends on what it is said to."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy.sparse import vstack
from scipy.sparse.csgraph import connected_components

from tripos.approximations import LogDensity
from tripos.models import borrowers, crossed_effects, eight_schools
from tripos.models.catalogue import CATALOGUE

from ... import opaque
from ..sparse_models import EXACT, OTHERS, hierarchical

BUILDERS = {
    **{name: entry.build for name, entry in CATALOGUE.items()},
    "centred schools": lambda: eight_schools(centred=True),
    "centred borrowers": lambda: borrowers(30),
    "centred effects": lambda: crossed_effects(6, 4, 2),
    **EXACT,
    **OTHERS,
}


@pytest.fixture(scope="module", params=BUILDERS)
def density(request):
    return LogDensity(BUILDERS[request.param](), linker="numpy")


def _points(density, draws=3):
    rng = np.random.default_rng(5)
    return density.initial_point() + 0.1 * rng.standard_normal((draws, density.size))


def test_they_add_up_to_the_log_density(density):
    thetas = _points(density)
    values = density.term_values(thetas)
    assert [(n, v.shape) for n, v in values.items()] == [
        (term.name, (len(thetas), *term.shape)) for term in density.terms
    ]
    total = sum(value.reshape(len(thetas), -1).sum(axis=1) for value in values.values())
    np.testing.assert_allclose(total, density.batched_value(thetas), rtol=1e-12)


def test_each_depends_on_no_other_parameter(density):
    """Move a parameter: only the elements that are said to depend on it may move."""
    (theta,) = _points(density, draws=1)
    moved = density.term_values(np.vstack([theta, theta + 0.3 * np.eye(density.size)]))
    for term in density.terms:
        values = moved[term.name].reshape(density.size + 1, -1)
        changed = np.abs(values[1:] - values[0]) > 1e-12 * (1 + np.abs(values[0]))
        assert not np.any(changed & ~term.pattern.toarray().T), term.name


# What they are for.


def _blocks(density, outer):
    """Number the blocks (P,) into which the other parameters fall, given the outer ones; -1."""
    rest = np.array([not label.startswith(outer) for label in density.parameters])
    touched = vstack([term.pattern for term in density.terms]).astype(int)[:, rest]
    blocks = np.full(density.size, -1)
    _, blocks[rest] = connected_components(touched.T @ touched, directed=False)
    return blocks


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize(
    ("build", "outer"),
    [(eight_schools, ("mu", "tau")), (borrowers, ("intercept", "slopes", "sigma"))],
)
def test_given_the_outer_parameters_each_group_is_a_block(build, outer, centred):
    density = LogDensity(build(centred=centred), linker="numpy")
    blocks = _blocks(density, outer)
    groups = np.sum(blocks >= 0)
    assert groups >= 8
    np.testing.assert_array_equal(np.sort(blocks[blocks >= 0]), np.arange(groups))


def test_crossed_effects_are_one_block():
    density = LogDensity(crossed_effects(6, 4, 3), linker="numpy")
    blocks = _blocks(density, ("intercept", "noise_sd", "student_sd", "lecturer_sd"))
    assert set(blocks) == {-1, 0}


def test_what_a_large_model_shares_is_not_repeated():
    density = LogDensity(borrowers(5_000), linker="numpy")
    (effects,) = [term for term in density.terms if term.name == "defaults"]
    assert effects.dependence.rows.nnz == 5_000
    assert effects.dependence.common.sum() == 4  # an intercept and three slopes


# Where a slope would not tell, and elements cannot be told apart.


def _dependence(density, name):
    (term,) = [term for term in density.terms if term.name == name]
    labels = np.array(density.parameters)
    return [set(labels[row]) for row in term.pattern.toarray()]


def test_a_value_that_moves_in_jumps_counts():
    """The Hessian does not know of the year of a change, and the likelihood does."""
    with pm.Model() as model:
        change = pm.Normal("change", 2.0, 1.0)
        early, late = pm.Normal("early"), pm.Normal("late")
        rate = pt.switch(change > np.arange(4), early, late)
        pm.Normal("y", rate, 1.0, observed=np.zeros(4))
        pm.Potential("order", pt.switch(early < late, 0.0, -np.inf))
    density = LogDensity(model, linker="numpy")
    assert _dependence(density, "y") == [{"change", "early", "late"}] * 4
    assert _dependence(density, "order") == [{"early", "late"}]


def test_checks_of_parameters_do_not_tie_groups_together():
    with pm.Model() as model:
        scale = pm.HalfNormal("scale", 1.0, shape=3)
        pm.Normal("y", 0.0, scale, observed=np.zeros(3))
    expected = [{f"scale_log__[{k}]"} for k in range(3)]
    assert _dependence(LogDensity(model, linker="numpy"), "y") == expected


def test_a_multivariate_normal_is_one_element():
    with pm.Model() as model:
        x = pm.MvNormal("x", np.zeros(3), np.eye(3) + 0.5)
        pm.Normal("y", x, 1.0, observed=np.zeros(3))
    density = LogDensity(model, linker="numpy")
    assert _dependence(density, "x") == [{"x[0]", "x[1]", "x[2]"}]
    assert _dependence(density, "y") == [{"x[0]"}, {"x[1]"}, {"x[2]"}]


def test_an_operation_that_does_not_tell_its_shape_depends_on_everything():
    density = LogDensity(opaque.model_of(opaque.HasNone()), linker="numpy")
    assert [set(map(len, _dependence(density, t.name))) for t in density.terms] == [{1}, {1}, {2}]


def test_new_data_make_new_terms():
    density = LogDensity(hierarchical(groups=6, each=2), linker="numpy")
    theta = _points(density)
    before = _dependence(density, "y"), density.term_values(theta)["y"]
    density.set_data({"group": np.zeros(12, dtype=int), "y": 1 - density.data["y"].get_value()})
    assert all("effect[0]" in row and "effect[1]" not in row for row in _dependence(density, "y"))
    assert "effect[5]" in before[0][-1]
    values = density.term_values(theta)
    assert not np.any(values["y"] == before[1])
    total = sum(value.reshape(len(theta), -1).sum(axis=1) for value in values.values())
    np.testing.assert_allclose(total, density.batched_value(theta), rtol=1e-12)
