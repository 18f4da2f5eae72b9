"""A person uses the chat page in a real browser, and a bot answers."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup

from tests.simulator.harness import SimulatorTestbed, render_image

if not os.environ.get("CI"):
    pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect, sync_playwright

_FLAGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium() -> str:
    """Path of the browser. Without one the tests are skipped; in CI they fail."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None and os.environ.get("CI"):
        pytest.fail("there is no Chromium: apt-get install chromium")
    if found is None:
        pytest.skip("there is no Chromium on this machine")
    return found


@pytest.fixture
def page(chromium: str, stand: SimulatorTestbed) -> Iterator[Page]:
    """The chat page as a phone shows it, with this test's bot as the latest; it fails on errors of scripts."""
    stand.run(stand.call_only)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        opened = browser.new_page(viewport={"width": 390, "height": 520})
        opened.set_default_timeout(10_000)
        errors: list[str] = []
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        asked: list[str] = []
        opened.on("request", lambda request: asked.append(request.url))
        opened.goto(f"{stand.address}/")
        opened.wait_for_selector(".person[aria-current=true]")
        yield opened
        browser.close()
        assert errors == []
        assert [url for url in asked if not url.startswith((stand.address, "data:"))] == []


def test_a_conversation_is_seen_as_it_happens(page: Page, stand: SimulatorTestbed, tmp_path: Path) -> None:
    assert "stand-in for Telegram on this computer" in page.inner_text("header")
    person = int(page.get_attribute(".person[aria-current=true]", "data-person") or 0)
    page.fill("#text", "/start <img src=x onerror=alert(1)>")
    page.press("#text", "Enter")
    expect(page.locator(".message")).to_contain_text("<img src=x")
    sent: list[int] = []

    async def answer() -> None:
        keys = [[InlineKeyboardButton(text="I agree", callback_data="yes")]]
        markup = InlineKeyboardMarkup(inline_keyboard=keys)
        text = (
            '<b>Hello <i>you</i></b> &lt;script&gt; <a href="javascript:alert(1)">x</a> <a href="https://x.org">y</a>'
        )
        sent.append((await stand.bot.send_message(person, text, reply_markup=markup)).message_id)
        await stand.bot.send_chat_action(person, "typing")

    stand.run(answer)
    bubble = page.locator(f".message.bot[data-message-id='{sent[0]}']")
    expect(bubble.locator("b i")).to_have_text("you")
    expect(bubble.locator(".words")).to_have_text("Hello you <script> x y")
    assert [link.get_attribute("href") for link in bubble.locator("a").all()] == ["https://x.org"]
    expect(page.locator("#action")).to_have_text("typing…")
    bubble.get_by_role("button", name="I agree").click()

    async def pressed() -> None:
        updates = await stand.bot.get_updates(timeout=5)
        query = updates[-1].callback_query
        assert query is not None
        await stand.bot.answer_callback_query(query.id, text="Thank you")
        drawn = BufferedInputFile(render_image(800, 600), "drawn.jpg")
        await stand.bot.edit_message_text("Send a photograph.", chat_id=person, message_id=sent[0])
        gone = await stand.bot.send_message(person, "gone")
        await stand.bot.delete_message(person, gone.message_id)
        await stand.bot.send_photo(person, drawn, caption="<b>Seen</b>")

    stand.run(pressed)
    expect(page.locator("#toast")).to_have_text("Thank you")
    expect(bubble).to_contain_text("Send a photograph.")
    expect(bubble).to_contain_text("edited")
    expect(bubble.locator(".button")).to_have_count(0)
    expect(page.locator(".message.bot", has_text="gone")).to_have_count(0)
    shown = page.locator(".message.bot", has_text="Seen").locator("img")
    expect(shown).to_be_visible()
    page.wait_for_function("document.querySelector('.message.bot img').naturalWidth === 800")
    page.wait_for_function("chat.scrollHeight - chat.scrollTop - chat.clientHeight < 2")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the phone"

    # As it was, after the page is loaded again.
    page.reload()
    expect(page.locator(".message")).to_have_count(3)
    assert page.get_attribute(".person[aria-current=true]", "data-person") == str(person)


def test_photographs_files_and_another_person(page: Page, stand: SimulatorTestbed, tmp_path: Path) -> None:
    mole, notes = tmp_path / "mole.jpg", tmp_path / "notes.txt"
    mole.write_bytes(render_image(900, 700))
    notes.write_text("no picture")
    page.set_input_files("#file", mole)
    expect(page.locator(".message img")).to_be_visible()
    page.set_input_files("#document", notes)
    expect(page.locator(".message", has_text="notes.txt")).to_be_visible()
    drop = """asFile => {
        document.getElementById("as-file").checked = asFile;
        const data = new DataTransfer();
        const canvas = new OffscreenCanvas(200, 100);
        canvas.getContext("2d");
        return canvas.convertToBlob({ type: "image/png" }).then(blob => {
            data.items.add(new File([blob], "dropped.png", { type: "image/png" }));
            document.dispatchEvent(new DragEvent("drop", { dataTransfer: data }));
        });
    }"""
    page.evaluate(drop, False)
    expect(page.locator(".message img")).to_have_count(2)
    page.evaluate(drop, True)
    expect(page.locator(".message", has_text="dropped.png")).to_be_visible()

    page.click("summary")
    page.fill("#name", "Мария")
    page.select_option("#language", "ru")
    page.click("#anew")
    expect(page.locator(".person[aria-current=true]")).to_contain_text("Мария")
    expect(page.locator(".message")).to_have_count(0)
    page.fill("#text", "привет")
    page.click("#send")
    expect(page.locator(".message")).to_have_count(1)

    async def seen() -> None:
        messages = [update.message for update in await stand.bot.get_updates(timeout=5) if update.message]
        assert [message.content_type for message in messages] == ["photo", "document", "photo", "document", "text"]
        assert messages[-1].from_user is not None
        assert messages[-1].from_user.language_code == "ru"

    stand.run(seen)
    page.locator(".person", has_text="Anna").first.click()
    expect(page.locator(".message")).to_have_count(4)
