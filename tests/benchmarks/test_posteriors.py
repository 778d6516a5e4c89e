"""The table of posteriors: each one builds, and its truth is that of its quantities."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tripos.approximations import LogDensity, laplace
from tripos.approximations.errors import ModeAtInfinityError

# Benchmarks are scripts and no package of tripos.
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from posteriors import POSTERIORS, errors, exact, truth
from posteriors.posterior import Nuts, Quadrature
from posteriors.quantities import quantities_of
from posteriors.truth import PROBABILITIES, Known, load_truth

DATA_PACKAGES = {"statsmodels", "sklearn"}
# Long runs with a blemish that is understood; the reason stands beside the posterior.
BLEMISHED: set[str] = set()


def _built(name):
    try:
        return POSTERIORS[name].build()
    except ModuleNotFoundError as missing:
        package = missing.name.partition(".")[0]
        if package not in DATA_PACKAGES:
            raise
        pytest.skip(f"{name} needs the data of {package}, which is not installed")


@pytest.mark.parametrize("name", POSTERIORS)
def test_quantities_of_the_truth_are_the_models(name):
    known = set(load_truth(name).quantities)
    posterior, quantities = POSTERIORS[name], quantities_of(_built(name))
    assert known == set(posterior.only or quantities)
    assert known <= set(quantities)
    assert len(known) <= 20
    assert set(posterior.without_mean) <= known


def test_there_are_enough_of_each_kind():
    assert len(POSTERIORS) >= 30
    assert all(name == posterior.name for name, posterior in POSTERIORS.items())
    kinds = {posterior.kind for posterior in POSTERIORS.values()}
    wanted = {"regression", "hierarchical", "two modes", "heavy tails", "funnel", "boundary"}
    assert wanted | {"near Gaussian"} <= kinds
    assert {posterior.how for posterior in POSTERIORS.values()} == {
        "closed form",
        "quadrature",
        "nuts",
    }


@pytest.mark.parametrize("name", POSTERIORS)
def test_truth_is_sound(name):
    found, posterior = load_truth(name), POSTERIORS[name]
    assert found.how == posterior.how
    assert found.trusted == (name not in BLEMISHED)
    if isinstance(posterior.recipe, Quadrature):
        assert found.diagnostics["edge_mass"] < 1e-9
    for label, known in found.quantities.items():
        assert known.quantiles.shape == PROBABILITIES.shape
        assert np.all(np.diff(known.quantiles) > 0), label
        assert known.has_mean == (label not in posterior.without_mean)
        if known.has_mean:
            # The mean lies within one standard deviation of the median, always.
            assert abs(known.mean - known.quantiles[199]) <= known.sd
            assert known.mcse_mean < 0.01 * known.sd
        if isinstance(posterior.recipe, Nuts):
            assert known.ess > 5_000


def test_the_file_is_small_and_says_how_it_was_made():
    assert truth.PATH.stat().st_size < 2_000_000
    for entry in json.loads(truth.PATH.read_text())["posteriors"].values():
        assert entry["versions"]["pymc"]
        assert entry["reference"]["seconds"] > 0


# Against numbers found in other ways.


def test_bioassay_by_adaptive_quadrature(golden):
    """QUADPACK, in tests/golden, against sums over a grid."""
    quantities = load_truth("bioassay").quantities
    alpha, beta = quantities["alpha"], quantities["beta"]
    expected = golden["bioassay"]["flat"]["exact"]
    at = np.isin(PROBABILITIES, golden["settings"]["probabilities"])
    for label, known in (("alpha", alpha), ("beta", beta)):
        assert known.mean == pytest.approx(expected[label]["mean"], rel=1e-8)
        assert known.sd == pytest.approx(expected[label]["sd"], rel=1e-8)
        gaps = known.quantiles[at] - expected[label]["quantiles"]
        assert np.abs(gaps).max() < 1e-3 * known.sd  # linear between cells
    # Given a positive slope, which holds all but 4e-6 of the mass.
    ld50 = expected["ld50"]["quantiles_given_beta_positive"]
    np.testing.assert_allclose(quantities["ld50"].quantiles[at], ld50, rtol=0, atol=1e-4)


def test_quadrature_finds_the_closed_form():
    posterior = POSTERIORS["windshield"]
    recipe = Quadrature(((0.0, 30.0), (-1.2, 3.5)), (601, 301))
    known, edge_mass = exact.by_quadrature(posterior, recipe)
    assert edge_mass < 1e-6
    for label, closed in load_truth("windshield").quantities.items():
        assert known[label].mean == pytest.approx(closed.mean, abs=1e-4 * closed.sd)
        assert known[label].sd == pytest.approx(closed.sd, rel=2e-3)  # the t's tails are cut
        gaps = np.abs(known[label].quantiles - closed.quantiles)[1:-1] / closed.sd
        assert gaps.max() < 0.01


def test_eight_schools_three_ways():
    """Long runs of NUTS on two models, and the sum over a grid with theta integrated out."""
    runs = [load_truth(name).quantities for name in ("eight_schools", "eight_schools_centred")]
    by_grid = load_truth("eight_schools_marginal").quantities
    reference = {"mu": (4.39682, 3.31770), "tau": (3.59771, 3.21996), "theta[Choate]": (6.2119, 0)}
    for label, (mean, _) in reference.items():
        for run in runs:
            assert abs(run[label].mean - mean) < 4 * run[label].mcse_mean
    for label in ("mu", "tau"):
        mean, sd = reference[label]
        assert by_grid[label].mean == pytest.approx(mean, abs=2e-4)
        assert by_grid[label].sd == pytest.approx(sd, abs=2e-3)
        for run in runs:
            assert abs(run[label].sd - sd) < 4 * run[label].mcse_sd
            shares = by_grid[label].probability_below(run[label].quantiles)
            gaps = np.abs(shares - PROBABILITIES) / run[label].mcse_probability(PROBABILITIES)
            assert gaps[1:-1].max() < 5


# The approximation's true errors.


def test_no_error_where_the_posterior_is_normal():
    for found in errors.true_errors("conjugate_5").values():
        assert found.place == "well inside"
        assert np.max(np.abs((found.shift, found.log_sd_ratio))) < 1e-3
        assert np.max(np.abs((found.mass_50, found.mass_95))) < 1e-3


def test_errors_of_the_bioassay():
    found = errors.true_errors("bioassay")
    assert found["beta"].place == found["alpha"].place == "outside"
    assert found["beta"].mass_50 == pytest.approx(0.4645 - 0.5, abs=1e-3)
    assert found["beta"].mass_95 == pytest.approx(0.8466 - 0.95, abs=1e-3)
    assert found["beta"].shift == pytest.approx((7.7488 - 11.6356) / 5.7731, abs=1e-3)
    assert found["beta"].log_sd_ratio == pytest.approx(np.log(4.8728 / 5.7731), abs=1e-3)
    assert np.isnan(found["ld50"].shift)
    assert found["ld50"].worst > 1


def test_discrepancy_counts_the_error_of_the_truth():
    draws = np.random.default_rng(1).standard_normal((4, 4096))
    known = Known(0.0, 1.0, 0.02, 0.01, True, np.quantile(draws, PROBABILITIES), 2500.0)
    found = errors.discrepancy(draws, known)
    assert found.errors[0] > 0.02
    assert found.errors[2] > 0.5 / 50 * 0.99


def test_no_approximation_is_told():
    with pytest.raises(ModeAtInfinityError):
        errors.true_errors("eight_schools_centred")
    assert "ModeAtInfinityError" in errors.row("eight_schools_centred")


def test_laplace_itself_has_these_moments():
    """Sobol points give what draws of `laplace` give."""
    values = errors.laplace_values(POSTERIORS["windshield"])["sigma"]
    draws = laplace(LogDensity(_built("windshield")), draws=20_000, random_seed=1)
    sigma = draws["posterior/sigma"].values.ravel()
    assert abs(sigma.mean() - values.mean()) < 4 * sigma.std() / np.sqrt(sigma.size)


def test_a_posterior_without_truth():
    with pytest.raises(KeyError, match="generate --only nonsense"):
        load_truth("nonsense")
