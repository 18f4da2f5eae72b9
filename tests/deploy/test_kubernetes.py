"""The Kubernetes example: valid by its schema, and in step with compose and the settings."""

from typing import Any

import kubernetes_validate
import yaml

from shared.config.settings import Settings
from tests.deploy.places import ROOT, services


def documents() -> dict[str, dict[str, Any]]:
    text = (ROOT / "deploy/kubernetes/worker.yaml").read_text(encoding="utf-8")
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


def test_the_deployment_follows_the_schema() -> None:
    kubernetes_validate.validate(documents()["Deployment"], kubernetes_validate.latest_version(), strict=True)


def test_the_deployment_is_the_compose_worker() -> None:
    pod = documents()["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    worker = services()["worker-gpu"]
    assert container["command"] == worker["command"]
    assert {one["name"] for one in container["env"]} == set(worker["environment"])
    assert pod["terminationGracePeriodSeconds"] > Settings().decode_timeout_s + 10
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1, "one worker a device"


def test_it_scales_the_deployment_on_depth_and_age() -> None:
    scaled, deployment = documents()["ScaledObject"], documents()["Deployment"]
    assert scaled["apiVersion"] == "keda.sh/v1alpha1"
    assert scaled["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    asked = " ".join(trigger["metadata"]["query"] for trigger in scaled["spec"]["triggers"])
    assert "melanoma_ledger_ready_jobs" in asked
    assert "melanoma_ledger_oldest_ready_job_age_seconds" in asked
    for trigger in scaled["spec"]["triggers"]:
        assert set(trigger["metadata"]) == {"serverAddress", "query", "threshold"}
