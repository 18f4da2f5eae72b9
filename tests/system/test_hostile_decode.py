"""A picture that kills the process in decode, and one that never ends: only they are lost."""

import io
from pathlib import Path

import pytest
from PIL import Image

from tests.system.house import House

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


def with_comment(path: Path, comment: bytes) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (300, 300), "tan").save(stream, "JPEG", comment=comment)
    path.write_bytes(stream.getvalue())


@pytest.mark.parametrize(("trap", "reason"), [("poison", "decode_died"), ("hang", "decode_hung")])
def test_the_trap_is_a_dead_letter_and_its_neighbours_get_verdicts(tmp_path: Path, trap: str, reason: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(SITECUSTOMIZE)
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(40):
        with_comment(folder / f"{number:02}.jpg", b"harmless")
    with_comment(folder / "17.jpg", trap.encode())

    environment = {"PYTHONPATH": str(tmp_path), "MELANOMA_DECODE_LIMIT_S": "3"}
    with House(tmp_path / "house", environment) as house:
        house.start_worker()
        house.keep_one_worker()
        submission = house.submit(folder)
        code = submission.finish()
        rows = {row["file"]: row for row in submission.rows()}
        assert len(rows) == 40
        assert rows.pop("17.jpg")["reason"] == reason, house.worker_logs()
        assert {row["kind"] for row in rows.values()} == {"verdict"}
        assert code == 1, "failures have an exit code of their own"
        assert house.client.zcard("melanoma:dead") == 1
