"""Sends secrets and names through every path, with and without faults. Then searches every log for them."""

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
from samples.image_set import render_many
from shared.config.settings import Settings
from simulator.client.client import SimulatorClient, User
from tests.system.support.chat import (
    ChatStack,
    consented_user,
    is_answer,
    text_of,
    wait_for_answer,
    wait_for_message_after,
)
from tests.system.support.polling import eventually

pytestmark = pytest.mark.system

#: Values that no log may contain, by the place where they are used. Each occurs only there.
SECRETS: Final = {
    "the password of Redis": "planted-redis-7d1f",
    "the bot's token": "planted-token-of-the-bot-93c2e0ab1",
    "the secret of the webhook": "planted-webhook-4be8",
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
def chat(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatStack]:
    """A stack whose processes log at debug level, in the format of the parameter."""
    monkeypatch.setenv("MELANOMA_LOG_FORMAT", getattr(request, "param", "json"))
    chat = ChatStack(tmp_path, {"MELANOMA_LOG_LEVEL": "debug", "MELANOMA_LEASE_S": "2"}, "--no-limits")
    chat.stack.broker = EmbeddedValkey(tmp_path / "valkey", persistent=True, password=SECRETS["the password of Redis"])
    with chat:
        yield chat


def environment(chat: ChatStack) -> dict[str, str]:
    return {
        "REDIS_URL": chat.stack.broker.url,
        "MELANOMA_ARTEFACT": str(chat.stack.home / "artefact"),
        "MELANOMA_LOG_LEVEL": "debug",
        "MELANOMA_LEASE_S": "2",
        "BOT_TOKEN": TOKEN,
        "MELANOMA_TELEGRAM_API_URL": chat.address,
    }


def start_debug_worker(chat: ChatStack) -> None:
    worker = start_worker(chat.stack.home / "worker.log", environment(chat))
    chat.stack.workers.append(worker)
    wait_until_ready(worker)


def run_command(chat: ChatStack, *line: str, **more: str) -> str:
    """Run a command. Returns its output, and appends it to the logs."""
    result = subprocess.run(
        [*command(line[0]), *line[1:]],
        env={**os.environ, **environment(chat), **more},
        capture_output=True,
        text=True,
        check=False,
    )
    output = result.stdout + result.stderr
    with (chat.stack.home / "commands.log").open("a") as log:
        log.write(output)
    return output


def read_logs(home: Path) -> dict[str, str]:
    """Text of each log, by its name."""
    return {str(path.relative_to(home)): path.read_text(errors="replace") for path in home.rglob("*.log")}


async def user_with_planted_name(simulator: SimulatorClient) -> User:
    return await consented_user(
        simulator, first_name=NAMES["first name"], last_name=NAMES["last name"], username=NAMES["username"]
    )


async def use_chat(simulator: SimulatorClient, user: User, image: bytes) -> None:
    """Send everything that a user can send."""
    await wait_for_message_after(user, await user.send_text(NAMES["text"]))
    sent = await user.send_photo(image, caption=NAMES["caption"])
    answer = await wait_for_answer(user, sent)
    await user.press_button(answer["message_id"], "explain")
    await wait_for_answer(user, await user.send_document(image, f"{NAMES['file name']}.jpg", "image/jpeg"))
    refused = await user.send_document(image[:900], f"{NAMES['file name']}.jpg", "image/jpeg")
    await wait_for_answer(user, refused)
    group = await simulator.create_group(NAMES["group"])
    shown = await user.send_photo(image, chat=group, caption=NAMES["caption"])
    await user.send_text("/check", chat=group, reply_to=shown)
    await user.wait_for_message(lambda message: is_answer(message, shown), 60, chat=group)


async def use_chat_under_faults(chat: ChatStack, simulator: SimulatorClient, user: User, image: bytes) -> None:
    """Use the chat while calls fail and Redis is down, because errors are where programs log too much."""
    await simulator.set_faults(0.5, kinds=["500", "cut_before", "cut_after", "429"], seed=4)
    sent = [await user.send_photo(image, caption=NAMES["caption"]) for _ in range(2)]
    await asyncio.to_thread(chat.stack.broker.kill)
    await asyncio.sleep(1.5)
    await asyncio.to_thread(chat.stack.broker.start)
    await asyncio.sleep(1)
    await simulator.clear_faults()
    for message in sent:
        await wait_for_answer(user, message, 120)


def run_commands(chat: ChatStack, home: Path, image: bytes) -> None:
    """Run the commands of an operator and a researcher."""
    folder = home / NAMES["file name"]
    folder.mkdir()
    (folder / f"{NAMES['file name']}.jpg").write_bytes(image)
    (folder / f"{NAMES['file name']}.broken.jpg").write_bytes(image[:900])
    assert "1 verdict" in run_command(chat, "melanoma-submit", str(folder), "--out", str(home / "results"))
    assert "serving" in run_command(chat, "melanoma-ops", "doctor")
    mistaken = chat.stack.broker.url.replace("7d1f", "7d1f-mistaken")
    elsewhere = f"http://127.0.0.1:{free_port()}"
    output = run_command(chat, "melanoma-ops", "doctor", REDIS_URL=mistaken, MELANOMA_TELEGRAM_API_URL=elsewhere)
    assert "refuses the user or password" in output
    assert "cannot be reached" in output
    run_command(chat, "melanoma-ops", "status", "--json")
    run_command(chat, "melanoma-ops", "dead", "list")
    (job, *_) = chat.stack.client.scan_iter("melanoma:job:*")
    assert "received" in run_command(chat, "melanoma-ops", "trace", job.decode().rpartition(":")[2])


async def use_webhook(chat: ChatStack, user: User, image: bytes, port: int) -> None:
    """Use the bot behind a webhook, and call the webhook with a wrong secret."""
    async with ClientSession() as session:
        guess = {"X-Telegram-Bot-Api-Secret-Token": "guessed"}
        async with session.post(f"http://127.0.0.1:{port}/telegram", json={"update_id": 1}, headers=guess) as reply:
            assert reply.status == 401
    await wait_for_answer(user, await user.send_photo(image, caption=NAMES["caption"]))
    question = await wait_for_message_after(user, await user.send_text("/delete_me"))
    await user.press_button(question["message_id"], "Yes, delete")
    await user.wait_for_message(lambda message: "is deleted" in text_of(message))


@pytest.mark.parametrize("chat", ["text", "json"], indirect=True)
def test_no_log_contains_a_secret_or_a_name(chat: ChatStack, tmp_path: Path) -> None:
    image = photograph(tmp_path / "rendered")
    port = free_port()
    webhook = {
        "MELANOMA_WEBHOOK_URL": f"http://127.0.0.1:{port}",
        "MELANOMA_WEBHOOK_SECRET": SECRETS["the secret of the webhook"],
        "MELANOMA_BOT_PORT": str(port),
    }
    user_ids: list[int] = []

    async def scenario(simulator: SimulatorClient) -> None:
        user = await user_with_planted_name(simulator)
        user_ids.append(user.id)
        await use_chat(simulator, user, image)
        await use_chat_under_faults(chat, simulator, user, image)
        await asyncio.to_thread(run_commands, chat, tmp_path, image)
        await asyncio.to_thread(chat.bots[-1].stop)
        await asyncio.to_thread(lambda: chat.start_bot(BOT_TOKEN=TOKEN, **webhook))
        await use_webhook(chat, user, image, port)

    start_debug_worker(chat)
    chat.start_bot(BOT_TOKEN=TOKEN)
    with start_flower(chat, tmp_path / "flower.log"):
        chat.run(scenario)
    for worker in chat.stack.workers:
        worker.stop()
    logs = read_logs(tmp_path)
    assert {"bot-0.log", "bot-1.log", "worker.log", "flower.log", "commands.log"} <= logs.keys()
    for name in ("bot-0.log", "worker.log"):
        assert "Redis is unavailable" in logs[name], "there must have been an outage"
    assert re.search(r'"level": "debug"|\[debug ', logs["bot-0.log"]), "debug messages must be logged"
    planted = {**SECRETS, **NAMES, "id of the user": str(user_ids[0])}
    leaks = {
        f"{what} in {name}: {line.strip()[:300]}"
        for name, text in logs.items()
        for line in text.splitlines()
        for what, value in planted.items()
        if contains(line, value) and (what, name) != ("file name", "commands.log")
    }
    # Only the folder command shows the names of files, to the user who runs it.
    assert leaks == set()


def contains(line: str, value: str) -> bool:
    """True if `line` contains `value`, plain or escaped as in JSON."""
    return bool(re.search(rf"\b{re.escape(value)}\b", line)) or json.dumps(value)[1:-1] in line


def start_flower(chat: ChatStack, log: Path) -> BackgroundProcess:
    """Start Flower with a login, and try to open it without one."""
    config = Settings(
        redis_url=SecretStr(chat.stack.broker.url),
        flower_port=free_port(),
        flower_login=SecretStr(f"admin:{SECRETS['the login of Flower']}"),
    )
    line, secrets = flower_command(config)
    started = BackgroundProcess(line, log=log, environment=secrets)
    eventually(lambda: rejects_unauthenticated(flower_address(config)))
    return started


def rejects_unauthenticated(address: str) -> bool:
    """True if a server at `address` answers and asks for a login."""
    try:
        urllib.request.urlopen(f"{address}/workers", timeout=5)
    except HTTPError as error:
        return error.code == 401
    except OSError:
        return False
    return False
