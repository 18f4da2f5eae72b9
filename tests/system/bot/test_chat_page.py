"""A new user talks to the bot on the chat page, in a real browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from samples.image_set import render_many
from tests.system.support.browser import open_page
from tests.system.support.chat import ChatStack

pytestmark = pytest.mark.system

TIMEOUT_MS = 30_000


def test_chat_page_shows_a_conversation_in_two_languages(tmp_path: Path) -> None:
    (image,) = render_many(tmp_path / "pictures", 1, size=(1280, 960), seed=5)
    notes = tmp_path / "notes.txt"
    notes.write_text("<img src=x onerror=alert(1)> no picture")
    with ChatStack(tmp_path / "stack") as chat:
        chat.stack.start_worker()
        chat.start_bot()
        with open_page(f"{chat.address}/") as page:
            page.set_default_timeout(TIMEOUT_MS)
            expect.set_options(timeout=TIMEOUT_MS)
            assert "simulator of Telegram" in page.inner_text("header")
            page.fill("#text", "/start")
            page.click("#send")
            expect(page.locator(".message.bot", has_text="I am a program, not a doctor")).to_be_visible()
            page.click(".button:has-text('I agree')")
            expect(page.locator(".message.bot", has_text="Thank you.")).to_be_visible()
            page.set_input_files("#photo", image)
            answer = page.locator(".message.bot", has_text="This is not a diagnosis.")
            expect(answer.locator("img")).to_be_visible()
            # The photograph at half its size, with the evidence map over it.
            assert answer.locator("img").evaluate("image => image.naturalWidth") == 640
            assert answer.locator("b").count() >= 1
            answer.locator(".button", has_text="What does this mean?").click()
            expect(page.locator(".message.bot", has_text="What this answer means")).to_be_visible()
            page.set_input_files("#document", notes)
            expect(page.locator(".message.bot", has_text="only look at photographs")).to_be_visible()
            page.fill("#text", "<b>not markup</b>")
            page.click("#send")
            expect(page.locator(".message", has_text="<b>not markup</b>")).to_be_visible()
            page.fill("#text", "/language")
            page.click("#send")
            page.click(".button:has-text('Русский')")
            expect(page.locator(".message.bot", has_text="Теперь я пишу по-русски")).to_be_visible()
            page.set_input_files("#photo", image)
            expect(page.locator(".message.bot", has_text=re.compile("Это не диагноз"))).to_be_visible()
