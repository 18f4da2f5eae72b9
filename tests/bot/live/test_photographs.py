"""Every photograph gets its answer or its reason, and nothing comes back after it was withdrawn or deleted."""

import asyncio
import time

from aiogram.types import BufferedInputFile

from simulator.client.client import User
from tests.bot.live.live_bot import (
    IMAGE,
    LiveBot,
    bot_texts,
    count_containing,
    run_live_bot,
    text_of,
    until,
    wait_for,
    wait_for_reply,
)
from tests.simulator.harness import render_image


async def answers_to(user: User, message_id: int) -> list[str]:
    """Texts of the answers to a photograph, which have buttons."""
    return [
        text_of(message)
        for message in await user.get_messages()
        if message.get("reply_to_message", {}).get("message_id") == message_id and message.get("reply_markup")
    ]


def test_photographs_before_consent_get_one_question_and_are_answered_or_named(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user(consent=False)
        image = await live.simulator.upload(IMAGE)
        sent = [await user.send_photo(image) for _ in range(7)]
        question = await wait_for_reply(user, sent[0], "your 5 photographs yet")
        await wait_for_reply(user, sent[5], "not kept 2 of your photographs")
        assert count_containing(await bot_texts(user), "consent first") == 1
        assert await live.get_jobs(user) == {}
        await user.press_button(question["message_id"], "consent")
        await wait_for(user, question["message_id"], "looking at what you sent")
        await live.decide_all(5)
        for message_id in sent[:5]:
            await wait_for_reply(user, message_id, "no mole")

    run_live_bot(redis_url, scenario, user_burst=5, user_per_minute=0.1)


def test_burst_beyond_the_allowance_gets_one_notice_and_a_later_one_another(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        image = await live.simulator.upload(IMAGE)
        sent = [await user.send_photo(image) for _ in range(10)]
        notice = await wait_for_reply(user, sent[1], "not kept 9 of your photographs")
        assert "about 9 minutes" in text_of(notice)
        later = await user.send_photo(image)
        await wait_for_reply(user, later, "not kept this photograph")
        assert count_containing(await bot_texts(user), "That is a lot at once") == 2

    run_live_bot(redis_url, scenario, user_burst=1, user_per_minute=1)


def test_language_chosen_before_a_photograph_is_no_consent(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user(consent=False)
        question = await wait_for(user, await user.send_text("/language"), "which language")
        await user.press_button(question["message_id"], "language:ru")
        await wait_for(user, question["message_id"], "по-русски")
        sent = await user.send_photo(IMAGE)
        await wait_for_reply(user, sent, "нужно ваше согласие")
        assert await live.get_jobs(user) == {}

    run_live_bot(redis_url, scenario)


def test_cancel_reaches_photographs_that_wait_for_consent(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user(consent=False)
        sent = await user.send_photo(IMAGE)
        question = await wait_for_reply(user, sent, "consent first")
        cancel = await user.send_text("/cancel")
        await wait_for(user, cancel, "deleted: one photograph")
        await user.press_button(question["message_id"], "consent")
        await wait_for(user, cancel, "Now send me a photograph")
        assert await live.get_jobs(user) == {}

    run_live_bot(redis_url, scenario)


def test_block_reaches_photographs_that_wait_for_consent(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user(consent=False)
        await wait_for_reply(user, await user.send_photo(IMAGE), "consent first")
        await user.block()

        async def is_forgotten() -> bool:
            return not await live.dependencies.admission.get_pending_photos(user.id)

        await until(is_forgotten)

    run_live_bot(redis_url, scenario)


def test_block_that_telegram_reports_late_leaves_newer_photographs(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        photo = await user.send_photo(IMAGE)
        await until(lambda: live.count_ready(1))
        bot = live.state.find_bot()
        member = {"user": bot.info, "status": "member"}
        bot.updates.add(
            "my_chat_member",
            {
                "chat": {"id": user.id, "type": "private", "first_name": "Anna"},
                "from": {"id": user.id, "is_bot": False, "first_name": "Anna"},
                "date": int(time.time()) - 60,
                "old_chat_member": member,
                "new_chat_member": {"user": bot.info, "status": "kicked", "until_date": 0},
            },
        )
        # It is handled before this.
        await wait_for(user, await user.send_text("/help"), "photograph")
        await live.decide_all(1)
        await wait_for_reply(user, photo, "no mole")

    run_live_bot(redis_url, scenario)


async def delete_everything(user: User) -> None:
    question = await wait_for(user, await user.send_text("/delete_me"), "Delete everything about you")
    await user.press_button(question["message_id"], "delete-for-good")
    await wait_for(user, question["message_id"], "Everything about you is deleted")


async def expect_nothing_left(live: LiveBot, user: User) -> None:
    async def is_empty() -> bool:
        return await live.list_keys_naming(user) == []

    await until(is_empty)
    assert [key async for key in live.redis.scan_iter("melanoma:image:bytes:*")] == []


def test_deletion_before_consent_leaves_no_key_that_names_the_user(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user(consent=False)
        await user.send_album([IMAGE, IMAGE])
        await delete_everything(user)
        await expect_nothing_left(live, user)

    run_live_bot(redis_url, scenario)


def test_deletion_while_photographs_are_ready_leaves_no_key_and_no_byte(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        await user.send_album([IMAGE, render_image(80, 60)])
        await user.send_photo(IMAGE)
        await until(lambda: live.count_ready(3))
        # The status messages of photograph and album are sent meanwhile.
        await asyncio.sleep(3)
        await delete_everything(user)
        await expect_nothing_left(live, user)

    run_live_bot(redis_url, scenario)


def test_photograph_that_is_fetched_during_deletion_leaves_no_byte(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        fetching, fetched = asyncio.Event(), asyncio.Event()
        download = live.bot.download

        async def download_late(*arguments: object, **options: object) -> object:
            result = await download(*arguments, **options)  # type: ignore[arg-type] # as they came
            fetching.set()
            await fetched.wait()
            return result

        live.bot.download = download_late  # type: ignore[method-assign, assignment] # the moment matters
        await user.send_photo(IMAGE)
        await fetching.wait()
        await delete_everything(user)
        fetched.set()
        await asyncio.sleep(1)
        await expect_nothing_left(live, user)

    run_live_bot(redis_url, scenario)


def test_allowance_outlives_deletion(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        await user.send_photo(IMAGE)
        await live.decide_all(1)
        await delete_everything(user)
        sent = await user.send_photo(IMAGE)
        await wait_for_reply(user, sent, "more of your photographs today")

    run_live_bot(redis_url, scenario, user_per_day=1)


def test_photograph_whose_caption_is_a_command_is_judged(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        sent = [await user.send_photo(IMAGE, caption=caption) for caption in ("/start", "/cancel please", "/check")]
        await live.decide_all(3)
        for message_id in sent:
            await wait_for_reply(user, message_id, "no mole")

    run_live_bot(redis_url, scenario)


def test_own_picture_is_recognised_and_the_original_is_pointed_to(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        sent = await user.send_photo(IMAGE)
        await until(lambda: live.count_ready(1))
        (job_id,) = await live.get_jobs(user)
        shown = await live.bot.send_photo(user.id, BufferedInputFile(render_image(90, 70), "shown.jpg"))
        assert shown.photo is not None
        await live.dependencies.sent_images.record(shown.photo[-1].file_unique_id, job_id)
        message = next(item for item in await user.get_messages() if item["message_id"] == shown.message_id)
        await user.forward(message)
        await wait_for_reply(user, sent, "I have drawn on this picture")
        assert len(await live.get_jobs(user)) == 1

    run_live_bot(redis_url, scenario)


def test_edited_photograph_replaces_the_one_that_waits(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        sent = await user.send_photo(IMAGE)
        await until(lambda: live.count_ready(1))
        await user.edit_photo(sent, IMAGE, caption="only a caption")
        await user.edit_photo(sent, render_image(100, 90))

        async def is_replaced() -> bool:
            return sorted(job.stage for job in (await live.get_jobs(user)).values()) == ["cancelled", "ready"]

        await until(is_replaced)
        await live.decide_all(1)
        await wait_for_reply(user, sent, "no mole")
        assert len(await answers_to(user, sent)) == 1

    run_live_bot(redis_url, scenario)


def test_every_file_gets_a_reply_and_unknown_files_are_looked_into(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        await wait_for(user, await user.send_text("hello"), "only look at photographs")
        for name, mime in (("a.pdf", "application/pdf"), ("b.mp4", "video/mp4")):
            sent = await user.send_document(b"content", name, mime)
            await wait_for_reply(user, sent, "only look at photographs")
        await wait_for_reply(user, await user.send_media("video"), "only look at photographs")
        unknown = await user.send_document(IMAGE, "mole", "")
        await live.decide_all(1)
        await wait_for_reply(user, unknown, "no mole")

    run_live_bot(redis_url, scenario)


def test_result_that_cannot_be_read_causes_no_second_message(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        await live.simulator.set_faults(1.0, kinds=["unknown_result"], methods=["sendMessage"])
        sent = await user.send_text("/help")
        await wait_for(user, sent, "daylight")
        await asyncio.sleep(2)
        assert count_containing((await bot_texts(user))[2:], "daylight") == 1

    run_live_bot(redis_url, scenario)
