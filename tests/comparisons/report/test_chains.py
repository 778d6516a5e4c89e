"""Diagnostics of Markov chains in a report."""

import re

import arviz_base
import arviz_stats
import numpy as np
import pytest
from matplotlib import pyplot as plt

from tripos.approximations.trust import chain_signs
from tripos.comparisons.report.chains import (
    chain_pictures,
    chain_words,
    energy_figure,
    listed_signs,
    rank_figure,
)


def chains(shift=0.0, size=1000, diverging=0, energy=True, count=2):
    rng = np.random.default_rng(4)
    x = rng.standard_normal((count, size))
    x[0] += shift
    posterior = {"x": x, "y": rng.standard_normal((count, size)), "one": np.ones((count, size))}
    flags = np.zeros((count, size), dtype=bool)
    flags[0, :diverging] = True
    stats = {"diverging": flags}
    if energy:
        stats["energy"] = rng.standard_normal((count, size))
    return arviz_base.from_dict({"posterior": posterior, "sample_stats": stats})


def test_the_worst_are_those_of_arviz():
    tree = chains(shift=0.3)
    varying = tree["posterior"].to_dataset()[["x", "y"]]
    signs = chain_signs(tree)
    assert signs.r_hat[0] == "x"
    assert signs.r_hat[1] == pytest.approx(float(arviz_stats.rhat(varying)["x"]))
    bulk = arviz_stats.ess(varying, method="bulk")
    assert signs.bulk[1] == pytest.approx(float(bulk.to_array().min()))
    bfmi = arviz_stats.bfmi(tree)["energy"].values
    np.testing.assert_allclose(signs.bfmi, bfmi)
    assert {s.name: s.value for s in listed_signs(tree, signs)}["chains × draws"] == "2 × 1000"


def test_good_chains_keep_the_limits():
    tree = chains()
    assert chain_words(tree, chain_signs(tree)).startswith("The chains keep the usual limits")


@pytest.mark.parametrize(
    ("tree", "broken"),
    [
        (chains(shift=1.0), r"R-hat is 1\.\d+ in x, above 1\.01"),
        (chains(size=100), r"the (bulk|tail) of .* is worth .* independent draws, fewer than 400"),
        (chains(diverging=3), r"3 draws diverged\."),
    ],
)
def test_broken_limits_are_named(tree, broken):
    words = chain_words(tree, chain_signs(tree))
    assert words.startswith("The chains break the usual limits: ")
    assert re.search(broken, words)


def test_slow_energies_are_named():
    tree = chains()
    energy = tree["sample_stats"]["energy"]
    # A random walk: its steps are far smaller than its spread.
    energy[:] = np.cumsum(energy.values, axis=1)
    words = chain_words(tree, chain_signs(tree))
    assert "BFMI is 0.0" in words
    assert "below 0.3" in words


def test_one_chain_is_told_apart():
    tree = chains(count=1)
    signs = chain_signs(tree)
    assert "One chain alone cannot show" in chain_words(tree, signs)
    assert [p.title for p in chain_pictures("nuts", tree, signs, ("x",))] == ["Energy"]


def test_pictures_say_what_they_find_and_leave_no_figure_open():
    before = plt.get_fignums()
    tree = chains(shift=1.0)
    ranks, energy = chain_pictures("nuts", tree, chain_signs(tree), ("y", "one"))
    assert ranks.finding.startswith("nuts: the chains do not agree; the largest R-hat is 1.")
    assert "above 0.3: the changes of energy are wide enough" in energy.finding
    assert plt.get_fignums() == before


def test_a_rank_plot_has_a_line_a_chain(figures):
    figure = rank_figure(chains(count=3, size=100), ["y", "x"])
    panels = [axes for axes in figure.axes if axes.lines]
    assert [axes.get_title() for axes in panels] == ["y", "x"]
    for axes in panels:
        assert [len(line.get_xdata()) for line in axes.lines] == [100, 100, 100]


def test_an_energy_plot_has_two_densities(figures):
    (axes,) = (axes for axes in energy_figure(chains()).axes if axes.lines)
    assert len(axes.lines) == 2


def test_a_slash_and_a_dollar_in_a_label_are_drawn_as_they_are():
    rng = np.random.default_rng(5)
    tree = arviz_base.from_dict(
        {"posterior": {"theta": rng.standard_normal((2, 200, 2))}},
        dims={"theta": ["g"]},
        coords={"g": ["a/b", "$x$"]},
    )
    (ranks,) = chain_pictures("c", tree, chain_signs(tree), ("theta[a/b]", "theta[$x$]"))
    assert ranks.title == "Ranks"


def test_what_does_not_vary_has_nothing_to_diagnose():
    tree = arviz_base.from_dict({"posterior": {"one": np.ones((2, 100))}})
    signs = chain_signs(tree)
    assert signs.diverging is None
    assert chain_words(tree, signs) == "No quantity varies, so there is nothing to diagnose."
    assert chain_pictures("c", tree, signs, ("one",)) == ()
