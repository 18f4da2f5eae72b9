"""Simulated users who send photographs at a constant rate, and the latency of each answer."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.harness.simulated_users import create_users
from simulator.client.client import SimulatorClient

#: In each interval, each user sends one photograph. That is far below Telegram's limits.
_USERS: Final = 20
_INTERVAL_S: Final = 20.0
PHOTOS_PER_S: Final = _USERS / _INTERVAL_S

_ANSWER_TIMEOUT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class ChatResult:
    """Photographs of all users. `started_at_s` and `latencies_s` are those of answered photographs."""

    started_at_s: list[float]
    latencies_s: list[float]
    lost: int
    duplicates: int


def run_chat(address: str, images: list[bytes], seconds: float) -> ChatResult:
    """Let users write to the bot behind the simulator at `address`, for `seconds`."""
    return asyncio.run(_run_chat(address, images, seconds))


async def _run_chat(address: str, images: list[bytes], seconds: float) -> ChatResult:
    async with SimulatorClient(address) as simulator:
        users = await create_users(simulator, _USERS)
        uploads = [await simulator.upload(image) for image in images]
        started = time.monotonic()
        load_ids: list[int] = []
        while time.monotonic() - started + _INTERVAL_S <= seconds:
            shift = len(load_ids) % len(uploads)
            load_ids.append(
                await simulator.start_load(
                    users, uploads[shift:] + uploads[:shift], photos_per_user=1, spread_s=_INTERVAL_S
                )
            )
            await asyncio.sleep(_INTERVAL_S)
        outcomes = await _collect_outcomes(simulator, load_ids)
    first_answered_at = [min(outcome.answered_at) for outcome in outcomes if outcome.answered_at]
    sent_at = [outcome.sent_at for outcome in outcomes if outcome.answered_at]
    return ChatResult(
        started_at_s=[at - started for at in sent_at],
        latencies_s=[answered - at for answered, at in zip(first_answered_at, sent_at, strict=True)],
        lost=sum(not outcome.answered_at for outcome in outcomes),
        duplicates=sum(max(0, len(outcome.answered_at) - 1) for outcome in outcomes),
    )


@dataclass(frozen=True, slots=True)
class _PhotoOutcome:
    """Times at which a photograph was sent and answered."""

    sent_at: float
    answered_at: list[float]


async def _collect_outcomes(simulator: SimulatorClient, load_ids: list[int]) -> list[_PhotoOutcome]:
    """Outcomes of all photographs, once all are answered or the timeout has passed."""
    deadline = time.monotonic() + _ANSWER_TIMEOUT_S
    while True:
        outcomes = [_outcome(result) for load_id in load_ids for result in await simulator.get_load_results(load_id)]
        if all(outcome.answered_at for outcome in outcomes) or time.monotonic() > deadline:
            return outcomes
        await asyncio.sleep(1)


def _outcome(result: dict[str, Any]) -> _PhotoOutcome:
    # Only an answer has buttons. A status message becomes the answer when it is edited.
    answers = [reply["last_edited_at"] or reply["at"] for reply in result["replies"] if reply["buttons"]]
    return _PhotoOutcome(result["sent_at"], answers)
