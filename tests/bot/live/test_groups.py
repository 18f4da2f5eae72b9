"""Groups: several askers of one photograph, topics, supergroups, restricted rights, anonymous administrators."""

import pytest
from aiogram.exceptions import TelegramBadRequest

from simulator.client.client import Group, Message, User
from tests.bot.live.live_bot import (
    IMAGE,
    TIMEOUT_S,
    LiveBot,
    bot_texts,
    count_containing,
    run_live_bot,
    text_of,
    until,
    wait_for,
    wait_for_reply,
)


async def create_group(live: LiveBot, *members: User) -> Group:
    return await live.simulator.create_group("Family", members)


async def check(user: User, group: Group, shown: int, **options: object) -> int:
    return await user.send_text("/check", chat=group, reply_to=shown, **options)


async def count_answers(user: User, group: Group) -> int:
    return count_containing(await bot_texts(user, group), "no mole")


def test_each_asker_about_one_photograph_gets_an_answer(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        anna, boris = await live.create_user(), await live.create_user()
        group = await create_group(live, anna, boris)
        shown = await anna.send_photo(IMAGE, chat=group)
        await check(anna, group, shown)
        await check(boris, group, shown)
        await live.decide_all(2)

        async def are_answered() -> bool:
            return await count_answers(anna, group) == 2

        await until(are_answered)

    run_live_bot(redis_url, scenario)


def test_photograph_that_was_withdrawn_is_answered_when_its_asker_asks_again(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        anna = await live.create_user()
        group = await create_group(live, anna)
        shown = await anna.send_photo(IMAGE, chat=group)
        await check(anna, group, shown)
        await until(lambda: live.count_ready(1))
        await wait_for(anna, await anna.send_text("/cancel"), "deleted: one photograph")
        await check(anna, group, shown)
        await live.decide_all(1)
        await wait_for_reply(anna, shown, "no mole", chat=group)

    run_live_bot(redis_url, scenario)


def test_withdrawal_of_one_asker_leaves_the_photograph_of_the_other(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        anna, boris = await live.create_user(), await live.create_user()
        group = await create_group(live, anna, boris)
        shown = await anna.send_photo(IMAGE, chat=group)
        await check(anna, group, shown)
        await check(boris, group, shown)
        await until(lambda: live.count_ready(2))
        await wait_for(boris, await boris.send_text("/cancel"), "deleted: one photograph")
        assert await live.decide_all(1) == 1
        await wait_for_reply(anna, shown, "no mole", chat=group)

    run_live_bot(redis_url, scenario)


def test_anonymous_administrator_is_told_what_to_do(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        anna = await live.create_user()
        group = await create_group(live, anna)
        shown = await anna.send_photo(IMAGE, chat=group)
        asked = await check(anna, group, shown, anonymous=True)
        await wait_for_reply(anna, asked, "cannot see who is asking", chat=group)

    run_live_bot(redis_url, scenario)


def test_messages_of_a_group_are_not_removed_by_their_numbers_in_its_supergroup(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        anna = await live.create_user()
        group = await create_group(live, anna)
        supergroup = await live.simulator.migrate_group(group)
        other = await live.bot.send_message(supergroup.id, "an answer")
        with pytest.raises(TelegramBadRequest):
            await live.bot.delete_messages(group.id, [other.message_id])
        (message,) = [item for item in await anna.get_messages(supergroup) if item["message_id"] == other.message_id]
        assert not message["deleted"]

    run_live_bot(redis_url, scenario)


def test_answer_follows_a_group_that_has_become_a_supergroup(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        anna = await live.create_user()
        group = await create_group(live, anna)
        shown = await anna.send_photo(IMAGE, chat=group)
        await check(anna, group, shown)
        await until(lambda: live.count_ready(1))
        supergroup = await live.simulator.migrate_group(group)
        await live.decide_all(1)
        await anna.wait_for_message(lambda message: "no mole" in text_of(message), TIMEOUT_S, chat=supergroup)
        assert await live.redis.zcard("melanoma:dead_letters") == 0

    run_live_bot(redis_url, scenario)


def test_messages_stay_in_the_topic(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        anna, boris = await live.create_user(), await live.create_user(consent=False)
        group = await create_group(live, anna, boris)
        shown = await anna.send_photo(IMAGE, chat=group, topic=77)
        await check(anna, group, shown, topic=77)
        await check(boris, group, shown, topic=77)
        hint = await anna.send_text("/check", chat=group, topic=77)
        await wait_for_reply(anna, hint, "as a reply", chat=group)
        await wait_for_reply(anna, shown, "Before I look at a photograph", chat=group)
        await live.decide_all(1)
        await wait_for_reply(anna, shown, "no mole", chat=group)
        messages = [message for message in await anna.get_messages(group) if message["from"]["is_bot"]]
        assert {message.get("message_thread_id") for message in messages} == {77}

    run_live_bot(redis_url, scenario)


def test_reply_without_a_quote_stays_in_the_topic_of_a_private_chat(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        anna = await live.create_user()
        sent = await anna.send_text("/help", topic=55)
        reply = await wait_for(anna, sent, "daylight")
        assert reply["message_thread_id"] == 55

    run_live_bot(redis_url, scenario)


def test_answer_is_given_as_text_where_the_bot_may_send_no_photographs(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        anna = await live.create_user()
        group = await create_group(live, anna)
        await live.simulator.set_rights(group, ["photos"])
        shown = await anna.send_photo(IMAGE, chat=group)
        await check(anna, group, shown)
        await live.decide_all(1, verdict=True)
        answer = await wait_for_reply(anna, shown, "not a diagnosis", chat=group)
        assert "photo" not in answer

    run_live_bot(redis_url, scenario)


def test_answer_is_dropped_at_once_where_the_bot_may_write_nothing(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        anna = await live.create_user()
        group = await create_group(live, anna)
        shown = await anna.send_photo(IMAGE, chat=group)
        await check(anna, group, shown)
        await until(lambda: live.count_ready(1))
        await live.simulator.set_rights(group, ["messages"])
        await live.decide_all(1)

        async def is_dropped() -> bool:
            return [job.stage for job in (await live.get_jobs(anna)).values()] in ([], ["cancelled"])

        await until(is_dropped)
        assert await live.redis.zcard("melanoma:dead_letters") == 0

    run_live_bot(redis_url, scenario)


def test_caption_of_a_photograph_may_ask(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        anna = await live.create_user()
        group = await create_group(live, anna)
        shown = await anna.send_photo(IMAGE, chat=group, caption="/check")
        await live.decide_all(1)
        await wait_for_reply(anna, shown, "no mole", chat=group)

    run_live_bot(redis_url, scenario)


def test_buttons_of_an_answer_work_for_the_asker_alone(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        anna, boris = await live.create_user(), await live.create_user()
        group = await create_group(live, anna, boris)
        shown = await anna.send_photo(IMAGE, chat=group)
        await check(anna, group, shown)
        await live.decide_all(1)
        answer = await wait_for_reply(anna, shown, "no mole", chat=group)
        before = len(await bot_texts(anna, group))
        for button in ("explain", "feedback"):
            await boris.press_button(answer["message_id"], button, chat=group)

        async def is_refused() -> bool:
            return count_containing(await boris.get_toasts(group), "Only the person who asked") == 2

        await until(is_refused)
        assert len(await bot_texts(anna, group)) == before
        await anna.press_button(answer["message_id"], "feedback", chat=group)
        question = await wait_for_question(anna, group)
        assert question["message_id"] > answer["message_id"]

    run_live_bot(redis_url, scenario)


async def wait_for_question(user: User, group: Group) -> Message:
    def is_question(message: Message) -> bool:
        return "Was the answer clear" in text_of(message)

    return await user.wait_for_message(is_question, TIMEOUT_S, chat=group)
