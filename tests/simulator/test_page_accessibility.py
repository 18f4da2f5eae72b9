"""The chat page for people who use a keyboard, a screen reader, a small screen or a dark one; checked by axe-core."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters

from tests.simulator.harness import SimulatorTestbed, render_image

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, Page, expect

from tests.system.support.browser import find_violations, is_wider_than_the_window, open_browser

pytestmark = pytest.mark.slow

#: Height and width of everything that is pressed. WCAG 2.2 asks for 24 (AA) and recommends 44 (AAA).
TARGET_PX = 44

_SMALL_TARGETS = """target => [...document.querySelectorAll(
    "button, a.button, summary, select, .user, .attach input, .switch, #text, #name")]
    .filter((node) => node.checkVisibility())
    .map((node) => [node.className || node.id || node.tagName, node.getBoundingClientRect()])
    .filter(([, box]) => box.width < target || box.height < target)
    .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser."""
    with open_browser() as opened:
        yield opened


def open_chat(browser: Browser, testbed: SimulatorTestbed, *, width: int = 900, dark: bool = False) -> Page:
    testbed.run(testbed.only_get_me)
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light")
    page.goto(f"{testbed.address}/")
    page.wait_for_selector(".user[aria-selected=true]")
    return page


def selected_user(page: Page) -> int:
    return int(page.get_attribute(".user[aria-selected=true]", "data-user") or 0)


def hold_a_conversation(page: Page, testbed: SimulatorTestbed, folder: Path) -> None:
    """Photographs and their answers, a file, buttons, a text with entities, and a message that was refused."""
    image, notes = folder / "mole.jpg", folder / "notes.txt"
    image.write_bytes(render_image(300, 200))
    notes.write_text("no picture")
    for count in (1, 2):
        page.set_input_files("#photo", image)
        expect(page.locator("#messages img")).to_have_count(count)
    page.set_input_files("#document", notes)
    page.set_input_files("#photo", notes)
    expect(page.locator("#pending .message")).to_contain_text("Not sent: it is no photograph. Send it as a file.")
    user = selected_user(page)
    ids = [
        int(id_ or 0)
        for id_ in page.locator("#messages .message:has(img)").evaluate_all(
            "nodes => nodes.map((node) => node.dataset.messageId)"
        )
    ]

    async def answer() -> None:
        keys = [[InlineKeyboardButton(text=text, callback_data=text) for text in ("What does this mean?", "Delete")]]
        await testbed.bot.send_photo(
            user,
            BufferedInputFile(render_image(300, 200, "brown"), "drawn.jpg"),
            caption='<b>Low score</b> <a href="https://x.org">more</a> <tg-spoiler>hidden</tg-spoiler>',
            reply_parameters=ReplyParameters(message_id=ids[1]),
            reply_markup=InlineKeyboardMarkup(inline_keyboard=keys),
        )
        await testbed.bot.send_chat_action(user, "typing")

    testbed.run(answer)
    expect(page.locator(".message.bot")).to_contain_text("Low score")


@pytest.mark.parametrize(("width", "dark"), [(900, False), (900, True), (360, False), (360, True)])
def test_axe_finds_nothing(browser: Browser, testbed: SimulatorTestbed, tmp_path: Path, width: int, dark: bool) -> None:
    page = open_chat(browser, testbed, width=width, dark=dark)
    hold_a_conversation(page, testbed, tmp_path)
    page.click("summary")
    page.evaluate("document.getElementById('toast').hidden = false; toast.textContent = 'Thank you'")
    page.evaluate("document.getElementById('connection').textContent = 'No connection to the simulator.'")
    assert find_violations(page) == []
    assert page.evaluate(_SMALL_TARGETS, TARGET_PX) == []
    assert not is_wider_than_the_window(page)
    page.close()


def test_photographs_have_names_of_their_own(browser: Browser, testbed: SimulatorTestbed, tmp_path: Path) -> None:
    page = open_chat(browser, testbed)
    hold_a_conversation(page, testbed, tmp_path)
    name = page.locator(".user[aria-selected=true] span").inner_text()
    alternatives = [image.get_attribute("alt") or "" for image in page.locator("#messages img").all()]
    assert alternatives[0].startswith(f"Photograph 1, sent by {name} at ")
    assert alternatives[1].startswith(f"Photograph 2, sent by {name} at ")
    assert alternatives[2].startswith("Photograph 2 as the bot answered it at ")
    expect(page.locator(".message.bot .quote")).to_have_text("Photograph 2")
    page.close()


def test_message_box_is_one_step_away_and_the_users_are_one_stop(
    browser: Browser, testbed: SimulatorTestbed, tmp_path: Path
) -> None:
    async def create_users() -> None:
        for _ in range(31):
            await testbed.sim.create_user("Anna", "en", bot=testbed.bot.id)

    testbed.run(create_users)
    page = open_chat(browser, testbed)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="To the message box")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_be_focused()
    # Without the link: users, new user, messages, photograph, file.
    skip.focus()
    for expected in ("user", "", "chat", "photo", "document", "text"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id || document.activeElement.className") == expected
    page.close()


def test_users_are_chosen_by_keyboard_and_told_apart(browser: Browser, testbed: SimulatorTestbed) -> None:
    async def create_users() -> None:
        for _ in range(3):
            await testbed.sim.create_user("Anna", "en", bot=testbed.bot.id)

    testbed.run(create_users)
    page = open_chat(browser, testbed)
    users = page.get_by_role("listbox", name="Write as").get_by_role("option")
    names = users.all_inner_texts()
    assert len(set(names)) == len(names) >= 4
    newest = selected_user(page)
    page.locator(".user[aria-selected=true]").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(users.nth(2)).to_be_focused()
    assert selected_user(page) == newest
    page.keyboard.press("Enter")
    expect(users.nth(2)).to_have_attribute("aria-selected", "true")
    assert page.locator(".user[tabindex='0']").count() == 1
    page.keyboard.press("End")
    expect(users.last).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    assert selected_user(page) == newest
    page.close()


def test_a_conversation_is_held_by_keyboard_alone(browser: Browser, testbed: SimulatorTestbed) -> None:
    page = open_chat(browser, testbed, width=360)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.type("hello")
    page.keyboard.press("Enter")
    expect(page.locator("#messages .text")).to_have_text("hello")
    user, sent = selected_user(page), []

    async def ask() -> None:
        markup = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="I agree", callback_data="yes")]])
        sent.append((await testbed.bot.send_message(user, "Do you agree?", reply_markup=markup)).message_id)

    testbed.run(ask)
    button = page.get_by_role("button", name="I agree")
    button.focus()
    page.keyboard.press("Enter")

    async def edit() -> None:
        query = (await testbed.bot.get_updates(timeout=5))[-1].callback_query
        assert query is not None
        assert query.data == "yes"
        await testbed.bot.edit_message_text("Thank you.", chat_id=user, message_id=sent[0])

    testbed.run(edit)
    expect(page.locator(".message.bot .text")).to_have_text("Thank you.")
    # The button with the focus is gone. The focus stays near it.
    expect(page.locator("#chat")).to_be_focused()
    page.close()
