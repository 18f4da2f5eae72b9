"""A crowd of simulated people who send photographs, and what became of each photograph."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from redis.exceptions import RedisError

from bot.locales import translate
from bot.storage import redis_keys
from local.bot_processes import start_bot, with_stand_in
from local.subprocesses import BackgroundProcess
from simulator.client.client import Message, SimulatorClient, SimulatorError, User

#: Calls of the stand-in at once.
_AT_ONCE: Final = 16

_LOOK_EVERY_S: Final = 0.25

#: Nobody is turned away: what is measured is the way of an accepted photograph.
PATIENT: Final = {
    "MELANOMA_USER_BURST": "1000000",
    "MELANOMA_USER_PER_DAY": "1000000",
    "MELANOMA_MAX_EXPECTED_WAIT_S": "100000",
    "MELANOMA_INTERACTIVE_DEADLINE_S": "900",
}


@dataclass(frozen=True, slots=True)
class PhotoOutcome:
    """What became of one photograph. Seconds from its being sent; None where that never came."""

    first_word_s: float | None
    answer_s: float | None
    #: Answers beyond the first.
    doubled: int
    apology: bool
    answered_at: float


def bot(home: Path, name: str, port: int, **environment: str) -> BackgroundProcess:
    """A bot that talks to the stand-in at `port`."""
    return start_bot(home / f"{name}.log", {**with_stand_in(port), **PATIENT, **environment})


async def gather(simulator: SimulatorClient, people: int) -> list[User]:
    """People who have agreed."""

    async def one() -> User:
        person = await simulator.person()
        sent = await _first_words(person)
        greeting = await person.wait_for(lambda found: int(found["message_id"]) > sent, 300)
        await person.press(greeting["message_id"], "consent")
        await person.wait_for(lambda found: "Thank you" in str(found.get("text")), 300)
        return person

    return await _some_at_once([one for _ in range(people)])


async def until_answered(client: Any, answers: int, limit_s: float) -> None:
    """Wait until the bots have counted that many answers, or `limit_s` are over."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        await asyncio.sleep(_LOOK_EVERY_S)
        try:
            found = sum(
                int(count) for day in _days() for count in client.hgetall(redis_keys.daily_answers(day)).values()
            )
        except RedisError:  # killed, or reading its file again
            continue
        if found >= answers:
            return


async def collect_outcomes(people: Sequence[User]) -> list[PhotoOutcome]:
    """What became of every photograph of these people."""
    found: list[PhotoOutcome] = []
    for person in people:
        messages = await person.messages()
        sent = [message for message in messages if not message["from"]["is_bot"] and "photo" in message]
        found.extend(_fate(message, messages) for message in sent)
    return found


def report(figures: dict[str, Any]) -> None:
    """Print the figures as JSON."""
    print(json.dumps({name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}))


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie; 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _fate(sent: Message, messages: Sequence[Message]) -> PhotoOutcome:
    at = sent["sim"]["sent_at"]
    replies = [one for one in messages if one.get("reply_to_message", {}).get("message_id") == sent["message_id"]]
    answers = [one for one in replies if one.get("reply_markup")]
    ends = [one["sim"]["edited_at"] or one["sim"]["sent_at"] for one in answers]
    failure = translate("en", "failure")[:20]
    return PhotoOutcome(
        first_word_s=min((one["sim"]["sent_at"] for one in replies), default=at) - at if replies else None,
        answer_s=min(ends) - at if ends else None,
        doubled=max(0, len(answers) - 1),
        apology=bool(answers) and str(answers[0].get("text", "")).startswith(failure),
        answered_at=min(ends, default=0.0),
    )


def _days() -> set[str]:
    """Today, and yesterday for a run around midnight (UTC)."""
    now = datetime.now(UTC)
    return {moment.date().isoformat() for moment in (now, now - timedelta(hours=1))}


async def _first_words(person: User) -> int:
    while True:
        try:
            return await person.text("/start")
        except SimulatorError:  # the bot has not called yet
            await asyncio.sleep(0.1)


async def _some_at_once(deeds: Sequence[Callable[[], Any]]) -> list[Any]:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(deed: Callable[[], Any]) -> Any:
        async with slots:
            return await deed()

    return list(await asyncio.gather(*(one(deed) for deed in deeds)))
