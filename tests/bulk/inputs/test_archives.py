"""Tests of images in zip and tar archives: named, bounded, never unpacked to the disk."""

import gzip
import io
import struct
import tarfile
import tracemalloc
import zipfile
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulk.inputs.archives import archive_format, tar_archive, zip_archive
from bulk.inputs.formats import read_image, read_order
from bulk.inputs.read_problem import FileNotReadable, ReadProblem
from bulk.inputs.scanner import Skipped, scan
from shared.contract.decision import RefusalReason
from shared.images.limits import DECODE_LIMITS
from shared.images.refusal import ImageRejected

KINDS = ["a.zip", "a.tar", "a.tar.gz", "a.tgz"]


def write_archive(path: Path, files: list[tuple[str, bytes]]) -> None:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
            for name, data in files:
                zipped.writestr(name, data)
        return
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as tarred:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tarred.addfile(info, io.BytesIO(data))


def read_all(folder: Path, skipped: Skipped | None = None) -> dict[str, object]:
    """The bytes of each image of the folder, or why there are none."""
    found: dict[str, object] = {}
    for image in scan(folder, recursive=True, skipped=skipped or Skipped()):
        assert image.name not in found
        try:
            found[image.name] = image.load()
        except FileNotReadable as error:
            found[image.name] = error.problem
        except ImageRejected as error:
            found[image.name] = error.reason
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_images_in_an_archive_are_images(tmp_path: Path, kind: str) -> None:
    files = [("x.jpg", b"first"), ("deep/er/y.PNG", b"second"), ("../../etc/z.jpg", b"third"), ("/w.jpg", b"fourth")]
    write_archive(tmp_path / kind, [*files, ("notes.txt", b"x"), (".hidden.jpg", b"x"), ("__MACOSX/._x.jpg", b"x")])
    skipped = Skipped()
    assert read_all(tmp_path, skipped) == {f"{kind}/{name}": data for name, data in files}
    assert (skipped.hidden, skipped.other_files) == (2, {".txt": 1})
    assert [path.name for path in tmp_path.iterdir()] == [kind]


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_one_name_are_told_apart(tmp_path: Path, kind: str) -> None:
    with pytest.warns(UserWarning, match="Duplicate") if kind == "a.zip" else nullcontext():
        write_archive(tmp_path / kind, [("x.jpg", b"first"), ("x.jpg", b"second")])
    assert sorted(map(str, read_all(tmp_path).values())) == [str(b"first"), str(b"second")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_archive_is_named_and_ends_nothing(tmp_path: Path, kind: str) -> None:
    write_archive(tmp_path / kind, [(f"{n}.jpg", bytes([n]) * 3000) for n in range(20)])
    (tmp_path / "z.jpg").write_bytes(b"good")
    whole = (tmp_path / kind).read_bytes()
    for length in (0, 1, len(whole) // 2, len(whole) - 30):
        (tmp_path / kind).write_bytes(whole[:length])
        found = read_all(tmp_path)
        assert found.pop("z.jpg") == b"good"
        if kind == "a.tar" and length == len(whole) - 30:
            assert len(found) == 20  # only the padding is missing
        else:
            assert set(found.values()) <= {ReadProblem.ARCHIVE_DAMAGED}


def test_a_damaged_header_in_the_middle_of_a_tar_is_not_its_end(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.tar", [(f"{n}.jpg", bytes(512)) for n in range(4)])
    data = bytearray((tmp_path / "a.tar").read_bytes())
    data[2 * 1024 : 2 * 1024 + 512] = b"\xaa" * 512
    (tmp_path / "a.tar").write_bytes(data)
    assert read_all(tmp_path) == {"a.tar": ReadProblem.ARCHIVE_DAMAGED}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_unpacks_to_more_than_an_image_may_have_is_refused_unread(tmp_path: Path, kind: str) -> None:
    write_archive(tmp_path / kind, [("bomb.jpg", bytes(DECODE_LIMITS.max_bytes + 1)), ("x.jpg", b"good")])
    tracemalloc.start()
    found = read_all(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == {f"{kind}/bomb.jpg": RefusalReason.TOO_MANY_BYTES, f"{kind}/x.jpg": b"good"}
    assert peak < 4 * 2**20


def test_an_archive_that_unpacks_to_far_more_than_it_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tar_archive, "_MAX_UNPACKED_BYTES", 2**20)
    write_archive(tmp_path / "a.tgz", [(f"{n}.txt", bytes(2**20)) for n in range(8)])
    assert read_all(tmp_path) == {"a.tgz": ReadProblem.ARCHIVE_TOO_LARGE}


def test_a_tar_cannot_ask_for_a_header_of_any_size(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 2**32
    with gzip.open(tmp_path / "a.tgz", "wb") as file:
        file.write(header.tobuf())
        file.write(bytes(2**20))
    assert read_all(tmp_path)["a.tgz"] in (ReadProblem.ARCHIVE_DAMAGED, ReadProblem.ARCHIVE_TOO_LARGE)


@pytest.mark.parametrize("kind", ["a.zip", "a.tar"])
def test_an_archive_of_too_many_files_is_refused(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (archive_format, zip_archive, tar_archive):
        monkeypatch.setattr(module, "MAX_MEMBERS", 3)
    write_archive(tmp_path / kind, [(f"{n}.jpg", b"x") for n in range(4)])
    assert read_all(tmp_path) == {kind: ReadProblem.ARCHIVE_TOO_LARGE}


def test_the_list_of_files_of_a_zip_is_bounded_before_it_is_read(tmp_path: Path) -> None:
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 2**31, 0, 0)
    (tmp_path / "a.zip").write_bytes(end)
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, 2**40, 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1)
    full = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    (tmp_path / "b.zip").write_bytes(end64 + locator + full)
    assert read_all(tmp_path) == dict.fromkeys(["a.zip", "b.zip"], ReadProblem.ARCHIVE_TOO_LARGE)


def test_encrypted_and_unusually_compressed_files_are_refused_by_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.writestr("secret.jpg", b"x" * 20)
        zipped.writestr("lzma.jpg", b"x" * 20, zipfile.ZIP_LZMA)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.find(signature) + offset] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    assert read_all(tmp_path) == {
        "a.zip/secret.jpg": ReadProblem.ENCRYPTED,
        "a.zip/lzma.jpg": ReadProblem.ARCHIVE_UNSUPPORTED,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_is_found_again_by_its_name_after_the_archive_has_changed(tmp_path: Path, kind: str) -> None:
    write_archive(tmp_path / kind, [("x.jpg", b"first"), ("y.jpg", b"second")])
    assert read_image(tmp_path, f"{kind}/x.jpg") == b"first"
    assert read_order(tmp_path, f"{kind}/x.jpg") < read_order(tmp_path, f"{kind}/y.jpg")
    write_archive(tmp_path / kind, [("y.jpg", b"third, longer than before")])
    assert read_image(tmp_path, f"{kind}/y.jpg") == b"third, longer than before"
    with pytest.raises(FileNotReadable, match="vanished"):
        read_image(tmp_path, f"{kind}/x.jpg")


@pytest.mark.parametrize("kind", ["a.zip", "a.tar", "a.tgz"])
@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_byte_of_an_archive_ends_the_run(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    write_archive(tmp_path / kind, [(f"{n}.jpg", bytes([n]) * 40) for n in range(3)])
    raw = bytearray((tmp_path / kind).read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / kind).write_bytes(raw)
    read_all(tmp_path)
