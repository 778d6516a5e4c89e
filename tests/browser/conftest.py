"""A real, headless Chromium for what people open in a browser.

Where none is installed these tests are skipped, with the reason. Where the environment has
TRIPOS_BROWSER=required, as in CI, they fail.
"""

import os
import shutil

import pytest

REQUIRED = os.environ.get("TRIPOS_BROWSER") == "required"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Nothing that would ask a host for anything, or need a screen or the kernel's namespaces.
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def _absent(reason):
    if REQUIRED:
        pytest.fail(f"TRIPOS_BROWSER=required, but {reason}.", pytrace=False)
    pytest.skip(f"{reason}.")


@pytest.fixture(scope="session")
def browser():
    """The browser, started once for all tests that open a page."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        _absent("no Chromium is installed (Debian: apt-get install chromium)")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        _absent("the Python package playwright is not installed")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        yield chromium
        chromium.close()
