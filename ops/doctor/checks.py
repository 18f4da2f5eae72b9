"""Checks settings, Redis, artefact, workers and Telegram, and says what to fix."""

import json
import shutil
import urllib.request
from collections.abc import Iterator
from typing import Final
from urllib.error import HTTPError, URLError

from ops.client import OpsError, open_admin_client
from ops.doctor.check_result import CheckResult, ok, problem, warning
from ops.doctor.redis_checks import check_bot_lease, check_image_store, check_ledger
from ops.durations import format_duration
from ops.status import Status, describe_runtime, describe_throttling, read_status, served_model
from shared.config.settings import Settings, SettingsError, find_unknown_variables
from shared.contract.names import CONTRACT_VERSION, WORKER_ROLE
from shared.model.artefact import ArtefactError, read_artefact
from shared.service.connections import LedgerVersionError

_TELEGRAM_TIMEOUT_S: Final = 10.0
_UNAUTHORIZED_STATUSES: Final = (401, 404)


def run_checks(config: Settings) -> Iterator[CheckResult]:
    """Run all checks, one after the other."""
    yield from _check_settings(config)
    is_usable = yield from check_ledger(config)
    is_usable = (yield from check_image_store(config)) and is_usable
    yield from _check_artefact(config)
    if is_usable:
        yield from _check_service(config)
        yield from check_bot_lease(config)
    yield from _check_telegram(config)


def _check_settings(config: Settings) -> Iterator[CheckResult]:
    for name, similar in find_unknown_variables().items():
        yield warning(
            "settings",
            f"no setting is named {name}, so it is ignored",
            f"Did you mean {similar}?" if similar else "Remove it; .env.example lists all settings.",
        )
    deadline_s = max(config.interactive_deadline_s, config.bulk_deadline_s)
    if config.image_ttl_s <= deadline_s:
        ttl, deadline = format_duration(config.image_ttl_s), format_duration(deadline_s)
        yield problem(
            "settings",
            f"images expire after {ttl}, before a deadline of {deadline}",
            "Raise MELANOMA_IMAGE_TTL_S above both deadlines.",
        )
    else:
        yield ok("settings", "all values are valid")


def _check_artefact(config: Settings) -> Iterator[CheckResult]:
    try:
        manifest = read_artefact(config.artefact)
    except ArtefactError as error:
        yield problem("artefact", str(error), "Workers on this machine would not start with it: MELANOMA_ARTEFACT.")
    else:
        yield ok("artefact", f"{manifest.title} in {config.artefact} is complete")


def _check_service(config: Settings) -> Iterator[CheckResult]:
    try:
        with open_admin_client(config) as client:
            # What a bot does at its start: it also shows missing rights, which INFO does not.
            client.check()
            status = read_status(client)
    except LedgerVersionError as error:
        yield problem("ledger", str(error), "Bring this command and the service to the same release.")
        return
    except (OpsError, SettingsError) as error:
        yield problem("service", str(error), "Processes wait for it or do not start.")
        return
    yield from _check_workers(status)
    for queue, state in status.overview.queues.items():
        if state.paused_s is not None:
            yield warning(
                f"queue {queue}",
                f"paused for {format_duration(state.paused_s)}, {state.ready} jobs wait",
                f"melanoma-ops resume {queue}",
            )
    dead = status.overview.dead_letters
    if dead:
        yield warning("dead letters", f"{dead} photographs have no decision or no answer", "melanoma-ops dead list")


def _check_workers(status: Status) -> Iterator[CheckResult]:
    workers = [process for process in status.overview.processes if process.role == WORKER_ROLE]
    if not workers:
        yield problem(
            "workers",
            "none is alive, so no photograph is answered",
            "Start melanoma-worker; its log says why it ended.",
        )
        return
    models = {worker.incarnation: served_model(worker) for worker in workers}
    devices = sorted({model["device"] for model in models.values() if model})
    artefacts = sorted({model["artefact"] for model in models.values() if model})
    runtimes = sorted({describe_runtime(model) for model in models.values() if model})
    yield ok("workers", f"{len(models)} serving {', '.join(artefacts) or '?'} with {', '.join(runtimes) or '?'}")
    if devices and all(device.startswith("CPU") for device in devices) and shutil.which("nvidia-smi"):
        yield warning(
            "device",
            "this machine has an NVIDIA driver, but workers run on the CPU",
            "Install the extra `gpu` (jax[cuda13]), or use the compose profile gpu.",
        )
    for incarnation, model in models.items():
        if model and model.get("contract") != CONTRACT_VERSION:
            yield problem(
                incarnation,
                f"is of another release (contract {model.get('contract')}, here {CONTRACT_VERSION}) and refuses jobs",
                "Bring both to the same release, then melanoma-ops dead replay --all.",
            )
        if model.get("oom_kills"):
            yield warning(
                incarnation,
                f"the kernel has killed {model['oom_kills']} of the processes in its container for lack of memory",
                "Raise the container's memory limit, or lower MELANOMA_DECODE_MAX_MEMORY.",
            )
        if throttling := describe_throttling(model):
            yield warning(
                incarnation,
                throttling,
                "Raise the CPU limit of its container (cpus, resources.limits.cpu), or start more workers elsewhere.",
            )
        if model.get("refused"):
            yield problem(
                incarnation,
                f"refuses {model['refusing']}: {model['refused']}",
                "Put the artefact where the worker finds it, or melanoma-ops switch --back.",
            )


def _check_telegram(config: Settings) -> Iterator[CheckResult]:
    if config.bot_token is None:
        yield warning("telegram", "no bot token", "Only the bot needs it: BOT_TOKEN, from @BotFather.")
        return
    subject = f"telegram at {config.telegram_api_url}"
    url = f"{config.telegram_api_url}/bot{config.bot_token.get_secret_value()}/getMe"
    # The text of these errors is never shown unchanged: it may contain the URL, and so the token.
    try:
        with urllib.request.urlopen(url, timeout=_TELEGRAM_TIMEOUT_S) as response:  # noqa: S310 - an operator's setting
            username = json.load(response)["result"]["username"]
    except HTTPError as error:
        if error.code in _UNAUTHORIZED_STATUSES:
            yield problem(subject, "does not know the bot's token", "Copy it from @BotFather again: BOT_TOKEN.")
        else:
            yield warning(subject, f"answers HTTP {error.code}", "Try again later; the bot retries by itself.")
    except (URLError, OSError) as error:
        reason = error.reason if isinstance(error, URLError) else type(error).__name__
        yield problem(subject, f"cannot be reached ({reason})", "Check network, proxy and MELANOMA_TELEGRAM_API_URL.")
    except (ValueError, KeyError, TypeError):
        yield problem(subject, "does not answer as Telegram does", "Check MELANOMA_TELEGRAM_API_URL.")
    else:
        yield ok(subject, f"knows the bot as @{username}")
