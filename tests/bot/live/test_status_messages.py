"""The status message of a photograph that its user withdraws or deletes does not stay in the chat."""

import asyncio
from typing import Any

import pytest
from aiogram.exceptions import TelegramForbiddenError, TelegramServerError
from aiogram.methods import DeleteMessages, SendMessage

from bot.background import message_delivery, progress
from bot.storage.status_target import StatusTarget
from simulator.client.client import Message, User
from tests.bot.live.live_bot import IMAGE, LiveBot, run_live_bot, text_of, until, wait_for, wait_for_reply
from tests.bot.live.test_photographs import delete_everything
from tests.simulator.harness import render_image

WAITING = "not being looked at right now"


async def wait_until_removed(user: User, message: Message, chat: int | None = None) -> None:
    async def is_removed() -> bool:
        messages = await user.get_messages(chat)
        return any(item["deleted"] for item in messages if item["message_id"] == message["message_id"])

    await until(is_removed)


async def send_album_and_photo(user: User) -> list[Message]:
    """Send an album of two and a photograph. Returns the status messages of both."""
    album = await user.send_album([IMAGE, IMAGE])
    photo = await user.send_photo(IMAGE)
    return [
        await wait_for_reply(user, photo, WAITING),
        await wait_for(user, album[0], "Received: 2 photographs"),
    ]


async def shown_texts(user: User) -> list[str]:
    """Texts of the bot's messages that are not deleted."""
    return [
        text_of(message)
        for message in await user.get_messages()
        if message["from"]["is_bot"] and not message["deleted"]
    ]


def hold_message(live: LiveBot, part: str) -> tuple[asyncio.Event, asyncio.Event]:
    """Hold messages that contain `part`. Returns the event of the first, and the event that lets them be sent."""
    sending, released = asyncio.Event(), asyncio.Event()
    send_message = live.bot.send_message

    async def send_late(chat_id: int, text: str, **options: object) -> object:
        if part in text:
            sending.set()
            await released.wait()
        return await send_message(chat_id, text, **options)  # type: ignore[arg-type] # as they came

    live.bot.send_message = send_late  # type: ignore[method-assign, assignment] # the moment matters
    return sending, released


def note_refusals(live: LiveBot, method: str) -> asyncio.Event:
    """Return an event that is set once Telegram refuses a call of `method` because the user blocked the bot."""
    refused = asyncio.Event()
    call = getattr(live.bot, method)

    async def call_and_note(*arguments: Any, **options: Any) -> Any:
        try:
            return await call(*arguments, **options)
        except TelegramForbiddenError:
            refused.set()
            raise

    setattr(live.bot, method, call_and_note)
    return refused


def test_cancel_removes_the_status_messages_of_photographs_and_albums(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        statuses = await send_album_and_photo(user)
        await wait_for(user, await user.send_text("/cancel"), "deleted: 3 photographs")
        for status in statuses:
            await wait_until_removed(user, status)
        # Nothing was answered, so the album is not called answered either.
        assert not any("answered" in text for text in await shown_texts(user))
        targets = live.dependencies.status_messages

        async def is_forgotten() -> bool:
            return await targets.get_due(limit=9, repeat_after_s=0) == []

        await until(is_forgotten)

    run_live_bot(redis_url, scenario)


def test_cancel_leaves_the_status_message_of_an_album_that_is_partly_answered(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        album = await user.send_album([IMAGE, render_image(70, 50)])
        status = await wait_for(user, album[0], "Received: 2 photographs")
        ids = sorted(await live.get_jobs(user))
        await live.decide(ids[:1])
        await wait_for(user, album[0], "no mole")
        await wait_for(user, await user.send_text("/cancel"), "deleted: one photograph")

        async def is_finished() -> bool:
            return "I have answered the one photograph that I received." in await shown_texts(user)

        await until(is_finished)
        messages = {message["message_id"]: message for message in await user.get_messages()}
        assert "have answered the one" in text_of(messages[status["message_id"]])

    run_live_bot(redis_url, scenario)


def test_cancel_removes_a_status_message_that_is_being_sent(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        sending, withdrawn = hold_message(live, WAITING)
        photo = await user.send_photo(IMAGE)
        await sending.wait()
        await wait_for(user, await user.send_text("/cancel"), "deleted: one photograph")
        withdrawn.set()
        await wait_until_removed(user, await wait_for_reply(user, photo, WAITING))

    run_live_bot(redis_url, scenario)


def test_deletion_removes_status_messages_and_leaves_no_key(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        statuses = await send_album_and_photo(user)
        await delete_everything(user)
        for status in statuses:
            await wait_until_removed(user, status)

    run_live_bot(redis_url, scenario)


def test_status_messages_are_removed_although_telegram_fails_and_the_user_is_deleted_meanwhile(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        status = await wait_for_reply(user, await user.send_photo(IMAGE), WAITING)
        delete_messages, failures = live.bot.delete_messages, 0

        async def fail(chat_id: int, message_ids: list[int]) -> bool:
            nonlocal failures
            failures += 1
            raise TelegramServerError(DeleteMessages(chat_id=chat_id, message_ids=message_ids), "away")

        live.bot.delete_messages = fail  # type: ignore[method-assign, assignment] # the moment matters
        await wait_for(user, await user.send_text("/cancel"), "deleted: one photograph")

        async def has_failed() -> bool:
            return failures > 0

        await until(has_failed)
        await delete_everything(user)
        live.bot.delete_messages = delete_messages  # type: ignore[method-assign]
        await wait_until_removed(user, status)

    run_live_bot(redis_url, scenario)


def test_a_status_message_of_a_deleted_album_leaves_no_key(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        sending, deleted = hold_message(live, "Received: 2")
        album = await user.send_album([IMAGE, IMAGE])
        await sending.wait()
        await delete_everything(user)
        deleted.set()
        await wait_until_removed(user, await wait_for(user, album[0], "Received: 2"))
        status_keys = [key async for key in live.redis.scan_iter("melanoma:telegram:status-message:*")]
        assert status_keys == []

    run_live_bot(redis_url, scenario)


def test_cancel_in_private_removes_the_status_message_in_a_group_and_leaves_that_of_another_user(
    redis_url: str,
) -> None:
    async def scenario(live: LiveBot) -> None:
        anna, boris = await live.create_user(), await live.create_user(first_name="Boris")
        group = await live.simulator.create_group("Family", [anna, boris])
        shown = await anna.send_photo(IMAGE, chat=group)
        statuses = []
        for user in (anna, boris):
            check = await user.send_text("/check", chat=group, reply_to=shown)

            def is_status(message: Message, after: int = check) -> bool:
                return int(message["message_id"]) > after and WAITING in text_of(message)

            statuses.append(await user.wait_for_message(is_status, 60, chat=group))
        await wait_for(anna, await anna.send_text("/cancel"), "deleted: one photograph")
        await wait_until_removed(anna, statuses[0], group)
        messages = {message["message_id"]: message for message in await boris.get_messages(group)}
        assert not messages[statuses[1]["message_id"]]["deleted"]

    run_live_bot(redis_url, scenario)


def test_status_messages_of_a_user_who_blocks_the_bot_are_removed_once_it_is_unblocked(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_delivery, "_BLOCKED_RETRY_S", 0.2)

    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        statuses = await send_album_and_photo(user)
        refused = note_refusals(live, "delete_messages")
        await user.block()
        await refused.wait()
        await user.unblock()
        for status in statuses:
            await wait_until_removed(user, status)

    run_live_bot(redis_url, scenario)


def test_an_answer_that_a_block_refuses_leaves_no_status_message_after_unblocking(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_delivery, "_BLOCKED_RETRY_S", 0.2)

    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        statuses = await send_album_and_photo(user)
        chat = live.state.find_bot().chats[user.id]
        # Telegram refuses calls at once. The update that says so comes later.
        chat.blocked = True
        refused = note_refusals(live, "delete_messages")
        await live.decide_all(3)
        await refused.wait()
        chat.blocked = False
        for status in statuses:
            await wait_until_removed(user, status)

    run_live_bot(redis_url, scenario)


def test_status_of_an_album_that_is_answered_before_a_block_is_updated_after_unblocking(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_BLOCKED_RETRY_S", 0.2)

    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        album = await user.send_album([IMAGE, IMAGE])
        await wait_for(user, album[0], "Received: 2 photographs")
        await live.decide_all(2)
        for message_id in album:
            await wait_for_reply(user, message_id, "no mole")
        refused = note_refusals(live, "edit_message_text")
        await user.block()
        await refused.wait()
        await user.unblock()

        async def is_finished() -> bool:
            return any("have answered" in text for text in await shown_texts(user))

        await until(is_finished)

    run_live_bot(redis_url, scenario)


def test_a_status_message_is_removed_although_its_user_is_deleted_right_after_it_was_sent(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        users, statuses = live.dependencies.users, live.dependencies.status_messages
        erase, record = users.erase_jobs, statuses.record
        erasing, recorded, erased = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def erase_late(*arguments: Any) -> None:
            erasing.set()
            await recorded.wait()
            await erase(*arguments)
            erased.set()

        async def record_and_wait(target: StatusTarget, message_id: int) -> None:
            await record(target, message_id)
            recorded.set()
            await erased.wait()

        monkeypatch.setattr(users, "erase_jobs", erase_late)
        monkeypatch.setattr(statuses, "record", record_and_wait)
        sending, released = hold_message(live, WAITING)
        photo = await user.send_photo(IMAGE)
        await sending.wait()
        question = await wait_for(user, await user.send_text("/delete_me"), "Delete everything")
        await user.press_button(question["message_id"], "delete-for-good")
        await erasing.wait()
        released.set()
        await wait_until_removed(user, await wait_for_reply(user, photo, WAITING))

    run_live_bot(redis_url, scenario)


def test_answer_waits_for_an_edit_of_the_status_message_that_telegram_delays(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        photo = await user.send_photo(IMAGE)
        status = await wait_for_reply(user, photo, WAITING)
        editing, released = asyncio.Event(), asyncio.Event()
        edit = live.bot.edit_message_text

        async def edit_late(text: str, **options: Any) -> Any:
            if not editing.is_set():
                editing.set()
                await released.wait()
            return await edit(text, **options)

        live.bot.edit_message_text = edit_late  # type: ignore[method-assign, assignment] # the moment matters
        await editing.wait()
        await live.decide_all(1)
        # Time for an answer that would not wait.
        await asyncio.sleep(1)
        released.set()

        async def is_answered() -> bool:
            messages = {message["message_id"]: message for message in await user.get_messages()}
            return "no mole" in text_of(messages[status["message_id"]])

        await until(is_answered)
        await asyncio.sleep(0.2)
        assert await is_answered(), "no edit comes after the answer"

    run_live_bot(redis_url, scenario)


def test_cancel_removes_a_status_message_although_it_is_updated_right_after_the_cancellation(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        statuses = await send_album_and_photo(user)
        store, status_messages = live.dependencies.store, live.dependencies.status_messages
        delete, get_due = store.delete, status_messages.get_due
        polls = 0

        async def count_polls(**options: Any) -> list[StatusTarget]:
            nonlocal polls
            polls += 1
            return await get_due(**options | {"repeat_after_s": 0})

        async def delete_late(ids: list[str]) -> None:
            began = polls
            await until(lambda: has_polled(began))
            await delete(ids)

        async def has_polled(began: int) -> bool:
            return polls > began + 2

        monkeypatch.setattr(status_messages, "get_due", count_polls)
        monkeypatch.setattr(store, "delete", delete_late)
        await wait_for(user, await user.send_text("/cancel"), "deleted: 3 photographs")
        for status in statuses:
            await wait_until_removed(user, status)

    run_live_bot(redis_url, scenario)


def test_status_message_whose_reply_is_lost_is_not_sent_again(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        send_message = live.bot.send_message
        sent = 0

        async def lose_reply(chat_id: int, text: str, **options: Any) -> Any:
            nonlocal sent
            message = await send_message(chat_id, text, **options)
            if WAITING in text:
                sent += 1
                raise TelegramServerError(SendMessage(chat_id=chat_id, text=text), "away")
            return message

        live.bot.send_message = lose_reply  # type: ignore[method-assign, assignment] # the moment matters
        photo = await user.send_photo(IMAGE)
        await wait_for_reply(user, photo, WAITING)
        # Time for the next update.
        await asyncio.sleep(4)
        assert sent == 1
        await live.decide_all(1)
        await wait_for_reply(user, photo, "no mole")

    run_live_bot(redis_url, scenario)
