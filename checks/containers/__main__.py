"""`make containers`: builds every image, starts the compose file with a real engine, and tries what operators rely on.

With an engine that answers (DOCKER_HOST or the default socket) and Compose, it is used. As root on Debian, an engine is
installed and started otherwise. Where neither is possible the check is skipped, but in CI (the variable CI is set) it
fails.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from checks.containers import faults, first_start, monitoring, network
from checks.containers.stack import LOGS, ROOT, CheckError, ContainerStack
from simulator.client.client import SimulatorError

_STEPS: Final[tuple[Callable[[ContainerStack], str], ...]] = (
    first_start.prepare,
    first_start.build_images,
    first_start.compare_bills_of_materials,
    network.start_the_proxy,
    first_start.start_stack,
    first_start.check_containers_are_restricted,
    first_start.converse_with_the_bot,
    first_start.submit_a_folder,
    first_start.run_the_doctor,
    faults.scale_workers,
    faults.lose_a_worker_under_load,
    faults.restart_each_redis_under_load,
    faults.upgrade_under_load,
    faults.run_out_of_memory,
    faults.restore_a_backup,
    network.receive_updates_by_webhook,
    monitoring.discover_targets,
    # No worker runs from here until the alert has fired.
    monitoring.stop_the_workers,
    first_start.read_help_of_each_command,
    first_start.look_at_the_worker_s_cores,
    monitoring.see_an_alert_fire_and_end,
)


#: What a step raises if the stack does not do what it should. `TimeoutError` is an `OSError`.
_FAILURES: Final = (CheckError, SimulatorError, OSError, subprocess.TimeoutExpired)


class EngineError(Exception):
    """Raised when there is no Docker engine, and none can be started."""


@click.command()
@click.option("--home", type=click.Path(path_type=Path), help="Directory for logs and the engine's images, which stay.")
@click.option("--keep", is_flag=True, help="Leave the containers and the engine running. Needs --home.")
@click.option("--until", metavar="STEP", help="Stop after the step of this name.")
@click.option("--go-on", is_flag=True, help="Go on after a step that failed. Later ones may fail because of it.")
def main(home: Path | None, keep: bool, until: str | None, go_on: bool) -> None:
    """Build every image, start the compose file and try what operators rely on."""
    if keep and home is None:
        raise click.UsageError("--keep needs --home.")
    signal.signal(signal.SIGTERM, _stop)
    with _home(home) as directory:
        try:
            with _engine(directory, keep=keep) as docker_host:
                sys.exit(_run(directory, docker_host, keep=keep, until=until, go_on=go_on))
        except EngineError as error:
            if os.environ.get("CI"):
                sys.exit(f"containers: {error}")
            print(f"containers: skipped: {error}")


def _stop(number: int, _: object) -> None:
    """End the check. What it started is stopped and removed, and another signal does not interrupt that."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _run(home: Path, docker_host: str | None, *, keep: bool, until: str | None, go_on: bool) -> int:
    stack = ContainerStack(home, docker_host)
    started, failed = time.monotonic(), 0
    try:
        for step in _STEPS:
            failed += not _passes(step, stack)
            if (failed and not go_on) or step.__name__ == until:
                break
    finally:
        if not keep:
            stack.remove()
    result = f"{failed} steps failed" if failed else "all steps passed"
    print(f"containers: {result} in {time.monotonic() - started:.0f} s", flush=True)
    return 1 if failed else 0


def _passes(step: Callable[[ContainerStack], str], stack: ContainerStack) -> bool:
    name, begun = step.__name__.replace("_", " "), time.monotonic()
    try:
        result = step(stack)
    except _FAILURES as error:
        print(f"FAILED  {name}  ({time.monotonic() - begun:.0f} s)  {error}", flush=True)
        print(f"The containers' logs end:\n{stack.save_logs()}\nAll are in {LOGS}.", flush=True)
        return False
    print(f"ok  {name}  ({time.monotonic() - begun:.0f} s)  {result}", flush=True)
    return True


@contextmanager
def _home(home: Path | None) -> Iterator[Path]:
    """The directory `home`, or one that is removed at the end."""
    if home is not None:
        home.mkdir(parents=True, exist_ok=True)
        yield home.resolve()
        return
    temporary = Path(tempfile.mkdtemp(prefix="melanoma-containers."))
    try:
        yield temporary
    finally:
        # Files of the engine and of containers belong to other users. Without root some may stay.
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _engine(home: Path, *, keep: bool) -> Iterator[str | None]:
    """An engine that answers: the one at hand, or one that is started here. Gives the address of the latter.

    Raises:
        EngineError: There is none, and none can be started.
    """
    docker = shutil.which("docker")
    if docker and all(
        subprocess.run([docker, *arguments], capture_output=True, check=False).returncode == 0
        for arguments in (("version",), ("compose", "version"))
    ):
        yield None
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise EngineError("no Docker engine with Compose answers, and only root on Debian can start one")
    script = str(ROOT / "checks/containers/engine.sh")
    result = subprocess.run([script, "start", str(home / "engine")], stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        raise EngineError("the Docker engine cannot be started; its message is above")
    try:
        yield result.stdout.strip()
    finally:
        if not keep:
            subprocess.run([script, "stop", str(home / "engine")], check=False)


if __name__ == "__main__":
    main()
