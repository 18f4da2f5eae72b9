"""The Kubernetes manifests: valid after their overlays, and consistent with compose, the settings and the commands."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from shared.config.settings import Settings
from tests.deploy.deployment import ROOT, services

MANIFESTS: Final = ROOT / "deploy/kubernetes"
OVERLAYS: Final = ("base", "gpu", "webhook")

#: Kinds that have no schema in Kubernetes itself.
CUSTOM: Final = {"ScaledObject"}


def build(overlay: str) -> list[dict[str, Any]]:
    """The documents of an overlay, as `kubectl kustomize` gives them: resources, images and JSON patches."""
    return list(_build(MANIFESTS / overlay))


def _build(directory: Path) -> Iterator[dict[str, Any]]:
    kustomization = yaml.safe_load((directory / "kustomization.yaml").read_text(encoding="utf-8"))
    assert set(kustomization) <= {"apiVersion", "kind", "namespace", "resources", "images", "patches"}
    documents: list[dict[str, Any]] = []
    for name in kustomization["resources"]:
        path = directory / name
        documents += _build(path.resolve()) if path.is_dir() else yaml.safe_load_all(path.read_text(encoding="utf-8"))
    for patch in kustomization.get("patches", ()):
        (target,) = [
            document
            for document in documents
            if document["kind"] == patch["target"]["kind"] and document["metadata"]["name"] == patch["target"]["name"]
        ]
        for operation in yaml.safe_load(patch["patch"]):
            _apply(target, operation)
    for document in documents:
        if document["kind"] == "Deployment":
            for container in document["spec"]["template"]["spec"]["containers"]:
                for image in kustomization.get("images", ()):
                    if container["image"].rpartition(":")[0] == image["name"] or container["image"] == image["name"]:
                        container["image"] = f"{image['newName']}:{image['newTag']}"
    yield from documents


def _apply(document: dict[str, Any], operation: dict[str, Any]) -> None:
    """One operation of RFC 6902: `add` or `replace`."""
    *parents, last = operation["path"].strip("/").split("/")
    place: Any = document
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    if operation["op"] == "replace":
        assert last in place, f"{operation['path']} does not exist"
    if last == "-":
        place.append(operation["value"])
    else:
        place[last] = operation["value"]


def deployments(overlay: str) -> dict[str, dict[str, Any]]:
    return {document["metadata"]["name"]: document for document in build(overlay) if document["kind"] == "Deployment"}


def container_of(deployment: dict[str, Any]) -> dict[str, Any]:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(container)


#: Services of compose by the Deployment that runs the same.
SAME_AS_COMPOSE: Final = {
    "melanoma-worker": "worker",
    "melanoma-bot": "bot",
    "melanoma-exporter": "exporter",
    "melanoma-flower": "flower",
}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_documents_follow_the_schemas(overlay: str) -> None:
    documents = build(overlay)
    assert len(documents) > 10
    for document in documents:
        if document["kind"] not in CUSTOM:
            kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize(("name", "service"), SAME_AS_COMPOSE.items())
def test_deployment_runs_the_command_of_compose_in_an_image_of_its_kind(name: str, service: str) -> None:
    container, compose = container_of(deployments("base")[name]), services()[service]
    assert container["command"] == compose["command"]
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert container["command"][0] in scripts
    assert container["image"].rpartition("/")[2].partition(":")[0] == compose["image"].partition(":")[0]


def test_images_have_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    for overlay in OVERLAYS:
        for deployment in deployments(overlay).values():
            assert container_of(deployment)["image"].endswith(f":{version}")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_variable_is_a_setting_and_compose_sets_it_alike(overlay: str) -> None:
    known = {f"MELANOMA_{field.upper()}" for field in Settings.model_fields} | {"REDIS_URL"}
    (shared,) = [document["data"] for document in build(overlay) if document["kind"] == "ConfigMap"]
    for name, deployment in deployments(overlay).items():
        variables = {variable["name"]: variable["value"] for variable in container_of(deployment).get("env", ())}
        for variable in [*shared, *variables]:
            assert variable.removesuffix("_FILE") in known or variable in known, f"{name}: {variable}"
        compose = services()[SAME_AS_COMPOSE[name]]["environment"]
        for variable, value in variables.items():
            if not variable.endswith("_FILE") and compose.get(variable) is not None:
                assert str(compose[variable]) == value, f"{name}: {variable}"
        fixed = {variable for variable, value in compose.items() if value is not None}
        assert fixed <= set(shared) | set(variables), f"{name}: compose sets more"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_secrets_are_mounted_where_the_variables_look(overlay: str) -> None:
    made = (ROOT / "deploy/make-secrets").read_text(encoding="utf-8")
    (shared,) = [document["data"] for document in build(overlay) if document["kind"] == "ConfigMap"]
    for name, deployment in deployments(overlay).items():
        pod = deployment["spec"]["template"]["spec"]
        (secret,) = [volume["secret"] for volume in pod["volumes"] if volume["name"] == "secrets"]
        mounted = {f"/run/secrets/melanoma/{item['path']}" for item in secret["items"]}
        variables = {variable["name"]: variable["value"] for variable in container_of(deployment).get("env", ())}
        wanted = {value for variable, value in (shared | variables).items() if variable.endswith("_FILE")}
        wanted -= {"/tmp/liveness"}
        assert wanted == mounted, name
        assert all(f"write_once {item['key']}" in made for item in secret["items"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_containers_are_restricted_as_in_compose(overlay: str) -> None:
    for name, deployment in deployments(overlay).items():
        pod, container = deployment["spec"]["template"]["spec"], container_of(deployment)
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["automountServiceAccountToken"] is False, name
        assert container["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert "memory" in container["resources"]["limits"], name
        assert container["livenessProbe"], name


def test_pods_end_as_slowly_as_their_containers_in_compose() -> None:
    for name in ("melanoma-worker", "melanoma-bot"):
        grace = deployments("base")[name]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        assert f"{grace}s" == services()[SAME_AS_COMPOSE[name]]["stop_grace_period"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_probes_and_services_use_ports_of_the_container(overlay: str) -> None:
    for name, deployment in deployments(overlay).items():
        container = container_of(deployment)
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if "httpGet" in container.get(probe, {}):
                assert container[probe]["httpGet"]["port"] in ports, f"{name}: {probe}"
        for variable in container.get("env", ()):
            if variable["name"].endswith("_PORT"):
                assert int(variable["value"]) in ports.values(), name


def test_polling_bot_is_alone_and_several_bots_have_the_webhook() -> None:
    polling, webhook = deployments("base")["melanoma-bot"], deployments("webhook")["melanoma-bot"]
    assert (polling["spec"]["replicas"], polling["spec"]["strategy"]["type"]) == (1, "Recreate")
    assert webhook["spec"]["replicas"] > 1
    (url,) = [
        variable["value"] for variable in container_of(webhook)["env"] if variable["name"] == "MELANOMA_WEBHOOK_URL"
    ]
    (ingress,) = [document for document in build("webhook") if document["kind"] == "Ingress"]
    (rule,) = ingress["spec"]["rules"]
    assert url == f"https://{rule['host']}{rule['http']['paths'][0]['path']}"


def test_worker_with_a_gpu_takes_one_device() -> None:
    container = container_of(deployments("gpu")["melanoma-worker"])
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert "melanoma-worker-gpu" in container["image"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_policies_and_budgets_select_pods_that_exist(overlay: str) -> None:
    labels = [deployment["spec"]["template"]["metadata"]["labels"] for deployment in deployments(overlay).values()]
    for document in build(overlay):
        spec = document["spec"] if document["kind"] in ("NetworkPolicy", "PodDisruptionBudget") else {}
        for selector in (spec.get("podSelector"), spec.get("selector")):
            if selector is not None:
                wanted = selector["matchLabels"].items()
                assert any(wanted <= pod.items() for pod in labels), document["metadata"]["name"]


def test_only_the_bot_reaches_more_than_redis() -> None:
    allowed = {
        document["metadata"]["name"]: {
            port["port"] for rule in document["spec"].get("egress", ()) for port in rule["ports"]
        }
        for document in build("base")
        if document["kind"] == "NetworkPolicy"
    }
    assert allowed["melanoma-deny-all"] == set()
    assert allowed["melanoma-redis"] == {53, 6379, 26379}
    assert allowed["melanoma-telegram"] == {443}


def test_workers_scale_on_queue_depth_and_age() -> None:
    (scaled,) = [document for document in build("base") if document["kind"] == "ScaledObject"]
    assert scaled["apiVersion"] == "keda.sh/v1alpha1"
    spec = scaled["spec"]
    fields = "scaleTargetRef minReplicaCount maxReplicaCount pollingInterval cooldownPeriod advanced triggers"
    assert set(spec) <= set(fields.split())
    assert spec["scaleTargetRef"]["name"] in deployments("base")
    assert "replicas" not in deployments("base")[spec["scaleTargetRef"]["name"]]["spec"]
    # KEDA uses cooldownPeriod only to scale to zero.
    assert spec["minReplicaCount"] == 0 or "cooldownPeriod" not in spec
    queries = " ".join(trigger["metadata"]["query"] for trigger in spec["triggers"])
    assert "melanoma_ledger_ready_jobs" in queries
    assert "melanoma_ledger_oldest_ready_job_age_seconds" in queries
    for trigger in spec["triggers"]:
        assert set(trigger["metadata"]) == {"serverAddress", "query", "threshold"}
