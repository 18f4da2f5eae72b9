"""The demo: everything started, a folder submitted with the command that anyone would use, everything stopped."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from local.background import Background
from local.embedded_valkey import EmbeddedValkey
from local.flower import flower_address, flower_command
from samples.demo import render_samples
from shared.ledger import moves
from shared.ledger.ledger import Ledger
from shared.patience import Patience
from shared.redis_client import connect, place
from shared.settings import Settings, SettingsError

_WORKER_READY_S: Final = 120.0

_NOTE: Final = "These pictures are rendered: they show how the service works, and what it says of them means nothing."


def demo(folder: Path | None, out: Path) -> int:
    """Run the demo on `folder`, or on rendered samples. Returns the exit code of `melanoma-submit`."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="melanoma-demo-")))
        if "REDIS_URL" not in os.environ:
            broker = stack.enter_context(EmbeddedValkey(home / "valkey"))
            os.environ["REDIS_URL"] = broker.url
        config = Settings()
        ledger = Ledger(connect(config.ledger_url), Patience(place(config.ledger_url)))
        before = ledger.run(moves.count()).incarnations
        print(f"broker   {place(config.ledger_url)}")
        flower, secrets = flower_command(config)
        stack.enter_context(Background(flower, log=home / "flower.log", environment=secrets))
        print(f"Flower   {flower_address(config)}")
        worker = stack.enter_context(Background([_beside_python("melanoma-worker")], log=home / "worker.log"))
        print(f"worker   loading {config.artefact} ...", flush=True)
        _wait_for_worker(worker, ledger, before)
        shutil.rmtree(out, ignore_errors=True)
        command = [_beside_python("melanoma-submit"), "--out", str(out)]
        if folder is None:
            folder = home / "samples"
            render_samples(folder)
            command += ["--note", _NOTE]
        # Its own Ctrl-C is the terminal's; ours waits for it and then stops the rest.
        return subprocess.run([*command, str(folder)], check=False).returncode  # noqa: S603 - our own command line


def _wait_for_worker(worker: Background, ledger: Ledger, before: int) -> None:
    deadline = time.monotonic() + _WORKER_READY_S
    while ledger.run(moves.count()).incarnations <= before:
        if worker.returncode is not None or time.monotonic() > deadline:
            said = worker.log.read_text(errors="replace").strip().splitlines()
            raise SettingsError(f"the worker did not start: {said[-1] if said else 'it said nothing'}")
        time.sleep(0.1)


def _beside_python(name: str) -> str:
    return str(Path(sys.executable).parent / name)
