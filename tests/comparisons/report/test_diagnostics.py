"""What grids, weights and normal approximations say of themselves."""

import warnings

import numpy as np
import pytest
import xarray as xr

from tripos.approximations import (
    LogDensity,
    advi,
    grid,
    importance,
    laplace,
    quadrature,
)
from tripos.approximations.errors import GridEdgeWarning
from tripos.comparisons.report.diagnostics import diagnosis
from tripos.comparisons.report.weights import weight_signs, weight_words
from tripos.models import globe


@pytest.fixture(scope="module")
def density():
    return LogDensity(globe())


def test_a_grid_tells_its_edges(density):
    tree = grid(density, draws=200, random_seed=1, progressbar=False)
    found = diagnosis("grid", tree, ("p",))
    assert found.words.startswith("The box holds the posterior: the largest share")
    ((name, low, high),) = found.edges
    assert name == "p_interval__"
    assert max(float(mass.replace("−", "-")) for mass in (low, high)) < 1e-6
    told = {sign.name: sign.value for sign in found.signs}
    # REFERENCE: the evidence is 1/10.
    assert told["log evidence"] == f"−{np.log(10):.6g}"
    assert told["cells"] == "2001"


def test_a_box_that_cuts_is_told(density):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GridEdgeWarning)
        tree = grid(density, bounds={"p": (0.5, 0.9)}, draws=200, random_seed=1, progressbar=False)
    assert "The box cuts the posterior off: " in diagnosis("grid", tree, ()).words


def test_importance_tells_its_weights(density):
    tree = importance(density, draws=1000, random_seed=1)
    found = diagnosis("weighted", tree, ())
    k_hat = float(tree["fit"]["k_hat"])
    told = f"The weights that corrected the draws can be trusted: k-hat is {k_hat:.3g}, below 0.7."
    assert found.words == told.replace(" -", " −")
    (picture,) = found.pictures
    assert "the heaviest 1 % of 1000 pairs hold" in picture.finding


def test_shares_of_pairs_add_up_and_give_the_effective_size(density):
    tree = importance(density, draws=1000, random_seed=1)
    signs = weight_signs(tree)
    assert signs.shares.sum() == pytest.approx(1)
    assert 1 / np.sum(signs.shares**2) == pytest.approx(signs.effective)
    assert signs.heaviest == pytest.approx(signs.shares[:10].sum())


def test_draws_of_known_density_tell_how_far_they_are(density):
    tree = quadrature(density, draws=500, random_seed=1)
    signs = weight_signs(tree)
    assert signs.unit == "draws"
    assert signs.effective > 400
    assert "They can be corrected by weighting them" in diagnosis("q", tree, ()).words


def test_weights_that_cannot_be_trusted_are_told(density):
    tree = quadrature(density, draws=500, random_seed=1)
    rng = np.random.default_rng(1)
    tree["sample_stats"]["lp"] = tree["sample_stats"]["lp"] + rng.standard_cauchy((1, 500)) * 3
    words = diagnosis("q", tree, ()).words
    assert "They cannot be corrected" in words
    assert "k-hat of inf, to be below 0.7" in words


def test_an_approximation_points_to_the_verdict(density):
    found = diagnosis("laplace", laplace(density, draws=100, random_seed=1), ())
    assert found.words.startswith("100 independent draws of the approximation.")
    assert found.pictures == ()


def test_draws_from_elsewhere_have_nothing_to_tell(normal_tree):
    assert "brings its draws, and nothing" in diagnosis("mine", normal_tree(), ()).words


def test_weights_that_corrected_nothing_are_not_said_to_have():
    """What ADVI and its kin tell of k-hat is what weights would do."""
    tree = advi(globe(), 200, tolerance=0.1, random_seed=1, progressbar=False)
    for method in ("advi", "fullrank_advi", "dadvi"):
        tree.attrs["method"] = method
        signs = weight_signs(tree)
        assert not signs.used
        assert signs.k_hat == pytest.approx(float(tree["fit"]["k_hat"]))
        assert "The draws are the approximation's own. They can be corrected" in weight_words(signs)
    few = tree["sample_stats"].to_dataset().isel(draw=slice(50))
    tree["sample_stats"] = xr.DataTree(few)
    assert weight_signs(tree) is None
