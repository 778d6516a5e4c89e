"""The study guide as its readers meet it: served by marimo on this machine, edited by keyboard."""

import os
import re
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tripos.approximations import LogDensity, laplace
from tripos.models import bioassay

NOTEBOOK = Path(__file__).parents[2] / "study_guide" / "normal_approximation.py"
# What the page shows is rounded to four decimals.
SHOWN = 5e-5
DEATHS = (0, 1, 3, 5)


def _free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def _wait_for(address, server, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert server.poll() is None, "marimo ended"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"marimo does not answer at {address} after {seconds} s")


@pytest.fixture(scope="module")
def address(browser, tmp_path_factory):
    port = _free_port()
    command = ["run", str(NOTEBOOK), "--headless", "--no-token", "--host", "127.0.0.1"]
    log = tmp_path_factory.mktemp("marimo") / "log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "marimo", *command, "-p", str(port)],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/health", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=20)


@pytest.fixture(scope="module")
def page(browser, address):
    """The page, all of it computed, with the hosts it asked and what its console complained of."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(60_000)
    page.hosts, page.complaints = set(), []
    page.on("request", lambda request: page.hosts.add(urlsplit(request.url).hostname))
    page.on("websocket", lambda opened: page.hosts.add(urlsplit(opened.url).hostname))
    page.on("console", lambda told: told.type == "error" and page.complaints.append(told.text))
    page.goto(address)
    page.get_by_text("Bayesian methods in practice").wait_for()
    page.locator("#windshields").wait_for(state="attached")
    _settle(page)
    yield page
    page.close()


def _settle(page):
    """Wait until no cell runs: until the page has stayed the same for a while."""
    text, since = None, time.monotonic()
    while time.monotonic() - since < 0.7:
        now = page.evaluate("document.body.innerText")
        if now != text:
            text, since = now, time.monotonic()
        page.wait_for_timeout(100)


def _mode(page):
    text = page.get_by_text("where the log density").inner_text()
    return [float(x) for x in re.findall(r"= (-?\d+\.\d+)", text)][:2]


def _table(page):
    """Numbers beside the picture, by row."""
    rows = page.locator("tr", has_text=re.compile("^(mode|Laplace sd|exact mean|exact sd)"))
    texts = [row.inner_text().replace("−", "-").split("\t") for row in rows.all()]
    return {name.strip(): [float(x) for x in numbers] for name, *numbers in texts}


def _pictures(page):
    return {
        name: page.locator(f"#{name}").get_attribute("src")
        for name in ("contours", "overlay", "marginals")
    }


def _choose_deaths(page, row):
    """Put the keyboard's focus on a cell of the last column."""
    page.get_by_test_id("data-grid-canvas").focus()
    # However the focus was left, this ends in the first cell.
    for key in ["Control+Home"] * 2 + ["ArrowRight"] * 2 + ["ArrowDown"] * row:
        page.keyboard.press(key)
        page.wait_for_timeout(60)


def _type(page, text):
    """Type into the chosen cell, up to the Enter that accepts."""
    page.keyboard.press(text[0])
    # The first letter opens an editor over the cell.
    page.locator("textarea.gdg-input").wait_for()
    page.wait_for_timeout(200)
    for letter in text[1:]:
        page.keyboard.press(letter)
        page.wait_for_timeout(60)


def _edit(page, row, text):
    _choose_deaths(page, row)
    _type(page, text)
    page.keyboard.press("Enter")


def _wait_for_another(page, picture, old):
    page.wait_for_function(
        "([name, old]) => document.getElementById(name)?.src != old", arg=[picture, old]
    )


def _check(page, deaths):
    fit = laplace(LogDensity(bioassay(deaths=deaths), linker="numpy"), 10, random_seed=1)["fit"]
    mode, sd = fit["mode"].values, fit["sd"].values
    assert _mode(page) == pytest.approx(mode, abs=SHOWN)
    table = _table(page)
    assert table["mode"] == pytest.approx(mode, abs=100 * SHOWN)
    assert table["Laplace sd"] == pytest.approx(sd, abs=100 * SHOWN)


def test_the_page_asks_no_other_host(page):
    assert page.hosts <= {"127.0.0.1", None}
    assert page.complaints == []


def test_every_picture_has_a_text(page):
    assert page.locator("img").count() >= 7
    assert page.locator("img:not([alt]), img[alt='']").count() == 0


def test_an_edit_by_keyboard_moves_mode_table_and_pictures(page):
    _check(page, DEATHS)
    before = _pictures(page)
    _edit(page, 1, "2")
    for name, old in before.items():
        _wait_for_another(page, name, old)
    _settle(page)
    _check(page, (0, 2, 3, 5))
    _edit(page, 1, "1")
    _settle(page)
    _check(page, DEATHS)
    assert _pictures(page) == before


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("9", "Row 2: of 5 animals, 9 cannot have died"),
        ("two", "the number of deaths must be a number"),
    ],
)
def test_what_cannot_be_is_a_sentence(page, typed, sentence):
    _edit(page, 1, typed)
    _settle(page)
    page.get_by_text(sentence).wait_for()
    assert page.locator("#contours").count() == 0
    assert "Traceback" not in page.evaluate("document.body.innerText")
    _edit(page, 1, "1")
    _settle(page)
    _check(page, DEATHS)


def test_from_edit_to_new_picture_within_a_second(page):
    """The median of six edits; each begins with the Enter that accepts it."""
    seconds = []
    for deaths in "242313":
        old = page.locator("#contours").get_attribute("src")
        _choose_deaths(page, 2)
        _type(page, deaths)
        started = time.perf_counter()
        page.keyboard.press("Enter")
        _wait_for_another(page, "contours", old)
        seconds.append(time.perf_counter() - started)
        _settle(page)
    print("seconds from edit to new picture:", [round(s, 2) for s in seconds])
    assert statistics.median(seconds) < 1.0
