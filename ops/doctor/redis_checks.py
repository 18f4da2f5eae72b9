"""Checks a Redis by INFO and TIME, which managed services answer although they refuse CONFIG."""

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, Final

from redis import Redis
from redis.exceptions import NoPermissionError, RedisError

from ops.doctor.check_result import CheckResult, ok, problem, warning
from ops.durations import format_duration
from shared.config.settings import Settings
from shared.contract.names import BOT_ID_KEY
from shared.redis_client.client import create_client, display_address
from shared.redis_client.errors import ErrorKind, classify_error, describe_error, describe_refusal

#: The first release in which scripts declare flags.
_MIN_VERSION: Final = (7, 0)
_MAX_CLOCK_SKEW_S: Final = 2.0
_MAX_MEMORY_SHARE: Final = 0.8

#: Connections that a busy worker holds. Bots, folder runs and commands hold fewer.
_CLIENTS_OF_A_WORKER: Final = 12

InfoCheck = Callable[[str, Mapping[str, Any]], Iterator[CheckResult]]


def check_ledger(config: Settings) -> Generator[CheckResult, None, bool]:
    """Check the Redis of the ledger, which must not lose anything. Returns whether it can be used."""
    return (yield from _check_redis("ledger", config.ledger_url, "REDIS_URL", _check_ledger_info))


def check_image_store(config: Settings) -> Generator[CheckResult, None, bool]:
    """Check the Redis of the image store, if it is not that of the ledger. Returns whether it can be used."""
    if config.store_url == config.ledger_url:
        yield warning(
            "images",
            "images are in the ledger's Redis and are written to its append-only file",
            "Fine on one machine; otherwise start a second Redis without persistence: MELANOMA_IMAGE_STORE_URL.",
        )
        return True

    def check_info(subject: str, info: Mapping[str, Any]) -> Iterator[CheckResult]:
        memory_limit = int(info["maxmemory"])
        if memory_limit and memory_limit < config.image_store_max_bytes * 1.2:
            yield problem(
                subject,
                f"its memory limit of {memory_limit >> 20} MiB is too small for"
                f" {config.image_store_max_bytes >> 20} MiB of images",
                "Lower MELANOMA_IMAGE_STORE_MAX_BYTES to 80 % of the memory limit, or raise maxmemory.",
            )

    return (yield from _check_redis("images", config.store_url, config.store_setting, check_info))


def check_bot_lease(config: Settings) -> Iterator[CheckResult]:
    """Check that the bot that uses the ledger's Redis is that of `BOT_TOKEN`. The Redis must be usable."""
    # A token is the id of its bot, a colon and a secret. Of anything else nothing may be shown.
    bot_id, colon, _ = config.bot_token.get_secret_value().partition(":") if config.bot_token else ("", "", "")
    if not (bot_id.isdecimal() and colon):
        return
    with create_client(config.ledger_url) as client:
        try:
            holder: Any = client.get(BOT_ID_KEY)
        except RedisError as error:
            yield warning("bot", f"its lease cannot be read ({describe_error(error)})", f"Allow GET of {BOT_ID_KEY}.")
            return
    if holder is None:
        yield warning("bot", "none uses this Redis, so nobody answers in Telegram", "Start melanoma-bot.")
    elif holder.decode() != bot_id:
        yield problem(
            "bot",
            f"the bot {holder.decode()} uses this Redis, but BOT_TOKEN belongs to the bot {bot_id}",
            f"Put the token of {holder.decode()} here, or give the bot {bot_id} a Redis (REDIS_URL) and workers of its"
            " own; to replace one bot by the other, stop the first.",
        )
    else:
        yield ok("bot", f"the bot {bot_id} of BOT_TOKEN uses this Redis")


def _check_redis(role: str, url: str, setting: str, check_info: InfoCheck) -> Generator[CheckResult, None, bool]:
    try:
        subject = f"{role} at {display_address(url)}"
        client = create_client(url)
    except ValueError as error:
        yield problem(role, f"{setting} is not the address of a Redis: {error}", f"Correct {setting}.")
        return False
    with client:
        try:
            client.ping()
            info = _read_info(client)
        except RedisError as error:
            yield _connection_problem(subject, setting, error)
            return False
        if info is None:
            yield warning(
                subject,
                "answers, but its user may not use INFO, so version, memory, clients and persistence are not checked",
                f"Allow the user of {setting} the command INFO, or check them yourself: docs/operations.md.",
            )
        else:
            yield from _check_server(subject, info)
            yield from _check_clients(subject, info)
            yield from check_info(subject, info)
        yield from _check_clock(subject, client)
    return True


def _read_info(client: Redis) -> Mapping[str, Any] | None:
    """Return the reply of INFO; None if the user may not use it."""
    try:
        info: Any = client.info()
    except NoPermissionError:
        return None
    return dict(info)


def _check_ledger_info(subject: str, info: Mapping[str, Any]) -> Iterator[CheckResult]:
    yield from _check_persistence(subject, info)
    yield from _check_memory(subject, info)


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

    if info.get("role") == "slave":
        yield problem(subject, "is a replica, which takes no writes", "Name the master, or Sentinels.")
    if info.get("cluster_enabled"):
        yield problem(
            subject, "belongs to a Redis Cluster, which is not supported", "Use a single Redis or Valkey, or Sentinels."
        )


def _check_clients(subject: str, info: Mapping[str, Any]) -> Iterator[CheckResult]:
    limit, connected = int(info.get("maxclients", 0)), int(info["connected_clients"])
    if limit and connected + _CLIENTS_OF_A_WORKER > limit:
        yield problem(
            subject,
            f"{connected} of {limit} clients are connected, and a worker needs up to {_CLIENTS_OF_A_WORKER}",
            "Raise its maxclients.",
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
    try:
        reply: Any = client.time()
    except RedisError as error:
        yield warning(subject, f"its clock cannot be read ({describe_error(error)})", "Allow the command TIME.")
        return
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


def _connection_problem(subject: str, setting: str, error: RedisError) -> CheckResult:
    if refusal := describe_refusal(error):
        return problem(subject, f"answers, but refuses calls for now: {refusal}", "Processes wait until it ends.")
    if classify_error(error) is ErrorKind.ACCESS_DENIED:
        return problem(subject, f"refuses the user or password ({describe_error(error)})", f"Check {setting}.")
    return problem(
        subject, f"does not answer ({describe_error(error)})", f"Is it running, and is {setting} its address?"
    )
