"""A browser that shows every page alike, and the pages of the PDF as pictures."""

from __future__ import annotations

import os
import shutil

import pytest

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--font-render-hinting=none", "--force-color-profile=srgb", "--hide-scrollbars",
)


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium, set so that letters come out alike on each machine."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None
    if program is None or sync_playwright is None:
        said = ("pictures of pages need Chromium and Playwright: 'apt-get install chromium' or the "
                "like, and 'pip install -r requirements.txt'")
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(said, pytrace=False)
        pytest.skip(said)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield running
        running.close()
