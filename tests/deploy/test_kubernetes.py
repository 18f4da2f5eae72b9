"""The Kubernetes example: valid, and consistent with compose and the settings."""

from typing import Any

import kubernetes_validate
import yaml

from shared.config.settings import Settings
from tests.deploy.deployment import ROOT, services


def documents() -> dict[str, dict[str, Any]]:
    text = (ROOT / "deploy/kubernetes/worker.yaml").read_text(encoding="utf-8")
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


def test_deployment_follows_the_schema() -> None:
    kubernetes_validate.validate(documents()["Deployment"], kubernetes_validate.latest_version(), strict=True)


def test_deployment_matches_the_compose_worker() -> None:
    pod = documents()["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    worker = services()["worker-gpu"]
    assert container["command"] == worker["command"]
    assert {variable["name"] for variable in container["env"]} == set(worker["environment"])
    assert pod["terminationGracePeriodSeconds"] > Settings().decode_timeout_s + 10
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1, "one worker per device"


def test_deployment_scales_on_queue_depth_and_age() -> None:
    scaled, deployment = documents()["ScaledObject"], documents()["Deployment"]
    assert scaled["apiVersion"] == "keda.sh/v1alpha1"
    assert scaled["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    queries = " ".join(trigger["metadata"]["query"] for trigger in scaled["spec"]["triggers"])
    assert "melanoma_ledger_ready_jobs" in queries
    assert "melanoma_ledger_oldest_ready_job_age_seconds" in queries
    for trigger in scaled["spec"]["triggers"]:
        assert set(trigger["metadata"]) == {"serverAddress", "query", "threshold"}
