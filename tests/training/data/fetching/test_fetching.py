"""Someone fetches the data sets over a bad line from servers that are not always right."""

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

from tests.training.data.fetching.file_server import FileServer, serve_files
from training.data.cli import cli
from training.data.fetching.download import download
from training.data.fetching.fetcher import fetch_data_set
from training.data.fetching.remote_files import list_dataverse_files
from training.data.records.labelled_image import Split
from training.data.records.labels import LABEL_NAMES
from training.data.sources import read_labelled_images
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
    """What a mirror has: the three data sets as their publishers pack them."""
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
    return {
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
def publisher() -> Iterator[FileServer]:
    with serve_files({"/a.zip": CONTENT, **make_data_sets()}) as one:
        yield one


def download_archive(publisher: FileServer, target: Path, digest: str = "") -> str:
    return download(f"{publisher.url}/a.zip", target, digest, lambda *_: None, pause_s=0)


def test_what_was_cut_off_goes_on_where_it_was(publisher: FileServer, tmp_path: Path) -> None:
    publisher.cut_responses, publisher.failed_responses = 3, 2
    target = tmp_path / "a.zip"
    assert download_archive(publisher, target) == f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    assert target.read_bytes() == CONTENT
    starts = [int((asked or "bytes=0-")[6:-1]) for _, asked in publisher.requests]
    assert starts[:2] == [0, 147_456]
    assert starts == sorted(starts)
    assert starts[3] == starts[4] == starts[5]
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_later_command_goes_on_too(publisher: FileServer, tmp_path: Path) -> None:
    publisher.cut_responses, publisher.failed_responses = 1, 100
    with pytest.raises(TrainingError, match=r"a\.zip does not come .*503.*; what has come is kept, so try again later"):
        download_archive(publisher, tmp_path / "a.zip")
    publisher.failed_responses = 0
    download_archive(publisher, tmp_path / "a.zip")
    assert publisher.requests[-1] == ("/a.zip", "bytes=147456-")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


def test_halves_of_two_files_are_not_joined(publisher: FileServer, tmp_path: Path) -> None:
    """The publisher has another file of the same length by the time that the line is back."""
    publisher.cut_responses, publisher.failed_responses = 1, 100
    with pytest.raises(TrainingError):
        download_archive(publisher, tmp_path / "a.zip")
    publisher.failed_responses = 0
    publisher.files["/a.zip"] = CONTENT[::-1]
    download_archive(publisher, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_wrong_bytes_are_thrown_away(publisher: FileServer, tmp_path: Path, kind: str) -> None:
    right = f"{kind}:{hashlib.new(kind, CONTENT).hexdigest()}"
    publisher.files["/a.zip"] = b"not " + CONTENT[4:]
    with pytest.raises(TrainingError, match="is not the file that it should be"):
        download_archive(publisher, tmp_path / "a.zip", right)
    assert list(tmp_path.iterdir()) == []
    publisher.files["/a.zip"] = CONTENT
    download_archive(publisher, tmp_path / "a.zip", right)


def test_what_is_not_there_is_not_asked_for_again(publisher: FileServer, tmp_path: Path) -> None:
    del publisher.files["/a.zip"]
    with pytest.raises(TrainingError, match=r"not to be had \(HTTP 404\)"):
        download_archive(publisher, tmp_path / "a.zip")
    assert len(publisher.requests) == 1


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=2000), cuts=st.integers(0, 4), had=st.integers(0, 3000))
def test_whatever_is_left_of_an_earlier_try(
    publisher: FileServer, tmp_path: Path, content: bytes, cuts: int, had: int
) -> None:
    """Parts of any length, of this file or another one, with a mark or without: the file is right in the end."""
    publisher.files["/a.zip"], publisher.cut_responses = content, cuts
    (tmp_path / "a.zip.part").write_bytes(content[:had].ljust(had, b"?"))
    (tmp_path / "a.zip.part.tag").write_text(publisher.etag("/a.zip") if had <= len(content) else '"other"')
    download_archive(publisher, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == content


def test_from_fetching_to_pictures(publisher: FileServer, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["fetch", str(tmp_path), "--mirror", publisher.url])
    assert done.exit_code == 0, done.output
    assert "isic2017: 6 pictures" in done.output
    images = read_labelled_images(tmp_path)
    assert [(LABEL_NAMES[one.label], one.split) for one in images if one.source == "isic2017"] == [
        (label, share) for share in (Split.TRAIN, Split.VALID, Split.TEST) for label in ("mel", "nv")
    ]
    ham = [one for one in images if one.source == "ham10000"]
    assert [(LABEL_NAMES[one.label], one.group, one.age, one.sex) for one in ham] == [("bkl", "HAM_1", 80, "male")] * 4
    pad = [one for one in images if one.source == "pad_ufes_20"]
    assert [(LABEL_NAMES[one.label], one.group, one.skin_type, one.age, one.sex) for one in pad] == [
        ("bcc", f"pad:PAT_{number}", 2, 61, "male") for number in range(4)
    ]
    assert {one.fold for one in pad} <= {0, 1, 2, 3}
    # Once more: checked, and not fetched again.
    publisher.requests.clear()
    assert CliRunner().invoke(cli, ["fetch", str(tmp_path), "--mirror", publisher.url]).exit_code == 0
    assert publisher.requests == []
    assert read_labelled_images(tmp_path) == images


def test_a_file_that_changed_since_it_was_fetched_is_refused(publisher: FileServer, tmp_path: Path) -> None:
    fetch_data_set("isic2017", tmp_path, lambda *_: None, publisher.url, pause_s=0)
    (tmp_path / "fetched" / "isic2017" / "test.zip").unlink()
    publisher.files["/isic2017/test.zip"] = publisher.files["/isic2017/valid.zip"]
    done = CliRunner().invoke(cli, ["fetch", str(tmp_path), "--source", "isic2017", "--mirror", publisher.url])
    assert done.exit_code == 1
    assert "test.zip is not the file that it should be" in done.output.replace("\n", "")


def test_a_broken_archive_is_named(publisher: FileServer, tmp_path: Path) -> None:
    publisher.files["/isic2017/valid.zip"] = publisher.files["/isic2017/valid.zip"][:-40]
    with pytest.raises(TrainingError, match=r"valid\.zip is no whole zip archive"):
        fetch_data_set("isic2017", tmp_path, lambda *_: None, publisher.url, pause_s=0)
    assert not (tmp_path / "isic2017" / "manifest.csv").exists()


def test_the_list_of_a_dataverse(publisher: FileServer) -> None:
    """Files by their names there, with the digests that it states; a table as it was before it was taken in."""
    listed = [
        {"label": "pictures.zip", "dataFile": {"id": 7, "md5": "abc"}},
        {"label": "told.tab", "dataFile": {"id": 8, "md5": "def", "originalFileFormat": "text/csv"}},
    ]
    publisher.files["/api/datasets/:persistentId/"] = json.dumps(
        {"data": {"latestVersion": {"files": listed}}}
    ).encode()
    images, told = list_dataverse_files(publisher.url, "doi:1", ("pictures.zip", "told.csv"))
    assert (images.url, images.digest) == (f"{publisher.url}/api/access/datafile/7", "md5:abc")
    assert (told.url, told.digest) == (f"{publisher.url}/api/access/datafile/8?format=original", "")
    with pytest.raises(TrainingError, match="has no file more"):
        list_dataverse_files(publisher.url, "doi:1", ("more.zip",))
    with pytest.raises(TrainingError, match="does not say which files"):
        list_dataverse_files(publisher.url + "/absent", "doi:1", ())


def test_the_isic_archive_has_its_own_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command of that name which writes down what it was asked."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    arguments = ["fetch", str(tmp_path / "data"), "--source", "isic-archive", "--collections", "70"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 1
    assert "pip install isic-cli" in done.output
    client = tmp_path / "bin" / "isic"
    client.parent.mkdir()
    client.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n')
    client.chmod(0o755)
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    assert (tmp_path / "asked").read_text() == f"image download --collections 70 {tmp_path}/data/isic-archive\n"
