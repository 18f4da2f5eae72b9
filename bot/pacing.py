"""Telegram's limits on sending, kept by all replicas together through Redis."""

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis

from bot import keys
from shared.patience import AsyncPatience
from shared.settings import Settings

_PACE: Final = (Path(__file__).parent / "scripts" / "pace.lua").read_text(encoding="utf-8")

#: So many chats refused within a second mean that it is not the chats.
_FLOOD: Final = 3


class Urgency(IntEnum):
    """Who goes first when not all can: answers, then what people asked for, then word of progress."""

    ANSWER = 0
    NOTE = 1
    PROGRESS = 2


@dataclass(frozen=True, slots=True)
class Turn:
    """`wait_s` is 0 for a turn that is ours; else seconds, and whether it is this chat that has to wait."""

    wait_s: float
    chat: bool


class Pacer:
    """Gives turns to send. Limits are `settings.telegram_per_s` and the like."""

    def __init__(self, client: "Redis", patience: AsyncPatience, settings: Settings) -> None:
        self._redis: Any = client  # redis-py types one method for both of its clients
        self._patience = patience
        self._script = client.register_script(_PACE)
        # Telegram counts in a sliding second: two at once at most, or the budget of a second could be overdrawn.
        self._all = ("all", 1000 / settings.telegram_per_s, 1000 / settings.telegram_per_s)
        self._chat = (1000 / settings.telegram_chat_per_s, 1500 / settings.telegram_chat_per_s)
        self._group = (60_000 / settings.telegram_group_per_minute, 120_000 / settings.telegram_group_per_minute)

    async def turn(self, chat: int, urgency: Urgency) -> Turn:
        """Ask for one turn to send to `chat`; groups have negative ids."""
        limits = (*self._all, f"chat:{chat}", *(self._group if chat < 0 else self._chat))
        arguments: list[str | float] = [chat, int(urgency), *limits]
        wait, mine = await self._patience.call(lambda: self._script(keys=[f"{keys.PREFIX}pace:"], args=arguments))
        return Turn(wait / 1000, bool(mine))

    async def hold(self, chat: int, seconds: float) -> None:
        """Obey a `retry_after`: the chat waits, and all do where several chats were refused within a second."""

        async def write() -> None:
            async with self._redis.pipeline() as pipeline:
                pipeline.time()
                pipeline.sadd(f"{keys.PREFIX}pace:flood", chat)
                pipeline.expire(f"{keys.PREFIX}pace:flood", 1)
                pipeline.scard(f"{keys.PREFIX}pace:flood")
                time, _, _, refused = await pipeline.execute()
            until = time[0] * 1000 + time[1] / 1000 + seconds * 1000
            name = "all" if refused >= _FLOOD else chat
            await self._redis.set(f"{keys.PREFIX}pace:hold:{name}", f"{until:.0f}", px=round(seconds * 1000) + 1)

        await self._patience.call(write)
