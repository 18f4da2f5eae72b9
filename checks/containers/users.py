"""Simulated users who write to the bot in its container."""

import asyncio
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final

import numpy as np

from checks.containers.stack import CheckError, ContainerStack
from samples.lesions import render_lesion
from simulator.client.client import Message, SimulatorClient, SimulatorError, User

_ANSWER_TIMEOUT_S: Final = 180


def photo(seed: int = 5) -> bytes:
    """A rendered photograph of a lesion as JPEG."""
    buffer = BytesIO()
    render_lesion(np.random.default_rng(seed), 1024, 768).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


async def consented_user(simulator: SimulatorClient, name: str) -> User:
    """A new user who has started the bot and agreed."""
    user = await simulator.create_user(name)
    greeting = await user.wait_for_message(_is_after(await send(user, "/start")), _ANSWER_TIMEOUT_S)
    await user.press_button(greeting["message_id"], "consent")
    await user.wait_for_message(_is_after(greeting["message_id"]), _ANSWER_TIMEOUT_S)
    return user


def _is_after(message_id: int) -> Callable[[Message], bool]:
    return lambda message: int(message["message_id"]) > message_id


async def send(user: User, text: str) -> int:
    """Send a text; waits for a bot that has not called yet."""
    end = time.monotonic() + 120
    while True:
        try:
            return await user.send_text(text)
        except (SimulatorError, OSError) as error:
            if time.monotonic() > end:
                raise CheckError(f"the bot does not call the simulator: {error}") from error
            await asyncio.sleep(0.5)


async def wait_for_answer(user: User, photo_id: int) -> Message:
    """The answer to a photograph: a reply to it that has buttons."""
    return await user.wait_for_message(lambda message: is_answer(message, photo_id), _ANSWER_TIMEOUT_S)


def is_answer(message: Message, photo_id: int) -> bool:
    """True for a reply of the bot to the photograph that has buttons."""
    original: dict[str, Any] = message.get("reply_to_message", {})
    return original.get("message_id") == photo_id and bool(message.get("reply_markup"))


def text_of(message: Message) -> str:
    """Text or caption of a message."""
    return str(message.get("text") or message.get("caption") or "")


def converse(stack: ContainerStack, name: str = "Anna") -> str:
    """Start the bot, agree, send a photograph; returns the text of the answer."""

    async def conversation() -> str:
        async with SimulatorClient(stack.simulator_url) as simulator:
            user = await consented_user(simulator, name)
            return text_of(await wait_for_answer(user, await user.send_photo(photo())))

    return asyncio.run(conversation())
