"""A Prometheus server on loopback, with the shipped rules."""

import json
import os
import shutil
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlencode

import yaml

from local.embedded_valkey import free_port
from local.subprocesses import BackgroundProcess
from tests.system.support.polling import eventually, fetch_page

SHIPPED_CONFIG: Final = Path("deploy/prometheus")


def is_installed() -> bool:
    """True if server and promtool are installed. Fails in CI if they are not."""
    installed = shutil.which("prometheus") is not None and shutil.which("promtool") is not None
    assert installed or not os.environ.get("CI"), "CI must have prometheus and promtool"
    return installed


class PrometheusServer:
    """Scrapes its targets each second. It has the jobs and rules of the shipped configuration."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self._home = home
        self._port = free_port()
        shipped = yaml.safe_load((SHIPPED_CONFIG / "prometheus.yml").read_text(encoding="utf-8"))
        self._targets: dict[str, list[str]] = {job["job_name"]: [] for job in shipped["scrape_configs"]}
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(self._with_fast_evaluation(name)) for name in shipped["rule_files"]],
            "scrape_configs": [
                {
                    "job_name": job,
                    "file_sd_configs": [{"files": [str(self._targets_file(job))], "refresh_interval": "1s"}],
                }
                for job in self._targets
            ],
        }
        (home / "prometheus.yml").write_text(yaml.safe_dump(config))

    def __enter__(self) -> Self:
        options = {
            "config.file": self._home / "prometheus.yml",
            "storage.tsdb.path": self._home / "data",
            "web.listen-address": f"127.0.0.1:{self._port}",
            "log.level": "warn",
        }
        command = ["prometheus", *(f"--{name}={value}" for name, value in options.items())]
        self._process = BackgroundProcess(command, log=self._home / "log")
        eventually(lambda: fetch_page(self._url("/-/ready")))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    def add_target(self, job: str, port: int) -> None:
        """Also scrape the process at this port."""
        self._targets[job].append(f"127.0.0.1:{port}")
        part = self._targets_file(job).with_suffix(".part")
        part.write_text(json.dumps([{"targets": self._targets[job]}]))
        part.replace(self._targets_file(job))

    def query(self, expression: str) -> list[Any]:
        """Series that `expression` gives now. Fails if the server cannot evaluate it."""
        answer = fetch_page(self._url("/api/v1/query?" + urlencode({"query": expression})))
        assert answer is not None, expression
        response = json.loads(answer)
        assert response["status"] == "success", (expression, response)
        series: list[Any] = response["data"]["result"]
        return series

    def alert_health(self) -> dict[str, str]:
        """Health of each rule by its name, after each was evaluated."""

        def probe() -> dict[str, str] | None:
            groups = json.loads(fetch_page(self._url("/api/v1/rules")) or "{}")["data"]["groups"]
            health = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
            return None if "unknown" in health.values() else health

        return eventually(probe)

    def _with_fast_evaluation(self, name: str) -> Path:
        """A copy of a rule file that is evaluated each second, because these tests take minutes."""
        rules = yaml.safe_load((SHIPPED_CONFIG / name).read_text(encoding="utf-8"))
        for group in rules["groups"]:
            group.pop("interval", None)
        path = self._home / name
        path.write_text(yaml.safe_dump(rules))
        return path

    def _targets_file(self, job: str) -> Path:
        return self._home / f"{job}.json"

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._port}{path}"
