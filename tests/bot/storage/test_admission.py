"""Admission control: consent, and the allowance of each user, which all replicas share."""

import asyncio
import time
from typing import Any

from bot.dependencies import BotDependencies
from bot.storage import redis_keys
from bot.storage.admission import Admission
from bot.storage.photo_origin import PhotoOrigin
from shared.ledger import admin
from tests.bot.redis_fixture import run_scenario


def make_origin(user_id: int = 7, message_id: int = 1) -> PhotoOrigin:
    return PhotoOrigin(chat_id=user_id, message_id=message_id, user_id=user_id, file_id="F")


async def admit(dependencies: BotDependencies, *origins: PhotoOrigin) -> list[Admission]:
    results = []
    for origin in origins:
        id_ = f"job-{origin.user_id}-{origin.message_id}"
        results.append(
            (await dependencies.admission.admit(id_, origin, "en", user_hash=f"hash-{origin.user_id}")).admission
        )
    return results


def test_admission_rejects_beyond_a_full_burst_and_the_allowance_refills(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        await dependencies.users.record_consent(7)
        origins = [make_origin(message_id=number) for number in range(5)]
        assert await admit(dependencies, *origins) == [
            *[Admission.ADMITTED] * 3,
            Admission.TOO_FAST,
            Admission.TOO_FAST,
        ]
        # A repeated update costs nothing, and another user has an allowance of their own.
        assert await admit(dependencies, origins[0]) == [Admission.ADMITTED]
        await dependencies.users.record_consent(8)
        assert await admit(dependencies, make_origin(user_id=8)) == [Admission.ADMITTED]
        await asyncio.sleep(0.6)
        assert await admit(dependencies, origins[4], make_origin(message_id=9)) == [
            Admission.ADMITTED,
            Admission.TOO_FAST,
        ]

    run_scenario(redis_url, scenario, user_burst=3, user_per_minute=120)


def test_photos_before_consent_use_the_allowance_and_are_admitted_after_it_at_no_further_cost(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        origins = [make_origin(message_id=number) for number in range(4)]
        assert await admit(dependencies, *origins) == [*[Admission.NO_CONSENT] * 3, Admission.TOO_FAST]
        # A repeated update costs nothing.
        assert await admit(dependencies, origins[0]) == [Admission.NO_CONSENT]
        assert len(await dependencies.admission.get_pending_photos(7)) == 3
        await dependencies.users.record_consent(7)
        assert await admit(dependencies, *origins) == [*[Admission.ADMITTED] * 3, Admission.TOO_FAST]

    run_scenario(redis_url, scenario, user_burst=3, user_per_minute=0.01)


def test_burst_of_rejected_photos_is_begun_by_its_first_one_alone(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        async def begin(message_id: int) -> int:
            origin = make_origin(message_id=message_id)
            result = await dependencies.admission.admit(f"job-{message_id}", origin, "en", user_hash="hash")
            assert result.admission is Admission.TOO_FAST
            return result.burst_began

        await dependencies.users.record_consent(7)
        await dependencies.admission.admit("job", make_origin(), "en", user_hash="hash")
        began = await begin(10)
        assert began > 0
        assert [await begin(11), await begin(12)] == [0, 0]
        # The reply to the first call may have been lost.
        assert await begin(10) == began
        burst = await dependencies.unanswered.get_burst(7, 7, Admission.TOO_FAST)
        assert burst.message_ids == (10, 11, 12)
        await dependencies.unanswered.remove(7, Admission.TOO_FAST, [(7, number) for number in (10, 11, 12)])
        assert await begin(13) > began

    run_scenario(redis_url, scenario, user_burst=1, user_per_minute=0.01)


def test_requests_that_change_data_have_an_allowance_of_their_own(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        admission = dependencies.admission
        results = [await admission.admit_request("hash") for _ in range(22)]
        assert [result.admitted for result in results] == [*[True] * 20, False, False]
        assert [result.is_first_rejection for result in results] == [*[False] * 20, True, False]
        assert 0 < results[-1].wait_s <= 3
        assert (await admission.admit_request("hash", changes_data=True)).admitted
        assert (await admission.admit_request("other")).admitted

    run_scenario(redis_url, scenario)


def test_admission_forgets_ids_of_jobs_that_the_ledger_has_forgotten(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        client: Any = dependencies.client
        await dependencies.users.record_consent(7)
        day_s = 24 * 3600
        old, recent = time.time() - 101 * day_s, time.time() - 99 * day_s
        await client.zadd(redis_keys.jobs(7), {"old": old, "recent": recent})
        await admit(dependencies, PhotoOrigin(chat_id=7, message_id=1, user_id=7, file_id="F"))
        ids = await dependencies.users.get_job_ids(7)
        assert "old" not in ids
        assert "recent" in ids
        assert len(ids) == 2

    run_scenario(redis_url, scenario, answer_retention_s=99.5 * 24 * 3600)


def test_admission_has_a_daily_limit(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        await dependencies.users.record_consent(7)
        admissions = await admit(dependencies, *(make_origin(message_id=number) for number in range(4)))
        assert admissions == [
            Admission.ADMITTED,
            Admission.ADMITTED,
            Admission.DAILY_LIMIT,
            Admission.DAILY_LIMIT,
        ]

    run_scenario(redis_url, scenario, user_per_day=2)


def test_admission_follows_the_overrides_of_an_operator(redis_url: str) -> None:
    async def override(dependencies: BotDependencies, *values: tuple[str, str]) -> None:
        dependencies.overrides.apply(await dependencies.ledger.run(admin.sync_overrides(*values)))

    async def scenario(dependencies: BotDependencies) -> None:
        await dependencies.users.record_consent(7)
        await override(dependencies, ("user_per_day", "1"))
        admissions = await admit(dependencies, make_origin(message_id=1), make_origin(message_id=2))
        assert admissions == [Admission.ADMITTED, Admission.DAILY_LIMIT]
        # An unknown setting or an impossible value of another release is ignored.
        await override(dependencies, ("user_per_day", "many"), ("moon", "full"))
        assert dependencies.overrides.current.user_per_day == 3
        await override(dependencies, ("user_per_day", ""))
        assert await admit(dependencies, make_origin(message_id=3)) == [Admission.ADMITTED]

    run_scenario(redis_url, scenario, user_per_day=3)


def test_admission_keeps_only_the_file_id_of_a_photo_before_consent_for_a_day(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        client: Any = dependencies.client
        assert await admit(dependencies, make_origin()) == [Admission.NO_CONSENT]
        assert 86_000 < await client.ttl(redis_keys.pending_photos(7)) <= 86_400
        assert await client.keys("*job*") == []
        assert await dependencies.admission.get_pending_photos(7) == {"job-7-1": make_origin()}
        await dependencies.admission.remove_pending_photos(7, {"job-7-1": make_origin()})
        assert await dependencies.admission.get_pending_photos(7) == {}

    run_scenario(redis_url, scenario)
