"""Refits of an edited table are those of a model that was built with it."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from tripos.approximations import TriposError, laplace
from tripos.models import bioassay


@pytest.fixture(scope="module")
def fits_module(beside_notebooks):
    import bioassay_fits

    return bioassay_fits


@pytest.fixture(scope="module")
def doses(beside_notebooks):
    from dose_table import Doses

    return Doses(np.array([-0.9, -0.4, 0.0, 0.5, 0.9]), np.full(5, 6), np.array([0, 2, 3, 4, 6]))


@pytest.mark.parametrize("slope", ["natural", "log"])
@pytest.mark.parametrize("prior", ["flat", "normal"])
def test_refit_is_a_fit_with_nothing_compiled(fits_module, doses, prior, slope):
    density = fits_module.compiled_density(prior, slope)
    fits_module.refit(density, doses)
    compiled = density.seconds_compiling
    fits = fits_module.refit(density, doses, draws=100)
    assert density.seconds_compiling == compiled
    model = bioassay(
        prior, slope, log_doses=doses.log_doses, animals=doses.animals, deaths=doses.deaths
    )
    direct = laplace(model, draws=10, random_seed=1)["fit"]
    np.testing.assert_allclose(fits.normal["fit"]["mode"], direct["mode"], rtol=1e-6)
    np.testing.assert_allclose(fits.normal["fit"]["sd"], direct["sd"], rtol=1e-6)
    assert fits.normal["posterior"].sizes["draw"] == 100


def test_numbers_agree_between_coordinates(fits_module, doses):
    """What the exact posterior says does not depend on the coordinates of its grid."""
    fits = [
        fits_module.refit(fits_module.compiled_density("correlated", slope), doses)
        for slope in ("natural", "log")
    ]
    for table in (fits_module.beta_quantiles, fits_module.ld50_quantiles):
        exact = [table(each).loc["grid (exact)"] for each in fits]
        np.testing.assert_allclose(*exact, rtol=0.005, atol=0.005)
    shown = fits_module.in_coordinates(fits[1].normal)
    assert list(shown["posterior"].data_vars) == ["alpha", "log beta"]
    assert shown["fit"]["parameter"].values.tolist() == ["alpha", "log beta"]
    mean, sd = fits_module.exact_moments(fits[0])
    known = fits[0].exact["fit"].to_dataset().sel(quantity=["alpha", "beta"])
    np.testing.assert_allclose(mean, known["mean"], rtol=1e-6)
    np.testing.assert_allclose(sd, known["sd"], rtol=1e-6)


def test_a_table_without_a_mode_is_a_sentence(fits_module, doses, beside_notebooks):
    from dataclasses import replace

    separated = replace(doses, deaths=np.array([0, 0, 0, 6, 6]))
    with pytest.raises(TriposError, match="no finite mode"):
        fits_module.refit(fits_module.compiled_density("flat", "natural"), separated)


def test_a_picture_says_what_it_finds_and_changes_only_with_the_figure(beside_notebooks, figures):
    from page_parts import answer, picture

    def drawn(height):
        figure = plt.figure()
        figure.add_subplot().plot([0, height])
        return picture(figure, "less < more", "a").text

    assert drawn(1) == drawn(1) != drawn(2)
    assert 'alt="less &lt; more"' in drawn(1)
    assert "<summary" in answer(picture(plt.figure(), "empty", "b")).text


def test_tables(beside_notebooks):
    from tables import markdown_of, markdown_of_rows

    table = pd.DataFrame({"mean": [1.234, -0.5]}, index=["a", "b"])
    assert markdown_of(table, digits=1, corner="q") == (
        "| q | mean |\n| :-- | --: |\n| a | 1.2 |\n| b | −0.5 |"
    )
    assert markdown_of_rows(["", "x", "y"], {"a": ["text", np.nan]}).endswith("| a | text | – |")
