"""A picture that kills the process in decode, and one that never ends: only they are lost."""

from pathlib import Path

import pytest
from PIL import Image

from samples.many import render_many
from tests.system.stack import House

pytestmark = pytest.mark.system

#: Runs in the workers, before anything else, in place of a decoder's bug that nobody knows yet.
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


def set_trap(path: Path, trap: str) -> None:
    with Image.open(path) as image:
        image.load()
        image.save(path, "JPEG", comment=trap.encode())


@pytest.mark.parametrize(("trap", "reason"), [("poison", "decode_died"), ("hang", "decode_hung")])
def test_the_trap_is_a_dead_letter_and_its_neighbours_get_verdicts(tmp_path: Path, trap: str, reason: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(SITECUSTOMIZE)
    folder = tmp_path / "photographs"
    trapped = render_many(folder, 40, size=(320, 240), seed=3)[17]
    set_trap(trapped, trap)

    environment = {"PYTHONPATH": str(tmp_path), "MELANOMA_DECODE_TIMEOUT_S": "3"}
    with House(tmp_path / "house", environment) as house:
        house.start_worker()
        house.keep_one_worker()
        submission = house.submit(folder)
        code = submission.finish()
        rows = {row["file"]: row for row in submission.rows()}
        assert len(rows) == 40
        assert rows.pop(trapped.name)["reason"] == reason, house.worker_logs()
        assert {row["kind"] for row in rows.values()} == {"verdict"}
        assert code == 1, "failures have an exit code of their own"
        assert house.client.zcard("melanoma:dead_letters") == 1
