"""A folder of hostile and odd files: each gets a verdict or a clear reason, and the worker survives."""

import io
import os
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image, ImageDraw

from local.subprocesses import BackgroundProcess
from samples.lesions import render_lesion
from tests.shared.images.bombs import make_expensive_files, make_refused_bombs
from tests.shared.images.files import encode, encode_heic, make_exif, make_png
from tests.system.support.stack import ServiceStack

pytestmark = pytest.mark.system

#: A worker holds a few hundred small images. None of these files may need more memory.
MAX_MEMORY_GROWTH_BYTES = 600 * 2**20


#: Expected of a file that can be read, whatever the model says about it.
READABLE = "verdict"


def photograph() -> Image.Image:
    return render_lesion(np.random.default_rng(1), 320, 240)


def animation(kind: str) -> bytes:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "green", "blue")]
    stream = io.BytesIO()
    frames[0].save(stream, kind, save_all=True, append_images=frames[1:])
    return stream.getvalue()


def sixteen_bit() -> bytes:
    ramp = np.linspace(0, 65535, 200 * 200).reshape(200, 200).astype(np.uint16)
    return encode(Image.fromarray(ramp), "PNG")


def palette_with_alpha() -> bytes:
    image = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((50, 50, 150, 150), fill=(120, 70, 40, 255))
    return encode(image.convert("P"), "PNG", transparency=0)


def write_files(folder: Path) -> dict[str, str]:
    """Write the files. Returns what is expected of each: `READABLE` or the reason of its refusal."""
    good = encode(photograph(), "JPEG")
    files: dict[str, tuple[bytes, str]] = {
        "empty.jpg": (b"", "empty"),
        "cut-off.jpg": (good[: len(good) // 2], "damaged"),
        "text.jpg": (b"Dear doctor, here is my photograph.", "not_a_picture"),
        "bomb.png": (make_png(60_000, 60_000), "too_many_pixels"),
        "moving.gif": (animation("GIF"), "animated"),
        "moving.webp": (animation("WEBP"), "animated"),
        "ink.jpg": (encode(photograph().convert("CMYK"), "JPEG"), READABLE),
        "deep.png": (sixteen_bit(), READABLE),
        "palette.png": (palette_with_alpha(), READABLE),
        "sideways.jpg": (encode(photograph(), "JPEG", make_exif=make_exif(6)), READABLE),
        "phone.heic": (encode_heic(photograph()), READABLE),
        "drawing.svg": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "unsupported_format"),
        "line\nbreak.jpg": (good, READABLE),
        "\N{SMILING FACE WITH SUNGLASSES}.jpg": (good, READABLE),
        "n" * 246 + ".jpg": (good, READABLE),
        "=HYPERLINK(1).jpg": (good, READABLE),
        "no extension": (good, READABLE),
    }
    for name, (data, _) in files.items():
        (folder / name).write_bytes(data)
    expected = {name: outcome for name, (_, outcome) in files.items()}
    (folder / "circle.jpg").symlink_to("circle.jpg")
    expected["circle.jpg"] = "broken_link"
    (folder / "a folder.jpg").mkdir()
    expected["a folder.jpg"] = "not_a_file"
    os.mkfifo(folder / "pipe.jpg")
    expected["pipe.jpg"] = "not_a_file"
    (folder / "link.jpg").symlink_to(folder / "ink.jpg")
    expected["link.jpg"] = READABLE
    if os.geteuid() != 0:  # root may read everything
        (folder / "secret.jpg").write_bytes(good)
        (folder / "secret.jpg").chmod(0)
        expected["secret.jpg"] = "no_permission"
    (folder / "notes.txt").write_text("not a candidate")
    return expected


class MemoryMonitor:
    """Context manager. Measures the peak growth of the resident memory of a process and its children."""

    def __init__(self, worker: BackgroundProcess) -> None:
        self._process = psutil.Process(worker.pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.growth_bytes = 0

    def __enter__(self) -> "MemoryMonitor":
        self._before = self._resident_bytes()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            self.growth_bytes = max(self.growth_bytes, self._resident_bytes() - self._before)

    def _resident_bytes(self) -> int:
        total = 0
        for process in (self._process, *self._process.children()):
            with suppress(psutil.NoSuchProcess):  # a child that has ended meanwhile
                total += process.memory_info().rss
        return total


def test_each_file_gets_a_verdict_or_a_clear_reason(stack: ServiceStack, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    expected = write_files(folder)
    worker = stack.start_worker()
    with MemoryMonitor(worker) as memory:
        submission = stack.submit(folder)
        assert submission.finish() == 0, submission.output()
        time.sleep(0.1)
    reasons = {row["file"]: row.get("reason") for row in submission.rows()}
    outcomes = {name: READABLE if reason in (None, "not_a_lesion") else reason for name, reason in reasons.items()}
    assert outcomes == expected
    assert "Traceback" not in submission.output()
    assert worker.returncode is None
    assert memory.growth_bytes < MAX_MEMORY_GROWTH_BYTES


#: Documented in docs/threat-model.md: the budget of decodes in child processes, what a slot of the worker's own threads
#: takes with what the allocator keeps, and what the children themselves take.
MAX_DECODE_MEMORY_BYTES = 2**30 + (8 + 1) * (32 + 64) * 2**20 + 8 * 100 * 2**20


@pytest.mark.timeout(1200)
def test_folder_of_bombs_takes_no_more_memory_than_documented(tmp_path: Path) -> None:
    """More decode slots than cores: without a budget the images of all slots would be in memory at once."""
    folder = tmp_path / "bombs"
    folder.mkdir()
    expensive, bombs = make_expensive_files(copies=3), make_refused_bombs(copies=30)
    for number, (name, data) in enumerate([*expensive, *bombs]):
        (folder / f"{number:03}-{name}").write_bytes(data)
    # A large image takes two seconds of a core, of which eight slots have a quarter each.
    environment = {"MELANOMA_DECODE_SLOTS": "8", "MELANOMA_DECODE_TIMEOUT_S": "200"}
    with ServiceStack(tmp_path / "stack", environment) as stack:
        worker = stack.start_worker()
        with MemoryMonitor(worker) as memory:
            submission = stack.submit(folder)
            assert submission.process.wait(1100) == 0, submission.output()
        assert worker.returncode is None
        assert "restarting the worker" not in stack.worker_logs()
    rows = submission.rows()
    reasons = Counter(READABLE if row["kind"] == "verdict" else row["reason"] for row in rows)
    assert reasons == {READABLE: len(expensive), "unreadable": len(bombs)}
    print(f"memory grew by {memory.growth_bytes / 2**20:.0f} MiB")
    assert memory.growth_bytes < MAX_DECODE_MEMORY_BYTES
