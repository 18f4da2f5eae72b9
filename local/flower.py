"""Command line of Flower on the broker, with a login unless it listens on loopback only."""

import ipaddress
from typing import Final

from celery import Celery
from kombu import Queue as KombuQueue

from local.worker_processes import command
from shared.broker.app import kombu_url
from shared.config.settings import Settings, SettingsError
from shared.contract.names import Queue

#: The application of Flower's process, with the address of the broker from the environment. Without its queues Flower
#: would show one named `celery`, which nothing uses.
flower_app: Final = Celery("melanoma", set_as_current=False)
flower_app.conf.update(
    task_queues=[KombuQueue(str(queue)) for queue in Queue],
    task_default_queue=str(Queue.BULK),
    task_create_missing_queues=False,
)


def flower_address(settings: Settings) -> str:
    """URL of Flower."""
    return f"http://{settings.flower_address}:{settings.flower_port}"


def flower_command(settings: Settings) -> tuple[list[str], dict[str, str]]:
    """Command line of Flower, and its environment variables, among them secrets, which `ps` does not show.

    Raises:
        SettingsError: Flower would be open to the network without a login.
    """
    if settings.flower_login is None and not _is_loopback(settings.flower_address):
        raise SettingsError(
            f"Flower would listen on {settings.flower_address} without a login:"
            " set MELANOMA_FLOWER_LOGIN=user:password, or MELANOMA_FLOWER_ADDRESS=127.0.0.1."
        )
    flower = [
        *command("celery"),
        f"--app={__name__}:flower_app",
        "flower",
        f"--address={settings.flower_address}",
        f"--port={settings.flower_port}",
        "--purge_offline_workers=60",
        "--logging=warning",
    ]
    if settings.flower_db is not None:
        flower += ["--persistent=True", f"--db={settings.flower_db}"]
    # In the time zone of the workers, because Celery moves the times of events by the difference.
    secrets = {"CELERY_BROKER_URL": kombu_url(settings.ledger_url), "TZ": "UTC"}
    if settings.flower_login is not None:
        secrets["FLOWER_BASIC_AUTH"] = settings.flower_login.get_secret_value()
    return flower, secrets


def _is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
