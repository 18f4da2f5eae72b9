"""A short conversation with the real bot, as the demo shows it."""

import asyncio
import textwrap
from io import BytesIO
from typing import Any, Final

import numpy as np

from samples.lesions import render_lesion
from simulator.client.client import Message, SimulatorClient, SimulatorError, User

_WIDTH: Final = 100
_SIDE: Final = (1280, 960)
#: Seed of the photograph.
_LOOK: Final = 5

#: A bot that has just started has to call Telegram before there is someone to write to. Seconds.
_FIRST_CALL_S: Final = 10


def run_demo_chat(address: str) -> None:
    """Play a person who writes to the bot at the stand-in `address`, and print what both say."""
    asyncio.run(_converse(address))


async def _converse(address: str) -> None:
    async with SimulatorClient(address) as simulator:
        await _english(await simulator.person("Anna", "en"))
        await _russian(await simulator.person("Мария", "ru"))


async def _english(person: User) -> None:
    await _greet(person, "Anna", "[I agree]")
    _print("Anna", "[a rendered photograph]")
    sent = await person.photo(_image())
    answer = await person.wait_for(lambda message: _replies_to(message, sent))
    _print("bot", _words(answer))
    await person.press(answer["message_id"], "explain")
    _print("Anna", "[What does this mean?]")
    await _answer(person, answer["message_id"])


async def _russian(person: User) -> None:
    await _greet(person, "Мария", "[Согласна]")
    _print("Мария", "[заметки.txt]")
    await _answer(person, await person.document(b"no picture", "notes.txt", "text/plain"))


async def _greet(person: User, name: str, consent: str) -> None:
    _print(name, "/start")
    greeting = await _answer(person, await _begin(person))
    _print(name, consent)
    await person.press(greeting["message_id"], "consent")
    await _answer(person, greeting["message_id"])


async def _begin(person: User) -> int:
    for _ in range(10 * _FIRST_CALL_S):
        try:
            return await person.text("/start")
        except SimulatorError:
            await asyncio.sleep(0.1)
    raise TimeoutError("the bot does not call the stand-in")


async def _answer(person: User, after: int) -> Message:
    """Wait for what the bot says after the message `after`, and print it."""
    answer = await person.wait_for(lambda message: int(message["message_id"]) > after)
    _print("bot", _words(answer))
    return answer


def _image() -> bytes:
    into = BytesIO()
    render_lesion(np.random.default_rng(_LOOK), *_SIDE).save(into, "JPEG", quality=90)
    return into.getvalue()


def _replies_to(message: Message, sent: int) -> bool:
    about: dict[str, Any] = message.get("reply_to_message", {})
    return about.get("message_id") == sent and bool(message.get("reply_markup"))


def _words(message: Message) -> str:
    image = "[the photograph with the evidence drawn over it]\n" if "photo" in message else ""
    return image + str(message.get("text") or message.get("caption") or "")


def _print(who: str, words: str) -> None:
    lines = [line for part in words.splitlines() for line in textwrap.wrap(part, _WIDTH) or [""]]
    print("\n".join(f"{who if number == 0 else '':>8}  {line}" for number, line in enumerate(lines)), "\n", flush=True)
