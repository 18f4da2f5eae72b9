"""Decodes each file of a folder and prints a JSON object: for each name the estimated and the measured peak in bytes.

Run it as a process of its own with `MALLOC_MMAP_THRESHOLD_=65536`, so that freed memory goes back to the system and is
measured again for the next file. Linux only.
"""

import json
import sys
from pathlib import Path

from shared.images.decode import decode
from tests.shared.images.files import SQUASH, encode, quarters


def _read_status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise ValueError(field)


def main() -> None:
    peaks = {}
    decode(encode(quarters(), "JPEG"), SQUASH)
    for path in sorted(Path(sys.argv[1]).iterdir()):
        data, estimates = path.read_bytes(), list[int]()
        Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
        before = _read_status("VmRSS")
        decode(data, SQUASH, reserve=estimates.append)
        peaks[path.name] = estimates[0], _read_status("VmHWM") - before
    print(json.dumps(peaks))


main()
