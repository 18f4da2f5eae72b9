"""The chat of the demo: two simulated users write to the real bot, in English and in Russian."""

import asyncio
import textwrap
from io import BytesIO
from typing import Any, Final

import numpy as np

from samples.lesions import render_lesion
from simulator.client.client import Message, SimulatorClient, SimulatorError, User

_LINE_WIDTH: Final = 100
_PHOTO_SIZE: Final = (1280, 960)
_PHOTO_SEED: Final = 5

#: Seconds to wait for the first call of the bot. Until then the simulator knows no bot to which a user could write.
_FIRST_CALL_TIMEOUT_S: Final = 10


def run_demo_chat(address: str) -> None:
    """Chat with the bot at the simulator `address`, and print both sides."""
    asyncio.run(_run(address))


async def _run(address: str) -> None:
    async with SimulatorClient(address) as simulator:
        await _chat_in_english(await simulator.create_user("Anna", "en"))
        await _chat_in_russian(await simulator.create_user("Мария", "ru"))


async def _chat_in_english(user: User) -> None:
    await _give_consent(user, "Anna")
    _print("Anna", "[sends a rendered photograph]")
    photo_id = await user.send_photo(_render_photo())
    answer = await user.wait_for_message(lambda message: _is_answer_to(message, photo_id))
    _print("bot", _text_of(answer))
    await _press(user, "Anna", answer, "explain")
    await _print_next_message(user, answer["message_id"])


async def _chat_in_russian(user: User) -> None:
    await _give_consent(user, "Мария")
    _print("Мария", "[sends notes.txt]")
    await _print_next_message(user, await user.send_document(b"no picture", "notes.txt", "text/plain"))


async def _give_consent(user: User, name: str) -> None:
    _print(name, "/start")
    greeting = await _print_next_message(user, await _send_start(user))
    await _press(user, name, greeting, "consent")
    await _print_next_message(user, greeting["message_id"])


async def _press(user: User, name: str, message: Message, data: str) -> None:
    """Press the button whose data begins with `data`, and print its text."""
    buttons = [button for row in message["reply_markup"]["inline_keyboard"] for button in row]
    text = next(button["text"] for button in buttons if button["callback_data"].partition(":")[0] == data)
    _print(name, f"[presses: {text}]")
    await user.press_button(message["message_id"], data)


async def _send_start(user: User) -> int:
    for _ in range(10 * _FIRST_CALL_TIMEOUT_S):
        try:
            return await user.send_text("/start")
        except SimulatorError:
            await asyncio.sleep(0.1)
    raise TimeoutError("the bot does not call the simulator")


async def _print_next_message(user: User, after: int) -> Message:
    """Wait for the bot's first message after the message with id `after`, and print it."""
    answer = await user.wait_for_message(lambda message: int(message["message_id"]) > after)
    _print("bot", _text_of(answer))
    return answer


def _render_photo() -> bytes:
    buffer = BytesIO()
    render_lesion(np.random.default_rng(_PHOTO_SEED), *_PHOTO_SIZE).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _is_answer_to(message: Message, photo_id: int) -> bool:
    original: dict[str, Any] = message.get("reply_to_message", {})
    return original.get("message_id") == photo_id and bool(message.get("reply_markup"))


def _text_of(message: Message) -> str:
    image = "[the photograph with the evidence drawn over it]\n" if "photo" in message else ""
    return image + str(message.get("text") or message.get("caption") or "")


def _print(sender: str, text: str) -> None:
    lines = [line for part in text.splitlines() for line in textwrap.wrap(part, _LINE_WIDTH) or [""]]
    labels = [sender] + [""] * (len(lines) - 1)
    print("\n".join(f"{label:>8}  {line}" for label, line in zip(labels, lines, strict=False)), "\n", flush=True)
