"""Secrets and names are fed through every path, troubled ones too; then every log is searched for them."""

import asyncio
import io
import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.error import HTTPError

import pytest
from aiohttp import ClientSession
from PIL import Image
from pydantic import SecretStr

from local.embedded_valkey import EmbeddedValkey, free_port
from local.flower import flower_address, flower_command
from local.subprocesses import BackgroundProcess
from local.worker_processes import command, start_worker, wait_until_ready
from samples.many import render_many
from shared.config.settings import Settings
from simulator.client.client import SimulatorClient, User
from tests.system.chat import ChatHouse, after, agreed, answer_to, is_answer, words
from tests.system.polling import eventually

pytestmark = pytest.mark.system

#: What no log may hold, by where it is fed in. Each stands nowhere else.
SECRETS: Final = {
    "the way into Redis": "planted-redis-7d1f",
    "the bot's token": "planted-token-of-the-bot-93c2e0ab1",
    "what Telegram shows to a webhook": "planted-webhook-4be8",
    "the login of Flower": "planted-flower-c05a",
}
NAMES: Final = {
    "first name": "Пелагея",
    "last name": "Verkhovtseva",
    "username": "pelageya_v_1987",
    "text": "my aunt Agrafena says hello",
    "caption": "left shoulder of Agrafena",
    "file name": "agrafena_shoulder",
    "note in the picture": "taken by Evdokia",
    "group": "Family of Verkhovtsev",
}
TOKEN: Final = ":".join(["123456789", SECRETS["the bot's token"]])


def photograph(home: Path) -> bytes:
    """A photograph with a name in its metadata."""
    (path,) = render_many(home, 1, size=(320, 240), seed=5)
    with Image.open(path) as image:
        exif = image.getexif()
        exif[0x013B] = NAMES["note in the picture"]
        stream = io.BytesIO()
        image.save(stream, "JPEG", exif=exif)
    return stream.getvalue()


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[ChatHouse]:
    """All of its processes say as much as they can."""
    made = ChatHouse(tmp_path, {"MELANOMA_LOG_LEVEL": "debug", "MELANOMA_LEASE_S": "2"}, "--no-limits")
    made.house.broker = EmbeddedValkey(tmp_path / "valkey", persistent=True, password=SECRETS["the way into Redis"])
    with made:
        yield made


def environment(chat: ChatHouse) -> dict[str, str]:
    return {
        "REDIS_URL": chat.house.broker.url,
        "MELANOMA_ARTEFACT": str(chat.house.home / "artefact"),
        "MELANOMA_LOG_LEVEL": "debug",
        "MELANOMA_LEASE_S": "2",
        "BOT_TOKEN": TOKEN,
        "MELANOMA_TELEGRAM_API_URL": chat.address,
    }


def start_a_worker(chat: ChatHouse) -> None:
    worker = start_worker(chat.house.home / "worker.log", environment(chat))
    chat.house.workers.append(worker)
    wait_until_ready(worker)


def run(chat: ChatHouse, *line: str, **more: str) -> str:
    """What a command says to whoever runs it; kept with the logs."""
    done = subprocess.run(
        [*command(line[0]), *line[1:]],
        env={**os.environ, **environment(chat), **more},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    with (chat.house.home / "commands.log").open("a") as log:
        log.write(said)
    return said


def searched(home: Path) -> dict[str, str]:
    """Every log, by its name."""
    return {str(path.relative_to(home)): path.read_text(errors="replace") for path in home.rglob("*.log")}


async def someone(simulator: SimulatorClient) -> User:
    return await agreed(
        simulator, first_name=NAMES["first name"], last_name=NAMES["last name"], username=NAMES["username"]
    )


async def talk(simulator: SimulatorClient, person: User, image: bytes) -> None:
    """Everything that a person can send."""
    await after(person, await person.text(NAMES["text"]))
    sent = await person.photo(image, caption=NAMES["caption"])
    answer = await answer_to(person, sent)
    await person.press(answer["message_id"], "explain")
    await answer_to(person, await person.document(image, f"{NAMES['file name']}.jpg", "image/jpeg"))
    refused = await person.document(image[:900], f"{NAMES['file name']}.jpg", "image/jpeg")
    await answer_to(person, refused)
    group = await simulator.group(NAMES["group"])
    shown = await person.photo(image, chat=group, caption=NAMES["caption"])
    await person.text("/check", chat=group, reply_to=shown)
    await person.wait_for(lambda message: is_answer(message, shown), 60, chat=group)


async def trouble(chat: ChatHouse, simulator: SimulatorClient, person: User, image: bytes) -> None:
    """Calls fail and are cut, and Redis goes away: that is when programs say too much."""
    await simulator.faults(0.5, kinds=["500", "cut_before", "cut_after", "429"], seed=4)
    sent = [await person.photo(image, caption=NAMES["caption"]) for _ in range(2)]
    await asyncio.to_thread(chat.house.broker.kill)
    await asyncio.sleep(1.5)
    await asyncio.to_thread(chat.house.broker.start)
    await asyncio.sleep(1)
    await simulator.no_faults()
    for one in sent:
        await answer_to(person, one, 120)


def operate(chat: ChatHouse, home: Path, image: bytes) -> None:
    """What an operator and a researcher run."""
    folder = home / NAMES["file name"]
    folder.mkdir()
    (folder / f"{NAMES['file name']}.jpg").write_bytes(image)
    (folder / f"{NAMES['file name']}.broken.jpg").write_bytes(image[:900])
    assert "1 verdict" in run(chat, "melanoma-submit", str(folder), "--out", str(home / "results"))
    assert "serving" in run(chat, "melanoma-ops", "doctor")
    mistaken = chat.house.broker.url.replace("7d1f", "7d1f-mistaken")
    elsewhere = f"http://127.0.0.1:{free_port()}"
    said = run(chat, "melanoma-ops", "doctor", REDIS_URL=mistaken, MELANOMA_TELEGRAM_API_URL=elsewhere)
    assert "refuses the user or password" in said
    assert "cannot be reached" in said
    run(chat, "melanoma-ops", "status", "--json")
    run(chat, "melanoma-ops", "dead", "list")
    (job, *_) = chat.house.client.scan_iter("melanoma:job:*")
    assert "received" in run(chat, "melanoma-ops", "trace", job.decode().rpartition(":")[2])


async def by_webhook(chat: ChatHouse, person: User, image: bytes, port: int) -> None:
    """The same bot behind a webhook, and a stranger who guesses."""
    async with ClientSession() as session:
        guess = {"X-Telegram-Bot-Api-Secret-Token": "guessed"}
        async with session.post(f"http://127.0.0.1:{port}/telegram", json={"update_id": 1}, headers=guess) as reply:
            assert reply.status == 401
    await answer_to(person, await person.photo(image, caption=NAMES["caption"]))
    question = await after(person, await person.text("/delete_me"))
    await person.press(question["message_id"], "Yes, delete")
    await person.wait_for(lambda message: "is deleted" in words(message))


def test_no_log_holds_a_secret_or_a_name(chat: ChatHouse, tmp_path: Path) -> None:
    image = photograph(tmp_path / "rendered")
    port = free_port()
    hook = {
        "MELANOMA_WEBHOOK_URL": f"http://127.0.0.1:{port}",
        "MELANOMA_WEBHOOK_SECRET": SECRETS["what Telegram shows to a webhook"],
        "MELANOMA_BOT_PORT": str(port),
    }
    met: list[int] = []

    async def scene(simulator: SimulatorClient) -> None:
        person = await someone(simulator)
        met.append(person.id)
        await talk(simulator, person, image)
        await trouble(chat, simulator, person, image)
        await asyncio.to_thread(operate, chat, tmp_path, image)
        await asyncio.to_thread(chat.bots[-1].stop)
        await asyncio.to_thread(lambda: chat.start_bot(BOT_TOKEN=TOKEN, **hook))
        await by_webhook(chat, person, image, port)

    start_a_worker(chat)
    chat.start_bot(BOT_TOKEN=TOKEN)
    with flower(chat, tmp_path / "flower.log"):
        chat.play(scene)
    for worker in chat.house.workers:
        worker.stop()
    logs = searched(tmp_path)
    assert {"bot-0.log", "bot-1.log", "worker.log", "flower.log", "commands.log"} <= logs.keys()
    for name in ("bot-0.log", "worker.log"):
        assert "Redis is unavailable" in logs[name], "the trouble was there"
    assert '"level": "debug"' in logs["bot-0.log"], "and nothing was kept back"
    planted = {**SECRETS, **NAMES, "id of the person": str(met[0])}
    found = {
        f"{what} in {name}: {line.strip()[:300]}"
        for name, text in logs.items()
        for line in text.splitlines()
        for what, value in planted.items()
        if names(line, value) and (what, name) != ("file name", "commands.log")
    }
    # The folder command shows the files' names to whoever runs it, and to nobody else.
    assert found == set()


def names(line: str, value: str) -> bool:
    """Whether `line` has `value` in it, as it is or as JSON writes it."""
    return bool(re.search(rf"\b{re.escape(value)}\b", line)) or json.dumps(value)[1:-1] in line


def flower(chat: ChatHouse, log: Path) -> BackgroundProcess:
    """Flower, behind its login, after somebody has knocked with another one."""
    config = Settings(
        redis_url=SecretStr(chat.house.broker.url),
        flower_port=free_port(),
        flower_login=SecretStr(f"admin:{SECRETS['the login of Flower']}"),
    )
    line, secrets = flower_command(config)
    started = BackgroundProcess(line, log=log, environment=secrets)
    eventually(lambda: refuses(flower_address(config)))
    return started


def refuses(address: str) -> bool:
    """Whether somebody answers there, and lets nobody in."""
    try:
        urllib.request.urlopen(f"{address}/workers", timeout=5)
    except HTTPError as error:
        return error.code == 401
    except OSError:
        return False
    return False
