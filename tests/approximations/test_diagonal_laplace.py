"""The normal approximation without correlations, against the exact one."""

import numpy as np
import pytest

from tripos.approximations import LogDensity, diagonal_laplace, laplace
from tripos.approximations.errors import ArgumentError, CurvatureError
from tripos.approximations.laplace import precision_of
from tripos.models import bioassay, borrowers


@pytest.mark.parametrize(
    ("build", "is_sparse"),
    [(bioassay, False), (lambda: borrowers(groups=400, centred=False), True)],
)
def test_sds_are_those_given_all_other_parameters(build, is_sparse):
    density = LogDensity(build(), linker="numpy")
    assert density.has_sparse_hessian == is_sparse
    exact = laplace(density, draws=10)["fit"].to_dataset()
    fit = diagonal_laplace(density, draws=10)["fit"]
    np.testing.assert_allclose(fit["mode"], exact["mode"], atol=1e-4)
    conditional = 1 / np.sqrt(precision_of(exact).diagonal())
    np.testing.assert_allclose(fit["sd"], conditional, rtol=1e-4)
    assert np.all(fit["sd"].values <= exact["sd"].values)


def test_draws_follow_the_sds_and_are_not_correlated():
    tree = diagonal_laplace(bioassay(), draws=20_000, random_seed=1)
    thetas = np.stack([tree["posterior"][name].values[0] for name in ("alpha", "beta")])
    error = 1 / np.sqrt(20_000)
    ratio = thetas.std(axis=1) / tree["fit"]["sd"].values
    np.testing.assert_allclose(ratio, 1, atol=4 * error / np.sqrt(2))
    assert abs(np.corrcoef(thetas)[0, 1]) < 4 * error


def test_there_is_neither_an_evidence_nor_a_matrix():
    fit = diagonal_laplace(bioassay(), draws=10)["fit"].to_dataset()
    assert set(fit.data_vars) == {"mode", "sd", "logp_mode", "hessian_error"}
    with pytest.raises(ArgumentError, match=r"holds no precision matrix.*this one holds mode, sd"):
        precision_of(fit)


def test_a_saddle_is_told(saddle):
    with pytest.raises(CurvatureError, match=r"curves upward along x\[0\]"):
        diagonal_laplace(saddle(2), random_seed=1)
