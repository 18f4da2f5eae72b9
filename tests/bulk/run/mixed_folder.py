"""A folder of everything at once: photographs, DICOM files, archives and odd names.

`python -m tests.bulk.run.mixed_folder 2000` runs the command over such a folder and prints the memory that it used.
"""

import io
import os
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

from local.embedded_valkey import EmbeddedValkey
from tests.bulk.command_process import start
from tests.bulk.fake_worker import FakeWorker
from tests.bulk.inputs.test_dicom import coded, dicom, jpeg, picture

_UNCOMPRESSED = "1.2.840.10008.1.2.1"  # explicit VR, little endian
_ODD = [b"new\nline", b"caf\xe9", "моль".encode(), "😀".encode(), b"=1+1", b"\x1b[31mred", b" ", b"a,b\"'", b"-rf"]


def build(folder: Path, count: int) -> set[str]:
    """Make a folder of `count` images, and return their names."""
    folder.mkdir()
    names: set[str] = set()
    plain, compressed = coded(picture(), "JPEG", quality=90), jpeg(quality=90)
    uncompressed = dicom(picture().tobytes(), _UNCOMPRESSED, "RGB")
    with zipfile.ZipFile(folder / "zip.zip", "w") as zipped, tarfile.open(folder / "tar.tgz", "w:gz") as tarred:
        for n in range(count):
            # Bytes of its own for each image, so that a mix-up would show.
            data, odd = plain + n.to_bytes(8, "big"), os.fsdecode(_ODD[n % len(_ODD)])
            match n % 5:
                case 0:
                    name = f"{odd}{n}.jpg"
                    (folder / name).write_bytes(data)
                case 1:
                    name = f"{n}.dcm"
                    (folder / name).write_bytes(compressed)
                case 2:
                    name = f"IM{n:06}"
                    (folder / name).write_bytes(uncompressed)
                case 3:
                    name = f"zip.zip/{n}/photo.jpg"
                    zipped.writestr(name.removeprefix("zip.zip/"), data)
                case _:
                    name = f"tar.tgz/{odd}{n}.jpg"
                    info = tarfile.TarInfo(name.removeprefix("tar.tgz/"))
                    info.size = len(data)
                    tarred.addfile(info, io.BytesIO(data))
            names.add(name)
    (folder / "notes.txt").touch()
    (folder / "0_segmentation.png").touch()
    return names


def _main(count: int) -> None:
    with tempfile.TemporaryDirectory() as home, EmbeddedValkey(Path(home) / "valkey") as server:
        directory = Path(home)
        names = build(directory / "folder", count)
        (directory / "run").mkdir()
        with FakeWorker(server.url):
            begun = time.monotonic()
            process = start(server.url, directory / "folder", "--out", directory / "out", cwd=directory / "run")
            samples: list[tuple[int, int]] = []
            results = directory / "out" / "results.jsonl"
            while process.poll() is None:
                done = results.read_bytes().count(b"\n") if results.exists() else 0
                samples.append((done, process.memory()))
                time.sleep(0.2)
            code, out, err = process.finish()
        rows = results.read_bytes().count(b"\n")
        print(out, err, sep="\n")
        print(f"exit code {code}, {rows} rows of {len(names)} images, {time.monotonic() - begun:.0f} s")
        for share in (0.1, 0.25, 0.5, 0.75, 1.0):
            done, memory = next((s for s in samples if s[0] >= share * count), samples[-1])
            print(f"after {done} rows: {memory / 2**20:.0f} MiB")
        print(f"at most {max(memory for _, memory in samples) / 2**20:.0f} MiB, the report included")


if __name__ == "__main__":
    _main(int(sys.argv[1]))
