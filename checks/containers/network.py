"""Updates by webhook through the proxy, and monitoring."""

import json
from typing import Any, Final
from urllib.request import urlopen

from checks.containers.stack import ContainerStack, expect, wait_until
from checks.containers.users import converse

_BOTS: Final = 3


def receive_updates_by_webhook(stack: ContainerStack) -> str:
    """Three bots behind the proxy, which terminates TLS with a certificate authority of its own."""
    stack.settings = {
        "MELANOMA_WEBHOOK_URL": "https://proxy:8443/telegram",
        "PROXY_SITE": "https://proxy:8443",
        "PROXY_TLS": "tls internal",
    }
    stack.compose("--profile", "webhook", "up", "--detach", "--no-build", "--scale", f"bot={_BOTS}", "bot", "proxy")
    stack.wait_until_healthy("proxy", "bot")
    expect(len(stack.containers("bot")) == _BOTS, "not all bots run")
    answer = converse(stack, "Vera")
    logs = stack.compose("logs", "--no-color", "proxy")
    expect("X-Telegram-Bot-Api-Secret-Token" not in logs, "the proxy's log contains the webhook's secret")
    return answer.splitlines()[0]


def watch_with_prometheus(stack: ContainerStack) -> str:
    """All targets are up, and an alert fires when no worker runs."""
    stack.compose("--profile", "monitoring", "up", "--detach", "--no-build", "exporter", "prometheus")
    stack.wait_until_healthy("exporter", "prometheus")

    def targets() -> list[dict[str, Any]]:
        active: list[dict[str, Any]] = _query(stack, "targets")["activeTargets"]
        return active

    def all_up() -> bool:
        found = targets()
        jobs = {target["labels"]["job"] for target in found}
        return jobs == {"worker", "bot", "ledger"} and all(target["health"] == "up" for target in found)

    wait_until(all_up, "all targets of Prometheus", 120, every_s=2)
    rules = [rule["name"] for group in _query(stack, "rules")["groups"] for rule in group["rules"]]
    expect("NoWorker" in rules, "the alerts are not loaded")
    count = len(targets())
    stack.compose("stop", "worker")
    wait_until(lambda: "NoWorker" in _firing(stack), "the alert NoWorker", 240, every_s=5)
    stack.compose("start", "worker")
    wait_until(lambda: "NoWorker" not in _firing(stack), "the end of the alert NoWorker", 240, every_s=5)
    return f"{count} targets, {len(rules)} rules, NoWorker fired and ended"


def _firing(stack: ContainerStack) -> set[str]:
    return {alert["labels"]["alertname"] for alert in _query(stack, "alerts")["alerts"] if alert["state"] == "firing"}


def _query(stack: ContainerStack, path: str) -> dict[str, Any]:
    with urlopen(f"{stack.prometheus_url}/api/v1/{path}", timeout=10) as response:  # noqa: S310 - our own address
        data: dict[str, Any] = json.load(response)["data"]
    return data
