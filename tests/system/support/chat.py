"""The service with its chat side: Telegram simulator, bots and workers as processes, and simulated users."""

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
from tests.system.support.stack import ServiceStack

T = TypeVar("T")

NO_USER_LIMITS: Final = {
    # Tests send faster than users do.
    "MELANOMA_USER_BURST": "100000",
    "MELANOMA_USER_PER_DAY": "100000",
}


class ChatStack:
    """A broker and the Telegram simulator. Tests start bots and workers."""

    def __init__(
        self,
        home: Path,
        environment: dict[str, str] | None = None,
        *options: str,
        broker: EmbeddedValkey | None = None,
    ) -> None:
        self._environment = {**NO_USER_LIMITS, **(environment or {})}
        self.stack = ServiceStack(home, self._environment, broker)
        self._home = home
        self._options = options
        self.port = free_port()
        self.bots: list[BackgroundProcess] = []

    def __enter__(self) -> Self:
        self.stack.__enter__()
        self.simulator = start_simulator(self._home / "simulator.log", self.port, *self._options)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for bot in self.bots:
            bot.stop()
        self.simulator.stop()
        self.stack.__exit__(kind, error, trace)

    @property
    def address(self) -> str:
        return simulator_url(self.port)

    def start_bot(self, **environment: str) -> BackgroundProcess:
        """Start a bot, and wait until it receives updates."""
        log = self._home / f"bot-{len(self.bots)}.log"
        redis = {"REDIS_URL": self.stack.broker.url}
        bot = start_bot(log, {**self._environment, **redis, **simulator_environment(self.port), **environment})
        self.bots.append(bot)
        return bot

    def bot_logs(self) -> str:
        """Text of all bots' logs."""
        return "\n".join(bot.log.read_text(errors="replace") for bot in self.bots)

    def run(self, scenario: Callable[[SimulatorClient], Awaitable[T]]) -> T:
        """Run a scenario of simulated users."""

        async def run() -> T:
            async with SimulatorClient(self.address) as simulator:
                return await scenario(simulator)

        return asyncio.run(run())


async def consented_user(simulator: SimulatorClient, language: str = "en", **profile: str) -> User:
    """A new user who has started the bot and given consent."""
    user = await simulator.create_user(language_code=language, **profile)
    deadline = time.monotonic() + 20
    while True:
        try:
            sent = await user.send_text("/start")
            break
        except SimulatorError:
            assert time.monotonic() < deadline, "the bot does not connect"
            await asyncio.sleep(0.1)
    greeting = await wait_for_message_after(user, sent)
    await user.press_button(greeting["message_id"], "consent")
    await wait_for_message_after(user, greeting["message_id"])
    return user


async def wait_for_message_after(user: User, message: int, timeout_s: float = 30) -> Message:
    """The first message after `message`."""
    return await user.wait_for_message(lambda candidate: int(candidate["message_id"]) > message, timeout_s)


async def wait_for_answer(user: User, sent: int, timeout_s: float = 60) -> Message:
    """The answer to a photograph: a reply to it that has buttons."""
    return await user.wait_for_message(lambda candidate: is_answer(candidate, sent), timeout_s)


def is_answer(message: Message, sent: int) -> bool:
    return message.get("reply_to_message", {}).get("message_id") == sent and bool(message.get("reply_markup"))


def answers_to(messages: list[Message], sent: int) -> list[Message]:
    return [message for message in messages if message["from"]["is_bot"] and is_answer(message, sent)]


def text_of(message: Message) -> str:
    return str(message.get("text") or message.get("caption") or "")
