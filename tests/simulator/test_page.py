"""The chat page in a real browser, with a bot that answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup

from tests.simulator.harness import SimulatorTestbed, render_image

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect

from tests.system.support.browser import is_wider_than_the_window, open_browser

pytestmark = pytest.mark.slow


@pytest.fixture
def page(testbed: SimulatorTestbed) -> Iterator[Page]:
    """The chat page at the size of a phone, with this test's bot as the latest. Script errors fail the test."""
    testbed.run(testbed.only_get_me)
    with open_browser() as browser:
        opened = browser.new_page(viewport={"width": 390, "height": 520})
        opened.set_default_timeout(10_000)
        errors: list[str] = []
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.on("console", lambda entry: errors.append(entry.text) if entry.type == "error" else None)
        requested: list[str] = []
        opened.on("request", lambda request: requested.append(request.url))
        opened.goto(f"{testbed.address}/")
        opened.wait_for_selector(".user[aria-selected=true]")
        yield opened
        assert errors == []
        assert [
            url for url in requested if not url.startswith((testbed.address, f"blob:{testbed.address}", "data:"))
        ] == []


def test_page_shows_messages_edits_and_actions_as_they_happen(page: Page, testbed: SimulatorTestbed) -> None:
    assert "simulator of Telegram on this computer" in page.inner_text("header")
    user = int(page.get_attribute(".user[aria-selected=true]", "data-user") or 0)
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
        sent.append((await testbed.bot.send_message(user, text, reply_markup=markup)).message_id)
        await testbed.bot.send_chat_action(user, "typing")

    testbed.run(answer)
    bubble = page.locator(f".message.bot[data-message-id='{sent[0]}']")
    expect(bubble.locator("b i")).to_have_text("you")
    expect(bubble.locator(".text")).to_have_text("Hello you <script> x y")
    assert [link.get_attribute("href") for link in bubble.locator("a").all()] == ["https://x.org"]
    expect(page.locator("#action")).to_have_text("typing…")
    bubble.get_by_role("button", name="I agree").click()

    async def answer_press() -> None:
        updates = await testbed.bot.get_updates(timeout=5)
        query = updates[-1].callback_query
        assert query is not None
        await testbed.bot.answer_callback_query(query.id, text="Thank you")
        drawn = BufferedInputFile(render_image(800, 600), "drawn.jpg")
        await testbed.bot.edit_message_text("Send a photograph.", chat_id=user, message_id=sent[0])
        deleted = await testbed.bot.send_message(user, "deleted")
        await testbed.bot.delete_message(user, deleted.message_id)
        await testbed.bot.send_photo(user, drawn, caption="<b>Seen</b>")

    testbed.run(answer_press)
    expect(page.locator("#toast")).to_have_text("Thank you")
    expect(bubble).to_contain_text("Send a photograph.")
    expect(bubble).to_contain_text("edited")
    expect(bubble.locator(".button")).to_have_count(0)
    expect(page.locator(".message.bot", has_text="deleted")).to_have_count(0)
    photo = page.locator(".message.bot", has_text="Seen").locator("img")
    expect(photo).to_be_visible()
    page.wait_for_function("document.querySelector('.message.bot img').naturalWidth === 800")
    page.wait_for_function("chat.scrollHeight - chat.scrollTop - chat.clientHeight < 2")
    assert not is_wider_than_the_window(page)

    # A reload shows the same messages and user.
    page.reload()
    expect(page.locator(".message")).to_have_count(3)
    assert page.get_attribute(".user[aria-selected=true]", "data-user") == str(user)


def test_page_sends_photos_and_files_and_switches_users(page: Page, testbed: SimulatorTestbed, tmp_path: Path) -> None:
    mole, notes = tmp_path / "mole.jpg", tmp_path / "notes.txt"
    mole.write_bytes(render_image(900, 700))
    notes.write_text("no picture")
    name = page.locator(".user[aria-selected=true] span").inner_text()
    page.set_input_files("#photo", mole)
    expect(page.locator("#messages img")).to_be_visible()
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
    expect(page.locator("#messages img")).to_have_count(2)
    page.evaluate(drop, True)
    expect(page.locator(".message", has_text="dropped.png")).to_be_visible()

    page.click("summary")
    page.fill("#name", "Мария")
    page.select_option("#language", "ru")
    page.click("#create-user")
    expect(page.locator(".user[aria-selected=true]")).to_contain_text("Мария")
    expect(page.locator(".message")).to_have_count(0)
    page.fill("#text", "привет")
    page.click("#send")
    expect(page.locator(".message")).to_have_count(1)

    async def check_updates() -> None:
        messages = [update.message for update in await testbed.bot.get_updates(timeout=5) if update.message]
        assert [message.content_type for message in messages] == ["photo", "document", "photo", "document", "text"]
        assert messages[-1].from_user is not None
        assert messages[-1].from_user.language_code == "ru"

    testbed.run(check_updates)
    page.locator(".user", has_text=name).first.click()
    expect(page.locator(".message")).to_have_count(4)
