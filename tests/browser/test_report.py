"""The report as its readers meet it: opened from disk in a browser."""

from itertools import pairwise

import arviz_base
import numpy as np
import pymc as pm
import pytest

from tripos.approximations import grid, laplace
from tripos.comparisons import Comparison
from tripos.models import bioassay

HOSTILE = "<script>alert(1)</script>"
# Neither PyMC nor a tree takes a slash in the name of a variable; both take this.
TRAP = "<img src=x onerror=alert(1)>"
WIDTHS = {"phone": 390, "desktop": 1280}


@pytest.fixture(scope="module")
def comparison():
    model, rng = bioassay(), np.random.default_rng(1)
    chains = arviz_base.from_dict(
        {
            "posterior": {
                "alpha": 1.3 + rng.standard_normal((2, 500)),
                "beta": 11.0 + 5 * rng.standard_normal((2, 500)),
                TRAP: rng.standard_normal((2, 500)),
                "theta": rng.standard_normal((2, 500, 1)),
            },
            "sample_stats": {
                "energy": rng.standard_normal((2, 500)),
                "diverging": np.zeros((2, 500), dtype=bool),
            },
        },
        dims={"theta": ["group"]},
        coords={"group": [HOSTILE]},
    )
    chains.attrs = {"method": "nuts", "settings": "{}", "versions": "{}"}
    trees = {
        "grid": grid(model, points=41, draws=500, random_seed=1, progressbar=False),
        "laplace": laplace(model, draws=500, random_seed=1),
        "chains": chains,
        HOSTILE: chains.copy(),
    }
    return Comparison(trees, {"quadrature": f"it said {HOSTILE}"})


def hostile_model():
    with pm.Model(coords={HOSTILE: [0, 1]}) as model:
        pm.Normal(TRAP, 0.0, 1.0, dims=HOSTILE)
    return model


@pytest.fixture(scope="module")
def path(comparison, tmp_path_factory):
    return comparison.to_html(
        tmp_path_factory.mktemp("report") / "report.html",
        title=f"A report on {HOSTILE}",
        model={HOSTILE: hostile_model()},
        units={f"theta[{HOSTILE}]": HOSTILE},
        findings=[HOSTILE],
        code=f"print('{HOSTILE}')",
    )


@pytest.fixture
def page(browser, path):
    """The report in a page that remembers what a reader must never meet."""
    page = browser.new_page(viewport={"width": WIDTHS["desktop"], "height": 900})
    page.met = {"console": [], "requests": [], "dialogs": []}
    page.on("console", lambda message: page.met["console"].append(message.text))
    page.on("pageerror", lambda error: page.met["console"].append(str(error)))
    page.on("request", lambda request: page.met["requests"].append(request.url))
    page.on("dialog", lambda box: (page.met["dialogs"].append(box.message), box.dismiss()))
    page.goto(path.as_uri())
    yield page
    page.close()


def column(page, table, k):
    return page.locator(f"#{table} tbody tr > :nth-child({k + 1})").all_inner_texts()


def numbers(texts):
    return [float(text.replace("−", "-")) for text in texts if text]


def heading(page, name):
    return page.locator("#table thead th", has_text=name).first


def test_it_opens_without_an_error_and_asks_no_host(page, path):
    assert page.title() == f"A report on {HOSTILE}"
    assert page.met["console"] == []
    elsewhere = [url for url in page.met["requests"] if not url.startswith("data:")]
    assert elsewhere == [path.as_uri()]
    assert page.evaluate("performance.getEntriesByType('resource').map(r => r.name)") == []


def test_its_own_rules_forbid_other_scripts(page):
    """The policy is at work, not only written down."""
    page.evaluate(
        "() => { const s = document.createElement('script');"
        " s.textContent = 'window.broken = true'; document.body.append(s); }"
    )
    assert page.evaluate("window.broken") is None
    assert "Content Security Policy" in page.met["console"][0]


def test_names_that_hold_html_are_text(page):
    assert page.met["dialogs"] == []
    assert page.locator("script").count() == 1
    assert page.locator("img[src=x]").count() == 0
    assert HOSTILE in page.locator("h1").inner_text()
    assert {TRAP, f"theta[{HOSTILE}]"} <= set(column(page, "table", 0))
    assert HOSTILE in column(page, "table", 1)
    for part in ("verdict", "diagnostics", "model", "origin", "python"):
        assert HOSTILE in page.locator(f"#{part}").inner_text(), part


def test_a_click_sorts_and_another_turns_it_round(page):
    before = column(page, "table", 2)
    button = heading(page, "mean").get_by_role("button")
    button.click()
    up = numbers(column(page, "table", 2))
    assert up == sorted(up)
    assert numbers(before) != up
    assert heading(page, "mean").get_attribute("aria-sort") == "ascending"
    assert page.locator("[role=status]").inner_text() == "Sorted by mean, ascending."
    button.click()
    assert numbers(column(page, "table", 2)) == up[::-1]
    assert heading(page, "mean").get_attribute("aria-sort") == "descending"


def test_empty_cells_stay_last_either_way(page):
    button = heading(page, "R-hat").get_by_role("button")
    for _ in range(2):
        button.click()
        filled = [text != "" for text in column(page, "table", 11)]
        assert True in filled
        assert False in filled
        assert filled == sorted(filled, reverse=True)


def test_the_keyboard_sorts_by_text(page):
    before = column(page, "table", 1)
    heading(page, "posterior").get_by_role("button").focus()
    page.keyboard.press("Enter")
    after = column(page, "table", 1)
    assert after[0] == HOSTILE
    assert sorted(after) == sorted(before)
    assert [text for text in after if text == "laplace"] == after[-before.count("laplace") :]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    assert heading(page, "quantity").get_attribute("aria-sort") == "ascending"
    assert heading(page, "posterior").get_attribute("aria-sort") == "none"


def test_every_picture_is_shown_and_says_its_finding(page):
    pictures = page.locator("img").all()
    assert len(pictures) >= 6
    for picture in pictures:
        assert picture.evaluate("img => img.complete && img.naturalWidth > 0")
        # A finding has a number in it.
        assert any(sign.isdigit() for sign in picture.get_attribute("alt"))
    assert page.locator("figure").count() == page.locator("figure:has(img):has(figcaption)").count()


def test_a_screen_reader_finds_its_way(page):
    assert page.locator("html").get_attribute("lang") == "en"
    for landmark in ("header", "nav[aria-label]", "main", "footer", "h1"):
        assert page.locator(landmark).count() == 1
    levels = page.locator("h1, h2, h3").evaluate_all("all => all.map(h => Number(h.tagName[1]))")
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert page.locator("table").count() == page.locator("table:has(caption)").count()
    assert page.locator("th:not([scope])").count() == 0
    identities = page.locator("[id]").evaluate_all("all => all.map(e => e.id)")
    assert len(identities) == len(set(identities))
    named = page.locator("[aria-labelledby]").evaluate_all(
        "all => all.map(e => document.getElementById(e.getAttribute('aria-labelledby')) !== null)"
    )
    assert all(named)
    links = page.locator("nav a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert all(page.locator(link).count() == 1 for link in links)


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_only_boxes_of_their_own_scroll_sideways(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_text_stands_out_by_day_and_by_night(page):
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colours = page.evaluate(
            "['color', 'backgroundColor'].map(c => getComputedStyle(document.body)[c])"
        )
        ink, paper = (sum(int(part) for part in colour[4:-1].split(",")) / 3 for colour in colours)
        assert (ink < 80 and paper > 200) if scheme == "light" else (ink > 200 and paper < 80)
        # Pictures and samples of lines have paper of their own.
        for shown in ("figure img", ".sample"):
            paper = page.locator(shown).first.evaluate("e => getComputedStyle(e).backgroundColor")
            assert paper == "rgb(255, 255, 255)"


def test_printed_it_fits_the_page(page):
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 673, "height": 900})  # A4 less its margins
    assert page.evaluate("document.documentElement.scrollWidth") == 673
    assert not page.locator("nav").is_visible()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
