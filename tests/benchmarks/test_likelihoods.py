"""A few rows of the table of all likelihoods."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from likelihoods import WRONG, builders, row


@pytest.mark.parametrize(
    ("name", "hessian", "begins"),
    [
        ("Gamma", "exact", "tree"),
        ("Truncated Gamma", "differences", "tree"),
        ("HurdleNegativeBinomial", "differences", "tree"),
        ("VonMises", "differences", "tree"),
        ("Rice, prior", "differences", "tree"),
        ("Laplace, prior", "exact", "CurvatureError"),
        ("Uniform", "exact", "CurvatureError"),
        ("DiscreteUniform", "", "NoFreeVariableError"),
    ],
)
def test_a_likelihood(name, hessian, begins):
    found = row(name, dict(builders())[name])
    assert found.hessian == hessian
    assert found.laplace.startswith(begins)
    assert not found.is_foreign
    assert not found.error > WRONG


def test_what_pymc_does_not_make_is_said():
    assert "NotImplementedError" in row("x", dict(builders())["Truncated Rice"])
