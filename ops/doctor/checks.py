"""`melanoma-ops doctor`: looks at everything that an operator set up, and says what to mend."""

import json
import shutil
import urllib.request
from collections.abc import Iterator
from typing import Final
from urllib.error import HTTPError, URLError

from ops.client import open_admin_client
from ops.doctor.check_result import CheckResult, good, note, wrong
from ops.doctor.redis_checks import look_at_ledger, look_at_pictures
from ops.durations import format_duration
from ops.errors import OpsError
from ops.status import Status, look, serves
from ops.workers import WORKER
from shared.config.settings import Settings
from shared.contract.names import CONTRACT_VERSION
from shared.model.artefact import ArtefactError, read_artefact
from shared.service.connections import LedgerVersionError

_TELEGRAM_LIMIT_S: Final = 10.0
_UNAUTHORISED: Final = (401, 404)


def run_checks(config: Settings) -> Iterator[CheckResult]:
    """Everything, one after the other."""
    yield from _look_at_settings(config)
    yield from look_at_ledger(config)
    yield from look_at_pictures(config)
    yield from _look_at_artefact(config)
    yield from _look_at_service(config)
    yield from _look_at_telegram(config)


def _look_at_settings(config: Settings) -> Iterator[CheckResult]:
    deadline = max(config.interactive_deadline_s, config.bulk_deadline_s)
    if config.image_ttl_s <= deadline:
        yield wrong(
            "settings",
            f"pictures are forgotten after {format_duration(config.image_ttl_s)}, before a deadline of {format_duration(deadline)}",
            "Raise MELANOMA_IMAGE_TTL_S above both deadlines.",
        )
    else:
        yield good("settings", "each has a meaning")


def _look_at_artefact(config: Settings) -> Iterator[CheckResult]:
    try:
        manifest = read_artefact(config.artefact)
    except ArtefactError as error:
        yield wrong("artefact", str(error), "Workers on this machine would not start with it: MELANOMA_ARTEFACT.")
    else:
        yield good("artefact", f"{manifest.title} in {config.artefact} is complete")


def _look_at_service(config: Settings) -> Iterator[CheckResult]:
    try:
        with open_admin_client(config) as connected:
            status = look(connected)
    except OpsError:
        return  # the ledger's own findings say it
    except LedgerVersionError as error:
        yield wrong("ledger", str(error), "Bring this command and the service to the same release.")
        return
    yield from _workers(status)
    for queue, state in status.survey.queues.items():
        if state.paused_s is not None:
            yield note(
                f"queue {queue}",
                f"paused for {format_duration(state.paused_s)}, {state.ready} jobs wait",
                f"melanoma-ops resume {queue}",
            )
    if status.survey.dead_letters:
        yield note(
            "dead letters", f"{status.survey.dead_letters} photographs could not be decided", "melanoma-ops dead list"
        )


def _workers(status: Status) -> Iterator[CheckResult]:
    served = {one.incarnation: serves(one) for one in status.survey.processes if one.role == WORKER}
    if not served:
        yield wrong("workers", "none lives: nobody answers", "Start melanoma-worker; its log says why it would not.")
        return
    devices = sorted({what["device"] for what in served.values() if what})
    artefacts = sorted({what["artefact"] for what in served.values() if what})
    yield good("workers", f"{len(served)} on {', '.join(devices) or '?'}, serving {', '.join(artefacts) or '?'}")
    if devices and all(device.startswith("CPU") for device in devices) and shutil.which("nvidia-smi"):
        yield note(
            "device",
            "this machine has an NVIDIA driver, but workers run on the CPU",
            "Install the extra `gpu` (tensorflow[and-cuda]), or use the compose profile gpu.",
        )
    for incarnation, what in served.items():
        if what and what.get("contract") != CONTRACT_VERSION:
            yield wrong(
                incarnation,
                f"is of another release (contract {what.get('contract')}, here {CONTRACT_VERSION}) and refuses jobs",
                "Bring both to the same release, then melanoma-ops dead replay --all.",
            )
        if what.get("refused"):
            yield wrong(
                incarnation,
                f"refuses {what['refusing']}: {what['refused']}",
                "Put the artefact where the worker finds it, or melanoma-ops switch --back.",
            )


def _look_at_telegram(config: Settings) -> Iterator[CheckResult]:
    if config.bot_token is None:
        yield note("telegram", "no bot token", "Needed for the bot alone: BOT_TOKEN, from @BotFather.")
        return
    where = f"telegram at {config.telegram_api_url}"
    url = f"{config.telegram_api_url}/bot{config.bot_token.get_secret_value()}/getMe"
    # No message of these errors is shown as it is: it may hold the address, and so the token.
    try:
        with urllib.request.urlopen(url, timeout=_TELEGRAM_LIMIT_S) as answer:  # noqa: S310 - an operator's setting
            name = json.load(answer)["result"]["username"]
    except HTTPError as error:
        if error.code in _UNAUTHORISED:
            yield wrong(where, "does not know the bot's token", "Copy it from @BotFather again: BOT_TOKEN.")
        else:
            yield note(where, f"answers HTTP {error.code}", "Try again later; the bot does so by itself.")
    except (URLError, OSError) as error:
        reason = error.reason if isinstance(error, URLError) else type(error).__name__
        yield wrong(where, f"cannot be reached ({reason})", "Check network, proxy and MELANOMA_TELEGRAM_API_URL.")
    except (ValueError, KeyError, TypeError):
        yield wrong(where, "does not answer as Telegram does", "Check MELANOMA_TELEGRAM_API_URL.")
    else:
        yield good(where, f"knows the bot as @{name}")
