"""A headless browser, and the rules of accessibility that pages are checked by."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_FLAGS: Final = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

#: axe leaves this rule of WCAG 2.2 out by default.
_RULES: Final = {"rules": {"target-size": {"enabled": True}}}


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start Chromium. Without it the test is skipped."""
    executable = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if executable is None:
        pytest.skip("Chromium is missing (Debian's package chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_FLAGS)
        yield browser
        browser.close()


@contextmanager
def open_page(address: str, *, width: int = 900, height: int = 1100, dark: bool = False) -> Iterator[Page]:
    """Open the page at `address`. Without a browser the test is skipped."""
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
        page.goto(address)
        yield page


def find_violations(page: Page) -> list[tuple[str, str]]:
    """Return what axe finds wrong: rules and the elements that break them."""
    response: dict[str, Any] = Axe().run(page, options=_RULES).response
    return [(found["id"], node["html"]) for found in response["violations"] for node in found["nodes"]]


def is_wider_than_the_window(page: Page) -> bool:
    """Return whether the page has to be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))
