"""Dashboard and alerts: each query parses and uses metrics that the code exports."""

import re
import subprocess

import promql_parser
import pytest
import yaml
from prometheus_client import REGISTRY
from pydantic import SecretStr

from ops.exporter import LedgerCollector
from shared.config.settings import Settings
from tests.deploy.deployment import PROMETHEUS, ROOT, named_queries, rules, services
from tests.system.support.prometheus import is_installed
from worker.telemetry.metrics import METRICS
from worker.telemetry.score_distribution import SCORE_DISTRIBUTION

QUERIES = list(named_queries())


def registered_series() -> set[str]:
    """Names of the series of all registered metrics."""
    assert METRICS
    assert SCORE_DISTRIBUTION
    names = set()
    for metric in REGISTRY.collect():
        names |= {f"{metric.name}{end}" for end in _suffixes(metric.type)}
    return names


def _suffixes(kind: str) -> tuple[str, ...]:
    return {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}.get(kind, ("",))


def series_in_source(package: str) -> set[str]:
    """Names of the series of metrics in a package's source, without importing it."""
    constructor = re.compile(r"(Counter|Gauge|Histogram)\w*\(\s*\"(melanoma_\w+)\"")
    return {
        f"{name}{end}"
        for path in (ROOT / package).rglob("*.py")
        for kind, name in constructor.findall(path.read_text(encoding="utf-8"))
        for end in _suffixes(kind.lower())
    }


@pytest.mark.parametrize(("source", "query"), QUERIES, ids=[f"{i}-{source}" for i, (source, _) in enumerate(QUERIES)])
def test_each_query_parses_and_names_existing_metrics(redis_url: str, source: str, query: str) -> None:
    promql_parser.parse(query)
    names = set(re.findall(r"\b(melanoma[_:][\w:]+|process_\w+)", query))
    collector = LedgerCollector(Settings(redis_url=SecretStr(redis_url)))
    ledger = {f"{metric.name}{end}" for metric in collector.collect() for end in _suffixes(metric.type)}
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    assert names <= registered_series() | ledger | recorded | series_in_source("bot") | {
        "process_resident_memory_bytes"
    }


def test_each_alert_has_a_severity_summary_and_action() -> None:
    for rule in rules():
        if "alert" in rule:
            assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
            assert rule["annotations"]["summary"], rule["alert"]
            assert rule["annotations"]["do"], rule["alert"]


def test_wait_alert_fires_before_the_interactive_deadline() -> None:
    expression = dict(QUERIES)["InteractiveWaitTooLong"]
    assert float(expression.rpartition(">")[2]) < Settings().interactive_deadline_s / 2


def test_prometheus_scrapes_the_ports_that_services_listen_on() -> None:
    config = yaml.safe_load(PROMETHEUS.read_text(encoding="utf-8"))
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    for name, port in (("worker", "MELANOMA_METRICS_PORT"), ("bot", "MELANOMA_BOT_PORT")):
        (target,) = jobs[name]["dns_sd_configs"]
        for service in target["names"]:
            assert services()[service]["environment"][port] == target["port"]


@pytest.mark.parametrize("shipped", [("config", "prometheus.yml"), ("rules", "alerts.yml"), ("rules", "scores.yml")])
def test_promtool_accepts_the_shipped_files(shipped: tuple[str, str]) -> None:
    if not is_installed():
        pytest.skip("promtool is missing (Debian's package prometheus)")
    kind, file = shipped
    result = subprocess.run(
        ["promtool", "check", kind, str(PROMETHEUS.parent / file)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
