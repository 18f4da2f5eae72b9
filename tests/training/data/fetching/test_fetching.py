"""Fetching over an unreliable connection from servers that may change or damage files."""

import hashlib
import io
import json
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.hypothesis_profiles import examples
from tests.training.data.fetching.file_server import FileServer, serve_files
from training.data.cli import cli
from training.data.fetching.download import download
from training.data.fetching.fetcher import fetch_data_set
from training.data.fetching.remote_files import list_dataverse_files
from training.data.records.labelled_image import Split
from training.data.records.labels import LABEL_NAMES
from training.data.sources import PhoneSubject, read_labelled_images, read_phone_images
from training.errors import TrainingError

CONTENT = random.Random(1).randbytes(300_000)


def make_jpeg(seed: int) -> bytes:
    stream = io.BytesIO()
    noise = random.Random(seed).randbytes(32 * 24 * 3)
    Image.frombytes("RGB", (32, 24), noise).save(stream, "JPEG")
    return stream.getvalue()


def make_zip(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def make_data_sets() -> dict[str, bytes]:
    """Files of a mirror: the four data sets as their servers pack them."""
    isic = {
        part: make_zip(
            {
                f"{part}/melanoma/ISIC_{number}0.jpg": make_jpeg(number * 10),
                f"{part}/nevus/ISIC_{number}1.jpg": make_jpeg(number * 10 + 1),
                f"{part}/.DS_Store": b"",
                f"__MACOSX/{part}/nevus/._ISIC_{number}1.jpg": b"",
            }
        )
        for number, part in enumerate(("train", "valid", "test"), 1)
    }
    ham = [f"ISIC_00{number}" for number in range(50, 54)]
    pad = [f"PAT_{number}_1_{number}.png" for number in range(4)]
    columns = "patient_id,lesion_id,img_id,diagnostic,fitspatrick,age,gender"
    table = "\n".join([columns, *(f"PAT_{number},1,{name},BCC,2.0,61,MALE" for number, name in enumerate(pad))])
    hands = {f"master/Dataset/{number % 2}/IMG_{1110 + 9 * number}.JPG": make_jpeg(70 + number) for number in range(4)}
    return {
        "/sign_digits_hands/sign_digits_hands.zip": make_zip({**hands, "master/Examples/example_0.JPG": make_jpeg(80)}),
        **{f"/isic2017/{part}.zip": content for part, content in isic.items()},
        "/ham10000/HAM10000_images_part_1.zip": make_zip(
            {f"{ham[0]}.jpg": make_jpeg(50), f"{ham[1]}.jpg": make_jpeg(51)}
        ),
        "/ham10000/HAM10000_images_part_2.zip": make_zip(
            {f"{ham[2]}.jpg": make_jpeg(52), f"{ham[3]}.jpg": make_jpeg(53)}
        ),
        "/ham10000/HAM10000_metadata.csv": "\n".join(
            [
                "lesion_id,image_id,dx,dx_type,age,sex,localization",
                *(f"HAM_1,{name},bkl,histo,80.0,male,scalp" for name in ham),
            ]
        ).encode(),
        "/pad_ufes_20/pad_ufes_20.zip": make_zip(
            {
                "zr7vgbcyr2-1/images/imgs_part_1.zip": make_zip(
                    {f"imgs_part_1/{name}": make_jpeg(60 + number) for number, name in enumerate(pad)}
                ),
                "zr7vgbcyr2-1/metadata.csv": table.encode(),
            }
        ),
    }


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files({"/a.zip": CONTENT, **make_data_sets()}) as server:
        yield server


def download_archive(server: FileServer, target: Path, digest: str = "") -> str:
    return download(f"{server.url}/a.zip", target, digest, lambda *_: None, pause_s=0)


def test_download_resumes_after_lost_connections(server: FileServer, tmp_path: Path) -> None:
    server.cut_responses, server.failed_responses = 3, 2
    target = tmp_path / "a.zip"
    assert download_archive(server, target) == f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    assert target.read_bytes() == CONTENT
    starts = [int((range_header or "bytes=0-")[6:-1]) for _, range_header in server.requests]
    assert starts[:2] == [0, 147_456]
    assert starts == sorted(starts)
    assert starts[3] == starts[4] == starts[5]
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_download_resumes_what_an_earlier_call_left(server: FileServer, tmp_path: Path) -> None:
    server.cut_responses, server.failed_responses = 1, 100
    with pytest.raises(
        TrainingError, match=r"a\.zip cannot be downloaded .*503.*; what arrived is kept, so try again later"
    ):
        download_archive(server, tmp_path / "a.zip")
    server.failed_responses = 0
    download_archive(server, tmp_path / "a.zip")
    assert server.requests[-1] == ("/a.zip", "bytes=147456-")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


def test_download_does_not_join_parts_of_two_versions(server: FileServer, tmp_path: Path) -> None:
    """The server replaces the file by another one of the same length while the connection is lost."""
    server.cut_responses, server.failed_responses = 1, 100
    with pytest.raises(TrainingError):
        download_archive(server, tmp_path / "a.zip")
    server.failed_responses = 0
    server.files["/a.zip"] = CONTENT[::-1]
    download_archive(server, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_download_deletes_a_file_with_the_wrong_digest(server: FileServer, tmp_path: Path, kind: str) -> None:
    right = f"{kind}:{hashlib.new(kind, CONTENT).hexdigest()}"
    server.files["/a.zip"] = b"not " + CONTENT[4:]
    with pytest.raises(TrainingError, match="is not the expected file"):
        download_archive(server, tmp_path / "a.zip", right)
    assert list(tmp_path.iterdir()) == []
    server.files["/a.zip"] = CONTENT
    download_archive(server, tmp_path / "a.zip", right)


def test_download_does_not_retry_after_404(server: FileServer, tmp_path: Path) -> None:
    del server.files["/a.zip"]
    with pytest.raises(TrainingError, match=r"not available \(HTTP 404\)"):
        download_archive(server, tmp_path / "a.zip")
    assert len(server.requests) == 1


@settings(max_examples=examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=2000), cuts=st.integers(0, 4), part_length=st.integers(0, 3000))
def test_download_is_correct_after_any_leftover_part(
    server: FileServer, tmp_path: Path, content: bytes, cuts: int, part_length: int
) -> None:
    """Parts of any length, of this version of the file or of another one."""
    server.files["/a.zip"], server.cut_responses = content, cuts
    (tmp_path / "a.zip.part").write_bytes(content[:part_length].ljust(part_length, b"?"))
    (tmp_path / "a.zip.part.tag").write_text(server.etag("/a.zip") if part_length <= len(content) else '"other"')
    download_archive(server, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == content


def test_fetch_command_unpacks_readable_data_sets(server: FileServer, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["fetch", str(tmp_path), "--mirror", server.url])
    assert result.exit_code == 0, result.output
    assert "isic2017: 6 pictures" in result.output
    images = read_labelled_images(tmp_path)
    assert [(LABEL_NAMES[image.label], image.split) for image in images if image.source == "isic2017"] == [
        (label, share) for share in (Split.TRAIN, Split.VALID, Split.TEST) for label in ("mel", "nv")
    ]
    ham = [image for image in images if image.source == "ham10000"]
    assert [(LABEL_NAMES[image.label], image.group, image.age, image.sex) for image in ham] == [
        ("bkl", "HAM_1", 80, "male")
    ] * 4
    pad = [image for image in images if image.source == "pad_ufes_20"]
    assert [(LABEL_NAMES[image.label], image.group, image.skin_type, image.age, image.sex) for image in pad] == [
        ("bcc", f"pad:PAT_{number}", 2, 61, "male") for number in range(4)
    ]
    assert {image.fold for image in pad} <= {0, 1, 2, 3}
    phone = read_phone_images(tmp_path)
    assert [image.subject for image in phone if image.source == "sign_digits_hands"] == [PhoneSubject.HAND] * 4
    # The second call only checks the files.
    server.requests.clear()
    assert CliRunner().invoke(cli, ["fetch", str(tmp_path), "--mirror", server.url]).exit_code == 0
    assert server.requests == []
    assert read_labelled_images(tmp_path) == images


def test_fetch_refuses_a_file_that_changed_since_its_first_fetch(server: FileServer, tmp_path: Path) -> None:
    fetch_data_set("isic2017", tmp_path, lambda *_: None, server.url, pause_s=0)
    (tmp_path / "fetched" / "isic2017" / "test.zip").unlink()
    server.files["/isic2017/test.zip"] = server.files["/isic2017/valid.zip"]
    result = CliRunner().invoke(cli, ["fetch", str(tmp_path), "--source", "isic2017", "--mirror", server.url])
    assert result.exit_code == 1
    assert "test.zip is not the expected file" in result.output.replace("\n", "")


def test_fetch_names_a_damaged_archive(server: FileServer, tmp_path: Path) -> None:
    server.files["/isic2017/valid.zip"] = server.files["/isic2017/valid.zip"][:-40]
    with pytest.raises(TrainingError, match=r"valid\.zip is no complete zip archive"):
        fetch_data_set("isic2017", tmp_path, lambda *_: None, server.url, pause_s=0)
    assert not (tmp_path / "isic2017" / "manifest.csv").exists()


def test_list_dataverse_files_gives_urls_and_digests(server: FileServer) -> None:
    """Files by name with the stated digests; a table in its original format and without one."""
    listed = [
        {"label": "pictures.zip", "dataFile": {"id": 7, "md5": "abc"}},
        {"label": "metadata.tab", "dataFile": {"id": 8, "md5": "def", "originalFileFormat": "text/csv"}},
    ]
    server.files["/api/datasets/:persistentId/"] = json.dumps({"data": {"latestVersion": {"files": listed}}}).encode()
    images, metadata = list_dataverse_files(server.url, "doi:1", ("pictures.zip", "metadata.csv"))
    assert (images.url, images.digest) == (f"{server.url}/api/access/datafile/7", "md5:abc")
    assert (metadata.url, metadata.digest) == (f"{server.url}/api/access/datafile/8?format=original", "")
    with pytest.raises(TrainingError, match="has no file more"):
        list_dataverse_files(server.url, "doi:1", ("more.zip",))
    with pytest.raises(TrainingError, match="does not say which files"):
        list_dataverse_files(server.url + "/absent", "doi:1", ())


def test_fetch_command_calls_isic_cli_for_the_isic_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake `isic` records its arguments."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    arguments = ["fetch", str(tmp_path / "data"), "--source", "isic-archive", "--collections", "70"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 1
    assert "pip install isic-cli" in result.output
    client = tmp_path / "bin" / "isic"
    client.parent.mkdir()
    client.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\n')
    client.chmod(0o755)
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    assert (tmp_path / "arguments").read_text() == f"image download --collections 70 {tmp_path}/data/isic-archive\n"
