"""The files of the deployment, parsed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final = ROOT / "docker-compose.yml"
DOCKERFILE: Final = ROOT / "deploy/Dockerfile"
PROMETHEUS: Final = ROOT / "deploy/prometheus/prometheus.yml"
DASHBOARD: Final = ROOT / "deploy/grafana/dashboards/melanoma.json"


def load_compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return content


def services() -> dict[str, dict[str, Any]]:
    content: dict[str, dict[str, Any]] = load_compose()["services"]
    return content


def rules() -> Iterator[dict[str, Any]]:
    """All alert and recording rules."""
    for name in yaml.safe_load(PROMETHEUS.read_text(encoding="utf-8"))["rule_files"]:
        for group in yaml.safe_load((PROMETHEUS.parent / name).read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]


def named_queries() -> Iterator[tuple[str, str]]:
    """Each PromQL query of a rule or panel, after the name of the rule or the title of the panel."""
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
