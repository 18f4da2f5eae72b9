"""Dashboard and alerts: every query can be parsed and asks for a metric that the code makes."""

import re
import subprocess

import promql_parser
import pytest
import yaml
from prometheus_client import REGISTRY
from pydantic import SecretStr

from ops.exporter import LedgerCollector
from shared.config.settings import Settings
from tests.deploy.places import PROMETHEUS, ROOT, queries, rules, services
from tests.system.prometheus import installed
from worker.telemetry.metrics import METRICS
from worker.telemetry.score_distribution import SCORE_DISTRIBUTION

QUERIES = list(queries())


def known() -> set[str]:
    """Names of all series that our processes give."""
    assert METRICS
    assert SCORE_DISTRIBUTION
    names = set()
    for metric in REGISTRY.collect():
        names |= {f"{metric.name}{end}" for end in _ends(metric.type)}
    return names


def _ends(kind: str) -> tuple[str, ...]:
    return {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}.get(kind, ("",))


def in_text(room: str) -> set[str]:
    """Names that a room's code gives its metrics, without running it."""
    made = re.compile(r"(Counter|Gauge|Histogram)\w*\(\s*\"(melanoma_\w+)\"")
    return {
        f"{name}{end}"
        for path in (ROOT / room).rglob("*.py")
        for kind, name in made.findall(path.read_text(encoding="utf-8"))
        for end in _ends(kind.lower())
    }


@pytest.mark.parametrize(("where", "query"), QUERIES, ids=[f"{i}-{where}" for i, (where, _) in enumerate(QUERIES)])
def test_each_query_can_be_parsed_and_asks_for_what_exists(redis_url: str, where: str, query: str) -> None:
    promql_parser.parse(query)
    asked = set(re.findall(r"\b(melanoma[_:][\w:]+|process_\w+)", query))
    ledger = {metric.name for metric in LedgerCollector(Settings(redis_url=SecretStr(redis_url))).collect()}
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    assert asked <= known() | ledger | recorded | in_text("bot") | {"process_resident_memory_bytes"}


def test_each_alert_says_what_is_wrong_and_what_to_do() -> None:
    for rule in rules():
        if "alert" in rule:
            assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
            assert rule["annotations"]["summary"], rule["alert"]
            assert rule["annotations"]["do"], rule["alert"]


def test_people_are_alerted_for_before_they_are_told_that_it_failed() -> None:
    expression = dict(QUERIES)["PeopleWait"]
    assert float(expression.rpartition(">")[2]) < Settings().interactive_deadline_s / 2


def test_prometheus_asks_services_at_the_ports_they_listen_on() -> None:
    config = yaml.safe_load(PROMETHEUS.read_text(encoding="utf-8"))
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    for name, port in (("worker", "MELANOMA_METRICS_PORT"), ("bot", "MELANOMA_BOT_PORT")):
        (found,) = jobs[name]["dns_sd_configs"]
        for service in found["names"]:
            assert services()[service]["environment"][port] == found["port"]


@pytest.mark.parametrize("what", [("config", "prometheus.yml"), ("rules", "alerts.yml"), ("rules", "scores.yml")])
def test_prometheus_takes_what_is_shipped(what: tuple[str, str]) -> None:
    if not installed():
        pytest.skip("promtool is not there (Debian's package prometheus)")
    kind, file = what
    done = subprocess.run(
        ["promtool", "check", kind, str(PROMETHEUS.parent / file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
