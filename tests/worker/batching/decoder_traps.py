"""Images that set off simulated bugs of a decoder in a child process."""

from pathlib import Path

import pytest
from PIL import Image

from tests.shared.images.files import encode

#: Runs in the child before any other code, and simulates unknown bugs of a decoder.
TRAPS = """
import os, signal, sys, time
from PIL.JpegImagePlugin import JpegImageFile

_load_prepare = JpegImageFile.load_prepare

def load_prepare(self):
    trap = self.info.get("comment", b"").decode()
    if trap in ("SIGSEGV", "SIGABRT", "SIGKILL"):
        os.kill(os.getpid(), getattr(signal, trap))
    if trap == "SIGKILL once" and not os.path.exists(os.environ["HOME"] + "/killed"):
        open(os.environ["HOME"] + "/killed", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    if trap == "exit":
        os._exit(0)
    if trap == "sleep":
        time.sleep(600)
    if trap == "spin":
        while True:
            pass
    if trap == "memory":
        bytearray(900 * 2**20)
    if trap == "nonsense":
        from multiprocessing.connection import Connection
        Connection(int(sys.argv[1])).send_bytes(b'{"refused": "nonsense"}')
        time.sleep(600)
    if trap == "half a reply":
        os.write(int(sys.argv[1]), b"\\x00\\x00\\x03")
        time.sleep(600)
    _load_prepare(self)

JpegImageFile.load_prepare = load_prepare
"""


def make_trapped_jpeg(trap: str) -> bytes:
    """An image that springs one of `TRAPS` wherever they are set."""
    return encode(Image.new("RGB", (320, 240), "brown"), "JPEG", comment=trap.encode())


def set_traps(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Let child processes that start from now on run `TRAPS` first. They keep their state in `folder`."""
    (folder / "sitecustomize.py").write_text(TRAPS)
    patch.syspath_prepend(str(folder))
    patch.setenv("HOME", str(folder))
