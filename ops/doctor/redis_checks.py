"""Checks a Redis by INFO and TIME, which managed services answer although they refuse CONFIG."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from redis import Redis
from redis.exceptions import AuthenticationError, AuthorizationError, NoPermissionError, RedisError

from ops.client import open_redis
from ops.doctor.check_result import CheckResult, ok, problem, warning
from ops.durations import format_duration
from ops.errors import OpsError
from shared.config.settings import Settings
from shared.redis_client.client import display_address

#: The first release in which scripts declare flags.
_MIN_VERSION: Final = (7, 0)
_MAX_CLOCK_SKEW_S: Final = 2.0
_MAX_MEMORY_SHARE: Final = 0.8


def check_ledger(config: Settings) -> Iterator[CheckResult]:
    """Check the Redis of the ledger, which must not lose anything."""
    subject = f"ledger at {display_address(config.ledger_url)}"
    try:
        with open_redis(config.ledger_url) as client:
            info = _read_info(client)
            yield from _check_server(subject, info)
            yield from _check_persistence(subject, info)
            yield from _check_memory(subject, info)
            yield from _check_clock(subject, client)
    except (OpsError, RedisError) as error:
        yield _connection_problem(subject, "REDIS_URL", error)


def check_image_store(config: Settings) -> Iterator[CheckResult]:
    """Check the Redis of the image store, if it is not that of the ledger."""
    subject = f"images at {display_address(config.store_url)}"
    if config.store_url == config.ledger_url:
        yield warning(
            subject,
            "images are in the ledger's Redis and are written to its append-only file",
            "Fine on one machine; otherwise start a second Redis without persistence: MELANOMA_IMAGE_STORE_URL.",
        )
        return
    try:
        with open_redis(config.store_url) as client:
            info = _read_info(client)
            yield from _check_server(subject, info)
            memory_limit = int(info["maxmemory"])
            if memory_limit and memory_limit < config.image_store_max_bytes * 1.2:
                yield problem(
                    subject,
                    f"its memory limit of {memory_limit >> 20} MiB is too small for"
                    f" {config.image_store_max_bytes >> 20} MiB of images",
                    "Lower MELANOMA_IMAGE_STORE_MAX_BYTES to 80 % of the memory limit, or raise maxmemory.",
                )
    except (OpsError, RedisError) as error:
        yield _connection_problem(subject, "MELANOMA_IMAGE_STORE_URL", error)


def _read_info(client: Redis) -> Mapping[str, Any]:
    info: Any = client.info()
    return dict(info)


def _check_server(subject: str, info: Mapping[str, Any]) -> Iterator[CheckResult]:
    displayed = str(info.get("valkey_version") or info["redis_version"])
    version = tuple(int(part) for part in str(info["redis_version"]).split(".")[:2])
    if version < _MIN_VERSION:
        yield problem(subject, f"version {displayed} is too old", "Use Redis 7 or Valkey 7.2, or newer.")
    else:
        yield ok(subject, f"answers, version {displayed}")
    if info["maxmemory_policy"] != "noeviction":
        yield problem(
            subject,
            f"it deletes keys when its memory is full (maxmemory-policy {info['maxmemory_policy']})",
            "Set maxmemory-policy noeviction.",
        )


def _check_persistence(subject: str, info: Mapping[str, Any]) -> Iterator[CheckResult]:
    if info["aof_enabled"]:
        yield ok(subject, "keeps an append-only file")
    else:
        yield problem(subject, "a restart loses every photograph (appendonly no)", "Set appendonly yes.")
    if info.get("aof_last_write_status", "ok") != "ok":
        yield problem(subject, "cannot write its append-only file", "Free space on its disk; its log says more.")


def _check_memory(subject: str, info: Mapping[str, Any]) -> Iterator[CheckResult]:
    limit, used = int(info["maxmemory"]), int(info["used_memory"])
    if not limit:
        yield warning(
            subject,
            "has no memory limit (maxmemory 0)",
            "Set one, so that Redis refuses writes before the machine runs out of memory.",
        )
    elif used > limit * _MAX_MEMORY_SHARE:
        yield problem(
            subject,
            f"{used / limit:.0%} of its memory is used; when it is full, no photographs are accepted",
            "Raise maxmemory, start workers, or drop dead letters.",
        )
    else:
        yield ok(subject, f"uses {used / limit:.0%} of {limit >> 20} MiB")


def _check_clock(subject: str, client: Redis) -> Iterator[CheckResult]:
    before = time.time()
    reply: Any = client.time()
    seconds, microseconds = reply
    skew_s = seconds + microseconds / 1e6 - (before + time.time()) / 2
    if abs(skew_s) > _MAX_CLOCK_SKEW_S:
        yield warning(
            subject,
            f"its clock is {format_duration(abs(skew_s))} {'ahead of' if skew_s > 0 else 'behind'} this machine's",
            "The service uses Redis' clock alone, but times in logs will not match. Set both clocks by NTP.",
        )
    else:
        yield ok(subject, "its clock and this machine's agree")


def _connection_problem(subject: str, variable: str, error: Exception) -> CheckResult:
    if isinstance(error, AuthenticationError | AuthorizationError | NoPermissionError):
        return problem(subject, f"refuses the user or password ({error})", f"Check {variable}.")
    return problem(subject, f"does not answer ({error})", f"Is it running, and is {variable} its address?")
