"""Weights from a mixture over several modes, where masses, evidence and moments are known."""

import json

import numpy as np
import pymc as pm
import pytest
from scipy import stats

from tripos.approximations import LogDensity, find_mode, find_modes, importance
from tripos.approximations.errors import ArgumentError
from tripos.approximations.linear_algebra.gaussian import Gaussian
from tripos.approximations.weights.mixture import SHAPES, Mixture
from tripos.approximations.weights.several_modes import mixture_pairs
from tripos.approximations.weights.weighting import more_pairs
from tripos.models import globe

SHARES, SDS = np.array([0.2, 0.3, 0.5]), np.array([1.0, 0.2, 3.0])


def three_normals(size):
    """Wide and narrow peaks, far apart in different directions; the integral is 1."""
    means = np.zeros((3, size))
    means[1, 1], means[2, 2] = 12.0, -12.0
    peaks = np.log(SHARES) - size * np.log(SDS * np.sqrt(2 * np.pi))
    with pm.Model() as model:
        x = pm.Flat("x", shape=size)
        away = ((x - means) ** 2).sum(axis=1) / SDS**2
        pm.Potential("term", pm.math.logsumexp(peaks - away / 2))
    return LogDensity(model), means


@pytest.fixture(scope="module", params=[5, 20])
def known(request):
    density, means = three_normals(request.param)
    modes = [find_mode(density, start=mean) for mean in means]
    return density, means, modes, mixture_pairs(density, modes, rng=np.random.default_rng(1))


def test_three_normals(known):
    _, means, _, pairs = known
    assert pairs.pareto_khat < 0.5
    assert pairs.effective_sample_size > 0.8 * 4000
    assert abs(pairs.log_evidence) < 4 * pairs.log_evidence_error < 0.03
    weights = np.exp(pairs.log_point_weights)
    assert weights.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(np.logaddexp(*pairs.log_point_weights), pairs.log_weights, atol=1e-9)
    # Draws are stratified by mode, and independent within each.
    mean = np.tensordot(weights, pairs.thetas, 2)
    within = np.sqrt(SHARES @ SDS**2)
    assert np.all(np.abs(mean - SHARES @ means) < 4 * within / np.sqrt(3000) + 4 * 12 * 0.0025)
    squares = [
        np.sum((pairs.thetas - m) ** 2, axis=2) / s**2 for m, s in zip(means, SDS, strict=True)
    ]
    log_sizes = np.log(SHARES) - means.shape[1] * np.log(SDS)
    nearest = np.argmax(log_sizes[:, None, None] - 0.5 * np.array(squares), axis=0)
    masses = np.bincount(nearest.ravel(), weights=weights.ravel())
    np.testing.assert_allclose(masses, SHARES, atol=4 * np.sqrt(0.25 / 3000))
    assert np.allclose(pairs.proposal.shares, 0.9 * SHARES + 0.1 / 3, atol=0.05)


def test_the_same_seed_gives_the_same_pairs_and_more_can_be_added(known):
    density, _, modes, pairs = known
    again = mixture_pairs(density, modes, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(again.log_point_weights, pairs.log_point_weights)
    more = more_pairs(density, modes[0].gaussian, pairs, 1000, np.random.default_rng(2))
    assert abs(more.log_evidence) < 4 * more.log_evidence_error
    assert more.log_proposal.shape == (2, 5000)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_mixture_has_the_density_of_its_draws(shape):
    """Against SciPy's, and by the mean of the ratio to one of its parts, which integrates to 1."""
    near, far = (
        Gaussian(np.zeros(2), np.eye(2)),
        Gaussian(np.array([9.0, 1.0]), np.array([[2.0, 0], [1.0, 1.0]])),
    )
    mixture = Mixture(shape, (near, far), np.array([0.3, 0.7]))
    thetas, log_density = mixture.pairs(20_000, np.random.default_rng(3))
    expected = 0.0
    for share, peak in zip(mixture.shares, mixture.peaks, strict=True):
        wide = stats.multivariate_t(peak.mean, shape.scale**2 * peak.covariance, df=shape.df)
        normal = stats.multivariate_normal(peak.mean, peak.covariance)
        parts = (1 - shape.normal) * wide.pdf(thetas) + shape.normal * normal.pdf(thetas)
        expected = expected + share * parts
    np.testing.assert_allclose(log_density, np.log(expected), rtol=1e-9)
    ratios = np.exp(far.log_density(thetas.reshape(-1, 2)).reshape(2, -1) - log_density).mean(
        axis=0
    )
    assert abs(ratios.mean() - 1) < 4 * ratios.std() / np.sqrt(ratios.size)


def test_wider_peaks_where_pilots_chose_narrow_ones():
    """Cauchy noise in two camps: with two seeds the t5 of the pilots has a k-hat above 2."""
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.0, 10.0)
        pm.Cauchy("y", mu, 0.5, observed=np.array([-1.9, -1.6, -1.2, 2.4, 2.7]))
    density = LogDensity(model)
    modes = [find_mode(density, start=np.array([place])) for place in (-1.6, 2.5)]
    x = np.linspace(-60, 60, 200_001)
    truth = np.log(np.trapezoid(np.exp(density.batched_value(x[:, None])), x))
    for seed in (0, 1, 5):
        pairs = mixture_pairs(density, modes, rng=np.random.default_rng(seed))
        assert pairs.is_trusted
        assert abs(pairs.log_evidence - truth) < 4 * pairs.log_evidence_error


# The method.


@pytest.fixture(scope="module")
def unordered():
    """Two groups of equal size and spread, whose means are not ordered."""
    y = np.concatenate([np.linspace(-3, -1, 15), np.linspace(1, 3, 15)])
    with pm.Model() as model:
        mu = pm.Normal("mu", 0.0, 3.0, shape=2, initval=np.array([-1.0, 1.0]))
        pm.NormalMixture("y", np.array([0.5, 0.5]), mu, 1.0, observed=y)
    density = LogDensity(model)
    return density, find_modes(density, random_seed=1, progressbar=False)


def test_importance_over_all_labellings(unordered):
    density, modes = unordered
    assert len(modes) == 2
    assert "the entries of mu can be exchanged" in str(modes)
    tree = importance(density, modes=modes, random_seed=2)
    mu = tree["posterior"]["mu"].values[0]
    size = float(tree["fit"]["effective_sample_size"])
    # Which label is which is a fair coin's toss, and the means by order are far apart.
    assert abs(np.mean(mu[:, 0] < mu[:, 1]) - 0.5) < 4 * 0.5 / np.sqrt(size)
    assert abs(mu[:, 0].mean() - mu[:, 1].mean()) < 4 * 2 * mu[:, 0].std() / np.sqrt(size)
    assert float(tree["fit"]["pareto_khat"]) < 0.7
    assert json.loads(tree.attrs["settings"])["modes"] == 2
    one = importance(density, random_seed=2)["fit"]
    gain = float(tree["fit"]["log_evidence"] - one["log_evidence"])
    error = np.hypot(*(float(f["log_evidence_error"]) for f in (tree["fit"], one)))
    assert abs(gain - np.log(2)) < 4 * error + 0.01


def test_modes_of_another_model_and_modes_with_a_start(unordered, density_of):
    _, modes = unordered
    with pytest.raises(ArgumentError, match="modes are those of another model"):
        importance(density_of(globe), modes=modes)
    with pytest.raises(ArgumentError, match="start begins a search"):
        importance(unordered[0], modes=modes, start=np.zeros(2))
