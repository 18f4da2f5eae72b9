"""An image that kills or hangs the decoder fails alone."""

from pathlib import Path

import pytest
from PIL import Image

from samples.image_set import render_many
from tests.system.support.stack import ServiceStack

pytestmark = pytest.mark.system

#: Runs in the workers before any other code, and simulates an unknown bug of a decoder.
SITECUSTOMIZE = """
import os, signal, time
from PIL.JpegImagePlugin import JpegImageFile

_load_prepare = JpegImageFile.load_prepare

def load_prepare(self):
    if self.info.get("comment") == b"poison":
        os.kill(os.getpid(), signal.SIGSEGV)
    if self.info.get("comment") == b"hang":
        while True:
            time.sleep(1)
    _load_prepare(self)

JpegImageFile.load_prepare = load_prepare
"""


#: Logged by a worker that replaces itself.
RESTART = "restarting the worker, because a thread cannot be stopped"


def set_trap(path: Path, trap: str) -> None:
    with Image.open(path) as image:
        image.load()
        image.save(path, "JPEG", comment=trap.encode())


@pytest.mark.parametrize(("trap", "reason"), [("poison", "decode_died"), ("hang", "decode_hung")])
def test_image_that_kills_or_hangs_decode_fails_alone(tmp_path: Path, trap: str, reason: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(SITECUSTOMIZE)
    folder = tmp_path / "photographs"
    trapped = render_many(folder, 40, size=(320, 240), seed=3)[17]
    set_trap(trapped, trap)

    environment = {"PYTHONPATH": str(tmp_path), "MELANOMA_DECODE_TIMEOUT_S": "3"}
    with ServiceStack(tmp_path / "stack", environment) as stack:
        stack.start_worker()
        stack.restart_dead_workers()
        submission = stack.submit(folder)
        code = submission.finish()
        rows = {row["file"]: row for row in submission.rows()}
        assert len(rows) == 40
        assert rows.pop(trapped.name)["reason"] == reason, stack.worker_logs()
        assert {row["kind"] for row in rows.values()} == {"verdict"}
        assert code == 1, "failures have their own exit code"
        assert stack.client.zcard("melanoma:dead_letters") == 1
        # The first attempt costs one worker. The second is made in a child process, which costs none.
        restarts = len(stack.workers) - 1
        restarts += sum(worker.log.read_text(errors="replace").count(RESTART) for worker in stack.workers)
        assert restarts == 1, stack.worker_logs()
