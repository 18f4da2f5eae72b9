"""Scales, kills, upgrades and restores containers while photographs are under way."""

import asyncio
import json
import time
from collections.abc import Callable

from checks.containers.stack import PROJECT, ContainerStack, expect, running_in_background, wait_until
from checks.containers.users import consented_user, is_answer, photo, wait_for_answer
from samples.image_set import render_many
from simulator.client.client import SimulatorClient

_PHOTOS = 20
_FILES = 300


def scale_workers(stack: ContainerStack) -> str:
    """Start a second worker beside the first. The setting holds for each later `up`."""
    stack.settings["WORKERS"] = "2"
    stack.compose("up", "--detach", "--no-build", "worker")
    wait_until(lambda: len(stack.containers("worker")) == 2, "two workers", 60)
    stack.wait_until_healthy("worker")
    return "2 workers"


def lose_a_worker_under_load(stack: ContainerStack) -> str:
    """One worker is killed and one is stopped; each starts again."""

    def kill_and_stop() -> None:
        killed, stopped = stack.containers("worker")
        stack.docker("kill", killed)
        time.sleep(5)
        stack.docker("stop", stopped)
        stack.docker("start", killed, stopped)

    return _run_under_load(stack, kill_and_stop)


def restart_each_redis_under_load(stack: ContainerStack) -> str:
    """The ledger's Redis and the image store restart, one after the other."""

    def restart() -> None:
        stack.compose("restart", "ledger")
        time.sleep(3)
        stack.compose("restart", "image-store")

    return _run_under_load(stack, restart)


def upgrade_under_load(stack: ContainerStack) -> str:
    """Bot and workers are built and replaced, as for another release."""

    def upgrade() -> None:
        release = stack.checkout / "bot/__init__.py"
        release.write_text(release.read_text(encoding="utf-8") + "\n# Another release.\n", encoding="utf-8")
        stack.compose("build", "bot", "worker", timeout_s=1800)
        stack.compose("up", "--detach", "bot", "worker")

    before = stack.containers("bot")
    said = _run_under_load(stack, upgrade)
    expect(stack.containers("bot") != before, "the bot's container was not replaced")
    expect(len(stack.containers("worker")) == 2, "the upgrade has changed the number of workers")
    return said


def restore_a_backup(stack: ContainerStack) -> str:
    """The ledger's volume is lost and restored from a backup. A user who had agreed before is answered."""
    asyncio.run(_photo_after_restore(stack))
    return "a user who had agreed before is answered"


async def _photo_after_restore(stack: ContainerStack) -> None:
    async with SimulatorClient(stack.simulator_url) as simulator:
        user = await consented_user(simulator, "Boris")
        await asyncio.get_running_loop().run_in_executor(None, _lose_and_restore_ledger, stack)
        await wait_for_answer(user, await user.send_photo(photo(3)))


def _lose_and_restore_ledger(stack: ContainerStack) -> None:
    backup = stack.home / "backup"
    backup.mkdir(mode=0o700)
    volume = f"{PROJECT}_ledger"
    image = stack.images()["ledger"]
    rewrite = (
        "export REDISCLI_AUTH=$(cat /run/secrets/redis_password); valkey-cli bgrewriteaof;"
        ' while valkey-cli info persistence | grep -q "aof_rewrite_.*:1"; do sleep 1; done'
    )
    stack.compose("exec", "-T", "ledger", "sh", "-c", rewrite)
    copy = ("run", "--rm", "--user", "0", "--volume", f"{backup}:/backup")
    stack.docker(*copy, "--volume", f"{volume}:/data:ro", image, "cp", "-a", "/data/appendonlydir", "/backup")

    stack.compose("stop", "bot", "worker", "flower", "ledger")
    stack.compose("rm", "--force", "ledger")
    stack.docker("volume", "rm", volume)
    stack.compose("create", "ledger")
    stack.docker(*copy, "--volume", f"{volume}:/data", image, "cp", "-a", "/backup/appendonlydir", "/data")
    stack.compose("up", "--detach", "--no-build")
    stack.wait_until_healthy("ledger", "worker", "bot")


def run_out_of_memory(stack: ContainerStack) -> str:
    """A worker that the kernel kills is reported in its log, and one with too small a limit does not start."""
    image = stack.images()["worker"]
    hog = (
        "import sys; from worker.supervision.kill_report import run_and_report_kill as run;"
        " sys.exit(run([sys.executable, '-c', {!r}]))"
    )
    limit = ("run", "--rm", "--memory", "128m", "--memory-swap", "128m", image)
    killed = stack.docker(*limit, "python", "-c", hog.format("block = bytearray(10**9)"), check=False)
    expect("(exit code 137): the kernel killed it because the memory limit of 128 MiB" in killed, f"it said: {killed}")
    refused = stack.docker(*limit, "melanoma-worker", "--report-kills", check=False)
    expect("the memory limit of 128 MiB is too small" in refused, f"it said: {refused}")
    for worker in stack.containers("worker"):
        log = stack.docker("logs", worker)
        expect("memory limit" not in log, "a worker with the documented memory says that it has too little")
        for line in ("SIGKILL ended", "Traceback"):
            expect(line not in log, f"the worker's log contains: {line}")
    return "killed with exit code 137, refused with 128 MiB"


def _run_under_load(stack: ContainerStack, fault: Callable[[], None]) -> str:
    """Cause a fault while photographs and files are under way. Each must be answered once and have one row."""
    folder = stack.home / "many"
    if not folder.exists():
        render_many(folder, _FILES, size=(640, 480))
    results = stack.home / f"results-{time.monotonic_ns()}"
    results.mkdir()
    results.chmod(0o777)
    mounts = ("--volume", f"{folder}:/photographs:ro", "--volume", f"{results}:/results")
    submit = ("melanoma-submit", "/photographs", "--out", "/results/run")
    run = ("--profile", "monitoring", "run", "--rm", "--no-deps", *mounts, "exporter", *submit)
    with running_in_background(stack, *run) as command:
        answers = asyncio.run(_send_photos_during(stack, fault))
        output, _ = command.communicate(timeout=600)
    expect(command.returncode == 0, f"the folder command ended with {command.returncode}: {output[-600:]}")
    rows = [json.loads(line) for line in (results / "run/results.jsonl").read_text(encoding="utf-8").splitlines()]
    files = {row["file"] for row in rows}
    expect(len(rows) == len(files) == _FILES, f"{_FILES} files gave {len(rows)} rows for {len(files)} files")
    return f"{answers} photographs and {len(rows)} files answered"


async def _send_photos_during(stack: ContainerStack, fault: Callable[[], None]) -> int:
    async with SimulatorClient(stack.simulator_url) as simulator:
        users = [await consented_user(simulator, f"User {index}") for index in range(4)]
        sent = [(user, await user.send_photo(photo(index))) for index in range(_PHOTOS // 4) for user in users]
        caused = asyncio.get_running_loop().run_in_executor(None, fault)
        await asyncio.gather(*(wait_for_answer(user, photo_id) for user, photo_id in sent))
        await caused
        for user, photo_id in sent:
            answers = [message for message in await user.get_messages() if is_answer(message, photo_id)]
            expect(len(answers) == 1, f"a photograph has {len(answers)} answers")
    return len(sent)
