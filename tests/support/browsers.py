"""A browser for tests of pages: Chromium of the system, driven by playwright, which asks nobody but this machine for anything.

Start with `open_browser`.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
"""Programs that are looked for; `KINIMMUNE_BROWSER` names another."""


@contextmanager
def open_browser() -> Iterator:
    """Yield a browser, or skip with what there is not."""
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra dev)")
    program = os.environ.get("KINIMMUNE_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium is installed; apt-get install chromium, or name one in KINIMMUNE_BROWSER")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def watch(context, asked: list[str]) -> None:
    """Refuse every request to another machine, and note it."""

    def decide(route) -> None:
        if route.request.url.startswith(("http://127.0.0.1:", "blob:http://127.0.0.1:", "data:")):
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    context.route("**/*", decide)
