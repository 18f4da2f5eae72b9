"""What the doctor asks a Redis. All of it stands in INFO, which managed ones answer where they refuse CONFIG."""

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

#: Scripts name their flags from this release on.
_MIN_VERSION: Final = (7, 0)
_MAX_CLOCK_SKEW_S: Final = 2.0
_MAX_MEMORY_SHARE: Final = 0.8


def check_ledger(config: Settings) -> Iterator[CheckResult]:
    """The Redis that must not forget anything."""
    where = f"ledger at {display_address(config.ledger_url)}"
    try:
        with open_redis(config.ledger_url) as client:
            info = _read_info(client)
            yield from _check_server(where, info)
            yield from _check_persistence(where, info)
            yield from _check_memory(where, info)
            yield from _check_clock(where, client)
    except (OpsError, RedisError) as error:
        yield _connection_problem(where, "REDIS_URL", error)


def check_image_store(config: Settings) -> Iterator[CheckResult]:
    """The Redis of the pictures, where that is another one."""
    if config.store_url == config.ledger_url:
        yield warning(
            f"pictures at {display_address(config.store_url)}",
            "pictures lie in the ledger's Redis and are written to its file",
            "Fine on one machine; otherwise start a second Redis without persistence: MELANOMA_IMAGE_STORE_URL.",
        )
        return
    where = f"pictures at {display_address(config.store_url)}"
    try:
        with open_redis(config.store_url) as client:
            info = _read_info(client)
            yield from _check_server(where, info)
            cap = int(info["maxmemory"])
            if cap and cap < config.image_store_max_bytes * 1.2:
                yield problem(
                    where,
                    f"its cap of {cap >> 20} MiB leaves no room for the budget of {config.image_store_max_bytes >> 20} MiB",
                    "Lower MELANOMA_IMAGE_STORE_MAX_BYTES to 80 % of the cap, or raise maxmemory.",
                )
    except (OpsError, RedisError) as error:
        yield _connection_problem(where, "MELANOMA_IMAGE_STORE_URL", error)


def _read_info(client: "Redis") -> Mapping[str, Any]:
    found: Any = client.info()
    return dict(found)


def _check_server(where: str, info: Mapping[str, Any]) -> Iterator[CheckResult]:
    text = str(info.get("valkey_version") or info["redis_version"])
    version = tuple(int(part) for part in str(info["redis_version"]).split(".")[:2])
    if version < _MIN_VERSION:
        yield problem(where, f"version {text} is too old", "Use Redis 7 or Valkey 7.2, or newer.")
    else:
        yield ok(where, f"answers, version {text}")
    if info["maxmemory_policy"] != "noeviction":
        yield problem(
            where,
            f"when full it deletes what it likes (maxmemory-policy {info['maxmemory_policy']})",
            "Set maxmemory-policy noeviction.",
        )


def _check_persistence(where: str, info: Mapping[str, Any]) -> Iterator[CheckResult]:
    if info["aof_enabled"]:
        yield ok(where, "keeps an append-only file")
    else:
        yield problem(where, "a restart forgets every photograph (appendonly no)", "Set appendonly yes.")
    if info.get("aof_last_write_status", "ok") != "ok":
        yield problem(where, "cannot write its append-only file", "Make room on its disk; its log says more.")


def _check_memory(where: str, info: Mapping[str, Any]) -> Iterator[CheckResult]:
    cap, used = int(info["maxmemory"]), int(info["used_memory"])
    if not cap:
        yield warning(
            where, "has no memory cap (maxmemory 0)", "Set one, so that the machine never runs out before it."
        )
    elif used > cap * _MAX_MEMORY_SHARE:
        yield problem(
            where,
            f"{used / cap:.0%} of its memory is used; when it is full nobody can send photographs",
            "Raise maxmemory, start workers, or drop dead letters.",
        )
    else:
        yield ok(where, f"uses {used / cap:.0%} of {cap >> 20} MiB")


def _check_clock(where: str, client: "Redis") -> Iterator[CheckResult]:
    before = time.time()
    reply: Any = client.time()
    seconds, micros = reply
    skew = seconds + micros / 1e6 - (before + time.time()) / 2
    if abs(skew) > _MAX_CLOCK_SKEW_S:
        yield warning(
            where,
            f"its clock is {format_duration(abs(skew))} {'ahead of' if skew > 0 else 'behind'} this machine's",
            "The service goes by Redis' clock alone; but logs will not match. Set both by NTP.",
        )
    else:
        yield ok(where, "its clock and this machine's agree")


def _connection_problem(where: str, variable: str, error: Exception) -> CheckResult:
    if isinstance(error, AuthenticationError | AuthorizationError | NoPermissionError):
        return problem(where, f"refuses the user or password ({error})", f"Check {variable}.")
    return problem(where, f"does not answer ({error})", f"Is it running, and is {variable} its address?")
