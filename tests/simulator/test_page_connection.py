"""The chat page while the simulator or the bot is away: nothing that a user sends is lost or sent twice."""

import re
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from local.embedded_valkey import free_port
from tests.simulator.harness import SimulatorTestbed, render_image, running_simulator

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, Route, expect

from tests.system.support.browser import open_page

pytestmark = pytest.mark.slow

_TOKEN = f"77:{'A-b_' * 9}"
_TIMEOUT_MS = 20_000


@contextmanager
def running_simulator_with_bot(port: int) -> Iterator[None]:
    """A simulator on `port`, which a bot has called."""
    with running_simulator(port):
        call_as_bot(port)
        yield


def call_as_bot(port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/bot{_TOKEN}/getMe") as response:
        assert response.status == 200


@contextmanager
def open_chat(port: int) -> Iterator[Page]:
    """The chat page. It is marked, so that a reload shows."""
    with open_page(f"http://127.0.0.1:{port}/", width=700, height=700) as page:
        expect.set_options(timeout=_TIMEOUT_MS)
        page.wait_for_selector(".user[aria-selected=true]")
        page.evaluate("window.isTheSame = true")
        yield page
        assert page.evaluate("window.isTheSame"), "the page was loaded again"


def send(page: Page, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")


def texts(page: Page) -> list[str]:
    return page.locator("#messages .text").all_inner_texts()


def test_what_is_sent_while_the_simulator_is_away_is_kept_and_sent_after_its_restart(tmp_path: Path) -> None:
    image = tmp_path / "mole.jpg"
    image.write_bytes(render_image(300, 200))
    port = free_port()
    with ExitStack() as stack:
        with running_simulator_with_bot(port):
            page = stack.enter_context(open_chat(port))
            send(page, "before")
            expect(page.locator("#messages .text")).to_have_text("before")
            expect(page.locator("#connection")).to_be_empty()
        pending = page.locator("#pending .message")
        send(page, "kept one")
        page.set_input_files("#photo", image)
        send(page, "kept two")
        expect(pending).to_have_count(3)
        # It was read when it was chosen.
        image.unlink()
        expect(page.locator("#connection")).to_have_text(
            "No connection to the simulator. 3 messages wait and are sent by themselves."
        )
        expect(pending.nth(0)).to_contain_text("Not sent yet. It is sent once the connection is back.")
        expect(pending.get_by_role("img")).to_have_attribute("alt", "mole.jpg, not sent yet")
        pending.nth(2).get_by_role("button", name="Do not send").click()
        expect(pending).to_have_count(2)
        stack.enter_context(running_simulator_with_bot(port))
        expect(pending).to_have_count(0)
        expect(page.locator("#messages .message")).to_have_count(2)
        assert texts(page) == ["kept one"]
        expect(page.locator("#messages img")).to_have_js_property("naturalWidth", 300)
        expect(page.locator("#connection")).to_be_empty()
        send(page, "after")
        expect(page.locator("#messages .text").last).to_have_text("after")


def test_a_message_whose_reply_was_lost_is_sent_once(testbed: SimulatorTestbed) -> None:
    testbed.run(testbed.only_get_me)
    with open_page(f"{testbed.address}/") as page:
        page.wait_for_selector(".user[aria-selected=true]")
        lost: list[str] = []

        def lose_reply(route: Route) -> None:
            if lost:
                route.continue_()
                return
            lost.append(route.fetch().text())
            route.abort()

        page.route(re.compile(r"/messages$"), lose_reply)
        send(page, "once")
        expect(page.locator("#pending .message")).to_have_count(1)
        expect(page.locator("#pending .message")).to_have_count(0, timeout=_TIMEOUT_MS)
        assert len(lost) == 1
        assert texts(page) == ["once"]


def test_what_the_simulator_refuses_stays_with_its_reason(testbed: SimulatorTestbed, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("no picture")
    testbed.run(testbed.only_get_me)
    with open_page(f"{testbed.address}/") as page:
        page.wait_for_selector(".user[aria-selected=true]")
        page.set_input_files("#photo", notes)
        refused = page.locator("#pending .message")
        expect(refused).to_contain_text("Not sent: it is no photograph.")
        # It holds up nothing else.
        send(page, "next")
        expect(page.locator("#messages .text")).to_have_text("next")
        expect(page.locator("#connection")).to_be_empty()
        refused.get_by_role("button", name="Do not send").click()
        expect(refused).to_have_count(0)
        expect(page.locator("#text")).to_be_focused()


def test_a_press_that_cannot_be_sent_is_said(testbed: SimulatorTestbed) -> None:
    testbed.run(testbed.only_get_me)
    with open_page(f"{testbed.address}/") as page:
        page.wait_for_selector(".user[aria-selected=true]")
        page.route(re.compile(r"/sim/users$"), lambda route: route.abort())
        page.click("summary")
        page.click("#create-user")
        expect(page.get_by_role("alert")).to_have_text("There is no connection to the simulator. Please try again.")


def test_a_message_waits_for_the_first_bot() -> None:
    port = free_port()
    with running_simulator(port), open_chat(port) as page:
        expect(page.locator("#connection")).to_contain_text("Waiting for a bot to start…")
        send(page, "early")
        expect(page.locator("#pending .message")).to_contain_text("Not sent yet")
        call_as_bot(port)
        expect(page.locator("#messages .text")).to_have_text("early")
        expect(page.locator("#connection")).to_be_empty()


def test_an_open_page_goes_on_with_another_bot(testbed: SimulatorTestbed) -> None:
    testbed.run(testbed.only_get_me)
    with open_page(f"{testbed.address}/") as page:
        expect.set_options(timeout=_TIMEOUT_MS)
        page.wait_for_selector(".user[aria-selected=true]")
        send(page, "to the first")
        expect(page.locator("#messages .text")).to_have_text("to the first")
        other = SimulatorTestbed(testbed.address)
        other.run(other.only_get_me)
        expect(page.locator("#messages .text")).to_have_count(0)
        send(page, "to the second")
        expect(page.locator("#messages .text")).to_have_text("to the second")
