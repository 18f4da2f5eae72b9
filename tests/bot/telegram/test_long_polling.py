"""Long polling: what is handled of the updates that were fetched together."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.client.session.base import BaseSession
from aiogram.methods.base import TelegramMethod
from aiogram.types import Message

from bot.telegram.long_polling import poll


class OneBatch(BaseSession):
    """Telegram with one batch of updates."""

    def __init__(self, updates: list[dict[str, Any]]) -> None:
        super().__init__()
        self._updates = updates
        self.is_confirmed = asyncio.Event()

    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:  # noqa: ARG002
        if getattr(method, "offset", None) is None:
            return self._updates
        self.is_confirmed.set()
        return await asyncio.Event().wait()

    async def close(self) -> None:
        """Nothing is open."""

    async def stream_content(self, *_: Any, **__: Any) -> AsyncGenerator[bytes, None]:
        yield b""


def make_command(number: int, user_id: int = 7) -> dict[str, Any]:
    user = {"id": user_id, "is_bot": False, "first_name": "Anna"}
    chat = {"id": user_id, "type": "private"}
    message = {"message_id": number, "date": 0, "from": user, "chat": chat, "text": f"/help {number}"}
    return {"update_id": number, "message": message}


def test_updates_beyond_an_allowance_that_their_own_batch_uses_up_are_not_handled() -> None:
    handled: list[int] = []
    taken: list[int] = []

    async def handle(message: Message) -> None:
        handled.append(message.message_id)

    async def intake(contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len(handled) < 15:
            return contents
        taken.extend(content["update_id"] for content in contents)
        return []

    async def run() -> None:
        session = OneBatch([make_command(number) for number in range(1, 101)])
        dispatcher = Dispatcher()
        dispatcher.message.register(handle)
        async with Bot("42:TEST", session=session) as bot:
            polling = asyncio.create_task(poll(bot, dispatcher, intake, ["message"]))
            async with asyncio.timeout(20):
                await session.is_confirmed.wait()
            polling.cancel()

    asyncio.run(run())
    assert handled == list(range(1, 21)), "in order, until the allowance was looked at again"
    assert taken == list(range(21, 101)), "each of the others once"
