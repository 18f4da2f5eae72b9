"""The report in a real browser: desktop, phone, keyboard, print, dark; checked by axe-core."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from bulk.inputs.read_problem import ReadProblem
from bulk.report.html_report import ReportSource, write_report
from bulk.results.result_row import LocalRefusal
from bulk.results.run_stats import RunStats
from shared.contract.decision import Failure, FailureReason
from tests.bulk.report.test_html_report import Run

if not os.environ.get("CI"):
    pytest.importorskip("playwright.sync_api")
    pytest.importorskip("axe_playwright_python")
from playwright.sync_api import Browser, Page, expect

from tests.system.support.browser import find_violations, is_wider_than_the_window, open_browser

pytestmark = pytest.mark.slow

COUNT: Final = 120


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser."""
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of 300 pictures, refusals and failures."""
    run = Run(tmp_path_factory.mktemp("report"))
    run.add_pictures(COUNT)
    run.add(*[LocalRefusal(reason=ReadProblem.VANISHED)] * 3, name="refused {}.jpg")
    run.add(*[Failure(reason=FailureReason.DEADLINE)] * 3, name="failed {}.jpg")
    run.report(note="A note.")
    return run.path


Open = Callable[..., Page]


@pytest.fixture
def open_report(browser: Browser, report: Path) -> Iterator[Open]:
    """Opens the report. Script errors and requests for anything but its pictures fail the test."""
    errors: list[str] = []
    requested: list[str] = []
    contexts = []

    def open_(*, width: int = 1200, height: int = 900, dark: bool = False, script: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda entry: errors.append(entry.text) if entry.type == "error" else None)
        page.on("request", lambda request: requested.append(request.url))
        page.goto(report.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []
    beside = (report.as_uri(), (report.parent / "report-images").as_uri())
    assert [url for url in requested if not url.startswith(beside)] == []


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (1200, True), (360, False), (360, True)])
def test_axe_finds_nothing(open_report: Open, width: int, dark: bool) -> None:
    page = open_report(width=width, dark=dark)
    page.get_by_role("button", name="Open all sections").click()
    assert find_violations(page) == []
    assert not is_wider_than_the_window(page)


def test_tiles_lead_to_their_sections(open_report: Open) -> None:
    page = open_report()
    low = page.locator("#low details")
    expect(low).not_to_have_attribute("open", "")
    page.get_by_role("link", name="60 Low").click()
    expect(low).to_have_attribute("open", "")
    expect(page.locator("#low")).to_be_focused()
    expect(page.get_by_role("heading", name="Low 60")).to_be_in_viewport()
    assert page.locator("h3").count() == COUNT + 6
    expect(page.get_by_role("article", name="0.jpg", exact=True)).to_be_attached()


def test_cards_are_filtered_and_sorted(open_report: Open) -> None:
    page = open_report()
    page.get_by_label("File name contains").fill("11")
    expect(page.get_by_role("status")).to_have_text(f"11 of {COUNT + 6} pictures on this page")
    shown = page.locator(".card:visible h3")
    assert set(shown.all_text_contents()) == {f"{n}.jpg" for n in (*range(110, 120), 11)}
    expect(page.locator("#refusal")).to_be_hidden()
    page.get_by_label("Sort by").select_option("file name")
    assert page.locator("#high .card:visible h3").all_text_contents()[:3] == ["11.jpg", "111.jpg", "113.jpg"]
    page.get_by_label("Sort by").select_option("highest probability")
    page.get_by_label("File name contains").fill("")
    shares = page.locator("#high .probability").all_text_contents()
    assert len(shares) == COUNT / 2
    assert shares == sorted(shares, reverse=True)


def test_everything_is_reached_by_keyboard(open_report: Open) -> None:
    page = open_report()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the results")).to_be_focused()
    expect(page.get_by_role("link", name="To the results")).to_be_in_viewport()
    reached = []
    for _ in range(11):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText || document.activeElement.id"))
    names = [text.replace("\n", " ") for text in reached]
    assert names[:4] == ["60 High", "60 Low", "3 Refused", "3 Failed"]
    assert names[4] == "What the bands mean"
    assert names[5:9] == ["filter", "highest probability file name", "Open all sections", "Close all"]
    assert names[9].startswith("High")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")  # the section's summary
    expect(page.locator("#high details")).not_to_have_attribute("open", "")


def test_pictures_load_when_they_come_into_view(open_report: Open) -> None:
    page = open_report(width=360, height=640)
    page.wait_for_function("document.querySelector('.card img').naturalWidth > 0")
    loaded = "[...document.images].filter((image) => image.complete && image.naturalWidth).length"
    assert page.evaluate(loaded) < COUNT
    assert page.evaluate("document.documentElement.scrollHeight") < 20_000
    last = page.locator("#high .card img").last
    last.scroll_into_view_if_needed()
    expect(last).to_have_js_property("naturalWidth", 64)


def test_the_print_is_compact_and_whole(open_report: Open, tmp_path: Path) -> None:
    page = open_report(dark=True)
    page.emulate_media(media="print")
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    pages = (tmp_path / "report.pdf").read_bytes().count(b"/Type /Page\n")
    assert 3 < pages < 15
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.get_by_role("heading", name="119.jpg", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="118.jpg", exact=True)).to_be_visible()
    expect(page.locator("#tools")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator("#low details")).not_to_have_attribute("open", "")


def test_the_page_is_whole_without_scripts(open_report: Open) -> None:
    page = open_report(script=False)
    expect(page.locator("#tools")).to_be_hidden()
    page.get_by_role("link", name="60 Low").click()
    page.locator("#low summary").click()
    expect(page.get_by_role("heading", name="0.jpg", exact=True)).to_be_visible()


def test_an_empty_folder_has_a_page(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").touch()
    source = ReportSource(tmp_path / "empty", tmp_path / "results.jsonl", tmp_path / "no artefact")
    write_report(tmp_path / "report.html", source, RunStats(), stop=threading.Event())
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    assert find_violations(page) == []
    page.close()
