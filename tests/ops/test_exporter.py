"""The exporter's metrics on a real ledger."""

from typing import Any

from pydantic import SecretStr

from ops.exporter import LedgerCollector
from shared.config.settings import Settings, settings
from shared.contract.decision import FailureReason
from shared.contract.names import LEDGER_VERSION
from shared.ledger import transitions
from shared.ledger.ledger import Ledger
from tests.ops.harness import FAILED, create_dead_letters, create_jobs


def test_collector_exports_the_numbers_of_the_status(ledger: Ledger) -> None:
    create_jobs(ledger, "a")
    create_dead_letters(ledger, "b")
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for metric in LedgerCollector(settings()).collect()
        for sample in metric.samples
    }
    assert values["melanoma_ledger_up",] == 1
    assert values["melanoma_ledger_ready_jobs", "interactive"] == 1
    assert values["melanoma_ledger_dead_letters",] == 1
    assert values["melanoma_ledger_processes", "worker"] == 0, "0, not absent"
    assert values["melanoma_ledger_processes", "bot"] == 0, "0, not absent"
    assert values["melanoma_ledger_jobs", "ready"] == 1
    assert values["melanoma_ledger_dead_letters_added_total", "telegram", FailureReason.PREDICT_FAILED] == 1
    assert values["melanoma_ledger_dead_letters_added_total", "bulk", "undeliverable"] == 0, "0, not absent"


def test_collector_exports_the_age_of_undelivered_decisions_by_kind_of_outbox(ledger: Ledger, client: Any) -> None:
    create_jobs(ledger, "of a killed run", outbox="bulk:one")
    create_jobs(ledger, "of a later run", outbox="bulk:two")
    decided = [("of a killed run", FAILED), ("of a later run", FAILED)]
    ledger.run(transitions.decide(decided))
    client.hincrby("melanoma:job:of a killed run", "decided_at", -3_600_000)
    ages = {
        sample.labels["outbox"]: round(sample.value / 3600)
        for metric in LedgerCollector(settings()).collect()
        for sample in metric.samples
        if sample.name == "melanoma_ledger_oldest_undelivered_decision_age_seconds"
    }
    assert ages == {"bulk": 1, "telegram": 0}


def test_collector_reports_an_unavailable_redis() -> None:
    unavailable = Settings(redis_url=SecretStr("redis://127.0.0.1:1/0"))
    samples = [sample for metric in LedgerCollector(unavailable).collect() for sample in metric.samples]
    assert [(sample.name, sample.value) for sample in samples] == [("melanoma_ledger_up", 0)]


def test_collector_reports_a_ledger_of_another_version_as_down(client: Any) -> None:
    client.set("melanoma:version", LEDGER_VERSION + 1)
    (up,) = LedgerCollector(settings()).collect()
    assert [(sample.name, sample.value) for sample in up.samples] == [("melanoma_ledger_up", 0)]
