"""What a session and a notebook show of a verdict and of a comparison."""

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import xarray as xr

from tripos.comparisons import Comparison, verdict
from tripos.comparisons.notebook import html_of_judgements


def _read(html):
    """Cells of the table, row by row, and the sentences below it."""
    page = ElementTree.fromstring(f"<body>{html}</body>")
    rows = [["".join(cell.itertext()) for cell in row] for row in page.iter("tr")]
    return rows, ["".join(note.itertext()) for note in page.findall("div")]


def test_a_verdict_is_its_text_and_in_a_notebook_a_table(normal_tree):
    found = verdict(normal_tree(mean=1.0), against=normal_tree(seed=2), var_names=["x"])
    assert repr(found) == str(found)
    rows, notes = _read(found._repr_html_())
    sentence = found.table.at["x", "sentence"]
    assert rows == [["quantity", "judgement", "why"], ["x", "✗ differs", sentence]]
    assert notes == ["1 differs."]


def test_of_many_quantities_a_verdict_shows_the_worst(normal_tree):
    draws = np.random.default_rng(1).standard_normal((1, 2000, 60))
    trees = [xr.DataTree(children={}) for _ in range(2)]
    for tree, shift in zip(trees, (0.0, 1.0), strict=True):
        moved = draws + shift * (np.arange(60) == 41)
        tree["posterior"] = xr.DataTree(xr.Dataset({"x": (("chain", "draw", "place"), moved)}))
        tree.attrs = {"independent_draws": 1}
    rows, notes = _read(verdict(trees[1], against=trees[0])._repr_html_())
    assert (len(rows), rows[1][:2]) == (31, ["x[41]", "✗ differs"])
    assert notes[0].endswith("(30 not shown).")


def test_names_cannot_write_html():
    table = pd.DataFrame({"judgement": ["<i>"], "sentence": ["a < b"]}, index=["x[<script>]"])
    html = html_of_judgements(table, {"<i>": 1})
    rows, _ = _read(html)
    assert rows[1] == ["x[<script>]", "· <i>", "a < b"]
    assert "<script>" not in html


def test_judgements_can_be_read_on_any_page():
    """White on a dark ground of their own; all else has the colour of the page's text."""
    judged = ["agrees", "differs", "inconclusive", "failed"]
    table = pd.DataFrame({"judgement": judged, "sentence": [""] * 4}, index=list("abcd"))
    html = html_of_judgements(table, {})
    grounds = re.findall(r"background:#(\w{6});color:#ffffff", html)
    for ground in grounds:
        parts = np.array([int(ground[k : k + 2], 16) for k in (0, 2, 4)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        assert 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) > 6  # WCAG's contrast
    assert len(set(grounds)) == html.count("color:#") == 4
    assert len({row[1][0] for row in _read(html)[0][1:]}) == 4


def test_a_comparison_is_its_summary(normal_tree):
    comparison = Comparison({"one": normal_tree(), "two": normal_tree(seed=2)}, {"nuts": "No <b>."})
    rows, notes = _read(comparison._repr_html_())
    assert rows[0] == ["quantity", "label", "mean", "sd", "2.5 %", "50 %", "97.5 %", "s.e."]
    mean = comparison.summary().at[("x", "one"), "mean"]
    assert rows[1][:3] == ["x", "one", f"{mean:.4g}"]
    assert rows[2][:2] == ["", "two"]
    assert notes == ["nuts could not be run. No <b>."]
    text = repr(comparison)
    assert text == str(comparison)
    assert "DataTree" not in text
    for cell in (*rows[0], *rows[1], notes[0]):
        assert cell in text


def test_of_many_quantities_a_comparison_shows_some(normal_tree):
    draws = np.random.default_rng(1).standard_normal((1, 100, 5000))
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset({"x": (("chain", "draw", "j"), draws)})})
    tree.attrs = {"independent_draws": 1}
    rows, notes = _read(Comparison({"one": tree, "two": tree})._repr_html_())
    assert len(rows) == 31
    assert notes == ["15 of 5000 quantities; summary() has all."]
