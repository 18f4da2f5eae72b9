"""One user who sends hundreds of photographs, commands and presses at once, and the waits of others meanwhile."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.harness.simulated_users import create_users
from local.bot_processes import simulator_environment, simulator_url, start_bot, start_simulator
from local.embedded_valkey import free_port
from simulator.client.client import Message, SimulatorClient, User

_TIMEOUT_S: Final = 300.0

#: The flood begins so long before the others write. Seconds.
_HEAD_START_S: Final = 0.5

#: Concurrent calls of the user who floods the bot.
_MAX_CONCURRENCY: Final = 16


@dataclass(frozen=True, slots=True)
class BystanderWaits:
    """Median seconds that other users wait for the reply to a command, and then for the answer to a photograph."""

    reply_s: float
    answer_s: float

    def ratio_to(self, quiet: "BystanderWaits") -> float:
        """Both waits together, as a multiple of those in `quiet`."""
        return (self.reply_s + self.answer_s) / (quiet.reply_s + quiet.answer_s)


def measure_bystanders(
    home: Path, images: Sequence[bytes], count: int, bystanders: int
) -> tuple[BystanderWaits, BystanderWaits]:
    """Measure how long others wait without and with a user who sends `count` photographs, commands and presses each.

    Telegram's limits and the bot's own limits apply. A worker must be running.

    Returns:
        The waits without the flood, and during it.
    """
    port = free_port()
    with ExitStack() as stack:
        stack.enter_context(start_simulator(home / "flood-simulator.log", port))
        stack.enter_context(start_bot(home / "flood-bot.log", simulator_environment(port)))
        return asyncio.run(_measure(simulator_url(port), images, count, bystanders))


async def _measure(
    address: str, images: Sequence[bytes], count: int, bystanders: int
) -> tuple[BystanderWaits, BystanderWaits]:
    async with SimulatorClient(address) as simulator:
        flooding, *others = await create_users(simulator, 1 + 3 * bystanders)
        uploads = [await simulator.upload(image) for image in images]
        # The first answers of a bot take longer. They would make the quiet wait longer than it is.
        await _measure_waits(others[:bystanders], uploads)
        quiet = await _measure_waits(others[bystanders : 2 * bystanders], uploads)
        flood = asyncio.create_task(_send_flood(flooding, uploads, count))
        await asyncio.sleep(_HEAD_START_S)
        waits = await _measure_waits(others[2 * bystanders :], uploads)
        await flood
        return quiet, waits


async def _measure_waits(users: Sequence[User], uploads: Sequence[str]) -> BystanderWaits:
    """All users send a command at the same time, and a photograph once they have the reply."""

    async def measure(user: User, upload: str) -> tuple[float, float]:
        reply_s = await _time_reply(user, partial(user.send_text, "/help"), _is_any)
        return reply_s, await _time_reply(user, partial(user.send_photo, upload), _is_answer)

    waits = await asyncio.gather(*(measure(*pair) for pair in zip(users, cycle(uploads), strict=False)))
    return BystanderWaits(median(reply_s for reply_s, _ in waits), median(answer_s for _, answer_s in waits))


async def _time_reply(user: User, send: Callable[[], Awaitable[int]], is_meant: Callable[[Message], bool]) -> float:
    sent_at = time.monotonic()
    sent = await send()
    await user.wait_for_message(lambda message: int(message["message_id"]) > sent and is_meant(message), _TIMEOUT_S)
    return time.monotonic() - sent_at


def _is_any(_: Message) -> bool:
    return True


def _is_answer(message: Message) -> bool:
    return bool(message.get("reply_markup"))


async def _send_flood(user: User, uploads: Sequence[str], count: int) -> None:
    greeting = next(message["message_id"] for message in await user.get_messages() if message.get("reply_markup"))
    slots = asyncio.Semaphore(_MAX_CONCURRENCY)

    async def send(number: int) -> None:
        async with slots:
            await user.send_photo(uploads[number % len(uploads)])
            await user.send_text("/help" if number % 2 else "/privacy")
            await user.press_button(greeting, "consent")

    await asyncio.gather(*(send(number) for number in range(count)))
