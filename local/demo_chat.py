"""A short conversation with the real bot, as the demo shows it."""

import asyncio
import textwrap
from io import BytesIO
from typing import Any, Final

import numpy as np

from samples.lesions import render_lesion
from simulator.client.client import Message, SimulatorClient, SimulatorError, User

_LINE_WIDTH: Final = 100
_PHOTO_SIZE: Final = (1280, 960)
#: Seed of the photograph.
_SEED: Final = 5

#: A bot that has just started has to call Telegram before there is someone to write to. Seconds.
_FIRST_CALL_TIMEOUT_S: Final = 10


def run_demo_chat(address: str) -> None:
    """Play a person who writes to the bot at the stand-in `address`, and print what both say."""
    asyncio.run(_run(address))


async def _run(address: str) -> None:
    async with SimulatorClient(address) as simulator:
        await _chat_in_english(await simulator.create_user("Anna", "en"))
        await _chat_in_russian(await simulator.create_user("Мария", "ru"))


async def _chat_in_english(user: User) -> None:
    await _give_consent(user, "Anna", "[I agree]")
    _print("Anna", "[a rendered photograph]")
    sent = await user.send_photo(_render_photo())
    answer = await user.wait_for_message(lambda message: _is_answer_to(message, sent))
    _print("bot", _text_of(answer))
    await user.press_button(answer["message_id"], "explain")
    _print("Anna", "[What does this mean?]")
    await _print_next_answer(user, answer["message_id"])


async def _chat_in_russian(user: User) -> None:
    await _give_consent(user, "Мария", "[Согласна]")
    _print("Мария", "[заметки.txt]")
    await _print_next_answer(user, await user.send_document(b"no picture", "notes.txt", "text/plain"))


async def _give_consent(user: User, name: str, button_text: str) -> None:
    _print(name, "/start")
    greeting = await _print_next_answer(user, await _start(user))
    _print(name, button_text)
    await user.press_button(greeting["message_id"], "consent")
    await _print_next_answer(user, greeting["message_id"])


async def _start(user: User) -> int:
    for _ in range(10 * _FIRST_CALL_TIMEOUT_S):
        try:
            return await user.send_text("/start")
        except SimulatorError:
            await asyncio.sleep(0.1)
    raise TimeoutError("the bot does not call the stand-in")


async def _print_next_answer(user: User, after: int) -> Message:
    """Wait for what the bot says after the message `after`, and print it."""
    answer = await user.wait_for_message(lambda message: int(message["message_id"]) > after)
    _print("bot", _text_of(answer))
    return answer


def _render_photo() -> bytes:
    into = BytesIO()
    render_lesion(np.random.default_rng(_SEED), *_PHOTO_SIZE).save(into, "JPEG", quality=90)
    return into.getvalue()


def _is_answer_to(message: Message, photo_id: int) -> bool:
    about: dict[str, Any] = message.get("reply_to_message", {})
    return about.get("message_id") == photo_id and bool(message.get("reply_markup"))


def _text_of(message: Message) -> str:
    image = "[the photograph with the evidence drawn over it]\n" if "photo" in message else ""
    return image + str(message.get("text") or message.get("caption") or "")


def _print(sender: str, text: str) -> None:
    lines = [line for part in text.splitlines() for line in textwrap.wrap(part, _LINE_WIDTH) or [""]]
    print(
        "\n".join(f"{sender if number == 0 else '':>8}  {line}" for number, line in enumerate(lines)), "\n", flush=True
    )
