"""`make containers`: builds every image, starts the compose file with a real engine, and tries what operators rely on.

With an engine that answers (DOCKER_HOST or the default socket) and Compose, it is used. As root on Debian, an engine is
installed and started otherwise. Where neither is possible the check is skipped, but in CI (the variable CI is set) it
fails.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from checks.containers import faults, first_start, network
from checks.containers.stack import ROOT, CheckError, ContainerStack

_STEPS: Final[tuple[Callable[[ContainerStack], str], ...]] = (
    first_start.build_images,
    first_start.start_stack,
    first_start.check_containers_are_restricted,
    first_start.converse_with_the_bot,
    first_start.submit_a_folder,
    first_start.run_the_doctor,
    first_start.read_help_of_each_command,
    first_start.look_at_the_worker_s_cores,
    faults.scale_workers,
    faults.lose_a_worker_under_load,
    faults.restart_each_redis_under_load,
    faults.upgrade_under_load,
    faults.restore_a_backup,
    network.receive_updates_by_webhook,
    network.watch_with_prometheus,
)


@click.command()
@click.option("--home", type=click.Path(path_type=Path), help="Directory for the copy, logs and the engine's images.")
@click.option("--keep", is_flag=True, help="Leave the containers running.")
@click.option("--until", metavar="STEP", help="Stop after the step of this name.")
def main(home: Path | None, keep: bool, until: str | None) -> None:
    """Build every image, start the compose file and try what operators rely on."""
    home = (home or Path(tempfile.mkdtemp(prefix="melanoma-containers."))).resolve()
    home.mkdir(parents=True, exist_ok=True)
    try:
        with _engine(home, keep=keep) as docker_host:
            sys.exit(_run(home, docker_host, keep=keep, until=until))
    except CheckError as error:
        if os.environ.get("CI"):
            sys.exit(f"containers: {error}")
        print(f"containers: skipped: {error}")


def _run(home: Path, docker_host: str | None, *, keep: bool, until: str | None) -> int:
    stack = ContainerStack(home, docker_host)
    stack.copy_checkout()
    stack.run(str(ROOT / "checks/containers/base_images.sh"), timeout_s=1800) if docker_host else None
    started = time.monotonic()
    try:
        for step in _STEPS:
            name, begun = step.__name__.replace("_", " "), time.monotonic()
            try:
                result = step(stack)
            except (CheckError, OSError, TimeoutError, subprocess.TimeoutExpired) as error:
                print(f"FAILED  {name}: {error}\nlogs: {stack.save_logs()} and commands.log beside it", flush=True)
                return 1
            print(f"ok  {name}  ({time.monotonic() - begun:.0f} s)  {result}", flush=True)
            if step.__name__ == until:
                break
    finally:
        if not keep:
            stack.remove()
    print(f"containers: all steps passed in {time.monotonic() - started:.0f} s", flush=True)
    return 0


@contextmanager
def _engine(home: Path, *, keep: bool) -> Iterator[str | None]:
    """An engine that answers: the one at hand, or one that is started here. Gives the address of the latter.

    Raises:
        CheckError: There is none, and none can be started.
    """
    docker = shutil.which("docker")
    if docker and all(
        subprocess.run([docker, *arguments], capture_output=True, check=False).returncode == 0
        for arguments in (("version",), ("compose", "version"))
    ):
        yield None
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CheckError("no Docker engine with Compose answers, and only root on Debian can start one")
    script = str(ROOT / "checks/containers/engine.sh")
    result = subprocess.run([script, "start", str(home / "engine")], stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        raise CheckError("the Docker engine cannot be started; its message is above")
    try:
        yield result.stdout.strip()
    finally:
        if not keep:
            subprocess.run([script, "stop", str(home / "engine")], check=False)


if __name__ == "__main__":
    main()
