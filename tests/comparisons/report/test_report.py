"""The report as a file: whole or absent, and true to what it was given."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from tripos.approximations import grid, laplace
from tripos.approximations.errors import ArgumentError, StorageError
from tripos.comparisons import Comparison, verdict
from tripos.models import bioassay


@pytest.fixture(scope="module")
def comparison(density_of):
    model = density_of(bioassay)
    return Comparison(
        {
            "grid": grid(model, points=61, draws=1000, random_seed=1, progressbar=False),
            "laplace": laplace(model, draws=1000, random_seed=2),
        },
        {"nuts": "SamplingError: <it> could not start"},
    )


@pytest.fixture(scope="module")
def report(comparison, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    assert comparison.to_html(path, model=bioassay(), title="The bioassay") == path
    return path.read_text(encoding="utf-8")


class _Outline(HTMLParser):
    """What stands open, and every address."""

    VOID = ("meta", "link", "img", "br")

    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.alternatives = [], [], []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.addresses += [given[name] for name in ("src", "href") if name in given]
        if tag == "img":
            self.alternatives.append(given["alt"])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def outline(report):
    parser = _Outline()
    parser.feed(report)
    return parser


def text_of(report, section):
    part = re.search(rf'<section id="{section}".*?</section>', report, flags=re.DOTALL)[0]
    return " ".join(re.sub(r"<[^>]+>", " ", part).split())


def test_it_is_one_file_that_loads_nothing(outline, report):
    assert outline.open == []
    assert all(address.startswith(("data:", "#")) for address in outline.addresses)
    assert "default-src 'none'" in report
    assert len(report.encode()) < 3_000_000


def test_the_verdict_comes_first_and_names_its_judge(report):
    assert report.index('id="verdict"') < report.index('id="pictures"')
    said = text_of(report, "verdict")
    assert "Differs in all 3 quantities, judged by grid." in said
    assert "nuts could not be run. SamplingError: &lt;it&gt; could not start" in said


def test_alternative_texts_state_the_finding(outline, comparison):
    low, high = np.quantile(comparison.trees["laplace"]["posterior"]["ld50"], [0.025, 0.975])
    told = f"The 95 % interval of ld50 is {low:.3g} to {high:.3g} by laplace, wider than"
    assert outline.alternatives[0].startswith(told.replace("-", "−"))
    assert "alpha across and beta up: grid has its medians at (1.22, 10.7)" in (
        " ".join(outline.alternatives)
    )


def test_the_table_has_the_summary_in_each_quantity_s_own_decimals(report, comparison):
    said, table = text_of(report, "numbers"), comparison.summary()
    # Laplace's sd of beta is 4.87, and half of LD50's central interval 0.05: three digits each.
    for quantity, decimals in (("beta", 2), ("ld50", 4)):
        row = table.loc[(quantity, "grid"), ["mean", "sd", "q2.5", "q25", "q50"]]
        # The ratio has no moments.
        shown = " ".join(f"{value:.{decimals}f}" for value in row.dropna()).replace("-", "−")
        assert row.isna().sum() == (2 if quantity == "ld50" else 0)
        assert f"{quantity} grid {shown}" in said
    low = table.at[("ld50", "laplace"), "q2.5"]
    # A mean and an sd that may not exist are left empty.
    assert f"ld50 laplace {low:.4f}".replace("-", "−") in said


def test_model_settings_and_lines_are_there(report):
    assert "alpha free Flat() scalar" in text_of(report, "model")
    assert "deaths observed" in text_of(report, "model")
    assert "dose (4)" in text_of(report, "model")
    assert "draws 1000, max_iterations 200" in text_of(report, "origin")
    assert re.search(r"Versions tripos [\d.]+, pymc [\d.]+", text_of(report, "origin"))
    assert "laplace(model, draws=1000" in text_of(report, "python")


def test_what_was_not_given_is_said_to_be_absent(normal_tree, tmp_path):
    stranger = normal_tree()
    del stranger.attrs["seconds"]
    path = Comparison({"mine": stranger}).to_html(tmp_path / "a.html")
    report = path.read_text(encoding="utf-8")
    assert "No verdict: no tree here is exact enough" in text_of(report, "verdict")
    assert "No model was passed" in text_of(report, "model")
    assert "y school (2)" in text_of(report, "model")
    assert "no settings recorded" in text_of(report, "origin")
    assert "they come from elsewhere" in text_of(report, "python")
    outline = _Outline()
    outline.feed(report)
    assert outline.alternatives[0].startswith("95 % intervals: x by mine −1.")


def test_the_same_comparison_gives_the_same_bytes(comparison, tmp_path):
    first, second = (comparison.to_html(tmp_path / name).read_bytes() for name in "ab")
    assert first == second


def test_given_verdicts_judges_findings_and_lines_are_used(comparison, tmp_path):
    found = verdict(comparison.trees["laplace"], bioassay(), random_seed=1)
    path = comparison.to_html(
        tmp_path / "r.html",
        verdicts={"laplace": found},
        findings=["It leans by -1."],
        code="make_it_again()",
        quantities=["beta"],
        units={"beta": "per log g/ml"},
    )
    report = path.read_text(encoding="utf-8")
    told = f"judged by weighted draws (k-hat {found.pareto_khat:.2g})".replace("-0", "−0")
    assert told in text_of(report, "verdict")
    assert "It leans by −1." in text_of(report, "verdict")
    assert text_of(report, "python").endswith("make_it_again()")
    assert "unit: per log g/ml" in text_of(report, "numbers")
    # One quantity has no plane.
    assert text_of(report, "pictures").count("Draws.") == 0


def test_no_verdict_can_be_asked_for(comparison, tmp_path):
    path = comparison.to_html(tmp_path / "r.html", verdicts={})
    assert "No verdict" in text_of(path.read_text(encoding="utf-8"), "verdict")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"quantities": ["gamma"]}, r"quantities hold \['gamma'\], but the trees share alpha"),
        ({"judges": {"laplace": "nuts"}}, r"no tree called \['nuts'\]; there are \['grid'"),
        ({"model": 3}, "model must be a pymc.Model, a LogDensity, or a mapping"),
    ],
)
def test_wrong_arguments_are_sentences_and_leave_no_file(comparison, tmp_path, arguments, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        comparison.to_html(tmp_path / "report.html", **arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["/proc/nowhere/report.html", "folder", "file/report.html"])
def test_a_place_that_cannot_be_written_is_found_out_first(
    comparison, tmp_path, monkeypatch, place
):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    monkeypatch.setattr(
        "tripos.comparisons.report.rendered", lambda *_: pytest.fail("the work began")
    )
    with pytest.raises(StorageError, match=r"The report .* cannot be written: .* Name a file"):
        comparison.to_html(tmp_path / place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "mine"


def test_an_old_report_stands_until_the_new_one_is_whole(comparison, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("tripos.comparisons.report.rendered", interrupted)
    with pytest.raises(KeyboardInterrupt):
        comparison.to_html(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    monkeypatch.setattr("tripos.comparisons.report.rendered", lambda *_: "new")
    comparison.to_html(path)
    assert path.read_text() == "new"
