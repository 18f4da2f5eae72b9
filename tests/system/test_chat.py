"""People write to the real bot: each gets their own answer, whatever happens to the bot meanwhile."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from local.embedded_valkey import free_port
from local.subprocesses import BackgroundProcess
from local.worker_processes import command
from samples.many import render_many
from simulator.client.client import SimulatorClient, User
from tests.system.chat import ChatHouse, after, agreed, answer_to, answers, is_answer, words
from tests.system.polling import eventually, page

pytestmark = pytest.mark.system

#: How long Redis is away while people write. Seconds.
_AWAY_S = 20.0


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("pictures")
    render_many(folder, 6, size=(640, 480), seed=5)
    return [path.read_bytes() for path in sorted(folder.iterdir())]


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[ChatHouse]:
    with ChatHouse(tmp_path) as house:
        yield house


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatHouse]:
    """A house in which everything runs, for scenes that leave it as it was."""
    with ChatHouse(tmp_path_factory.mktemp("busy")) as house:
        house.house.start_worker()
        house.start_bot()
        yield house


def test_two_people_at_once_each_get_their_own(busy: ChatHouse, images: list[bytes]) -> None:
    async def scene(simulator: SimulatorClient) -> None:
        anna, maria = await agreed(simulator), await agreed(simulator, "ru", first_name="Мария")
        # The same name of a file, and no username.
        first, second = await asyncio.gather(
            anna.document(images[0], "mole.jpg", "image/jpeg"), maria.document(images[1], "mole.jpg", "image/jpeg")
        )
        to_anna, to_maria = await asyncio.gather(answer_to(anna, first), answer_to(maria, second))
        assert "not a diagnosis" in words(to_anna)
        assert "не диагноз" in words(to_maria)
        assert to_anna["photo"][-1]["file_unique_id"] != to_maria["photo"][-1]["file_unique_id"]
        await maria.press(to_maria["message_id"], "Что это")
        assert "Что значит этот ответ" in words(await after(maria, to_maria["message_id"]))
        await anna.press(to_anna["message_id"], "explain")
        assert "What this answer means" in words(await after(anna, to_anna["message_id"]))

    busy.play(scene)
    assert "Мария" not in busy.said() + busy.house.worker_logs()
    assert "opens-nothing" not in busy.said()


def test_an_album_a_forward_and_what_is_no_photograph(busy: ChatHouse, images: list[bytes]) -> None:
    async def scene(simulator: SimulatorClient) -> None:
        person = await agreed(simulator)
        album = [await person.photo(image, media_group_id="7") for image in images[:4]]
        for sent in album:
            assert "photo" in await answer_to(person, sent)
        forwarded = await person.photo(images[4], forwarded=True, caption="what is this?")
        await answer_to(person, forwarded)
        broken = await person.document(images[5][:2000], "broken.jpg", "image/jpeg")
        assert "damaged" in words(await answer_to(person, broken))
        text = await person.document(b"no picture", "notes.txt", "text/plain")
        assert "only look at photographs" in words(await after(person, text))
        hints = [message for message in await person.messages() if "only look" in words(message)]
        for kind in ("voice", "sticker", "video"):
            await person.odd(kind)
        gif = await person.odd("animation", b"GIF89a")
        # What comes later is answered: so the hints, if there were any, would have come.
        await answer_to(person, await person.photo(images[0]))
        later = [message for message in await person.messages() if "only look" in words(message)]
        assert hints == later, "one hint is enough"
        assert answers(await person.messages(), gif) == []

    busy.play(scene)


def test_in_a_group_only_on_request_and_only_for_who_asked(busy: ChatHouse, images: list[bytes]) -> None:
    async def scene(simulator: SimulatorClient) -> None:
        asker, other = await agreed(simulator), await agreed(simulator)
        group = await simulator.group("Family")
        sent = await other.photo(images[0], chat=group)
        await asker.text("/check", chat=group, reply_to=sent)
        answer = await asker.wait_for(lambda message: is_answer(message, sent), chat=group)
        await other.press(answer["message_id"], "explain", chat=group)
        assert (
            await eventually_toast(other, group, simulator)
            == "Only the person who sent the photograph can use this button."
        )
        await asker.press(answer["message_id"], "explain", chat=group)
        told = await asker.wait_for(lambda message: "What this answer means" in words(message), chat=group)
        assert told["reply_to_message"]["message_id"] == answer["message_id"]

    async def eventually_toast(person: object, group: int, simulator: SimulatorClient) -> str:
        for _ in range(100):
            toasts = (await simulator.get(f"/sim/chats/{group}"))["toasts"]
            if toasts:
                return str(toasts[-1])
            await asyncio.sleep(0.1)
        raise AssertionError("the press was not answered")

    busy.play(scene)


def test_before_consent_nothing_is_looked_at_and_afterwards_everything(busy: ChatHouse, images: list[bytes]) -> None:
    async def scene(simulator: SimulatorClient) -> None:
        await agreed(simulator)  # so that the bot has called
        person = await simulator.person()
        before = (await simulator.calls())[-1]["seq"]
        sent = await person.photo(images[0])
        question = await after(person, sent)
        assert "need your consent first" in words(question)
        assert [call for call in await simulator.calls(before) if call["method"] == "getFile"] == []
        await person.press(question["message_id"], "consent")
        await answer_to(person, sent)

    busy.play(scene)


def test_while_nobody_works_people_are_told_and_can_withdraw(chat: ChatHouse, images: list[bytes]) -> None:
    async def scene(simulator: SimulatorClient) -> None:
        person, blocking = await agreed(simulator), await agreed(simulator)
        sent = await person.photo(images[0])
        told = await person.wait_for(lambda message: "yours is safe" in words(message))
        withdrawn = await person.photo(images[1])
        cancel = await person.text("/cancel")
        assert "Withdrawn: 2" in words(await after(person, cancel))
        gone = await blocking.photo(images[2])
        await asyncio.sleep(0.5)
        await blocking.block()
        await asyncio.to_thread(eventually, lambda: not chat.house.client.zcard("melanoma:deadlines"), 20)
        chat.house.start_worker()
        again = await person.photo(images[3])
        await answer_to(person, again)
        messages = await person.messages()
        assert answers(messages, sent) == answers(messages, withdrawn) == []
        assert answers(await blocking.messages(), gone) == []
        assert told["message_id"] < again

    chat.start_bot()
    chat.play(scene)


def test_the_message_about_the_wait_becomes_the_answer(chat: ChatHouse, images: list[bytes]) -> None:
    async def scene(simulator: SimulatorClient) -> None:
        person = await agreed(simulator)
        sent = await person.photo(images[0])
        told = await person.wait_for(lambda message: "yours is safe" in words(message))
        await asyncio.to_thread(chat.house.start_worker)
        answer = await answer_to(person, sent)
        assert answer["message_id"] == told["message_id"]
        assert "photo" in answer
        assert "not a diagnosis" in words(answer)

    chat.start_bot()
    chat.play(scene)


def test_a_repeated_update_is_answered_once(busy: ChatHouse, images: list[bytes]) -> None:
    async def scene(simulator: SimulatorClient) -> None:
        person = await agreed(simulator)
        sent = await person.photo(images[0])
        await answer_to(person, sent)
        update = next(one["sim"]["update_id"] for one in await person.messages() if one["message_id"] == sent)
        await simulator.repeat(update)
        last = await person.photo(images[1])
        await answer_to(person, last)
        assert len(answers(await person.messages(), sent)) == 1

    busy.play(scene)


def test_everything_about_a_person_can_be_deleted(busy: ChatHouse, images: list[bytes]) -> None:
    async def scene(simulator: SimulatorClient) -> None:
        person, other = await agreed(simulator), await agreed(simulator)
        answer = await answer_to(person, await person.photo(images[0]))
        kept = await answer_to(other, await other.photo(images[1]))
        await person.press(answer["message_id"], "delete")
        question = await after(person, answer["message_id"])
        await person.press(question["message_id"], "delete-for-good")
        assert "is deleted" in words(await after(person, question["message_id"]))
        await asyncio.to_thread(eventually, lambda: traces(busy, person.id) == [], 20)
        assert traces(busy, other.id) != []
        await person.press(answer["message_id"], "explain")
        await asyncio.sleep(1)
        assert "This answer is no longer kept. Please send the photograph again." in await person.toasts()
        await other.press(kept["message_id"], "explain")
        assert "What this answer means" in words(await after(other, kept["message_id"]))

    busy.play(scene)


def traces(chat: ChatHouse, person: int) -> list[bytes]:
    """Keys of Redis that name the person or hold their number."""
    client: Any = chat.house.client
    number = str(person).encode()
    found = []
    for key in client.keys("*"):
        kind = client.type(key)
        read = {
            b"hash": lambda key: client.hgetall(key).items(),
            b"set": client.smembers,
            b"zset": lambda key: client.zrange(key, 0, -1),
            b"list": lambda key: client.lrange(key, 0, -1),
            b"string": lambda key: [client.get(key)],
            b"none": lambda _: [],  # gone meanwhile
        }[kind]
        if number in key or any(number in repr(value).encode() for value in read(key)):
            found.append(key)
    return found


@pytest.mark.parametrize("webhook", [False, True])
def test_a_bot_that_is_stopped_mid_work_loses_nothing(chat: ChatHouse, images: list[bytes], webhook: bool) -> None:
    port = free_port()
    mode = {"MELANOMA_WEBHOOK_URL": f"http://127.0.0.1:{port}", "MELANOMA_BOT_PORT": str(port)} if webhook else {}

    async def scene(simulator: SimulatorClient) -> None:
        people = [await agreed(simulator) for _ in range(6)]
        sent = [(person, await person.photo(image)) for image in images for person in people]
        await asyncio.sleep(0.3)
        chat.bots[-1].send(signal.SIGTERM)
        more = [(person, await person.photo(images[0])) for person in people]
        assert await asyncio.to_thread(chat.bots[-1].wait, 20) == 0
        await asyncio.to_thread(chat.start_bot, **mode)
        for person, message in [*sent, *more]:
            await answer_to(person, message)
        for person, message in [*sent, *more]:
            assert len(answers(await person.messages(), message)) == 1

    chat.house.start_worker()
    chat.start_bot(**mode)
    chat.play(scene)
    assert "Traceback" not in chat.said()


def test_an_operator_changes_a_limit_while_the_bot_runs(busy: ChatHouse, images: list[bytes]) -> None:
    def ops(*arguments: str) -> None:
        environment = {**os.environ, "REDIS_URL": busy.house.broker.url}
        subprocess.run([*command("melanoma-ops"), "limits", *arguments], check=True, env=environment)

    async def scene(simulator: SimulatorClient) -> None:
        person = await agreed(simulator)
        await answer_to(person, await person.photo(images[0]))
        await asyncio.to_thread(ops, "set", "user_per_day", "1")
        # A bot looks each second.
        async with asyncio.timeout(60):
            while "come back tomorrow" not in words(await after(person, await person.photo(images[1]))):
                await asyncio.sleep(0.5)
        await asyncio.to_thread(ops, "reset", "user_per_day")
        async with asyncio.timeout(60):
            while not await answered_soon(person, await person.photo(images[1])):
                pass

    busy.play(scene)


async def answered_soon(person: User, sent: int) -> bool:
    try:
        await answer_to(person, sent, 5)
    except TimeoutError:
        return False
    return True


def test_a_webhook_takes_updates_from_telegram_only(chat: ChatHouse, images: list[bytes]) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"

    async def scene(simulator: SimulatorClient) -> None:
        person = await agreed(simulator)
        sent = await person.photo(images[0])
        await answer_to(person, sent)
        update = next(one for one in await person.messages() if one["message_id"] == sent)
        forged = {"update_id": 10**6, "message": {**update, "message_id": sent + 1000}}
        async with ClientSession() as session:
            for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "guessed"}):
                async with session.post(f"{address}/telegram", json=forged, headers=headers) as reply:
                    assert reply.status == 401
            async with session.get(f"{address}/ready") as reply:
                assert reply.status == 200
        counted = 'melanoma_bot_answers_total{outcome="verdict"} 1.0'
        await asyncio.to_thread(eventually, lambda: counted in (page(f"{address}/metrics") or ""), 10)
        client: Any = chat.house.client
        assert client.scard(f"melanoma:telegram:jobs:{person.id}") == 1

    chat.house.start_worker()
    chat.start_bot(MELANOMA_WEBHOOK_URL=address, MELANOMA_BOT_PORT=str(port))
    chat.play(scene)


def test_an_answer_that_cannot_be_sent_waits_for_an_operator(chat: ChatHouse, images: list[bytes]) -> None:
    def ops(*words: str) -> str:
        environment = {**os.environ, "REDIS_URL": chat.house.broker.url}
        done = subprocess.run(
            [*command("melanoma-ops"), *words], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    async def scene(simulator: SimulatorClient) -> None:
        person = await agreed(simulator)
        await simulator.faults(1.0, kinds=["500"], methods=["sendPhoto", "editMessageMedia"])
        sent = await person.photo(images[0])
        await asyncio.to_thread(eventually, lambda: chat.house.client.zcard("melanoma:dead_letters"))
        await simulator.faults(0)
        await asyncio.to_thread(ops, "dead", "list")
        await asyncio.to_thread(ops, "dead", "replay", "--all", "--yes")
        await answer_to(person, sent)
        assert chat.house.client.zcard("melanoma:dead_letters") == 0

    chat.house.start_worker()
    chat.start_bot(MELANOMA_TELEGRAM_MAX_ATTEMPTS="2")
    chat.play(scene)


def test_operators_and_nobody_else_get_the_numbers(chat: ChatHouse) -> None:
    async def scene(simulator: SimulatorClient) -> None:
        operator, other = await agreed(simulator), await agreed(simulator)
        assert operator.id == 100_001
        numbers = await after(operator, await operator.text("/stats"))
        assert "workers 0" in words(numbers)
        assert "only look at photographs" in words(await after(other, await other.text("/stats")))

    chat.start_bot(MELANOMA_ADMINS="5, 100001")
    chat.play(scene)


def test_without_a_token_the_bot_says_what_to_do(tmp_path: Path) -> None:
    log = tmp_path / "bot.log"
    with BackgroundProcess(command("melanoma-bot"), log=log, environment={"BOT_TOKEN": ""}) as bot:
        started = time.monotonic()
        assert bot.wait(30) == 2
        assert time.monotonic() - started < 30
    said = log.read_text()
    assert "@BotFather" in said
    assert "Traceback" not in said
