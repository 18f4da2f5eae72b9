"""A copy of the checkout whose compose file runs in a Docker engine, under a project name and ports of its own."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from local.embedded_valkey import free_port

ROOT: Final = Path(__file__).parents[2]

#: Where the logs of a failed check are kept.
LOGS: Final = ROOT / ".local/containers"

#: Name of the compose project. Its containers, networks and volumes are removed at the end.
PROJECT: Final = "melanoma-check"

#: Tag of the images that are built here. It differs from every release.
TAG: Final = "check"

#: A container that its engine started so often again does not start at all.
_MAX_RESTARTS: Final = 3

_COMPOSE: Final = (
    *("docker", "compose", "--project-name", PROJECT, "--env-file", "deploy/try.env"),
    *("--file", "docker-compose.yml", "--file", "check.yml"),
)

_OVERRIDE: Final = """
# The build reaches the package index as this machine does. Health is looked at more often, which only saves time here.
services:
  worker:
    build: {{network: host}}
    healthcheck: {{interval: 3s}}
    # The smallest memory that docs/operations.md names.
    mem_limit: 1g
    environment: {{MELANOMA_DECODE_MAX_MEMORY: 268435456}}
  bot: {{build: {{network: host}}, ports: !override [], healthcheck: {{interval: 3s}}}}
  flower:
    build: {{network: host}}
    ports: !override ["127.0.0.1:{flower}:5555"]
    healthcheck: {{interval: 5s}}
  exporter: {{build: {{network: host}}, ports: !override [], healthcheck: {{interval: 5s}}}}
  simulator:
    build: {{network: host}}
    ports: !override ["127.0.0.1:{simulator}:8081"]
    healthcheck: {{interval: 3s}}
    # The certificate authority of the proxy, for webhooks.
    environment: {{SSL_CERT_FILE: /proxy/caddy/pki/authorities/local/root.crt}}
    volumes: ["proxy:/proxy:ro"]
  prometheus: {{ports: !override ["127.0.0.1:{prometheus}:9090"], healthcheck: {{interval: 5s}}}}
  proxy:
    ports: !override []
    healthcheck: {{interval: 3s}}
    environment: {{XDG_DATA_HOME: /data}}
    volumes: ["proxy:/data"]
volumes:
  # In memory, and writable for the proxy's user.
  proxy: {{driver_opts: {{type: tmpfs, device: tmpfs, o: "uid=10001,size=16m"}}}}
"""


class CheckError(Exception):
    """Raised when the stack does not do what a check expects."""


class ContainerStack:
    """The compose file of a copy of the checkout. The directory `run` in `home` holds the copy, logs and test data."""

    def __init__(self, home: Path, docker_host: str | None) -> None:
        self.home = home / "run"
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir()
        self.uses_own_engine = docker_host is not None
        self.checkout = self.home / "checkout"
        self.revision = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
        self._environment = {**os.environ, "IMAGE_TAG": TAG, "REVISION": self.revision, "DOCKER_BUILDKIT": "1"}
        if docker_host is not None:
            # The client that was installed with this engine: another one may come first on the path.
            self._environment |= {"DOCKER_HOST": docker_host, "PATH": f"/usr/bin:{os.environ['PATH']}"}
        self._log = self.home / "commands.log"
        self.ports = {name: free_port() for name in ("flower", "simulator", "prometheus")}
        self.settings: dict[str, str] = {}

    @property
    def simulator_url(self) -> str:
        """Address of the Telegram simulator and its chat page."""
        return f"http://127.0.0.1:{self.ports['simulator']}"

    @property
    def prometheus_url(self) -> str:
        """Address of Prometheus."""
        return f"http://127.0.0.1:{self.ports['prometheus']}"

    def copy_checkout(self) -> None:
        """Copy the files that git knows or does not ignore, so that the checkout's own secrets stay untouched."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        for name in listed.stdout.decode().split("\0"):
            if name and (ROOT / name).is_file():
                (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.checkout / name)
        (self.checkout / "check.yml").write_text(_OVERRIDE.format(**self.ports), encoding="utf-8")

    def run(self, *command: str, timeout_s: float = 900, check: bool = True) -> str:
        """Run a command in the copy, and return what it prints. Raises `CheckError` with its last lines."""
        begun = time.monotonic()
        result = subprocess.run(
            command,
            cwd=self.checkout,
            env=self._environment | self.settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        end = f"exit code {result.returncode} after {time.monotonic() - begun:.1f} s"
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command)}\n{result.stdout}\n{end}\n\n")
        if check and result.returncode != 0:
            last_lines = "\n".join(result.stdout.strip().splitlines()[-15:])
            raise CheckError(f"`{' '.join(command)}` ended with {result.returncode}:\n{last_lines}")
        return result.stdout

    def docker(self, *arguments: str, **options: Any) -> str:
        """Run a command of Docker."""
        return self.run("docker", *arguments, **options)

    def compose(self, *arguments: str, **options: Any) -> str:
        """Run a command of Docker Compose, with the settings that try the service with the simulator."""
        return self.run(*_COMPOSE, *arguments, **options)

    def ops(self, *arguments: str, **options: Any) -> str:
        """Run a command of `melanoma-ops` in a container of its own."""
        run = ("--profile", "monitoring", "run", "--rm", "exporter", "melanoma-ops")
        return self.compose(*run, *arguments, **options)

    def start_compose(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command of Docker Compose in the background."""
        return subprocess.Popen(
            (*_COMPOSE, *arguments),
            cwd=self.checkout,
            env=self._environment | self.settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def images(self) -> dict[str, str]:
        """Name and tag of the image of each service."""
        return {name: service["image"] for name, service in self._services().items()}

    def built_images(self) -> dict[str, tuple[str, str]]:
        """Name and tag of the image of each service that is built for CPUs, and the role it is built for."""
        built = {
            name: service for name, service in self._services().items() if "build" in service and "gpu" not in name
        }
        return {name: (service["image"], service["build"]["args"]["ROLE"]) for name, service in built.items()}

    def _services(self) -> dict[str, dict[str, Any]]:
        config = json.loads(self.compose("--profile", "*", "config", "--format", "json"))
        services: dict[str, dict[str, Any]] = config["services"]
        return services

    def containers(self, service: str) -> list[str]:
        """Ids of the running containers of a service."""
        return self.compose("ps", "--quiet", "--status", "running", service).split()

    def inspect(self, name: str) -> dict[str, Any]:
        """Docker's description of a container or an image."""
        described: list[dict[str, Any]] = json.loads(self.docker("inspect", name))
        return described[0]

    def wait_until_healthy(self, *services: str, timeout_s: float = 180) -> None:
        """Wait until each container of the services is healthy.

        Raises:
            CheckError: Some are not in time, or one was started again and again.
        """

        def unhealthy() -> list[str]:
            found = []
            for service in services:
                described = [self.inspect(name) for name in self.compose("ps", "--all", "--quiet", service).split()]
                if any(container["RestartCount"] >= _MAX_RESTARTS for container in described):
                    log = self.compose("logs", "--no-color", "--no-log-prefix", "--tail", "3", service)
                    raise CheckError(f"{service} is started again and again; its log ends: {log.strip()}")
                states = [container["State"] for container in described]
                if not states or any(state.get("Health", {}).get("Status") != "healthy" for state in states):
                    found.append(service)
            return found

        try:
            wait_until(lambda: not unhealthy(), "healthy containers", timeout_s, every_s=2)
        except TimeoutError as error:
            raise CheckError(f"after {timeout_s:.0f} s not healthy: {', '.join(unhealthy())}") from error

    def save_logs(self) -> str:
        """Write the logs of all commands and containers to `LOGS`, and return the last lines of each container."""
        logs = ("logs", "--timestamps", "--no-color")
        LOGS.mkdir(parents=True, exist_ok=True)
        (LOGS / "containers.log").write_text(self.compose(*logs, check=False), encoding="utf-8")
        shutil.copy(self._log, LOGS / self._log.name)
        return self.compose(*logs, "--tail", "5", check=False)

    def remove(self) -> None:
        """Remove containers, networks and volumes of the project. Images stay, as a cache."""
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "10", check=False)


def wait_until(condition: Callable[[], object], what: str, timeout_s: float, every_s: float = 0.5) -> None:
    """Wait until `condition` returns something true. Raises `TimeoutError` after `timeout_s` seconds."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout_s:.0f} s in vain for {what}")
        time.sleep(every_s)


def expect(condition: object, message: str) -> None:
    """Raise `CheckError` with `message` unless `condition` is true."""
    if not condition:
        raise CheckError(message)


@contextmanager
def running_in_background(stack: ContainerStack, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """A command of Docker Compose in the background, which is killed if the block raises."""
    process = stack.start_compose(*arguments)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
