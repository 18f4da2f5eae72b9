"""Metric names follow Prometheus' rules, and a metric is added in one place."""

import subprocess

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from shared.contract.names import Queue
from tests.system.support.prometheus import is_installed
from tests.worker.serving.test_postprocessing import MANIFEST
from worker.telemetry.metrics import METRICS
from worker.telemetry.score_distribution import SCORE_DISTRIBUTION


def lint(registry: CollectorRegistry) -> str:
    """Return the output of `promtool check metrics` for a registry's page."""
    if not is_installed():
        pytest.skip("promtool is not installed (Debian's package prometheus)")
    page = generate_latest(registry)
    done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)
    return (done.stdout + done.stderr).decode()


def exported_names() -> set[str]:
    page = generate_latest(REGISTRY).decode()
    return {family.name for family in text_string_to_metric_families(page)}


def test_worker_metrics_pass_promtool() -> None:
    SCORE_DISTRIBUTION.add_artefact(MANIFEST)
    METRICS.in_flight.labels(queue=Queue.BULK).inc(0)
    METRICS.queue_wait.labels(queue=Queue.BULK).observe(1)
    METRICS.decisions.labels(kind="verdict").inc(0)
    assert "melanoma_scores" in exported_names()
    assert lint(REGISTRY) == ""


def test_promtool_rejects_a_badly_named_metric() -> None:
    registry = CollectorRegistry()
    Gauge("melanoma_toy_total", "A gauge that is named like a counter.", registry=registry)
    assert "melanoma_toy_total" in lint(registry)


def test_new_metric_is_on_the_page_once_it_exists() -> None:
    """A module-level metric registers itself: no list has to name it."""
    toy = Counter("melanoma_toy_images_total", "Images that the test counted.")
    try:
        toy.inc(2)
        assert "melanoma_toy_images" in exported_names()
        assert REGISTRY.get_sample_value("melanoma_toy_images_total") == 2
        assert lint(REGISTRY) == ""
    finally:
        REGISTRY.unregister(toy)
