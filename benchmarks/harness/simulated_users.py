"""Simulated users who send photographs, and the outcome of each photograph."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bot.locales import translate
from local.bot_processes import simulator_environment, start_bot
from local.subprocesses import BackgroundProcess
from simulator.client.client import Message, SimulatorClient, SimulatorError, User

#: Concurrent calls to the simulator.
_MAX_CONCURRENCY: Final = 16

#: Rarely, since the simulator lists all photographs and shares the cores with what is measured. Seconds.
_POLL_INTERVAL_S: Final = 2.0

#: Settings with which the bot accepts every photograph, because the benchmarks measure accepted ones.
NO_ADMISSION_LIMITS: Final = {
    "MELANOMA_USER_BURST": "1000000",
    "MELANOMA_USER_PER_DAY": "1000000",
    "MELANOMA_MAX_EXPECTED_WAIT_S": "100000",
    "MELANOMA_INTERACTIVE_DEADLINE_S": "900",
}


@dataclass(frozen=True, slots=True)
class PhotoOutcome:
    """Outcome of one photograph. Durations start when it is sent; None where there was no reply or answer."""

    first_reply_s: float | None
    answer_s: float | None
    #: Answers beyond the first.
    duplicates: int
    is_apology: bool
    answered_at: float


def start_benchmark_bot(
    home: Path, name: str, port: int, *, command: Sequence[str] | None = None, **environment: str
) -> BackgroundProcess:
    """A bot that talks to the simulator at `port`. `command` runs it in another way than by its own command."""
    variables = {**simulator_environment(port), **NO_ADMISSION_LIMITS, **environment}
    return start_bot(home / f"{name}.log", variables, command)


async def create_users(simulator: SimulatorClient, count: int) -> list[User]:
    """New users who have given consent."""

    async def create_user() -> User:
        user = await simulator.create_user()
        sent = await _send_start(user)
        greeting = await user.wait_for_message(lambda message: int(message["message_id"]) > sent, 300)
        await user.press_button(greeting["message_id"], "consent")
        await user.wait_for_message(lambda message: "Thank you" in str(message.get("text")), 300)
        return user

    return await _gather_limited([create_user for _ in range(count)])


async def wait_until_answered(simulator: SimulatorClient, photos: int, timeout_s: float) -> None:
    """Wait until the users see an answer to that many photographs of load runs, at most `timeout_s`.

    Answers are counted where they are seen, because the bots' own count is lost if Redis is killed.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        await asyncio.sleep(_POLL_INTERVAL_S)
        if await _count_answered(simulator) >= photos:
            return


async def collect_outcomes(users: Sequence[User]) -> list[PhotoOutcome]:
    """Outcomes of all photographs of these users."""
    outcomes: list[PhotoOutcome] = []
    for user in users:
        messages = await user.get_messages()
        sent = [message for message in messages if not message["from"]["is_bot"] and "photo" in message]
        outcomes.extend(_outcome(message, messages) for message in sent)
    return outcomes


def print_figures(figures: dict[str, Any]) -> None:
    """Print the figures as JSON."""
    print(json.dumps({name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}))


def quantile(values: Sequence[float], fraction: float) -> float:
    """The value below which `fraction` of the values lie; 0 if there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))] if ordered else 0.0


def _outcome(sent: Message, messages: Sequence[Message]) -> PhotoOutcome:
    sent_at = sent["sim"]["sent_at"]
    replies = [reply for reply in messages if reply.get("reply_to_message", {}).get("message_id") == sent["message_id"]]
    answers = [reply for reply in replies if reply.get("reply_markup")]
    answered_at = [reply["sim"]["edited_at"] or reply["sim"]["sent_at"] for reply in answers]
    apology = translate("en", "failure")[:20]
    return PhotoOutcome(
        first_reply_s=min((reply["sim"]["sent_at"] for reply in replies), default=sent_at) - sent_at
        if replies
        else None,
        answer_s=min(answered_at) - sent_at if answered_at else None,
        duplicates=max(0, len(answers) - 1),
        is_apology=bool(answers) and str(answers[0].get("text", "")).startswith(apology),
        answered_at=min(answered_at, default=0.0),
    )


async def _count_answered(simulator: SimulatorClient) -> int:
    """Photographs with an answer. Only an answer has buttons: a status message becomes one when it is edited."""
    results = await simulator.get_load_results()
    return sum(any(reply["buttons"] for reply in result["replies"]) for result in results)


async def _send_start(user: User) -> int:
    while True:
        try:
            return await user.send_text("/start")
        except SimulatorError:  # the bot has not connected yet
            await asyncio.sleep(0.1)


async def _gather_limited(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    slots = asyncio.Semaphore(_MAX_CONCURRENCY)

    async def run(call: Callable[[], Any]) -> Any:
        async with slots:
            return await call()

    return list(await asyncio.gather(*(run(call) for call in calls)))
