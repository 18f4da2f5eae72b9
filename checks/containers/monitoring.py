"""Prometheus finds all processes, and one alert fires and ends."""

import json
import re
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

from checks.containers.stack import ContainerStack, expect, wait_until

#: It fires after a minute without a worker.
_ALERT: Final = "NoWorker"


def discover_targets(stack: ContainerStack) -> str:
    """All targets are up, and the rules are loaded."""
    # Prometheus looks more often than it is shipped, which only saves time here.
    config = stack.checkout / "deploy/prometheus/prometheus.yml"
    config.write_text(re.sub(r"(_interval): 1\ds", r"\1: 3s", config.read_text(encoding="utf-8")), encoding="utf-8")
    stack.compose("--profile", "monitoring", "up", "--detach", "--no-build", "exporter", "prometheus")
    stack.wait_until_healthy("exporter", "prometheus")

    def all_up() -> bool:
        targets = _query(stack, "targets")["activeTargets"]
        jobs = {target["labels"]["job"] for target in targets}
        return jobs == {"worker", "bot", "ledger"} and all(target["health"] == "up" for target in targets)

    wait_until(all_up, "all targets of Prometheus", 120, every_s=2)
    rules = [rule["name"] for group in _query(stack, "rules")["groups"] for rule in group["rules"]]
    expect(_ALERT in rules, "the alerts are not loaded")
    return f"{len(_query(stack, 'targets')['activeTargets'])} targets, {len(rules)} rules"


def stop_the_workers(stack: ContainerStack) -> str:
    """Stop all workers, so that an alert fires."""
    stack.compose("stop", "worker")
    return "none runs"


def see_an_alert_fire_and_end(stack: ContainerStack) -> str:
    """The alert fires, and ends when a worker runs again."""
    wait_until(lambda: _ALERT in _firing(stack), f"the alert {_ALERT}", 240, every_s=2)
    stack.compose("start", "worker")
    wait_until(lambda: _ALERT not in _firing(stack), f"the end of the alert {_ALERT}", 240, every_s=2)
    return _ALERT


def _firing(stack: ContainerStack) -> set[str]:
    return {alert["labels"]["alertname"] for alert in _query(stack, "alerts")["alerts"] if alert["state"] == "firing"}


def _query(stack: ContainerStack, path: str) -> dict[str, Any]:
    try:
        with urlopen(f"{stack.prometheus_url}/api/v1/{path}", timeout=10) as response:  # noqa: S310 - our own address
            data: dict[str, Any] = json.load(response)["data"]
    except URLError as error:
        raise TimeoutError(f"Prometheus does not answer: {error.reason}") from error
    return data
