"""People who send photographs to the bot, evenly and for long, and when each was answered."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.harness.simulated_users import gather
from simulator.client.client import SimulatorClient

#: So many people send one photograph each in so many seconds, again and again: far below Telegram's limits.
_PEOPLE: Final = 20
_ROUND_S: Final = 20.0
PER_S: Final = _PEOPLE / _ROUND_S

_ANSWERED_WITHIN_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Answered:
    """Photographs of all people. `begun` and `latencies` in seconds, of those that were answered."""

    begun: list[float]
    latencies: list[float]
    lost: int
    doubled: int


def chat(address: str, images: list[bytes], seconds: float) -> Answered:
    """Let people write to the bot behind the stand-in at `address`."""
    return asyncio.run(_chat(address, images, seconds))


async def _chat(address: str, images: list[bytes], seconds: float) -> Answered:
    async with SimulatorClient(address) as simulator:
        people = await gather(simulator, _PEOPLE)
        uploads = [await simulator.upload(image) for image in images]
        started = time.monotonic()
        crowds: list[int] = []
        while time.monotonic() - started + _ROUND_S <= seconds:
            shift = len(crowds) % len(uploads)
            crowds.append(
                await simulator.start_load(
                    people, uploads[shift:] + uploads[:shift], photos_per_user=1, spread_s=_ROUND_S
                )
            )
            await asyncio.sleep(_ROUND_S)
        fates = await _fates(simulator, crowds)
    first = [min(fate.answers) for fate in fates if fate.answers]
    sent = [fate.sent_at for fate in fates if fate.answers]
    return Answered(
        begun=[at - started for at in sent],
        latencies=[answered - at for answered, at in zip(first, sent, strict=True)],
        lost=sum(not fate.answers for fate in fates),
        doubled=sum(max(0, len(fate.answers) - 1) for fate in fates),
    )


@dataclass(frozen=True, slots=True)
class _Fate:
    """When a photograph was sent, and when each of its answers had become one."""

    sent_at: float
    answers: list[float]


async def _fates(simulator: SimulatorClient, crowds: list[int]) -> list[_Fate]:
    """What became of every photograph, once all are answered or nobody may hope any more."""
    deadline = time.monotonic() + _ANSWERED_WITHIN_S
    while True:
        fates = [_fate(found) for crowd in crowds for found in await simulator.get_load_results(crowd)]
        if all(fate.answers for fate in fates) or time.monotonic() > deadline:
            return fates
        await asyncio.sleep(1)


def _fate(found: dict[str, Any]) -> _Fate:
    # Only an answer has buttons; the word about the wait becomes one when it is edited.
    answers = [reply["last_edited_at"] or reply["at"] for reply in found["replies"] if reply["buttons"]]
    return _Fate(found["sent_at"], answers)
