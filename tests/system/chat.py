"""A house with a bot: the stand-in for Telegram, bots and workers as processes, and people who write."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from local.bot_processes import simulator_environment, simulator_url, start_bot, start_simulator
from local.embedded_valkey import EmbeddedValkey, free_port
from local.subprocesses import BackgroundProcess
from simulator.client.client import Message, SimulatorClient, SimulatorError, User
from tests.system.stack import House

T = TypeVar("T")

CALM: Final = {
    # Tests send faster than people.
    "MELANOMA_USER_BURST": "100000",
    "MELANOMA_USER_PER_DAY": "100000",
}


class ChatHouse:
    """A broker and the stand-in; bots and workers are started by the tests."""

    def __init__(
        self,
        home: Path,
        environment: dict[str, str] | None = None,
        *options: str,
        broker: EmbeddedValkey | None = None,
    ) -> None:
        self._environment = {**CALM, **(environment or {})}
        self.house = House(home, self._environment, broker)
        self._home = home
        self._options = options
        self.port = free_port()
        self.bots: list[BackgroundProcess] = []

    def __enter__(self) -> Self:
        self.house.__enter__()
        self.stand_in = start_simulator(self._home / "telegram.log", self.port, *self._options)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for bot in self.bots:
            bot.stop()
        self.stand_in.stop()
        self.house.__exit__(kind, error, trace)

    @property
    def address(self) -> str:
        return simulator_url(self.port)

    def start_bot(self, **environment: str) -> BackgroundProcess:
        """A bot that takes updates."""
        log = self._home / f"bot-{len(self.bots)}.log"
        redis = {"REDIS_URL": self.house.broker.url}
        bot = start_bot(log, {**self._environment, **redis, **simulator_environment(self.port), **environment})
        self.bots.append(bot)
        return bot

    def said(self) -> str:
        """All that the bots wrote to their logs."""
        return "\n".join(bot.log.read_text(errors="replace") for bot in self.bots)

    def play(self, scene: Callable[[SimulatorClient], Awaitable[T]]) -> T:
        """Run a scene with people."""

        async def run() -> T:
            async with SimulatorClient(self.address) as simulator:
                return await scene(simulator)

        return asyncio.run(run())


async def agreed(simulator: SimulatorClient, language: str = "en", **who: str) -> User:
    """Someone who has begun with the bot and agreed."""
    person = await simulator.create_user(language_code=language, **who)
    deadline = time.monotonic() + 20
    while True:
        try:
            sent = await person.send_text("/start")
            break
        except SimulatorError:
            assert time.monotonic() < deadline, "the bot does not call"
            await asyncio.sleep(0.1)
    greeting = await after(person, sent)
    await person.press_button(greeting["message_id"], "consent")
    await after(person, greeting["message_id"])
    return person


async def after(person: User, message: int, timeout_s: float = 30) -> Message:
    """What the bot says after that message."""
    return await person.wait_for_message(lambda found: int(found["message_id"]) > message, timeout_s)


async def answer_to(person: User, sent: int, timeout_s: float = 60) -> Message:
    """The answer to a photograph: what replies to it and has the buttons of an answer."""
    return await person.wait_for_message(lambda found: is_answer(found, sent), timeout_s)


def is_answer(message: Message, sent: int) -> bool:
    return message.get("reply_to_message", {}).get("message_id") == sent and bool(message.get("reply_markup"))


def answers(messages: list[Message], sent: int) -> list[Message]:
    return [message for message in messages if message["from"]["is_bot"] and is_answer(message, sent)]


def words(message: Message) -> str:
    return str(message.get("text") or message.get("caption") or "")
