"""Users write to a real bot. Each gets their own answer, also when the bot is stopped or calls fail."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from local.bot_processes import start_simulator
from local.embedded_valkey import free_port
from local.subprocesses import BackgroundProcess
from local.worker_processes import command
from samples.image_set import render_many
from simulator.client.client import SimulatorClient, User
from tests.system.support.chat import (
    ChatStack,
    answers_to,
    consented_user,
    is_answer,
    text_of,
    wait_for_answer,
    wait_for_message_after,
)
from tests.system.support.polling import eventually, fetch_page

pytestmark = pytest.mark.system


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("images")
    render_many(folder, 6, size=(640, 480), seed=5)
    return [path.read_bytes() for path in sorted(folder.iterdir())]


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[ChatStack]:
    with ChatStack(tmp_path) as chat:
        yield chat


@pytest.fixture(scope="module")
def running_chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatStack]:
    """A stack with worker and bot, shared by tests that leave it unchanged."""
    with ChatStack(tmp_path_factory.mktemp("running")) as chat:
        chat.stack.start_worker()
        chat.start_bot()
        yield chat


def test_concurrent_users_each_get_their_own_answer(running_chat: ChatStack, images: list[bytes]) -> None:
    async def scenario(simulator: SimulatorClient) -> None:
        anna, maria = await consented_user(simulator), await consented_user(simulator, "ru", first_name="Мария")
        # Both files have the same name, and neither user has a username.
        first, second = await asyncio.gather(
            anna.send_document(images[0], "mole.jpg", "image/jpeg"),
            maria.send_document(images[1], "mole.jpg", "image/jpeg"),
        )
        to_anna, to_maria = await asyncio.gather(wait_for_answer(anna, first), wait_for_answer(maria, second))
        assert "not a diagnosis" in text_of(to_anna)
        assert "не диагноз" in text_of(to_maria)
        assert to_anna["photo"][-1]["file_unique_id"] != to_maria["photo"][-1]["file_unique_id"]
        await maria.press_button(to_maria["message_id"], "Что это")
        assert "Что значит этот ответ" in text_of(await wait_for_message_after(maria, to_maria["message_id"]))
        await anna.press_button(to_anna["message_id"], "explain")
        assert "What this answer means" in text_of(await wait_for_message_after(anna, to_anna["message_id"]))

    running_chat.run(scenario)
    assert "Мария" not in running_chat.bot_logs() + running_chat.stack.worker_logs()
    assert "opens-nothing" not in running_chat.bot_logs()


def test_bot_answers_albums_and_forwards_and_hints_at_other_content(
    running_chat: ChatStack, images: list[bytes]
) -> None:
    async def scenario(simulator: SimulatorClient) -> None:
        user = await consented_user(simulator)
        album = [await user.send_photo(image, media_group_id="7") for image in images[:4]]
        for sent in album:
            assert "photo" in await wait_for_answer(user, sent)
        forwarded = await user.send_photo(images[4], forwarded=True, caption="what is this?")
        await wait_for_answer(user, forwarded)
        broken = await user.send_document(images[5][:2000], "broken.jpg", "image/jpeg")
        assert "damaged" in text_of(await wait_for_answer(user, broken))
        text = await user.send_document(b"no picture", "notes.txt", "text/plain")
        assert "only look at photographs" in text_of(await wait_for_message_after(user, text))
        hints = [message for message in await user.get_messages() if "only look" in text_of(message)]
        for kind in ("voice", "sticker"):
            await user.send_media(kind)
        video = await user.send_media("video")
        gif = await user.send_media("animation", b"GIF89a")
        await user.wait_for_message(lambda message: message.get("reply_to_message", {}).get("message_id") == gif)
        later = [message for message in await user.get_messages() if "only look" in text_of(message)]
        replied = [message.get("reply_to_message", {}).get("message_id") for message in later]
        # One hint for all messages without a file, and a reply to each file.
        assert len(hints) == 1
        assert sorted(replied, key=str) == sorted([None, text, video, gif], key=str)

    running_chat.run(scenario)


def test_bot_answers_in_groups_only_on_request_and_only_the_sender_may_press(
    running_chat: ChatStack, images: list[bytes]
) -> None:
    async def scenario(simulator: SimulatorClient) -> None:
        asker, other = await consented_user(simulator), await consented_user(simulator)
        group = await simulator.create_group("Family")
        sent = await other.send_photo(images[0], chat=group)
        await asker.send_text("/check", chat=group, reply_to=sent)
        answer = await asker.wait_for_message(lambda message: is_answer(message, sent), chat=group)
        await other.press_button(answer["message_id"], "explain", chat=group)
        assert (
            await eventually_toast(other, group, simulator)
            == "Only the person who asked for this answer can use this button."
        )
        await asker.press_button(answer["message_id"], "explain", chat=group)
        explanation = await asker.wait_for_message(
            lambda message: "What this answer means" in text_of(message), chat=group
        )
        assert explanation["reply_to_message"]["message_id"] == answer["message_id"]

    async def eventually_toast(user: object, group: int, simulator: SimulatorClient) -> str:
        for _ in range(100):
            toasts = (await simulator.get(f"/sim/chats/{group}"))["toasts"]
            if toasts:
                return str(toasts[-1])
            await asyncio.sleep(0.1)
        raise AssertionError("the press was not answered")

    running_chat.run(scenario)


def test_photo_is_downloaded_only_after_consent(running_chat: ChatStack, images: list[bytes]) -> None:
    async def scenario(simulator: SimulatorClient) -> None:
        await consented_user(simulator)  # now the bot is connected
        user = await simulator.create_user()
        before = (await simulator.get_calls())[-1]["seq"]
        sent = await user.send_photo(images[0])
        prompt = await wait_for_message_after(user, sent)
        assert "need your consent first" in text_of(prompt)
        assert [call for call in await simulator.get_calls(before) if call["method"] == "getFile"] == []
        await user.press_button(prompt["message_id"], "consent")
        await user.wait_for_message(lambda message: "not a diagnosis" in text_of(message), 60)

    running_chat.run(scenario)


def test_users_are_told_and_can_cancel_while_no_worker_runs(chat: ChatStack, images: list[bytes]) -> None:
    async def scenario(simulator: SimulatorClient) -> None:
        user, blocking = await consented_user(simulator), await consented_user(simulator)
        sent = await user.send_photo(images[0])
        status_message = await user.wait_for_message(lambda message: "not being looked at" in text_of(message))
        withdrawn = await user.send_photo(images[1])
        cancel = await user.send_text("/cancel")
        assert "Withdrawn and deleted: 2" in text_of(await wait_for_message_after(user, cancel))
        abandoned = await blocking.send_photo(images[2])
        await asyncio.sleep(0.5)
        await blocking.block()
        await asyncio.to_thread(eventually, lambda: not chat.stack.client.zcard("melanoma:deadlines"), 20)
        chat.stack.start_worker()
        again = await user.send_photo(images[3])
        await wait_for_answer(user, again)
        messages = await user.get_messages()
        assert answers_to(messages, sent) == answers_to(messages, withdrawn) == []
        assert answers_to(await blocking.get_messages(), abandoned) == []
        assert status_message["message_id"] < again

    chat.start_bot()
    chat.run(scenario)


def test_status_message_becomes_the_answer(chat: ChatStack, images: list[bytes]) -> None:
    async def scenario(simulator: SimulatorClient) -> None:
        user = await consented_user(simulator)
        sent = await user.send_photo(images[0])
        status_message = await user.wait_for_message(lambda message: "not being looked at" in text_of(message))
        await asyncio.to_thread(chat.stack.start_worker)
        answer = await wait_for_answer(user, sent)
        assert answer["message_id"] == status_message["message_id"]
        assert "photo" in answer
        assert "not a diagnosis" in text_of(answer)

    chat.start_bot()
    chat.run(scenario)


def test_repeated_update_is_answered_once(running_chat: ChatStack, images: list[bytes]) -> None:
    async def scenario(simulator: SimulatorClient) -> None:
        user = await consented_user(simulator)
        sent = await user.send_photo(images[0])
        await wait_for_answer(user, sent)
        update = next(
            message["sim"]["update_id"] for message in await user.get_messages() if message["message_id"] == sent
        )
        await simulator.redeliver_update(update)
        last = await user.send_photo(images[1])
        await wait_for_answer(user, last)
        assert len(answers_to(await user.get_messages(), sent)) == 1

    running_chat.run(scenario)


def test_delete_removes_everything_about_a_user(running_chat: ChatStack, images: list[bytes]) -> None:
    async def scenario(simulator: SimulatorClient) -> None:
        user, other = await consented_user(simulator), await consented_user(simulator)
        answer = await wait_for_answer(user, await user.send_photo(images[0]))
        kept = await wait_for_answer(other, await other.send_photo(images[1]))
        await user.press_button(answer["message_id"], "delete")
        prompt = await wait_for_message_after(user, answer["message_id"])
        await user.press_button(prompt["message_id"], "delete-for-good")
        assert "is deleted" in text_of(await wait_for_message_after(user, prompt["message_id"]))
        await asyncio.to_thread(eventually, lambda: keys_mentioning(running_chat, user.id) == [], 20)
        assert keys_mentioning(running_chat, other.id) != []
        await user.press_button(answer["message_id"], "explain")
        await asyncio.sleep(1)
        assert "This answer is no longer kept. Please send the photograph again." in await user.get_toasts()
        await other.press_button(kept["message_id"], "explain")
        assert "What this answer means" in text_of(await wait_for_message_after(other, kept["message_id"]))

    running_chat.run(scenario)


def keys_mentioning(chat: ChatStack, user: int) -> list[bytes]:
    """Redis keys whose name or value contains the user's id."""
    client: Any = chat.stack.client
    number = str(user).encode()
    keys = []
    for key in client.keys("*"):
        kind = client.type(key)
        read = {
            b"hash": lambda key: client.hgetall(key).items(),
            b"set": client.smembers,
            b"zset": lambda key: client.zrange(key, 0, -1),
            b"list": lambda key: client.lrange(key, 0, -1),
            b"string": lambda key: [client.get(key)],
            b"none": lambda _: [],  # deleted meanwhile
        }[kind]
        if number in key or any(number in repr(value).encode() for value in read(key)):
            keys.append(key)
    return keys


@pytest.mark.parametrize("webhook", [False, True])
def test_bot_stopped_under_load_loses_nothing(chat: ChatStack, images: list[bytes], webhook: bool) -> None:
    port = free_port()
    mode = {"MELANOMA_WEBHOOK_URL": f"http://127.0.0.1:{port}", "MELANOMA_BOT_PORT": str(port)} if webhook else {}

    async def scenario(simulator: SimulatorClient) -> None:
        users = [await consented_user(simulator) for _ in range(6)]
        sent = [(user, await user.send_photo(image)) for image in images for user in users]
        await asyncio.sleep(0.3)
        chat.bots[-1].send_signal(signal.SIGTERM)
        more = [(user, await user.send_photo(images[0])) for user in users]
        assert await asyncio.to_thread(chat.bots[-1].wait, 20) == 0
        await asyncio.to_thread(chat.start_bot, **mode)
        for user, message in [*sent, *more]:
            await wait_for_answer(user, message)
        for user, message in [*sent, *more]:
            assert len(answers_to(await user.get_messages(), message)) == 1

    chat.stack.start_worker()
    chat.start_bot(**mode)
    chat.run(scenario)
    assert "Traceback" not in chat.bot_logs()


def test_running_bot_applies_a_setting_override(running_chat: ChatStack, images: list[bytes]) -> None:
    def ops(*arguments: str) -> None:
        environment = {**os.environ, "REDIS_URL": running_chat.stack.broker.url}
        subprocess.run([*command("melanoma-ops"), "limits", *arguments], check=True, env=environment)

    async def scenario(simulator: SimulatorClient) -> None:
        user = await consented_user(simulator)
        await wait_for_answer(user, await user.send_photo(images[0]))
        await asyncio.to_thread(ops, "set", "user_per_day", "1")
        # A bot reads setting overrides each second.
        async with asyncio.timeout(60):
            while "send the rest tomorrow" not in text_of(
                await wait_for_message_after(user, await user.send_photo(images[1]))
            ):
                await asyncio.sleep(0.5)
        await asyncio.to_thread(ops, "reset", "user_per_day")
        async with asyncio.timeout(60):
            while not await is_answered_soon(user, await user.send_photo(images[1])):
                pass

    running_chat.run(scenario)


async def is_answered_soon(user: User, sent: int) -> bool:
    try:
        await wait_for_answer(user, sent, 5)
    except TimeoutError:
        return False
    return True


def test_webhook_accepts_updates_from_telegram_only(chat: ChatStack, images: list[bytes]) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"

    async def scenario(simulator: SimulatorClient) -> None:
        user = await consented_user(simulator)
        sent = await user.send_photo(images[0])
        await wait_for_answer(user, sent)
        update = next(message for message in await user.get_messages() if message["message_id"] == sent)
        forged = {"update_id": 10**6, "message": {**update, "message_id": sent + 1000}}
        async with ClientSession() as session:
            for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "guessed"}):
                async with session.post(f"{address}/telegram", json=forged, headers=headers) as reply:
                    assert reply.status == 401
            async with session.get(f"{address}/ready") as reply:
                assert reply.status == 200
        counted = 'melanoma_bot_answers_total{outcome="verdict"} 1.0'
        await asyncio.to_thread(eventually, lambda: counted in (fetch_page(f"{address}/metrics") or ""), 10)
        client: Any = chat.stack.client
        assert client.zcard(f"melanoma:telegram:user-jobs:{user.id}") == 1

    chat.stack.start_worker()
    chat.start_bot(MELANOMA_WEBHOOK_URL=address, MELANOMA_BOT_PORT=str(port))
    chat.run(scenario)


def test_undeliverable_answer_becomes_a_dead_letter_and_can_be_replayed(chat: ChatStack, images: list[bytes]) -> None:
    def ops(*arguments: str) -> str:
        environment = {**os.environ, "REDIS_URL": chat.stack.broker.url}
        result = subprocess.run(
            [*command("melanoma-ops"), *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    async def scenario(simulator: SimulatorClient) -> None:
        user = await consented_user(simulator)
        await simulator.set_faults(1.0, kinds=["500"], methods=["sendPhoto", "editMessageMedia"])
        sent = await user.send_photo(images[0])
        await asyncio.to_thread(eventually, lambda: chat.stack.client.zcard("melanoma:dead_letters"))
        await simulator.set_faults(0)
        await asyncio.to_thread(ops, "dead", "list")
        await asyncio.to_thread(ops, "dead", "replay", "--all", "--yes")
        await wait_for_answer(user, sent)
        assert chat.stack.client.zcard("melanoma:dead_letters") == 0

    chat.stack.start_worker()
    chat.start_bot(MELANOMA_TELEGRAM_MAX_ATTEMPTS="2")
    chat.run(scenario)


def test_bot_answers_the_first_users_of_a_simulator_that_starts_again(chat: ChatStack, images: list[bytes]) -> None:
    async def scenario(simulator: SimulatorClient) -> None:
        # Consent, too, is asked of each user of the new simulator: nobody there is a user of the old one.
        user = await consented_user(simulator)
        await wait_for_answer(user, await user.send_photo(images[0]))

    chat.stack.start_worker()
    chat.start_bot()
    chat.run(scenario)
    chat.simulator.stop()
    chat.simulator = start_simulator(chat.stack.home / "simulator-again.log", chat.port)
    chat.run(scenario)


def test_only_admins_get_statistics(chat: ChatStack) -> None:
    async def scenario(simulator: SimulatorClient) -> None:
        operator, other = await consented_user(simulator), await consented_user(simulator)
        bot.stop()
        chat.start_bot(MELANOMA_ADMINS=f"5, {operator.id}")
        numbers = await wait_for_message_after(operator, await operator.send_text("/stats"))
        assert "workers 0" in text_of(numbers)
        assert "only look at photographs" in text_of(
            await wait_for_message_after(other, await other.send_text("/stats"))
        )

    bot = chat.start_bot()
    chat.run(scenario)


def test_bot_without_token_exits_with_instructions(tmp_path: Path) -> None:
    log = tmp_path / "bot.log"
    with BackgroundProcess(command("melanoma-bot"), log=log, environment={"BOT_TOKEN": ""}) as bot:
        assert bot.wait(120) == 2
    output = log.read_text()
    assert "@BotFather" in output
    assert "Traceback" not in output
